"""Debian's kernel on microvm with disks, network and random numbers by virtio in
memory: recorded with one to four vCPUs, replayed in every way."""
import os

import linux_guest
from linux_guest import LinuxCase, PATIENCE

MODULES = ('virtio_mmio', 'virtio_blk', 'virtio_net', 'virtio_rng',
           'qemu_fw_cfg')
USE = r'''
mount -t sysfs sys /sys; mount -t devtmpfs dev /dev
for m in FILES; do insmod $m; done
ls /sys/bus/virtio/devices | wc -l | sed 's/^/virtio devices /'
head -c 14 /dev/vda; echo
dd if=/dev/urandom of=/dev/vda bs=4k seek=1 count=64 conv=fsync 2>/dev/null
dd if=/dev/hwrng bs=64 count=4 2>/dev/null | wc -c | sed 's/^/random /'
ip link set eth0 up && ip addr add 10.0.2.15/24 dev eth0
ping -c 1 -w 5 10.0.2.2 >/dev/null && echo "the gateway answers"
cat /sys/firmware/qemu_fw_cfg/by_name/opt/test/raw; echo
'''
PART = 20_000_000


class MicrovmReplay(LinuxCase):
    def args(self, flavour, loops, extra):
        kernel, busybox = self.kernel(flavour)
        initrd, disk = self.path('initrd'), self.path('disk.img')
        if not os.path.exists(initrd):
            files = linux_guest.module_files(MODULES)
            names = ' '.join('/' + os.path.basename(f) for f in files)
            script = linux_guest.WORKLOAD.replace('LOOPS', str(loops))
            script = script.replace('END', 'poweroff -f')
            script = script.replace('EXTRA', USE.replace('FILES', names))
            linux_guest.make_initrd(initrd, busybox, script, files)
            with open(disk, 'wb') as f:
                f.write(b'from the disk\n' + bytes((1 << 20) - 14))
        return ['-M', 'microvm', '-cpu', 'max', '-m', '256', '-no-reboot',
                '-kernel', kernel, '-initrd', initrd, '-append',
                linux_guest.APPEND, '-drive',
                f'file={disk},format=raw,if=virtio,snapshot=on', '-nic',
                'user', '-device', 'virtio-rng-device', '-fw_cfg',
                'opt/test,string=told']

    def run_one(self, mode, cpus, *args, **kwargs):
        return self.boot(
            'amd64', '-smp', str(cpus), *args, '-icount',
            f'shift=1,sleep=off,rr={mode},rrdigest=1000000,'
            f'rrfile={self.path("run.rr")}', **kwargs)

    def check_part(self, cpus, accel):
        vm = self.run_one('replay', cpus, '-S', '-accel', f'tcg,{accel}',
                          qmp=True)
        vm.qmp.cmd('replay-break', icount=PART)
        vm.qmp.cmd('cont')
        vm.qmp.event('STOP', PATIENCE)
        self.assertEqual(vm.qmp.cmd('query-replay')['icount'], PART,
                         vm.output())
        vm.close()

    def test_every_way(self):
        for cpus in (1, 2, 4):
            with self.subTest(cpus=cpus):
                said = self.finish(self.run_one('record', cpus))
                for line in ('virtio devices 3', 'from the disk',
                             'random 256', 'the gateway answers', 'told',
                             'reboot: Power down'):
                    self.assertIn(line, said)
                for accel in ('backend=x86_64', 'backend=interp',
                              'flush-at-random=5'):
                    vm = self.run_one('replay', cpus, '-accel',
                                      f'tcg,{accel}')
                    self.assertEqual(self.finish(vm), said)
                self.check_part(cpus, 'one-insn-per-tb=on')
                self.check_part(cpus, 'backend=interp,flush-at-random=2')


if __name__ == '__main__':
    linux_guest.reprise.main()
