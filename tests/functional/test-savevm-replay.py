"""savevm in the middle of a replay: a snapshot like any other, and nothing else
in the image changes."""
import os
import re
import shutil
import subprocess

import reprise


class SavevmReplay(reprise.TestCase):
    def img(self, *args, check=True):
        return subprocess.run([reprise.program('reprise-img'), *args],
                              capture_output=True, text=True, check=check)

    def drive(self):
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={self.disk},if=ide',
                '-drive', f'file={self.second},if=ide')

    def icount(self, mode, snapshot):
        return ('-icount', f'shift=7,rr={mode},rrfile={self.log},'
                f'rrdigest=300000,rrsnapshot={snapshot}')

    def setUp(self):
        super().setUp()
        self.disk, self.log = self.path('disk.qcow2'), self.path('run.rr')
        self.second = self.path('second.qcow2')
        self.img('convert', '-f', 'raw', '-O', 'qcow2', reprise.guest('io'),
                 self.disk)
        self.img('create', '-f', 'qcow2', self.second, '1M')
        self.printed = self.record()

    def record(self):
        """Three writes, snapshots init and one; where each write was done."""
        vm = self.start(*self.drive(), *self.icount('record', 'init'),
                        hmp=True)
        vm.serial.expect('> ')
        vm.serial.send('write first\r')
        vm.serial.expect('wrote sector 200 ok')
        vm.serial.expect('> ')
        self.assertEqual(vm.hmp.cmd('savevm one').strip(), '')
        vm.serial.send('write second\r')
        vm.serial.expect('wrote sector 201 ok')
        vm.serial.expect('> ')
        self.middle = int(re.search(r'count = (\d+)',
                                    vm.hmp.cmd('info replay'))[1])
        vm.serial.send('write third\rdate\rquit\r')
        vm.serial.expect(r'hash [0-9a-f]{8}')
        self.assertEqual(vm.wait(), 1)
        return vm.serial.seen

    def content(self, snapshot=None, disk=None):
        """The disk as raw bytes."""
        raw = self.path('content.raw')
        copy = self.path('copy.qcow2')
        shutil.copy(disk or self.disk, copy)
        if snapshot:
            self.img('snapshot', '-a', snapshot, copy)
        self.img('convert', '-f', 'qcow2', '-O', 'raw', copy, raw)
        with open(raw, 'rb') as f:
            return f.read()

    def check(self):
        for disk in (self.disk, self.second):
            self.img('check', disk)
            if shutil.which('qemu-img'):
                subprocess.run(['qemu-img', 'check', disk], check=True,
                               capture_output=True)

    def replay_to(self, icount, snapshot='init'):
        vm = self.start(*self.drive(), *self.icount('replay', snapshot),
                        '-S', hmp=True)
        self.assertEqual(vm.hmp.journey(f'replay_seek {icount}').strip(), '')
        return vm

    def runs_to_the_end(self, snapshot):
        vm = self.start(*self.drive(), *self.icount('replay', snapshot))
        self.assertEqual(vm.wait(), 1, vm.output())
        self.assertTrue(vm.serial.seen, vm.output())
        self.assertTrue(self.printed.endswith(vm.serial.seen), vm.output())

    def test_in_the_middle(self):
        before = {s: self.content(s) for s in (None, 'init', 'one')}
        vm = self.replay_to(self.middle)
        self.assertEqual(vm.hmp.cmd('savevm mid').strip(), '')
        self.assertRegex(vm.hmp.cmd('info snapshots'),
                         rf'-- +mid .* {self.middle}\b')
        # The replay itself is not disturbed, and can go there.
        self.assertEqual(vm.hmp.cmd('loadvm one').strip(), '')
        self.assertEqual(vm.hmp.cmd('loadvm mid').strip(), '')
        self.assertIn(f'{self.middle}', vm.hmp.cmd('info replay'))
        self.assertEqual(vm.hmp.cmd('savevm mid2').strip(), '')
        vm.hmp.send('cont\n')
        self.assertEqual(vm.wait(), 1, vm.output())

        self.check()
        for snapshot, content in before.items():
            self.assertEqual(self.content(snapshot), content, snapshot)
        mid, end = self.content('mid'), before[None]
        self.assertIn(b'first', mid)
        self.assertIn(b'second', mid)
        self.assertNotIn(b'third', mid)
        self.assertIn(b'third', end)
        self.assertNotIn(b'first', before['init'])
        self.assertEqual(self.content('mid2'), mid)
        self.content('mid', self.second)
        for snapshot in ('mid', 'mid2', 'one', 'init'):
            self.runs_to_the_end(snapshot)

    def test_snapshot_from_a_snapshot_of_a_replay(self):
        vm = self.replay_to(self.middle - 1000, 'one')
        self.assertEqual(vm.hmp.cmd('savevm a').strip(), '')
        vm.terminate()
        vm = self.replay_to(self.middle, 'a')
        self.assertEqual(vm.hmp.cmd('savevm b').strip(), '')
        vm.terminate()
        self.img('snapshot', '-d', 'a', self.disk)
        self.img('snapshot', '-d', 'a', self.second)
        self.check()
        self.runs_to_the_end('b')

    def test_refused(self):
        first = self.replay_to(self.middle)
        self.assertIn('exists', first.hmp.cmd('savevm one'))
        with open(self.disk, 'rb') as f:
            image = f.read()
        # A second replay looks at the images as well.
        second = self.replay_to(self.middle)
        for vm in (first, second):
            said = vm.hmp.cmd('savevm mid')
            self.assertIn('another process', said)
            self.assertIn(self.disk, said)
        with open(self.disk, 'rb') as f:
            self.assertEqual(f.read(), image)
        second.terminate()
        # Ours is still protected after the attempt: nobody may write.
        said = self.img('snapshot', '-d', 'one', self.disk, check=False)
        self.assertNotEqual(said.returncode, 0)
        self.assertEqual(first.hmp.cmd('savevm mid').strip(), '')
        said = self.img('snapshot', '-d', 'one', self.disk, check=False)
        self.assertNotEqual(said.returncode, 0)
        first.terminate()
        self.check()
        self.runs_to_the_end('mid')

    def test_one_of_two_images_is_in_use(self):
        """Then none of them gets a part of it."""
        vm = self.replay_to(self.middle)
        other = self.start('-m', '64', '-net', 'none', '-S', '-snapshot',
                           '-drive', f'file={self.second},if=ide', hmp=True)
        other.hmp.cmd('info status')
        said = vm.hmp.cmd('savevm mid')
        self.assertIn(self.second, said)
        self.assertNotRegex(vm.hmp.cmd('info snapshots'), 'mid')
        vm.terminate()
        other.terminate()
        self.assertNotIn('mid', self.img('snapshot', '-l', self.disk).stdout)

    @reprise.unittest.skipIf(os.geteuid() == 0, 'root may write everything')
    def test_not_writable(self):
        os.chmod(self.disk, 0o444)
        vm = self.replay_to(self.middle)
        said = vm.hmp.cmd('savevm mid')
        self.assertIn(self.disk, said)
        self.assertIn('ermission', said)


if __name__ == '__main__':
    reprise.main()
