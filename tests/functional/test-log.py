"""Nothing of a recording is lost: not when the recorder is killed, not on a
full disk, and not by recording again."""
import os
import random
import re
import resource
import shutil
import signal
import subprocess

import reprise

COMMON = ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit', '-drive',
          f'file={reprise.guest("io")},format=raw,if=ide,snapshot=on')
SEED = int(os.environ.get('REPRISE_SEED', '0')) or random.randrange(1 << 30)


class Log(reprise.TestCase):
    def setUp(self):
        super().setUp()
        self.log = self.path('run.rr')

    def args(self, mode, log=None):
        return (*COMMON, '-icount',
                f'shift=7,rr={mode},rrfile={log or self.log}')

    def record(self, *args, log=None):
        vm = self.start(*self.args('record', log), *args, qmp=True)
        vm.serial.expect('> ')
        return vm

    def replayed(self, log=None):
        """What a replay prints, to its end."""
        vm = self.start(*self.args('replay', log), qmp=True)
        vm.qmp.event('STOP')
        vm.serial.quiet(0.05)
        self.assertNotIn('diverged', vm.output())
        text, messages = vm.serial.seen, vm.output()
        vm.close()
        return text, messages

    def say(self, vm, text):
        vm.serial.send(text + '\r')
        vm.serial.expect(f'you said: {text}')

    def refused(self, *args, message):
        result = reprise.run(*args, '-nodefaults', '-display', 'none')
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertRegex(result.stderr, message)

    # --- killed -------------------------------------------------------------

    def test_killed_at_random(self):
        """All that the guest has echoed is in the replay, however early and
        wherever the recorder was killed."""
        rnd = random.Random(SEED)
        for turn in range(6):
            with self.subTest(seed=SEED, turn=turn):
                vm = self.record()
                for n in range(rnd.randrange(1, 25)):
                    vm.serial.send(f'line {n} of turn {turn}\r')
                vm.serial.expect('you said: line 0 of turn')
                for _ in range(rnd.randrange(30)):
                    vm.serial.poll(0.001)
                vm.process.send_signal(signal.SIGKILL)
                vm.process.wait()
                vm.serial.quiet(0)
                text, messages = self.replayed()
                self.assertIn('cut off', messages)
                # What was seen, up to what was still on the wire.
                self.assertIn(vm.serial.seen.rstrip(b'\r\n')[:-200], text)
                seen = vm.serial.seen.count(b'you said:')
                self.assertGreaterEqual(text.count(b'you said:'), seen - 1)
                vm.close()

    def test_killed_at_once(self):
        """Before a tenth of a second has passed there is a recording."""
        vm = self.start(*self.args('record'), qmp=True)
        vm.serial.expect('io guest')
        vm.process.send_signal(signal.SIGKILL)
        vm.process.wait()
        text, _ = self.replayed()
        self.assertIn(b'io guest', text)

    # --- a full disk --------------------------------------------------------

    def limit(self, vm, soft):
        _, hard = resource.prlimit(vm.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(vm.process.pid, resource.RLIMIT_FSIZE, (soft, hard))

    def test_full_disk(self):
        """The machine stops and says why, goes on when there is room, and the
        recording has no gap."""
        vm = self.record()
        self.say(vm, 'before')
        self.limit(vm, os.path.getsize(self.log))
        vm.serial.send('while it is full\r')
        vm.qmp.event('STOP')
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'io-error')
        self.assertIn(f"recording stops: Could not write '{self.log}'",
                      vm.output())
        with self.assertRaisesRegex(reprise.QmpError, 'Could not write'):
            vm.qmp.cmd('cont')
        self.limit(vm, resource.RLIM_INFINITY)
        vm.qmp.cmd('cont')
        vm.serial.expect('you said: while it is full')
        self.say(vm, 'after')
        vm.serial.send('quit\r')
        self.assertEqual(vm.wait(), 1)
        again = self.start(*self.args('replay'))
        self.assertEqual(again.wait(), 1, again.output())
        self.assertEqual(again.serial.seen, vm.serial.seen)

    # --- recording again ----------------------------------------------------

    def test_again(self):
        """The earlier recording is kept, and a start that fails costs
        nothing."""
        vm = self.record()
        self.say(vm, 'the first')
        vm.terminate()
        self.assertEqual(os.stat(self.log).st_mode & 0o777, 0o600)
        self.refused(*self.args('record'), '-gdb', 'tcp:256.0.0.1:1',
                     message='gdb')
        self.assertEqual(os.listdir(self.dir), ['run.rr'])
        vm = self.record()
        self.assertIn(f"is kept as '{self.log}.old'", vm.output())
        self.say(vm, 'the second')
        vm.terminate()
        self.assertIn(b'the second', self.replayed()[0])
        self.assertIn(b'the first', self.replayed(f'{self.log}.old')[0])
        self.assertEqual(sorted(os.listdir(self.dir)),
                         ['run.rr', 'run.rr.old'])

    def on_disk(self, mode, log):
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={self.disk},if=ide', '-icount',
                f'shift=7,rr={mode},rrfile={log},rrsnapshot=init,'
                'rrsnapshot-period=1M' if mode == 'record' else
                f'shift=7,rr={mode},rrfile={log},rrsnapshot=init')

    def img(self, *args):
        return subprocess.run([reprise.program('reprise-img'), *args],
                              check=True, capture_output=True, text=True,
                              timeout=reprise.TIMEOUT).stdout

    def test_many_on_one_disk(self):
        """Each recording finds its own snapshots, whatever came later."""
        self.disk = self.path('disk.qcow2')
        self.img('convert', '-O', 'qcow2', reprise.guest('io'), self.disk)
        said = {}
        for log in 'abc':
            vm = self.start(*self.on_disk('record', self.path(log)),
                            qmp=True, hmp=True)
            vm.serial.expect('> ')
            vm.serial.send(f'write {log}\r')
            vm.serial.expect('wrote sector')
            vm.hmp.cmd('savevm mine')
            vm.serial.send('date\rquit\r')
            self.assertEqual(vm.wait(), 1, vm.output())
            said[log] = vm.serial.seen
        listing = self.img('snapshot', '-l', self.disk)
        self.assertEqual(len(re.findall(r'\binit@[0-9a-f]{8}\s', listing)), 2,
                         listing)
        for log in 'bac':
            vm = self.start(*self.on_disk('replay', self.path(log)),
                            qmp=True, hmp=True)
            self.assertEqual(vm.wait(), 1, vm.output())
            self.assertEqual(vm.serial.seen, said[log])
            vm.close()
            vm = self.start(*self.on_disk('replay', self.path(log)), '-S',
                            qmp=True, hmp=True)
            self.assertEqual(vm.hmp.cmd('loadvm mine'), '')
            vm.qmp.cmd('cont')
            self.assertEqual(vm.wait(), 1, vm.output())
            self.assertTrue(said[log].endswith(vm.serial.seen[-60:]))
            vm.close()
        other = re.search(r'\binit@[0-9a-f]{8}', listing).group(0)
        args = [a.replace('rrsnapshot=init', f'rrsnapshot={other}')
                for a in self.on_disk('replay', self.path('c'))]
        self.refused(*args, '-serial', 'null',
                     message='is of another recording')
        self.img('check', self.disk)

    def test_in_use(self):
        vm = self.record()
        self.refused(*self.args('record'), message='in use by another')
        self.refused(*self.args('replay'), message='is being written to it')
        vm.terminate()
        vm = self.start(*self.args('replay'), '-S', qmp=True)
        self.refused(*self.args('record'), message='in use by another')
        other = self.start(*self.args('replay'), '-S', qmp=True)
        other.qmp.cmd('query-replay')
        vm.qmp.cmd('cont')
        vm.qmp.event('STOP')

    def test_other_files(self):
        """Nothing but a recording is overwritten."""
        image = self.path('disk.img')
        shutil.copy(reprise.guest('io'), image)
        with open(image, 'rb') as f:
            before = f.read()
        empty = self.path('empty')
        with open(empty, 'wb'):
            pass
        drive = ('-drive', f'file={image},format=raw,if=ide,snapshot=on')
        rr = '-icount', f'shift=7,rr=record,rrfile={image}'
        self.refused(*drive, *rr, message='the same file as -drive')
        self.refused(*self.args('record', image),
                     message='is not a recording and is not overwritten')
        for option in (('-serial', f'file:{empty}'), ('-D', empty),
                       ('-chardev', f'file,id=c,path={empty}'),
                       ('-pidfile', empty)):
            self.refused(*self.args('record', empty), *option,
                         message='the same file as ' + option[0])
        # Not even what is only about to be emptied.
        vm = self.record()
        vm.terminate()
        size = os.path.getsize(self.log)
        for option in (('-D', self.log), ('-serial', f'file:{self.log}')):
            for mode in 'record', 'replay':
                self.refused(*self.args(mode), *option, message='same file')
        self.assertEqual(os.path.getsize(self.log), size)
        with open(image, 'rb') as f:
            self.assertEqual(f.read(), before)


if __name__ == '__main__':
    reprise.main()
