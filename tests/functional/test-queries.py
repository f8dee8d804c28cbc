"""Questions about a replay's past, bookmarks, long searches that are told of
and ended, and -replay-timeline."""
import re
import unittest

import reprise
import rsp

TICKS = 0x46c              # of the BIOS: written by its timer interrupt
END = 'No bootable device'


class Firmware(reprise.TestCase):
    """SeaBIOS without a disk, replayed to its end."""

    def setUp(self):
        super().setUp()
        self.log = self.path('run.rr')
        vm = self.start('-m', '64', '-net', 'none', *self.icount('record'),
                        qmp=True)
        vm.serial.expect(END)
        vm.qmp.cmd('stop')
        self.end = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('quit')
        vm.wait()

    def icount(self, mode):
        return '-icount', f'shift=7,rr={mode},rrfile={self.log},rrdigest=50000'

    def replay(self, *args, **doors):
        return self.start('-m', '64', '-net', 'none', *self.icount('replay'),
                          '-S', *args, qmp=True, hmp=True, **doors)

    def at_end(self, *args):
        vm = self.replay(*args)
        vm.qmp.cmd('replay-seek', icount=self.end)
        return vm

    def bytes_at(self, vm, addr, count):
        text = vm.hmp.cmd(f'xp /{count}xb {addr:#x}')
        return ''.join(re.findall(r'0x(\w\w)\b', text.split(':', 1)[1]))

    def state(self, vm):
        return vm.qmp.cmd('query-replay'), vm.hmp.cmd('info registers')

    def history(self, vm, **args):
        return vm.qmp.cmd('replay-history', addr=TICKS, len=4, count=1000,
                          **args)


class Questions(Firmware):
    def test_answers_are_true(self):
        """Each write is where it is said to be, and changes what it says."""
        vm = self.at_end()
        before = self.state(vm)
        writes = self.history(vm, phys=True)
        self.assertEqual(writes, self.history(vm))   # no paging here
        self.assertEqual(self.state(vm), before)
        self.assertGreater(len(writes), 3)
        for w in writes:
            vm.qmp.cmd('replay-seek', icount=w['icount'])
            self.assertEqual(self.bytes_at(vm, TICKS, 4), w['old'])
            self.assertEqual(w['cpu'], 0)
            vm.qmp.cmd('replay-seek', icount=w['icount'] + 1)
            self.assertEqual(self.bytes_at(vm, TICKS, 4), w['new'])
        for later, earlier in zip(writes, writes[1:]):
            self.assertGreater(later['icount'], earlier['icount'])
            self.assertEqual(later['old'], earlier['new'])

    def test_none_is_missed(self):
        """A run forward with a watchpoint meets the same writes."""
        writes = self.history(self.at_end())
        door = self.path('gdb')
        vm = self.replay('-gdb', f'unix:{door},server=on,wait=off')
        gdb = rsp.Rsp(door)
        self.addCleanup(gdb.close)
        self.assertEqual(gdb.cmd(f'Z2,{TICKS:x},4'), 'OK')
        met = []
        while 'watch' in gdb.cmd('c'):
            met.append(vm.qmp.cmd('query-replay')['icount'] - 1)
        self.assertEqual(sorted(set(met), reverse=True),
                         [w['icount'] for w in writes])

    def test_last_write(self):
        """The latest of the history, from anywhere, however it is asked."""
        vm = self.at_end()
        writes = self.history(vm)
        for w in writes[:3]:
            vm.qmp.cmd('replay-seek', icount=w['icount'] + 1)
            self.assertEqual(vm.qmp.cmd('replay-last-write', addr=TICKS,
                                        len=4), w)
            said = vm.hmp.cmd(f'replay_last_write {TICKS},4,phys')
            old, new = (bytes.fromhex(w[k])[::-1].hex() for k in ('old',
                                                                  'new'))
            self.assertEqual(said.strip(), f'icount {w["icount"]}: CPU#0 pc '
                             f'{w["pc"]:#x}: 0x{old} -> 0x{new}')
        vm.qmp.cmd('replay-seek', icount=writes[-1]['icount'])
        with self.assertRaisesRegex(reprise.QmpError, 'was not written'):
            vm.qmp.cmd('replay-last-write', addr=TICKS, len=4)
        self.assertIn('no write before',
                      vm.hmp.cmd(f'replay_last_write {TICKS},4'))

    def test_last_exec(self):
        """Where the writer of the ticks was executed last."""
        vm = self.at_end()
        write = self.history(vm)[0]
        found = vm.qmp.cmd('replay-last-exec', addr=write['pc'])
        self.assertGreaterEqual(found['icount'], write['icount'])
        vm.qmp.cmd('replay-seek', icount=found['icount'])
        self.assertRegex(vm.hmp.cmd('info registers'),
                         f'[ER]IP=0*{write["pc"]:x} ')
        self.assertNotIn('old', found)
        with self.assertRaisesRegex(reprise.QmpError, 'was not executed'):
            vm.qmp.cmd('replay-last-exec', addr=0x12345678)

    def test_debuggers_points_stay(self):
        """A question does not disturb what a debugger has set."""
        door = self.path('gdb')
        vm = self.replay('-gdb', f'unix:{door},server=on,wait=off')
        writes = None
        gdb = rsp.Rsp(door)
        self.addCleanup(gdb.close)
        vm.qmp.cmd('replay-seek', icount=self.end)
        gdb.cmd(f'Z2,{TICKS:x},4')
        writes = self.history(vm)
        for w in writes[:3]:
            self.assertIn('watch', gdb.cmd('bc'))
            self.assertEqual(vm.qmp.cmd('query-replay')['icount'],
                             w['icount'])
            self.assertEqual(self.history(vm), writes[writes.index(w) + 1:])

    def test_conditions_that_change(self):
        """What was found under one condition is no answer under another."""
        door = self.path('gdb')
        vm = self.replay('-gdb', f'unix:{door},server=on,wait=off')
        vm.qmp.cmd('replay-seek', icount=self.end)
        pc = self.history(vm)[0]['pc']
        gdb = rsp.Rsp(door)
        self.addCleanup(gdb.close)
        never, always = ';X3,220027', ';X3,220127'    # const8 0, 1; end
        met = {}
        for when in ('', never, '', always, never, always, ''):
            vm.qmp.cmd('replay-seek', icount=self.end)
            self.assertEqual(gdb.cmd(f'Z0,{pc:x},1{when}'), 'OK')
            said = gdb.cmd('bc')
            at = vm.qmp.cmd('query-replay')['icount']
            self.assertEqual('replaylog:begin' in said, when == never, when)
            self.assertEqual(met.setdefault(when == never, at), at, when)
        gdb.cmd(f'z0,{pc:x},1')
        self.assertEqual(gdb.cmd(f'Z0,{pc:x},1'), 'OK')
        vm.qmp.cmd('replay-seek', icount=self.end)
        gdb.cmd('bc')
        self.assertEqual(vm.qmp.cmd('query-replay')['icount'], met[False])

    def test_refused(self):
        vm = self.at_end()
        for args, why in (({'len': 0}, "'len' must be from 1 to 64"),
                          ({'len': 65}, "'len' must be from 1 to 64"),
                          ({'addr': 1 << 40, 'phys': True}, 'not in RAM')):
            with self.assertRaisesRegex(reprise.QmpError, why):
                vm.qmp.cmd('replay-last-write', **{'addr': TICKS, **args})
        with self.assertRaisesRegex(reprise.QmpError, "'count' must be"):
            vm.qmp.cmd('replay-history', addr=TICKS, count=0)
        plain = self.start('-m', '64', '-net', 'none', '-S', qmp=True)
        with self.assertRaisesRegex(reprise.QmpError, 'replay'):
            plain.qmp.cmd('replay-last-write', addr=TICKS)


class Bookmarks(Firmware):
    def test_names(self):
        """Kept when memory is scarce; moved, found, forgotten."""
        vm = self.at_end('-replay-timeline', 'size=1M,interval=10k')
        states = {}
        for n, name in enumerate(('one', 'two', 'three')):
            vm.qmp.cmd('replay-seek', icount=self.end // 4 * (n + 1))
            vm.qmp.cmd('replay-bookmark', name=name)
            states[name] = self.state(vm)
        vm.qmp.cmd('replay-seek', icount=self.end)
        self.assertEqual([b['name'] for b in
                          vm.qmp.cmd('query-replay-bookmarks')],
                         ['one', 'two', 'three'])
        for name in ('two', 'one', 'three'):
            vm.hmp.cmd(f'replay_seek {name}')
            self.assertEqual(self.state(vm), states[name])
        vm.qmp.cmd('replay-bookmark', name='one')
        self.assertRegex(vm.hmp.cmd('info replay_bookmarks'),
                         f'one +icount = {self.end // 4 * 3}')
        vm.qmp.cmd('replay-delete-bookmark', name='one')
        with self.assertRaisesRegex(reprise.QmpError, "no bookmark 'one'"):
            vm.qmp.cmd('replay-seek-bookmark', name='one')
        with self.assertRaisesRegex(reprise.QmpError, 'begins with a letter'):
            vm.qmp.cmd('replay-bookmark', name='1st')


class Timeline(Firmware):
    def test_off(self):
        """The replay runs, and only forward."""
        vm = self.replay('-replay-timeline', 'off')
        self.assertIn('There is no timeline', vm.hmp.cmd('info timeline'))
        with self.assertRaisesRegex(reprise.QmpError, 'timeline is off'):
            vm.qmp.cmd('replay-seek', icount=1000)
        vm.qmp.cmd('cont')
        vm.serial.expect(END)

    def test_bad_values(self):
        for value, why in (('size=12x', 'size'), ('interval=0', 'interval'),
                           ('size=1k', "'size' must be at least 1M"),
                           ('speed=1', 'speed'), ('maybe', 'maybe')):
            result = reprise.run('-replay-timeline', value)
            self.assertEqual(result.returncode, 1, value)
            self.assertIn(why, result.stderr)

    def test_memory(self):
        """With next to none it is still right (digests are checked)."""
        vm = self.replay('-replay-timeline', 'size=1M,interval=20k')
        for part in (9, 3, 7, 1, 8, 2, 10):
            vm.qmp.cmd('replay-seek', icount=self.end * part // 10)
        self.assertRegex(vm.hmp.cmd('info timeline'), r'\d+ checkpoints')


class Interrupted(reprise.TestCase):
    """A search without a hit that takes some time."""

    def setUp(self):
        super().setUp()
        log, self.door = self.path('spin.rr'), self.path('gdb')
        machine = ('-m', '32', '-net', 'none', '-device', 'isa-debug-exit',
                   '-drive', f'file={reprise.guest("io")},format=raw,if=ide,'
                   'snapshot=on')
        vm = self.start(*machine, '-icount',
                        f'shift=7,sleep=off,rr=record,rrfile={log}', qmp=True)
        for _ in range(160):
            vm.serial.expect('> ')
            vm.serial.send('spin\r')
        vm.serial.expect('> ')
        vm.qmp.cmd('stop')
        self.end = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('quit')
        vm.wait()
        self.vm = self.start(
            *machine, '-accel', 'tcg,backend=interp', '-icount',
            f'shift=7,sleep=off,rr=replay,rrfile={log}', '-S', '-gdb',
            f'unix:{self.door},server=on,wait=off', qmp=True, hmp=True)
        ticks = rsp.symbols(reprise.guest('io').replace('.img', '.elf'))
        self.busy = ticks['ticks']

    def never(self):
        """Bytes that nobody writes beside a counter that each tick writes, in
        the same line of 64 bytes: the search has to run every interval."""
        there = self.busy + 8
        self.assertEqual(there & ~63, self.busy & ~63)
        return there

    def there(self, gdb):
        self.vm.qmp.cmd('replay-seek', icount=self.end)
        before = self.vm.hmp.cmd('info registers')
        self.assertEqual(gdb.cmd(f'Z2,{self.never():x},4'), 'OK')
        gdb.put('bc')
        shown = gdb.expect(rb'\$O([0-9a-f]*)#..').group(1)
        gdb.send('+')
        self.assertIn(b'search', bytes.fromhex(shown.decode()))
        return before

    def unmoved(self, before):
        self.assertEqual(self.vm.qmp.cmd('query-replay')['icount'], self.end)
        self.assertEqual(self.vm.hmp.cmd('info registers'), before)

    def test_by_the_debugger(self):
        gdb = rsp.Rsp(self.door)
        self.addCleanup(gdb.close)
        before = self.there(gdb)
        gdb.interrupt()
        self.assertRegex(gdb.answer(), '^T02')
        self.unmoved(before)

    def test_by_a_monitor(self):
        gdb = rsp.Rsp(self.door)
        self.addCleanup(gdb.close)
        before = self.there(gdb)
        self.vm.qmp.event('REPLAY_PROGRESS')
        self.vm.qmp.cmd('stop')
        self.assertRegex(gdb.answer(), '^T')
        self.unmoved(before)

    def test_by_the_session_that_waits(self):
        self.vm.qmp.send('{"execute": "replay-seek", "arguments": '
                         f'{{"icount": {self.end}}}}}\n')
        self.vm.qmp.event('REPLAY_PROGRESS')
        with self.assertRaisesRegex(reprise.QmpError, 'interrupted'):
            self.vm.qmp.cmd('stop')     # the answer to the first one comes
        self.vm.qmp.message()           # and that of stop
        self.assertEqual(self.vm.qmp.cmd('query-replay')['icount'], 0)

    def test_in_hmp(self):
        self.vm.hmp.send(f'replay_seek {self.end}\n')
        self.vm.hmp.expect(rb"seek: at icount \d+")
        self.vm.hmp.send('stop\n')
        self.vm.hmp.expect(b'interrupted')
        self.assertEqual(self.vm.qmp.cmd('query-replay')['icount'], 0)


if __name__ == '__main__':
    unittest.main(verbosity=2)
