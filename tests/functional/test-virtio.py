"""Virtio disks through the firmware's own drivers, modern and legacy, recorded
and replayed; the properties that users give."""
import os
import shutil
import subprocess
import unittest

import reprise

GRUB_CONFIG = '''serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=-1
menuentry "first entry" { echo chose first; sleep 100 }
menuentry "second entry" { echo chose second; cat /text; sleep 100 }
'''


class VirtioDisk(reprise.TestCase):
    def start_guest(self, guest, *device):
        return self.start('-m', '64', '-drive',
                          f'file={reprise.guest(guest)},format=raw,if=none,'
                          'id=d,snapshot=on', '-device', 'isa-debug-exit',
                          '-device', ','.join(('virtio-blk-pci,drive=d',
                                               *device)))

    def test_boots_by_every_interface(self):
        for device in ((), ('disable-legacy=on',), ('disable-modern=on',),
                       ('vectors=0', 'addr=7')):
            with self.subTest(device=device):
                vm = self.start_guest('calls', *device)
                vm.serial.expect('sum 1240 calls 120')
                self.assertEqual(vm.wait(), 1)

    def test_boot_index_chooses_among_disks(self):
        for first, expected in ((0, 'sum 1240'), (1, 'io guest')):
            vm = self.start(
                '-m', '64', '-snapshot',
                '-drive', f'file={reprise.guest("calls")},format=raw,'
                'if=none,id=a',
                '-drive', f'file={reprise.guest("io")},format=raw,'
                'if=none,id=b',
                '-device', f'virtio-blk-pci,drive=a,bootindex={first}',
                '-device', f'virtio-blk-pci,drive=b,bootindex={1 - first}',
                '-device', 'isa-debug-exit')
            vm.serial.expect(expected)
            vm.close()

    def test_info_block_tells_disks_and_their_devices(self):
        disk = self.raw_image()
        vm = self.start('-S', '-drive', f'file={disk},format=raw,if=virtio',
                        '-drive', 'if=ide,media=cdrom,id=cd', hmp=True)
        text = vm.hmp.cmd('info block')
        self.assertIn(f'virtio0: {disk} (raw)\n    Attached to:      '
                      'virtio-blk-device.0\n', text)
        self.assertIn('cd: [not inserted]\n    Attached to:      ide-cd.0',
                      text)

    def grub_disk(self):
        os.makedirs(self.path('iso/boot/grub'))
        with open(self.path('iso/boot/grub/grub.cfg'), 'w',
                  encoding='ascii') as f:
            f.write(GRUB_CONFIG)
        with open(self.path('iso/text'), 'w', encoding='ascii') as f:
            f.write('text from the disk\n')
        disk = self.path('grub.img')
        subprocess.run(['grub-mkrescue', '-d', '/usr/lib/grub/i386-pc', '-o',
                        disk, self.path('iso')], check=True,
                       capture_output=True)
        return disk

    @unittest.skipUnless(shutil.which('grub-mkrescue'), 'needs grub-mkrescue')
    def test_grub_is_recorded_and_replayed(self):
        disk = self.grub_disk()
        log = self.path('grub.rr')

        def start(mode, *args):
            return self.start(
                '-m', '64', '-drive', f'file={disk},format=raw,if=virtio,'
                'snapshot=on', '-icount', f'shift=7,rr={mode},rrfile={log},'
                'rrdigest=2000000', *args,
                qmp=mode == 'record')

        vm = start('record')
        vm.serial.expect('second entry')
        vm.serial.send('\x0e\r')       # ^N, down; Enter
        vm.serial.expect('chose second')
        vm.serial.expect('text from the disk')
        vm.qmp.cmd('quit')
        vm.wait()
        again = start('replay', '-replay-verify')
        self.assertEqual(again.wait(), 0, again.output())

    def test_torture(self):
        """Firmware and guest, with digests all the way, in odd ways."""
        log = self.path('calls.rr')

        def run(mode, accel, device):
            vm = self.start(
                '-m', '32', '-drive', f'file={reprise.guest("calls")},'
                'format=raw,if=none,id=d,snapshot=on', '-device',
                f'virtio-blk-pci,drive=d{device}', '-device', 'isa-debug-exit',
                '-device', 'virtio-rng-pci', '-accel', f'tcg,{accel}',
                '-icount', f'shift=7,rr={mode},rrfile={log},rrdigest=50000')
            self.assertEqual(vm.wait(), 1, vm.output())
            return vm.serial.seen

        for device in ('', ',disable-modern=on'):
            printed = run('record', 'backend=x86_64', device)
            self.assertIn(b'sum 1240 calls 120', printed)
            for accel in ('backend=interp', 'flush-at-random=3',
                          'one-insn-per-tb=on'):
                with self.subTest(accel=accel):
                    self.assertEqual(run('replay', accel, device), printed)

    def refused(self, *args):
        done = reprise.run('-nodefaults', *args)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_wrong_properties_are_named(self):
        disk = self.raw_image()
        drive = ('-drive', f'file={disk},format=raw,if=none,id=d')
        for device, words in (
                ('virtio-blk-pci', 'drive property not set'),
                ('virtio-blk-pci,drive=d,num-queues=17', 'num-queues=17'),
                ('virtio-blk-pci,drive=d,queue-size=100', 'queue-size=100'),
                ('virtio-blk-pci,drive=d,logical_block_size=100',
                 'logical_block_size=100'),
                ('virtio-blk-pci,drive=d,disable-legacy=on,disable-modern=on',
                 'neither modern nor legacy'),
                ('virtio-blk-pci,drive=d,vectors=999', 'vectors'),
                ('virtio-blk-pci,drive=d,disable-legacy=maybe', 'maybe'),
                ('virtio-blk-pci,drive=d,nothing=1', 'nothing'),
                ('virtio-blk-device,drive=d', "No 'virtio-bus' bus")):
            with self.subTest(device=device):
                self.assertIn(words, self.refused(*drive, '-device', device))
        self.assertIn('already in use', self.refused(
            *drive, '-device', 'virtio-blk-pci,drive=d', '-device',
            'virtio-blk-pci,drive=d'))


if __name__ == '__main__':
    reprise.main()
