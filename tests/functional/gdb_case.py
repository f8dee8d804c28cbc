"""Recording a guest and attaching a real gdb to its replay, for the tests that
do so with different machines."""
import os
import subprocess
import time

import reprise


class GdbCase(reprise.TestCase):
    def record_all(self, *args, arch='x86_64'):
        """Records until the guest switches itself off; the log."""
        log = self.path('run.rr')
        vm = self.start('-m', '128', '-net', 'none', *args, '-icount',
                        f'shift=7,rr=record,rrfile={log}', arch=arch)
        vm.wait()
        return log

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
