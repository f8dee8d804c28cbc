"""A real gdb on a replay: forwards, backwards, breakpoints, watchpoints.

REPRISE_GDB_RUNS says how often the long walk is repeated (default 3)."""
import os
import subprocess
import time

import reprise

RUNS = int(os.environ.get('REPRISE_GDB_RUNS', '3'))


class Gdb(reprise.TestCase):
    def record(self, *args, until, arch='x86_64'):
        """Records until the serial line says something; the last icount."""
        log = self.path('run.rr')
        vm = self.start('-m', '128', '-net', 'none', *args, '-icount',
                        f'shift=7,rr=record,rrfile={log}', arch=arch,
                        qmp=True)
        vm.serial.expect(until)
        vm.qmp.cmd('stop')
        last = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('quit')
        vm.wait()
        return log, last

    def attach(self, log, scenario, *args, last=0, elf=None, arch='x86_64'):
        sock = self.path(f'gdb-{time.monotonic_ns()}')
        self.start('-m', '128', '-net', 'none', *args, '-icount',
                   f'shift=7,rr=replay,rrfile={log}', '-S', '-gdb',
                   f'unix:{sock},server=on,wait=off', arch=arch, qmp=True)
        script = os.path.join(reprise.HERE, 'gdb_scenario.py')
        env = dict(os.environ, RSP=sock, SCENARIO=scenario,
                   LAST_ICOUNT=str(last))
        result = subprocess.run(
            ['gdb', '-nx', '-q', '-batch', *([elf] if elf else []), '-x',
             script],
            env=env, capture_output=True, text=True, timeout=280, check=False)
        self.assertIn('SCENARIO OK', result.stdout,
                      result.stdout[-2000:] + result.stderr[-3000:])
        return result.stdout

    def test_walk_on_firmware(self):
        log, last = self.record(until='No bootable device')
        for _ in range(RUNS):
            said = self.attach(log, 'walk', last=last)
            self.assertEqual(
                said.count('No more reverse-execution history'), 2)

    def test_a_thousand_steps(self):
        log, _ = self.record(until='No bootable device')
        self.attach(log, 'thousand')

    def test_breakpoints_in_real_mode(self):
        log, _ = self.record(until='No bootable device')
        self.attach(log, 'forms')

    def test_symbols(self):
        drive = ('-drive', f'file={reprise.guest("calls")},format=raw,'
                 'if=ide,snapshot=on')
        log, _ = self.record(*drive, until='sum 1240 calls 120', arch='i386')
        for scenario in ('symbols', 'conditions'):
            self.attach(log, scenario, *drive, arch='i386',
                        elf=reprise.guest('calls').replace('.img', '.elf'))


if __name__ == '__main__':
    reprise.main()
