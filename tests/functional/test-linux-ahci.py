"""Linux's drivers of AHCI on Debian's kernel: a disk and a CD are read and written
while the machine is recorded; the replays end alike, on both back ends and from
a snapshot that was taken while requests were under way."""
import hashlib
import os
import random
import re
import subprocess

import reprise
from linux_guest import APPEND, LinuxCase, PATIENCE, make_initrd, \
    module_files

SCRIPT = r'''#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for m in MODULES; do insmod /$m; done
while [ ! -e /dev/sda ] || [ ! -e /dev/sr0 ]; do sleep 1; done
echo "model $(cat /sys/block/sda/device/model)"
echo "depth $(cat /sys/block/sda/device/queue_depth)"
echo "disk $(sha256sum </dev/sda)"
echo "cd $(sha256sum </dev/sr0)"
dd if=/dev/sr0 of=/dev/sda bs=64k seek=16 oflag=direct 2>/dev/null
for i in 0 1 2 3; do
  dd if=/dev/sda of=/dev/null bs=256k skip=$i count=8 iflag=direct 2>/dev/null &
  dd if=/dev/sr0 of=/dev/sda bs=4k skip=$i seek=$((i*8)) count=8 oflag=direct 2>/dev/null &
done
wait
blkdiscard -o 524288 -l 65536 /dev/sda
sync
echo 3 >/proc/sys/vm/drop_caches
echo "copy $(dd if=/dev/sda bs=64k skip=16 count=CDBLOCKS 2>/dev/null | sha256sum)"
echo "trimmed $(dd if=/dev/sda bs=64k skip=8 count=1 2>/dev/null | sha256sum)"
echo "whole $(sha256sum </dev/sda)"
echo "workload done"
poweroff -f
'''
DISK_BYTES, CD_BYTES = 4 << 20, 1 << 20
CONTROLLER = ('-device', 'ich9-ahci,id=ahci0', '-device',
              'ide-hd,drive=d,bus=ahci0.0', '-device',
              'ide-cd,drive=c,bus=ahci0.3')


class LinuxAhci(LinuxCase):
    def content(self, name, size):
        data = random.Random(size).randbytes(size)
        with open(self.path(name), 'wb') as f:
            f.write(data)
        return data

    def setUp(self):
        super().setUp()
        kernel, busybox = self.kernel('amd64')
        modules = module_files(['ahci', 'sd_mod', 'sr_mod'])
        names = ' '.join(os.path.basename(m) for m in modules)
        script = SCRIPT.replace('MODULES', names)
        make_initrd(self.path('initrd'), busybox,
                    script.replace('CDBLOCKS', str(CD_BYTES >> 16)), modules)
        self.disk = self.content('disk.raw', DISK_BYTES)
        self.cd = self.content('cd.iso', CD_BYTES)
        subprocess.run([reprise.program('reprise-img'), 'convert', '-O',
                        'qcow2', self.path('disk.raw'),
                        self.path('disk.qcow2')], check=True)
        self.machine = (
            '-m', '256', '-no-reboot', '-kernel', kernel, '-initrd',
            self.path('initrd'), '-append', APPEND, '-drive',
            f'file={self.path("disk.qcow2")},if=none,id=d', '-drive',
            f'file={self.path("cd.iso")},format=raw,media=cdrom,if=none,id=c',
            *CONTROLLER)

    def run_it(self, mode, *args, more=''):
        vm = self.start(*self.machine, *args, '-icount',
                        f'shift=1,sleep=off,rr={mode},rrdigest=1000000,'
                        f'rrfile={self.path("run.rr")}{more}')
        self.assertEqual(vm.wait(PATIENCE), 0, vm.output())
        return vm.serial.seen.decode(errors='replace')

    def test_disk_and_cd(self):
        said = self.run_it('record', more=',rrsnapshot=init,'
                           'rrsnapshot-period=1500M')
        for word, data in (('disk', self.disk), ('cd', self.cd),
                           ('copy', self.cd), ('trimmed', bytes(65536))):
            digest = hashlib.sha256(data).hexdigest()
            self.assertIn(f'{word} {digest}', said)
        self.assertIn('depth 32', said)
        self.assertIn('workload done', said)
        again = self.run_it('replay', more=',rrsnapshot=init')
        self.assertEqual(again, said)
        listed = subprocess.run(
            [reprise.program('reprise-img'), 'snapshot', '-l',
             self.path('disk.qcow2')], check=True, capture_output=True,
            text=True).stdout
        for name in re.findall(r'\binit-\d+', listed)[-2:]:
            with self.subTest(snapshot=name):
                end = self.run_it('replay', '-accel', 'tcg,backend=interp',
                                  more=f',rrsnapshot={name}')
                self.assertTrue(end and said.endswith(end), end[-200:])


if __name__ == '__main__':
    reprise.main()
