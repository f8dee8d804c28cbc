"""Snapshots: rrsnapshot at the start of a recording, savevm in its middle,
replays from each of them, loadvm, and a second opinion on the image."""
import os
import re
import shutil
import subprocess

import reprise


class Snapshot(reprise.TestCase):
    def img(self, *args):
        return subprocess.run([reprise.program('reprise-img'), *args],
                              capture_output=True, text=True, check=True)

    def drive(self):
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={self.disk},if=ide')

    def icount(self, mode, snapshot):
        return ('-icount', f'shift=7,rr={mode},rrfile={self.log},'
                f'rrdigest=300000,rrsnapshot={snapshot}')

    def setUp(self):
        super().setUp()
        self.disk, self.log = self.path('disk.qcow2'), self.path('run.rr')
        self.img('convert', '-f', 'raw', '-O', 'qcow2', reprise.guest('io'),
                 self.disk)

    def record(self):
        """Records with snapshots init, one and two."""
        vm = self.start(*self.drive(), *self.icount('record', 'init'),
                        hmp=True)
        vm.serial.expect('> ')
        vm.serial.send('write before\r')
        vm.serial.expect('wrote sector 200 ok')
        self.assertEqual(vm.hmp.cmd('savevm one').strip(), '')
        vm.serial.send('write between\r')
        vm.serial.expect('wrote sector 201 ok')
        self.assertEqual(vm.hmp.cmd('savevm two').strip(), '')
        listing = vm.hmp.cmd('info snapshots')
        vm.serial.send('write after\rdate\rquit\r')
        vm.serial.expect(r'hash [0-9a-f]{8}')
        self.assertEqual(vm.wait(), 1)
        return vm.serial.seen, listing

    def test_replay_from_each_snapshot(self):
        printed, listing = self.record()
        for name in ('init', 'one', 'two'):
            self.assertRegex(listing, rf'-- +{name} .* \d+')
        with open(self.disk, 'rb') as f:
            image = f.read()
        for name in ('init', 'one', 'two', 'init'):
            for accel in ('tcg', 'tcg,backend=interp', 'tcg,one-insn-per-tb=on',
                          'tcg,flush-at-random=3'):
                with self.subTest(snapshot=name, accel=accel):
                    vm = self.start(*self.drive(), '-accel', accel,
                                    *self.icount('replay', name))
                    self.assertEqual(vm.wait(), 1)
                    seen = vm.serial.seen
                    self.assertTrue(printed.endswith(seen), vm.output())
                    self.assertTrue(seen, vm.output())
        with open(self.disk, 'rb') as f:
            self.assertEqual(f.read(), image, 'a replay changed the image')

    def test_loadvm_takes_the_disk_back(self):
        self.record()
        vm = self.start(*self.drive(), '-loadvm', 'one', '-icount', 'shift=7',
                        hmp=True)
        vm.serial.send('write again\r')
        vm.serial.expect('wrote sector 201 ok')
        self.assertEqual(vm.hmp.cmd('loadvm two').strip(), '')
        vm.serial.send('write on\r')
        vm.serial.expect('wrote sector 202 ok')
        self.assertIn('Error', vm.hmp.cmd('loadvm nonsense'))
        self.assertEqual(vm.hmp.cmd('delvm one').strip(), '')
        self.assertNotRegex(vm.hmp.cmd('info snapshots'), '-- +one')

    def test_other_judges(self):
        _, listing = self.record()
        ours = self.img('snapshot', '-l', self.disk).stdout
        counts = re.findall(r'-- +(\w+) .* (\d+)\s', listing)
        self.assertEqual(len(counts), 3)
        for name, count in counts:
            self.assertRegex(ours, rf'{name} .* {count}\b')
        self.img('check', self.disk)
        if shutil.which('qemu-img'):
            subprocess.run(['qemu-img', 'check', self.disk], check=True,
                           capture_output=True)
            theirs = subprocess.run(['qemu-img', 'snapshot', '-l', self.disk],
                                    check=True, capture_output=True,
                                    text=True).stdout
            for name, count in counts:
                self.assertRegex(theirs, rf'{name} .* {count}\b')

    def test_no_image_for_a_snapshot(self):
        result = reprise.run('-nodefaults', '-display', 'none', '-m', '64',
                             *self.icount('record', 'init'))
        self.assertEqual(result.returncode, 1)
        self.assertIn('rrsnapshot=init', result.stderr)
        self.assertFalse(os.path.exists(self.log))


if __name__ == '__main__':
    reprise.main()
