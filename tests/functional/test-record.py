"""A guest that takes in serial input, keys, the date and random numbers and
writes a disk: the replay is the recording, as often as one likes."""
import os
import re
import signal

import reprise

REPLAYS = int(os.environ.get('REPRISE_REPLAYS', '5'))


def drive(**more):
    words = ''.join(f',{k}={v}' for k, v in more.items())
    return ('-drive', f'file={reprise.guest("io")},format=raw,if=ide,'
            f'snapshot=on{words}')


COMMON = ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit', *drive())


def icount(log, mode, more=''):
    return ('-icount', f'shift=7,rr={mode},rrfile={log}{more}')


class Record(reprise.TestCase):
    def record(self, *args, more=''):
        """Plays a user; returns the log and all that the guest printed."""
        log = self.path('io.rr')
        vm = self.start(*COMMON, *args, *icount(log, 'record', more), qmp=True)
        vm.serial.expect('> ')
        vm.serial.send('hello there\r')
        vm.serial.expect('you said: hello there')
        vm.qmp.cmd('send-key', keys=[{'type': 'qcode', 'data': 'a'},
                                     {'type': 'qcode', 'data': 'ret'}])
        vm.serial.send('write some text\r')
        vm.serial.expect('wrote sector 200 ok')
        vm.serial.send('spin\r')
        vm.serial.expect('spun')
        vm.serial.send('keys\r')
        vm.serial.expect('keys 0000001e')
        vm.serial.send('write more\rdate\rquit\r')
        vm.serial.expect(r'hash [0-9a-f]{8}')
        self.assertEqual(vm.wait(), 1)
        return log, vm.serial.seen

    def replay(self, log, *args):
        vm = self.start(*COMMON, *args, *icount(log, 'replay'))
        status = vm.wait()
        return status, vm.serial.seen, vm.output()

    def test_same_again(self):
        log, printed = self.record(more=',rrdigest=1000000')
        for _ in range(REPLAYS):
            status, again, messages = self.replay(log)
            self.assertEqual(again, printed, messages)
            self.assertEqual(status, 1, messages)

    def test_two_recordings_may_differ(self):
        """The hash takes in time stamps and input times: if this is the same
        twice, the test above proves nothing."""
        hashes = set()
        for _ in range(2):
            _, printed = self.record()
            hashes.add(re.search(rb'hash ([0-9a-f]{8})', printed)[1])
        self.assertEqual(len(hashes), 2)

    def test_torture(self):
        """Digests are checked every 200,000 instructions, with every cache
        dropped at random and with one instruction per TB."""
        log, printed = self.record(more=',rrdigest=200000')
        for accel in ('backend=interp', 'plain-host=on',
                      'one-insn-per-tb=on', 'flush-at-random=1',
                      'flush-at-random=77', 'verify=on'):
            with self.subTest(accel=accel):
                status, again, messages = self.replay(
                    log, '-accel', f'tcg,{accel}')
                self.assertEqual(again, printed, messages)
                self.assertEqual(status, 1, messages)

    def test_recorded_under_torture(self):
        """And the other way round: a tortured recording replays plainly."""
        log, printed = self.record('-accel', 'tcg,flush-at-random=5',
                                   more=',rrdigest=200000')
        status, again, messages = self.replay(log)
        self.assertEqual((status, again), (1, printed), messages)

    def test_killed_recorder(self):
        """What is on tape when the recorder is killed replays."""
        log = self.path('io.rr')
        vm = self.start(*COMMON, *icount(log, 'record'), qmp=True)
        vm.serial.expect('> ')
        vm.serial.send('hello there\r')
        vm.serial.expect('you said: hello there')
        # Until something is on tape: a chunk is closed every 100 ms.
        size = os.path.getsize(log)
        while os.path.getsize(log) == size:
            vm.serial.send('spin\r')
            vm.serial.expect('spun')
        vm.process.send_signal(signal.SIGKILL)
        vm.process.wait()
        vm = self.start(*COMMON, *icount(log, 'replay'), qmp=True)
        vm.serial.expect('io guest')
        vm.qmp.event('STOP')
        self.assertRegex(vm.output(), r'icount \d+')

    def test_other_machine_is_refused(self):
        log, _ = self.record()
        result = reprise.run(*COMMON[2:], '-m', '32', *icount(log, 'replay'),
                             '-nodefaults', '-display', 'none')
        self.assertEqual(result.returncode, 1)
        self.assertIn('recorded with', result.stderr)
        self.assertIn('64', result.stderr)
        self.assertIn('32', result.stderr)

    def test_damaged_log(self):
        log, _ = self.record()
        with open(log, 'r+b') as f:
            f.seek(os.path.getsize(log) // 2)
            byte = f.read(1)
            f.seek(-1, os.SEEK_CUR)
            f.write(bytes([byte[0] ^ 0x40]))
        vm = self.start(*COMMON, *icount(log, 'replay'), qmp=False)
        # Refused at once, or where the damage is met; said either way.
        try:
            vm.wait(20)
        except AssertionError:
            vm.terminate()
        self.assertIn(log, vm.output())


if __name__ == '__main__':
    reprise.main()
