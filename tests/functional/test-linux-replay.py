"""A recorded boot of Linux, replayed in every way: both back ends, from its periodic
snapshots, with caches dropped at random and instruction by instruction for a
part, backwards to a breakpoint."""
import re
import subprocess

import reprise
import rsp
from linux_guest import LinuxCase, PATIENCE

RECORD = 'shift=1,sleep=off,rr=record,rrdigest=1000000'
REPLAY = 'shift=1,sleep=off,rr=replay,rrdigest=1000000'
# What is replayed in ways that are slow.
PART = 3_000_000


class LinuxReplay(LinuxCase):
    def drive(self):
        """A disk for snapshots."""
        disk = self.path('disk.qcow2')
        subprocess.run([reprise.program('reprise-img'), 'create', '-f',
                        'qcow2', disk, '64M'], check=True,
                       capture_output=True)
        return disk, ('-drive', f'file={disk},if=ide,format=qcow2')

    def record(self, flavour, *args, more='', extra='true'):
        vm = self.boot(flavour, *args, '-icount',
                       f'{RECORD},rrfile={self.path("run.rr")}{more}',
                       extra=extra)
        return self.finish(vm)

    def replay(self, flavour, *args, more='', **kwargs):
        return self.boot(flavour, *args, '-icount',
                         f'{REPLAY},rrfile={self.path("run.rr")}{more}',
                         **kwargs)

    def check_whole(self, flavour, *backends):
        said = self.record(flavour)
        for backend in backends:
            with self.subTest(backend=backend):
                vm = self.replay(flavour, '-accel', f'tcg,backend={backend}')
                self.assertEqual(self.finish(vm), said)

    def test_whole_32_bit(self):
        self.check_whole('686-pae', 'x86_64', 'interp')

    def test_whole_64_bit(self):
        self.check_whole('cloud-amd64', 'x86_64', 'interp')

    def check_part(self, flavour, drive, name, accel):
        vm = self.replay(flavour, *drive, '-S', '-accel', f'tcg,{accel}',
                         more=f',rrsnapshot={name}', qmp=True)
        start = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('replay-break', icount=start + PART)
        vm.qmp.cmd('cont')
        vm.qmp.event('STOP', PATIENCE)
        self.assertEqual(vm.qmp.cmd('query-replay')['icount'], start + PART,
                         vm.output())
        vm.close()

    def check_snapshots(self, flavour, period):
        """Each periodic snapshot leads to the same end, and what follows it
        is the same without caches."""
        disk, drive = self.drive()
        said = self.record(flavour, *drive, more=',rrsnapshot=init,'
                           f'rrsnapshot-period={period}')
        listed = subprocess.run([reprise.program('reprise-img'), 'snapshot',
                                 '-l', disk], check=True, capture_output=True,
                                text=True).stdout
        names = re.findall(r'\binit-\d+', listed)
        self.assertGreaterEqual(len(names), 2, listed)
        for name in names:
            with self.subTest(snapshot=name):
                vm = self.replay(flavour, *drive,
                                 more=f',rrsnapshot={name}')
                self.assertEqual(vm.wait(PATIENCE), 0, vm.output())
                end = vm.serial.seen.decode(errors='replace')
                self.assertTrue(end and said.endswith(end), end[-200:])
            for accel in ('flush-at-random=3', 'one-insn-per-tb=on',
                          'backend=interp,flush-at-random=7'):
                with self.subTest(snapshot=name, accel=accel):
                    self.check_part(flavour, drive, name, accel)

    def test_snapshots_32_bit(self):
        self.check_snapshots('686', '2G')

    def test_snapshots_64_bit(self):
        self.check_snapshots('amd64', '1G')

    def test_backwards_to_a_function(self):
        """From the end of the recording to where the first process began."""
        said = self.record('686',
                           extra="grep ' kernel_init$' /proc/kallsyms")
        address = int(re.search(r'([0-9a-f]{8}) [tT] kernel_init', said)[1],
                      16)
        socket = self.path('gdb.sock')
        self.replay('686', '-S', '-gdb',
                    f'unix:{socket},server=on,wait=off')
        gdb = rsp.Rsp(socket)
        gdb.put('c')
        self.assertIn('replaylog:end', gdb.answer(PATIENCE))
        self.assertEqual(gdb.cmd(f'Z0,{address:x},1'), 'OK')
        gdb.put('bc')
        self.assertRegex(gdb.answer(PATIENCE), '^T05.*swbreak')
        self.assertEqual(gdb.pc(), address)
        gdb.put('bc')
        self.assertIn('replaylog:begin', gdb.answer(PATIENCE))
        gdb.close()


if __name__ == '__main__':
    reprise.main()
