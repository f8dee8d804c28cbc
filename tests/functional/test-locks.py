"""One writer an image: who may open it together with whom."""
import os
import shutil
import subprocess

import reprise


class Locks(reprise.TestCase):
    def img(self, *args):
        return subprocess.run([reprise.program('reprise-img'), *args],
                              capture_output=True, text=True, check=False,
                              timeout=reprise.TIMEOUT)

    def setUp(self):
        super().setUp()
        self.disk = self.path('disk.qcow2')
        self.img('convert', '-f', 'raw', '-O', 'qcow2',
                 reprise.guest('calls'), self.disk)
        self.log = self.path('run.rr')

    def machine(self, mode=None, **kwargs):
        """Stopped at its first instruction; it has its disks open."""
        args = ['-m', '16', '-S', '-device', 'isa-debug-exit', '-drive',
                f'file={self.disk},if=ide']
        if mode:
            args += ['-icount', f'shift=7,rr={mode},rrfile={self.log},'
                                'rrsnapshot=init']
        vm = self.start(*args, qmp=True, **kwargs)
        vm.qmp.cmd('query-status')
        return vm

    def refused(self, *args):
        """The program does not start, and says why."""
        result = reprise.run('-m', '16', '-drive', f'file={self.disk}', *args)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn('lock', result.stderr)
        self.assertIn(self.disk, result.stderr)

    def bytes(self):
        with open(self.disk, 'rb') as f:
            return f.read()

    def check_tools(self, reading):
        """What of reprise-img changes the image is refused; what reads it,
        unless it is only read by others too."""
        before = self.bytes()
        new = self.path('new')
        rows = [(True, ('check', '-r', 'all', self.disk)),
                (True, ('resize', self.disk, '+1M')),
                (True, ('snapshot', '-c', 's', self.disk)),
                (True, ('create', '-f', 'qcow2', self.disk, '1M')),
                (True, ('convert', '-O', 'qcow2', reprise.guest('calls'),
                        self.disk)),
                (not reading, ('check', self.disk)),
                (not reading, ('convert', self.disk, new)),
                (not reading, ('info', self.disk)),
                (False, ('info', '-U', self.disk))]
        for bad, args in rows:
            with self.subTest(args=args):
                result = self.img(*args)
                self.assertEqual(result.returncode, int(bad), result)
                self.assertEqual('lock' in result.stderr, bad, result)
                self.assertEqual(self.bytes(), before)

    def test_writers(self):
        vm = self.machine()
        self.refused()
        self.refused('-snapshot')
        self.refused('-hdb', self.disk)
        self.check_tools(reading=False)
        vm.qmp.cmd('cont')
        self.assertEqual(vm.wait(), 1, vm.output())
        self.assertEqual(self.img('check', self.disk).returncode, 0)

    def test_twice_in_one_machine(self):
        self.refused('-hdb', self.disk)

    def test_killed(self):
        """Locks die with who had them."""
        vm = self.machine()
        vm.process.kill()
        vm.process.wait()
        self.machine().process.kill()

    def test_record_and_replay(self):
        vm = self.machine('record')
        self.refused('-icount', f'shift=7,rr=record,rrfile={self.log}2,'
                                'rrsnapshot=init')
        self.refused('-icount', f'shift=7,rr=replay,rrfile={self.log},'
                                'rrsnapshot=init')
        vm.qmp.cmd('cont')
        self.assertEqual(vm.wait(), 1, vm.output())
        before = self.bytes()
        # Replays only read: there may be several, and no writer.
        first, second = self.machine('replay'), self.machine('replay')
        shutil.copy(self.log, self.path('copy.rr'))
        self.refused('-icount', f'shift=7,rr=record,rrfile={self.log}2,'
                                'rrsnapshot=init')
        self.refused()
        self.check_tools(reading=True)
        for vm in (first, second):
            vm.qmp.cmd('cont')
            self.assertEqual(vm.wait(), 1, vm.output())
        self.assertEqual(self.bytes(), before)


if __name__ == '__main__':
    reprise.main()
