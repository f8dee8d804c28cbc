"""share/reprise/gdb.py, the commands for gdb that are installed with the
program, in a real gdb."""
import json
import os
import subprocess

import reprise

SCRIPT = os.path.abspath(os.path.join(reprise.HERE, '..', '..', 'share',
                                      'reprise', 'gdb.py'))


class Script(reprise.TestCase):
    def machine(self):
        return ('-m', '16', '-net', 'none', '-drive',
                f'file={reprise.guest("calls")},format=raw,if=ide,'
                'snapshot=on')

    def icount(self, mode):
        return ('-icount', f'shift=7,rr={mode},rrfile=' + self.path('run.rr'))

    def gdb(self, scenario, door=''):
        env = dict(os.environ, SCENARIO=scenario, RSP=door, SCRIPT=SCRIPT,
                   REPRISE_REPLAY=reprise.program('reprise-replay'))
        done = subprocess.run(
            ['gdb', '-nx', '-q', '-batch',
             reprise.guest('calls').replace('.img', '.elf'), '-x',
             os.path.join(reprise.HERE, 'gdb_script.py')],
            env=env, capture_output=True, text=True, timeout=280, check=False)
        self.assertIn('SCENARIO OK', done.stdout,
                      done.stdout[-2000:] + done.stderr[-3000:])

    def stub(self, *args):
        door = self.path(f'gdb-{len(os.listdir(self.dir))}')
        self.start(*self.machine(), '-S', '-gdb',
                   f'unix:{door},server=on,wait=off', *args, arch='i386',
                   qmp=True)
        return door

    def test_in_a_replay(self):
        vm = self.start(*self.machine(), *self.icount('record'), arch='i386',
                        qmp=True)
        vm.serial.expect('sum 1240 calls 120')
        vm.qmp.cmd('quit')
        vm.wait()
        for scenario in ('positions', 'monitor', 'questions', 'others'):
            with self.subTest(scenario=scenario):
                self.gdb(scenario, self.stub(*self.icount('replay')))

    def test_without_a_recording(self):
        self.gdb('unrecorded', self.stub())

    def test_installed(self):
        with open(os.path.join(reprise.BUILD, 'meson-info',
                               'intro-installed.json'),
                  encoding='utf-8') as f:
            where = json.load(f)
        self.assertTrue(where[SCRIPT].endswith('/share/reprise/gdb.py'))

    def test_without_an_emulator(self):
        self.gdb('unattached')


if __name__ == '__main__':
    reprise.main()
