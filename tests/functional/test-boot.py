"""Real firmware and boot loaders: SeaBIOS, guests from disk and CD, GRUB."""
import os
import shutil
import subprocess
import unittest

import reprise


class Boot(reprise.TestCase):
    def test_firmware_without_a_disk(self):
        for arch in ('x86_64', 'i386'):
            with self.subTest(arch=arch):
                vm = self.start('-m', '128', '-net', 'none', arch=arch)
                vm.serial.expect('SeaBIOS')
                vm.serial.expect('No bootable device')

    def test_guest_from_a_disk(self):
        for arch in ('x86_64', 'i386'):
            with self.subTest(arch=arch):
                vm = self.start('-hda', reprise.guest('calls'), '-snapshot',
                                '-device', 'isa-debug-exit', arch=arch)
                vm.serial.expect('sum 1240 calls 120')
                self.assertEqual(vm.wait(), 1)

    @unittest.skipUnless(shutil.which('xorriso'), 'needs xorriso')
    def test_guest_from_a_cd(self):
        os.mkdir(self.path('cd'))
        # El Torito without emulation: the whole guest is loaded.
        with open(reprise.guest('calls'), 'rb') as f:
            guest = f.read(32768)
        with open(self.path('cd/boot.img'), 'wb') as f:
            f.write(guest)
        iso = self.path('cd.iso')
        subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-o', iso,
                        '-b', 'boot.img', '-no-emul-boot', '-boot-load-size',
                        '64', self.path('cd')], check=True,
                       capture_output=True)
        vm = self.start('-cdrom', iso, '-boot', 'd', '-device',
                        'isa-debug-exit')
        vm.serial.expect('sum 1240 calls 120')
        self.assertEqual(vm.wait(), 1)

    @unittest.skipUnless(shutil.which('grub-mkrescue'), 'needs grub-mkrescue')
    def test_grub_menu_takes_keys(self):
        os.makedirs(self.path('iso/boot/grub'))
        with open(self.path('iso/boot/grub/grub.cfg'), 'w',
                  encoding='ascii') as f:
            f.write('serial --unit=0 --speed=115200\n'
                    'terminal_input serial\nterminal_output serial\n'
                    'set timeout=-1\n'
                    'menuentry "first entry" { echo chose first; sleep 100 }\n'
                    'menuentry "second entry" { echo chose second; '
                    'sleep 100 }\n')
        iso = self.path('grub.iso')
        subprocess.run(['grub-mkrescue', '-d', '/usr/lib/grub/i386-pc', '-o',
                        iso, self.path('iso')], check=True,
                       capture_output=True)
        vm = self.start('-m', '128', '-cdrom', iso, '-boot', 'd')
        vm.serial.expect('first entry')
        vm.serial.expect('second entry')
        vm.serial.send('\x0e\r')  # ^N, down; Enter
        vm.serial.expect('chose second')


if __name__ == '__main__':
    reprise.main()
