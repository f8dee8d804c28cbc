"""Debian's own drivers on virtio-scsi, NVMe and virtio-blk: disks written, read
back, discarded and cleared, over a reboot, recorded and replayed in odd ways,
from snapshots taken while requests are under way."""
import os
import re
import subprocess

import reprise
from linux_guest import APPEND, LinuxCase, PATIENCE, make_initrd, \
    module_files

MODULES = ['virtio_pci', 'virtio_scsi', 'virtio_blk', 'sd_mod', 'sr_mod',
           'nvme']
MIB = 1 << 20

# On each disk: a pattern, its digest over again after the cache was dropped, a
# hole in its middle, zeroes; two writers at a time.
SCRIPT = r'''#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for m in MODULES; do insmod /$m; done
until [ -b /dev/sda ] && [ -b /dev/nvme0n1 ] && [ -b /dev/vda ] &&
      [ -b /dev/sr0 ]; do
    /bin/true
done
for d in sda nvme0n1 vda; do
    q=/sys/block/$d
    echo "$d ro $(cat $q/ro) sectors $(cat $q/size)"
    echo "$d queues $(ls -d $q/mq/* | wc -l)"
    echo "$d discard $(cat $q/queue/discard_max_bytes)"
    if [ "x$(dd if=/dev/$d bs=4 count=1 2>/dev/null)" = xBOOT ]; then
        echo "$d again $(dd if=/dev/$d bs=64k skip=1 count=32 2>/dev/null |
            sha256sum | cut -c1-16)"
        continue
    fi
    i=0
    while [ $i -lt 8192 ]; do echo "disk $i $((i * 7919))"; i=$((i + 1)); done |
        dd of=/dev/$d bs=64k seek=1 conv=fsync 2>/dev/null
    dd if=/dev/nvme0n1 of=/dev/null bs=64k count=64 2>/dev/null &
    dd if=/dev/sda of=/dev/null bs=4k count=512 2>/dev/null &
    wait
    echo 3 >/proc/sys/vm/drop_caches
    echo "$d text $(dd if=/dev/$d bs=64k skip=1 count=2 2>/dev/null |
        sha256sum | cut -c1-16)"
    blkdiscard -o 131072 -l 65536 /dev/$d && echo "$d discarded"
    echo 3 >/proc/sys/vm/drop_caches
    cmp -n 65536 /dev/zero /dev/$d 0 131072 && echo "$d hole"
    printf BOOT | dd of=/dev/$d conv=fsync 2>/dev/null
    echo "$d first $(dd if=/dev/$d bs=64k skip=1 count=32 2>/dev/null |
        sha256sum | cut -c1-16)"
done
echo "cd $(dd if=/dev/sr0 bs=2048 2>/dev/null | sha256sum | cut -c1-16)"
cat /sys/block/sda/device/vendor /sys/block/sda/device/model
cat /sys/class/nvme/nvme0/serial /sys/class/nvme/nvme0/model
cat /sys/block/vda/serial
dmesg | grep -iE 'i/o error|timeout|reset|abort|sense key' | head
echo "disks done"
END
'''


class LinuxDisks(LinuxCase):
    def initrd(self, end):
        kernel, busybox = self.kernel('amd64')
        files = module_files(MODULES)
        names = ' '.join(os.path.basename(f) for f in files)
        path = self.path(f'initrd-{end.split()[0]}')
        if not os.path.exists(path):
            make_initrd(path, busybox, SCRIPT.replace('MODULES', names)
                        .replace('END', end), files)
        return kernel, path

    def image(self, name):
        path = self.path(name)
        subprocess.run([reprise.program('reprise-img'), 'create', '-f',
                        'qcow2', path, '16M'], check=True,
                       capture_output=True)
        return path

    def images(self):
        with open(self.path('cd.iso'), 'wb') as f:
            f.write(bytes(i * 31 % 251 for i in range(64 * 2048)))
        return [self.image(n) for n in ('s.qcow2', 'n.qcow2', 'v.qcow2')]

    def disks(self, smp=2, end='poweroff -f', args=(), **kwargs):
        kernel, initrd = self.initrd(end)
        drives = []
        for name in 'snv':
            drives += ['-drive', f'file={self.path(name + ".qcow2")},'
                       f'format=qcow2,if=none,id={name}']
        return self.start(
            '-m', '256', '-smp', str(smp), '-kernel', kernel, '-initrd',
            initrd, '-append', APPEND + ' quiet', *drives, '-drive',
            f'file={self.path("cd.iso")},media=cdrom,if=none,id=c', '-device',
            'virtio-scsi-pci,id=scsi0', '-device',
            'scsi-hd,bus=scsi0.0,channel=0,scsi-id=1,lun=1,drive=s,serial=S1',
            '-device', 'scsi-cd,bus=scsi0.0,scsi-id=2,drive=c', '-device',
            'nvme,drive=n,serial=N1', '-device',
            'virtio-blk-pci,drive=v,serial=V1', *args, **kwargs)

    def finish(self, vm, smp=2):
        self.assertEqual(vm.wait(PATIENCE), 0, vm.output())
        said = vm.serial.seen.decode(errors='replace')
        self.assertIn('disks done', said)
        for name, queues in (('sda', smp), ('nvme0n1', smp), ('vda', smp)):
            self.assertIn(f'{name} ro 0 sectors 32768', said)
            self.assertIn(f'{name} queues {queues}', said)
        self.assertRegex(said, 'QEMU *\r?\nQEMU HARDDISK')
        self.assertRegex(said, 'N1 *\r?\nQEMU NVMe Ctrl *\r?\nV1')
        self.assertNotRegex(said, '(?i)i/o error|sense key')
        return said

    def check_first(self, said):
        digests = set(re.findall(r'text ([0-9a-f]{16})', said))
        self.assertEqual(len(digests), 1, said)
        self.assertEqual(len(re.findall('discarded', said)), 3)
        self.assertEqual(len(re.findall('hole', said)), 3)

    def test_disks_over_a_reboot(self):
        """One run reboots by itself, the next machine finds the same."""
        self.images()
        first = self.finish(self.disks(end='reboot -f', args=['-no-reboot']))
        self.check_first(first)
        again = self.finish(self.disks())
        for name in ('sda', 'nvme0n1', 'vda'):
            self.assertEqual(
                re.search(rf'{name} first ([0-9a-f]+)', first)[1],
                re.search(rf'{name} again ([0-9a-f]+)', again)[1])

    def test_recorded_and_replayed(self):
        self.images()
        record = ['-icount', 'shift=1,sleep=off,rr=record,rrdigest=1000000,'
                  f'rrfile={self.path("run.rr")},rrsnapshot=init,'
                  'rrsnapshot-period=400M']
        said = self.finish(self.disks(args=record))
        self.check_first(said)
        listed = subprocess.run(
            [reprise.program('reprise-img'), 'snapshot', '-l',
             self.path('s.qcow2')], check=True, capture_output=True,
            text=True).stdout
        names = ['init', *re.findall(r'\binit-\d+', listed)]
        self.assertGreaterEqual(len(names), 3, listed)
        for name in names:
            for accel in ('backend=x86_64', 'flush-at-random=5'):
                with self.subTest(snapshot=name, accel=accel):
                    vm = self.disks(args=[
                        '-accel', f'tcg,{accel}', '-icount',
                        'shift=1,sleep=off,rr=replay,rrdigest=1000000,'
                        f'rrfile={self.path("run.rr")},rrsnapshot={name}'])
                    self.assertEqual(vm.wait(PATIENCE), 0, vm.output())
                    end = vm.serial.seen.decode(errors='replace')
                    self.assertTrue(said.endswith(end), end[-300:])


if __name__ == '__main__':
    reprise.main()
