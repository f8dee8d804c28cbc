"""A recorded boot of Linux, replayed in every way: both back ends, caches dropped
at random, from its periodic snapshots, backwards to a breakpoint."""
import re
import subprocess

import reprise
import rsp
from linux_guest import BOOT_SECONDS, LinuxCase

RECORD = 'shift=1,sleep=off,rr=record,rrdigest=20000000'
REPLAY = 'shift=1,sleep=off,rr=replay,rrdigest=20000000'


class LinuxReplay(LinuxCase):
    def record(self, flavour, *args, more=''):
        vm = self.boot(flavour, *args, '-icount',
                       f'{RECORD},rrfile={self.path("run.rr")}{more}')
        return self.finish(vm)

    def replay(self, flavour, said, *args, more=''):
        vm = self.boot(flavour, *args, '-icount',
                       f'{REPLAY},rrfile={self.path("run.rr")}{more}')
        self.assertEqual(self.finish(vm), said)

    def test_torture(self):
        said = self.record('686-pae')
        for accel in ('backend=x86_64', 'flush-at-random=3',
                      'backend=interp'):
            with self.subTest(accel=accel):
                self.replay('686-pae', said, '-accel', f'tcg,{accel}')

    def test_64_bit(self):
        said = self.record('cloud-amd64')
        for accel in ('backend=x86_64', 'flush-at-random=5'):
            with self.subTest(accel=accel):
                self.replay('cloud-amd64', said, '-accel', f'tcg,{accel}')

    def test_from_snapshots(self):
        """Each periodic snapshot leads to the same end."""
        disk = self.path('disk.qcow2')
        subprocess.run([reprise.program('reprise-img'), 'create', '-f',
                        'qcow2', disk, '64M'], check=True,
                       capture_output=True)
        drive = ('-drive', f'file={disk},if=ide,format=qcow2')
        every = ',rrsnapshot=init,rrsnapshot-period=1000000000'
        said = self.record('686', *drive, more=every)
        listed = subprocess.run([reprise.program('reprise-img'), 'snapshot',
                                 '-l', disk], check=True, capture_output=True,
                                text=True).stdout
        names = re.findall(r'^\d+\s+(\S+)', listed, re.M)
        self.assertGreaterEqual(len(names), 3, listed)
        for name in names[1:]:
            with self.subTest(snapshot=name):
                vm = self.boot('686', *drive, '-icount', f'{REPLAY},rrfile='
                               f'{self.path("run.rr")},rrsnapshot={name}')
                self.assertEqual(vm.wait(BOOT_SECONDS), 0, vm.output())
                self.assertTrue(said.endswith(
                    vm.serial.seen.decode(errors='replace')[-200:]))

    def test_backwards_to_a_function(self):
        """From the end of the recording to where the first process began."""
        extra = "grep ' kernel_init$' /proc/kallsyms"
        log = f'rrfile={self.path("run.rr")}'
        said = self.finish(self.boot('686', '-icount', f'{RECORD},{log}',
                                     extra=extra))
        address = int(re.search(r'([0-9a-f]{8}) [tT] kernel_init', said)[1],
                      16)
        socket = self.path('gdb.sock')
        self.boot('686', '-S', '-gdb', f'unix:{socket},server=on,'
                  'wait=off', '-icount', f'{REPLAY},{log}')
        gdb = rsp.Rsp(socket)
        gdb.put('c')
        self.assertIn('replaylog:end', gdb.answer(BOOT_SECONDS))
        self.assertEqual(gdb.cmd(f'Z0,{address:x},1'), 'OK')
        gdb.put('bc')
        self.assertRegex(gdb.answer(BOOT_SECONDS), '^T05.*swbreak')
        self.assertEqual(gdb.pc(), address)
        gdb.put('bc')
        self.assertIn('replaylog:begin', gdb.answer(BOOT_SECONDS))
        gdb.close()


if __name__ == '__main__':
    reprise.main()
