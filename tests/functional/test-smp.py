"""Several vCPUs: one schedule in a recording and all its replays, and a
debugger that sees each of them."""
import re
import subprocess

import reprise
from gdb_case import GdbCase


class Smp(GdbCase):
    def drive(self):
        return ('-smp', '4,quantum=997', '-drive', 'file='
                f'{reprise.guest("smp")},format=raw,if=ide,snapshot=on',
                '-device', 'isa-debug-exit')

    def test_gdb_sees_them(self):
        log = self.record_all(*self.drive(), arch='i386')
        self.attach(log, 'threads', *self.drive(), arch='i386',
                    elf=reprise.guest('smp').replace('.img', '.elf'))

    def test_quantum_is_part_of_the_machine(self):
        log = self.record_all(*self.drive())
        args = list(self.drive())
        args[1] = '4,quantum=998'
        done = reprise.run('-m', '128', '-net', 'none', '-display', 'none',
                           *args, '-icount',
                           f'shift=7,rr=replay,rrfile={log}')
        self.assertEqual(done.returncode, 1)
        self.assertIn('quantum=997', done.stderr)

    def race(self, mode, accel, more):
        disk = self.path('disk.qcow2')
        if mode == 'record':
            subprocess.run([reprise.program('reprise-img'), 'convert', '-f',
                            'raw', '-O', 'qcow2', reprise.guest('race'),
                            disk], check=True)
        return self.start(
            '-m', '64', '-smp', '4,quantum=997', '-drive',
            f'file={disk},format=qcow2,if=ide', '-device', 'isa-debug-exit',
            '-accel', f'tcg,{accel}', '-icount',
            f'shift=7,rr={mode},rrfile={self.path("race.rr")},'
            f'rrdigest=100000{more}')

    def record_race(self, accel):
        """With bytes that come when they come; what was said, snapshots."""
        vm = self.race('record', accel,
                       ',rrsnapshot=init,rrsnapshot-period=1M')
        vm.serial.expect('race\r\n')
        for byte in 'abcdefghijkq':
            vm.serial.send(byte)
            vm.serial.expect(byte + r' [0-9a-f]{8} [0-9a-f]{8}\r\n')
        vm.serial.expect('race: ok')
        vm.wait()
        listed = subprocess.run(
            [reprise.program('reprise-img'), 'snapshot', '-l',
             self.path('disk.qcow2')], check=True, capture_output=True,
            text=True).stdout
        return vm.serial.seen, re.findall(r'\binit-\d+', listed)

    def check_race(self, said, accel, snapshot='init'):
        with self.subTest(accel=accel, snapshot=snapshot):
            vm = self.race('replay', accel, f',rrsnapshot={snapshot}')
            vm.wait()
            end = vm.serial.seen
            self.assertIn(b'race: ok', end, vm.output())
            self.assertTrue(said.endswith(end), end)
            self.assertTrue(end == said or snapshot != 'init', end)

    def test_races_come_out_the_same(self):
        """A counter that nobody guards, a stack without locks, and bytes
        from outside: what they came to, in every replay."""
        said, names = self.record_race('backend=x86_64')
        self.assertTrue(names)
        for accel in ('backend=interp', 'flush-at-random=3',
                      'one-insn-per-tb=on', 'backend=interp,flush-at-random=4'):
            self.check_race(said, accel)
        for name in names[::max(1, len(names) // 2)]:
            self.check_race(said, 'flush-at-random=5', name)
        said, _ = self.record_race('backend=interp')
        self.check_race(said, 'backend=x86_64')

    def test_monitor_names_them(self):
        vm = self.start('-m', '64', *self.drive(), '-S', hmp=True)
        shown = vm.hmp.cmd('info cpus')
        self.assertEqual(shown.count('CPU #'), 4, shown)
        vm.hmp.cmd('cpu 2')
        self.assertRegex(vm.hmp.cmd('info cpus'), r'\* CPU #2')
        self.assertIn('invalid CPU index', vm.hmp.cmd('cpu 4'))
        self.assertIn('EIP=', vm.hmp.cmd('info registers'))


if __name__ == '__main__':
    reprise.main()
