"""Disks on SCSI and NVMe through the firmware's own drivers: booted, recorded,
replayed; the properties that users give."""
import os
import shutil
import subprocess
import unittest

import reprise

SCSI = ('-device', 'virtio-scsi-pci,id=s')
# How a drive d is plugged in.
DISKS = {'scsi': (*SCSI, '-device', 'scsi-hd,drive=d,bus=s.0,scsi-id=3,'
                  'lun=2'),
         'nvme': ('-device', 'nvme,drive=d,serial=N1')}
EXIT = ('-device', 'isa-debug-exit')


def disk(name, node='d'):
    return ('-drive', f'file={reprise.guest(name)},format=raw,if=none,'
            f'id={node},snapshot=on')


class Disks(reprise.TestCase):
    def test_boot_index_chooses_among_buses(self):
        for first, expected in ((0, 'sum 1240'), (1, 'io guest')):
            vm = self.start(
                '-m', '64', *disk('calls', 'a'), *disk('io', 'b'), *SCSI,
                *EXIT, '-device',
                f'scsi-hd,drive=a,scsi-id=9,bootindex={first}', '-device',
                f'nvme,drive=b,serial=1,bootindex={1 - first}')
            vm.serial.expect(expected)
            vm.close()

    @unittest.skipUnless(shutil.which('xorriso'), 'needs xorriso')
    def test_guest_from_a_cd(self):
        os.mkdir(self.path('cd'))
        with open(reprise.guest('calls'), 'rb') as f:
            image = f.read(32768)
        with open(self.path('cd/boot.img'), 'wb') as f:
            f.write(image)
        iso = self.path('cd.iso')
        subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-o', iso,
                        '-b', 'boot.img', '-no-emul-boot', '-boot-load-size',
                        '64', self.path('cd')], check=True,
                       capture_output=True)
        vm = self.start('-m', '64', '-drive',
                        f'file={iso},media=cdrom,if=none,id=c', *SCSI,
                        '-device', 'scsi-cd,drive=c', '-boot', 'd', *EXIT)
        vm.serial.expect('sum 1240 calls 120')
        self.assertEqual(vm.wait(), 1)

    def test_torture(self):
        """Firmware and guest, with digests all the way, in odd ways."""
        for name, device in DISKS.items():
            log = self.path(f'{name}.rr')

            def run(mode, accel):
                vm = self.start(
                    '-m', '32', *disk('calls'), *device, *EXIT, '-accel',
                    f'tcg,{accel}', '-icount',
                    f'shift=7,rr={mode},rrfile={log},rrdigest=50000')
                self.assertEqual(vm.wait(), 1, vm.output())
                return vm.serial.seen

            printed = run('record', 'backend=x86_64')
            self.assertIn(b'sum 1240 calls 120', printed)
            for accel in ('backend=interp', 'flush-at-random=3',
                          'one-insn-per-tb=on'):
                with self.subTest(disk=name, accel=accel):
                    self.assertEqual(run('replay', accel), printed)

    def refused(self, *args):
        done = reprise.run('-nodefaults', *args)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_wrong_properties_are_named(self):
        drive = ('-drive', f'file={self.raw_image()},format=raw,if=none,id=d')
        unit = (*drive, *SCSI, '-device')
        for args, words in (
                ((*drive, '-device', 'scsi-hd,drive=d'), "No 'SCSI' bus"),
                ((*unit, 'scsi-hd'), 'drive property not set'),
                ((*unit, 'scsi-hd,drive=d,channel=1'), 'channel id: 1'),
                ((*unit, 'scsi-hd,drive=d,scsi-id=256'), 'device id: 256'),
                ((*unit, 'scsi-hd,drive=d,lun=16384'), 'lun: 16384'),
                ((*unit, 'scsi-hd,drive=d,bus=t.0'), "'t.0' not found"),
                ((*unit, 'scsi-hd,drive=d,logical_block_size=100'),
                 'logical_block_size=100'),
                ((*unit, 'scsi-cd,scsi-id=1,lun=0', '-device',
                  'scsi-hd,drive=d,scsi-id=1,lun=0'), 'lun already used'),
                (('-device', 'virtio-scsi-pci,num_queues=0'),
                 'Invalid number of queues (= 0)'),
                (('-device', 'virtio-scsi-pci,virtqueue_size=100'),
                 'virtqueue_size=100'),
                (('-device', 'nvme,serial=1'), 'drive property not set'),
                ((*drive, '-device', 'nvme,drive=d'),
                 'serial property not set'),
                ((*drive, '-device', 'nvme,drive=d,serial=1,max_ioqpairs=0'),
                 'max_ioqpairs'),
                ((*drive, '-device', 'nvme,drive=d,serial=1,mdts=9'), 'mdts'),
                ((*drive, '-device', 'nvme,drive=d,serial=1,'
                  'logical_block_size=100'), 'logical_block_size=100'),
                (('-drive', f'file={self.raw_image()},if=scsi,format=raw'),
                 'machine type does not support if=scsi,bus=0,unit=0')):
            with self.subTest(args=args):
                self.assertIn(words, self.refused(*args))


if __name__ == '__main__':
    reprise.main()
