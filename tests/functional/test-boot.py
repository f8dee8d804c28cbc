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

    @unittest.skipUnless(shutil.which('syslinux') and shutil.which('mcopy'),
                         'needs syslinux and mtools')
    def test_syslinux_from_a_floppy_disk(self):
        """A program of 16-bit code, with the disk, the screen and a kernel."""
        disk = self.path('floppy.img')

        def run(*command):
            subprocess.run(command, check=True, capture_output=True)

        run('mformat', '-C', '-i', disk, '-f', '1440', '::')
        run('syslinux', '--install', disk)
        for name, text in (('initrd', 'an initrd'), ('syslinux.cfg',
                           'SERIAL 0\r\nDEFAULT kernel initrd=initrd by '
                           'syslinux\r\n')):
            with open(self.path(name), 'w', encoding='ascii') as f:
                f.write(text)
            run('mcopy', '-i', disk, self.path(name), '::' + name)
        run('mcopy', '-i', disk, reprise.guest('bzimage'), '::kernel')
        vm = self.start('-m', '32', '-boot', 'a', '-device', 'isa-debug-exit',
                        '-drive', f'file={disk},format=raw,if=floppy')
        self.assertEqual(vm.wait(), 1, vm.serial.seen)
        self.assertRegex(vm.serial.seen,
                         b'linux guest: .*by syslinux.*\nan initrd')

    def start_linux(self, *args):
        kernel = reprise.guest('bzimage')
        with open(self.path('initrd'), 'w', encoding='ascii') as f:
            f.write('an initrd')
        return self.start('-m', '32', '-kernel', kernel, '-device',
                          'isa-debug-exit', '-initrd', self.path('initrd'),
                          '-append', 'a "command line" = b', *args)

    def test_kernel_in_the_format_of_linux(self):
        vm = self.start_linux()
        self.assertEqual(vm.wait(), 1, vm.output())
        self.assertIn(b'linux guest: a "command line" = b\nan initrd',
                      vm.serial.seen)

    def test_kernel_with_a_pvh_note(self):
        kernel = reprise.guest('pvh').replace('.img', '.elf')
        with open(self.path('initrd'), 'w', encoding='ascii') as f:
            f.write('an initrd')
        for arch in ('x86_64', 'i386'):
            vm = self.start('-m', '32', '-kernel', kernel, '-device',
                            'isa-debug-exit', '-initrd', self.path('initrd'),
                            '-append', 'a command line', arch=arch)
            self.assertEqual(vm.wait(), 1, vm.serial.seen)
            self.assertIn(b'a command line\nan initrd', vm.serial.seen)

    def test_recording_knows_kernel_initrd_and_command_line(self):
        log = self.path('run.rr')
        vm = self.start_linux('-icount', f'shift=3,rr=record,rrfile={log}')
        self.assertEqual(vm.wait(), 1, vm.output())
        again = self.start_linux('-icount',
                                 f'shift=3,rr=replay,rrfile={log}')
        self.assertEqual(again.wait(), 1, again.output())
        self.assertEqual(again.serial.seen, vm.serial.seen)
        other = self.start_linux('-append', 'another', '-icount',
                                 f'shift=3,rr=replay,rrfile={log}')
        self.assertEqual(other.wait(), 1)
        self.assertRegex(other.output(), 'recorded with append=a .* = b, '
                         'started with append=another')
        with open(self.path('other'), 'w', encoding='ascii') as f:
            f.write('another')
        other = self.start_linux('-initrd', self.path('other'), '-icount',
                                 f'shift=3,rr=replay,rrfile={log}')
        self.assertEqual(other.wait(), 1)
        self.assertRegex(other.output(), 'recorded with initrd=.* initrd, '
                         'started with initrd=.* other')

    def test_bad_kernels_are_named(self):
        whole = reprise.guest('bzimage')
        with open(whole, 'rb') as f:
            image = f.read()
        for name, content, text in (
                ('empty', b'', 'the file is empty'),
                ('short', image[:1200], 'cut short: 1200 of .* bytes'),
                ('text', b'no kernel' * 1000, 'neither a Linux')):
            with open(self.path(name), 'wb') as f:
                f.write(content)
            vm = self.start('-m', '32', '-kernel', self.path(name))
            self.assertEqual(vm.wait(), 1)
            self.assertRegex(vm.output(), f'-kernel {name}: .*{text}')
        with open(self.path('big'), 'wb') as f:
            f.truncate(40 << 20)
        for name, text in (('empty', 'the file is empty'),
                           ('big', 'do not fit between the kernel')):
            vm = self.start('-m', '32', '-kernel', whole, '-initrd',
                            self.path(name))
            self.assertEqual(vm.wait(), 1)
            self.assertRegex(vm.output(), f'-initrd {name}: .*{text}')


if __name__ == '__main__':
    reprise.main()
