"""Going back into a recording that is still being made: the recording is what
it would have been without, however one goes and comes back.

Whether it is shows in the replay, which checks a digest of the whole state
every 20,000 instructions and prints what the guest printed."""
import os
import random
import re
import signal
import subprocess

import reprise
import rsp

SEED = int(os.environ.get('REPRISE_SEED', '1'))
DIGESTS = ',rrdigest=20000'
SECTOR = 512


class Session:
    """A recorder with every door open, and someone at each of them."""

    def __init__(self, test, *args, more='', gdb=True):
        self.test = test
        self.log = test.path('live.rr')
        self.door = test.path('gdb')
        self.vm = test.start(
            *test.machine(), *args, *(('-S',) if gdb else ()), '-gdb',
            f'unix:{self.door},server=on,wait=off',
            *test.icount(self.log, 'record', DIGESTS + more),
            qmp=True, hmp=True)
        self.sym = rsp.symbols(reprise.guest('io').replace('.img', '.elf'))
        self.random = random.Random(SEED)
        self.gdb = None
        if gdb:
            self.attach()
            self.go()

    def attach(self):
        self.gdb = rsp.Rsp(self.door)

    def go(self):
        self.gdb.put('c')

    def where(self):
        info = self.vm.qmp.cmd('query-replay')
        return info['mode'], info['icount']

    def back(self, steps=1):
        """Leaves the present by reverse-stepi."""
        _, now = self.where()
        for n in range(1, steps + 1):
            self.gdb.cmd('bs')
            self.test.assertEqual(self.where(), ('play', now - n))

    def say(self, words, answer):
        """Speaks to a running guest."""
        self.vm.serial.send(words + '\r')
        self.vm.serial.expect(answer)


# --- excursions: each begins in the present, the machine stopped, and ends there

def forward_again(s):
    """reverse-stepi, and continue up to the present."""
    s.back(3)
    s.test.assertIn('replaylog:end', s.gdb.cmd('c'))


def step_home(s):
    """As many stepi as reverse-stepi."""
    s.back(2)
    s.gdb.cmd('s')
    s.test.assertEqual(s.where()[0], 'play')
    s.gdb.cmd('s')


def to_the_start(s):
    """reverse-continue without points, and the monitor's way home."""
    s.test.assertIn('replaylog:begin', s.gdb.cmd('bc'))
    s.test.assertEqual(s.vm.hmp.cmd('replay_return'), '')


def who_wrote(s):
    """reverse-continue to writes of the tick counter."""
    z = f"2,{s.sym['ticks']:x},4"
    s.test.assertEqual(s.gdb.cmd('Z' + z), 'OK')
    for _ in range(2):
        s.test.assertRegex(s.gdb.cmd('bc'), 'watch|begin')
    s.gdb.cmd('z' + z)
    s.vm.qmp.cmd('replay-return')


def breakpoints(s):
    """reverse-continue and continue between breakpoints."""
    z = f"0,{s.sym['mix']:x},1"
    s.test.assertEqual(s.gdb.cmd('Z' + z), 'OK')
    present = s.where()[1]
    stops = [s.gdb.cmd('bc') for _ in range(3)]
    s.test.assertRegex(stops[0], 'swbreak|begin')
    s.test.assertRegex(s.gdb.cmd('c'), 'swbreak|end')
    s.gdb.cmd('z' + z)
    if s.where()[0] == 'play':
        s.vm.qmp.cmd('replay-seek', icount=present)


def seeks(s):
    """To and fro at random."""
    present = s.where()[1]
    for _ in range(4):
        to = s.random.randrange(present)
        s.vm.qmp.cmd('replay-seek', icount=to)
        s.test.assertEqual(s.where(), ('play', to))
    s.test.assertIn('cannot seek',
                    s.vm.hmp.cmd(f'replay_seek {present + 1}'))
    s.test.assertEqual(s.where(), ('play', to))
    s.vm.hmp.cmd(f'replay_seek {present}')


def questions(s):
    """They go by themselves, and come back by themselves."""
    at = s.sym['ticks']
    s.test.assertRegex(s.vm.hmp.cmd(f'replay_last_write {at:#x},4'), 'icount')
    s.vm.hmp.cmd(f'replay_last_write {at:#x},4,phys')
    s.test.assertIn('not in RAM',
                    s.vm.hmp.cmd('replay_last_write 0xfee00000,4,phys'))
    s.vm.qmp.cmd('replay-last-exec', addr=s.sym['interrupt'])


def monitor_goes_on(s):
    """`cont` of another door while gdb is in the past."""
    s.gdb.cmd('bs')
    s.vm.qmp.events.clear()
    s.vm.qmp.cmd('cont')
    s.vm.qmp.event('STOP')


def interrupted(s):
    """^C and `stop` at whatever moment they come."""
    s.gdb.put('bc')
    s.gdb.interrupt()
    s.test.assertRegex(s.gdb.answer(), '^T0[25]')
    s.vm.hmp.send(f"replay_last_write {s.sym['bss_end'] - 4:#x}\n")
    s.vm.qmp.cmd('stop')
    s.vm.hmp.expect(s.vm.hmp.PROMPT)
    s.vm.qmp.cmd('replay-return')


def hung_up(s):
    """The debugger's process died in the past."""
    s.gdb.cmd('bs')
    s.gdb.close()
    s.attach()


def detached(s):
    """detach lets the guest go on, which is a matter of the present."""
    s.gdb.cmd('bs')
    present = s.where()[1] + 1
    s.test.assertEqual(s.gdb.cmd('D'), 'OK')
    mode, now = s.where()
    s.test.assertEqual(mode, 'record')
    s.test.assertGreaterEqual(now, present)
    s.gdb.close()
    s.attach()


def scribbled(s):
    """What a debugger writes in the present is a part of the recording,
    whoever leaves it; in the past it is undone."""
    at = f"{s.sym['hash']:x},4"
    for n, leave in enumerate(
            (lambda: s.vm.qmp.cmd('replay-seek', icount=1000),
             lambda: s.gdb.cmd('bs'),
             lambda: s.vm.hmp.cmd(f"replay_last_write 0x{at}"))):
        mine = f'{n}2345678'
        s.test.assertEqual(s.gdb.cmd(f'M{at}:{mine}'), 'OK')
        s.test.assertEqual(s.gdb.cmd('m' + at), mine)
        leave()
        if s.where()[0] == 'play':
            s.test.assertEqual(s.gdb.cmd(f'M{at}:87654321'), 'OK')
        s.vm.qmp.cmd('replay-return')
        s.test.assertEqual(s.gdb.cmd('m' + at), mine)


EXCURSIONS = (forward_again, step_home, to_the_start, who_wrote, breakpoints,
              seeks, questions, monitor_goes_on, interrupted, hung_up,
              detached, scribbled)


class Case(reprise.TestCase):
    drive = None

    def machine(self):
        if self.drive:
            disk = f'file={self.drive},format=qcow2'
        else:
            disk = f'file={reprise.guest("io")},format=raw,snapshot=on'
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'{disk},if=ide')

    def icount(self, log, mode, more=''):
        if self.drive and 'rrsnapshot=' not in more:
            more += ',rrsnapshot=init'
        return ('-icount', f'shift=7,rr={mode},rrfile={log}{more}')

    def qcow2(self):
        self.drive = self.path('disk.qcow2')
        self.img('convert', '-f', 'raw', '-O', 'qcow2', reprise.guest('io'),
                 self.drive)
        self.img('resize', self.drive, '1M')

    def img(self, *args):
        return subprocess.run([reprise.program('reprise-img'), *args],
                              capture_output=True, text=True, check=True)

    def replay(self, log, *args, more=''):
        vm = self.start(*self.machine(), *args,
                        *self.icount(log, 'replay', more))
        return vm.wait(), vm.serial.seen, vm.output()

    def same(self, log, printed, *args, more=''):
        status, again, messages = self.replay(log, *args, more=more)
        self.assertEqual(again, printed, messages)
        self.assertEqual(status, 1, messages)

    def content(self, count):
        """The image at the end: what the guest was told to write, behind
        what was there."""
        self.img('check', self.drive)
        raw = self.path('end.raw')
        self.img('convert', '-O', 'raw', self.drive, raw)
        with open(raw, 'rb') as f, open(reprise.guest('io'), 'rb') as g:
            now, then = f.read(), g.read()
        first = 200 * SECTOR
        self.assertEqual(now[:min(first, len(then))], then[:first])
        for n in range(count):
            text = f'before {n}'.encode()
            at = first + n * SECTOR
            self.assertEqual(now[at:at + len(text)], text)
            self.assertNotEqual(now[at + len(text):at + SECTOR],
                                bytes(SECTOR - len(text)))
        self.assertFalse(any(now[first + count * SECTOR:]))


class Live(Case):
    def excursion(self, s, go, n):
        """One of them, with input before, during and after."""
        s.vm.serial.send(f'write before {n}\r')
        s.gdb.stop()
        present = s.where()
        self.assertEqual(present[0], 'record')
        s.vm.serial.send(f'during {n}\r')
        go(s)
        after = s.where()
        self.assertEqual(after[0], 'record', go)
        if go is not detached:
            self.assertEqual(after, present, go)
        s.go()
        s.vm.serial.expect('wrote sector \\d+ ok')
        s.vm.serial.expect(f'you said: during {n}')
        s.say(f'after {n}', f'you said: after {n}')
        s.vm.qmp.cmd('send-key', keys=[{'type': 'qcode', 'data': 'a'}])
        s.say('keys', r'keys[^\n]*\n')

    def journey(self, *args, more='', only=EXCURSIONS):
        """The whole of it; the log and what the guest printed."""
        s = Session(self, *args, more=more)
        s.vm.serial.expect('> ')
        for n, go in enumerate(only):
            try:
                self.excursion(s, go, n)
            except Exception as failure:
                raise AssertionError(f'{go.__name__}: {failure}; it printed '
                                     f'{s.vm.output()!r}') from failure
        s.vm.serial.send('date\rquit\r')
        s.vm.serial.expect(r'hash [0-9a-f]{8}')
        self.assertEqual(s.vm.wait(), 1, s.vm.output())
        self.assertEqual(s.vm.output().count('reprise-system'), 0,
                         s.vm.output())
        return s.log, s.vm.serial.seen

    def test_same_recording(self):
        log, printed = self.journey()
        for accel in ('backend=x86_64', 'backend=interp',
                      'one-insn-per-tb=on', 'flush-at-random=3'):
            with self.subTest(accel=accel):
                self.same(log, printed, '-accel', f'tcg,{accel}')

    def test_under_torture(self):
        for accel in ('backend=interp', 'one-insn-per-tb=on',
                      'flush-at-random=5'):
            with self.subTest(accel=accel):
                log, printed = self.journey('-accel', f'tcg,{accel}')
                self.same(log, printed)
                os.unlink(log)

    def test_disk_of_its_own(self):
        """Sectors that were written stay written, and only those."""
        self.qcow2()
        log, printed = self.journey()
        self.content(len(EXCURSIONS))
        self.same(log, printed)

    def test_close_checkpoints(self):
        """The same with many of them, and with room for few."""
        for how in ('interval=100k', 'size=1M,interval=50k'):
            with self.subTest(timeline=how):
                log, printed = self.journey('-replay-timeline', how)
                self.same(log, printed)
                os.unlink(log)

    def test_periodic_snapshots(self):
        """Snapshots of the way are as good as without excursions, and no
        excursion begins at one: the disk belongs to the present."""
        self.qcow2()
        log, printed = self.journey('-replay-timeline', 'interval=1G',
                                    more=',rrsnapshot=init,'
                                    'rrsnapshot-period=1M')
        self.content(len(EXCURSIONS))
        listing = self.img('snapshot', '-l', self.drive).stdout
        names = re.findall(r'init-\d+', listing)
        self.assertGreater(len(names), 2, listing)
        self.same(log, printed, more=',rrsnapshot=init')
        for name in (names[0], names[len(names) // 2], names[-1]):
            status, again, messages = self.replay(
                log, more=f',rrsnapshot={name}')
            self.assertEqual(status, 1, messages)
            self.assertTrue(printed.endswith(again), messages)


class Stops(Case):
    """Where exactly the present is."""

    def end(self, s):
        s.vm.serial.send('quit\r')
        s.vm.serial.expect(r'hash [0-9a-f]{8}')
        self.assertEqual(s.vm.wait(), 1, s.vm.output())
        self.same(s.log, s.vm.serial.seen)

    def test_at_a_watchpoint(self):
        """The present is behind an access that a watchpoint stopped at, which
        is met again on the way back to it."""
        s = Session(self)
        s.vm.serial.expect('> ')
        s.gdb.stop()
        z = f"2,{s.sym['ticks']:x},4"
        s.gdb.cmd('Z' + z)
        self.assertIn('watch', s.gdb.cmd('c'))
        present = s.where()
        s.back(2)
        self.assertIn('watch', s.gdb.cmd('c'))
        self.assertEqual(s.where(), present)
        self.assertIn('watch', s.gdb.cmd('c'))
        self.assertGreater(s.where(), present)
        s.gdb.cmd('z' + z)
        s.go()
        self.end(s)

    def test_at_a_breakpoint(self):
        """So is a breakpoint, if it is told at all: the end comes first."""
        s = Session(self)
        s.vm.serial.expect('> ')
        s.gdb.stop()
        z = f"1,{s.sym['interrupt']:x},1"
        s.gdb.cmd('Z' + z)
        for _ in range(3):
            self.assertIn('hwbreak', s.gdb.cmd('c'))
            present = s.where()
            s.back(2)
            self.assertRegex(s.gdb.cmd('c'), 'hwbreak|replaylog:end')
            self.assertEqual(s.where(), present)
        s.gdb.cmd('z' + z)
        s.go()
        self.end(s)

    def test_inside_a_boundary(self):
        """A breakpoint at an interrupt's first instruction stops where the
        boundary's inputs and timers are over. Going away and coming back does
        not make the boundary begin again: a key then comes after it."""
        s = Session(self)
        s.vm.serial.expect('> ')
        for handler, n in (('isr_36', 0), ('isr_32', 1), ('isr_36', 2)):
            s.gdb.stop()
            z = f'1,{s.sym[handler]:x},1'
            s.gdb.cmd('Z' + z)
            s.vm.serial.send(f'char {n}\r')
            self.assertIn('hwbreak', s.gdb.cmd('c'))
            s.gdb.cmd('z' + z)
            s.back(2)
            s.vm.qmp.cmd('replay-return')
            s.vm.qmp.cmd('send-key', keys=[{'type': 'qcode', 'data': 'b'}])
            s.go()
            s.vm.serial.expect(f'you said: char {n}')
        self.end(s)

    def test_scribbled_and_gone(self):
        """Memory that gdb changed is changed when a monitor or gdb lets go;
        and what the guest writes to its disk then, it does write."""
        self.qcow2()
        s = Session(self)
        s.vm.serial.expect('> ')
        at = f"{s.sym['hash']:x},4"
        for n, go in enumerate((s.go, lambda: s.vm.qmp.cmd('cont'))):
            s.gdb.stop()
            self.assertEqual(s.gdb.cmd(f'M{at}:12345678'), 'OK')
            go()
            s.say(f'write before {n}', 'wrote sector')
        self.end(s)
        self.content(2)

    def test_guest_that_is_off(self):
        """It is off in the present, and on in the past."""
        s = Session(self, '-no-shutdown')
        s.vm.serial.expect('> ')
        s.vm.serial.send('quit\r')
        s.vm.qmp.event('SHUTDOWN')
        s.gdb.answer()
        present = s.where()
        s.vm.qmp.cmd('replay-seek', icount=1000)
        self.assertEqual(s.vm.qmp.cmd('query-status')['status'], 'paused')
        s.vm.qmp.cmd('replay-return')
        self.assertEqual(s.where(), present)
        self.assertEqual(s.vm.qmp.cmd('query-status')['status'], 'shutdown')

    def test_killed_in_the_past(self):
        s = Session(self)
        s.vm.serial.expect('> ')
        s.gdb.stop()
        _, present = s.where()
        s.back(3)
        s.vm.qmp.cmd('replay-seek', icount=present // 3)
        s.vm.process.send_signal(signal.SIGKILL)
        s.vm.process.wait()
        vm = self.start(*self.machine(), *self.icount(s.log, 'replay'),
                        qmp=True)
        vm.serial.expect('> ')
        vm.qmp.event('STOP')
        self.assertEqual(vm.qmp.cmd('query-replay')['icount'], present)
        self.assertNotIn('diverged', vm.output())

    def test_quit_in_the_past(self):
        """quit, a signal: the log ends in the present, and says why."""
        for how, reason in (
                (lambda s: s.vm.qmp.cmd('quit'), 'host-qmp-quit'),
                (lambda s: s.vm.process.terminate(), 'host-signal')):
            s = Session(self)
            s.vm.serial.expect('> ')
            s.gdb.stop()
            _, present = s.where()
            s.back(3)
            s.vm.qmp.cmd('replay-seek', icount=present // 3)
            how(s)
            s.vm.wait()
            text = subprocess.run(
                [reprise.program('reprise-replay'), 'info', s.log],
                capture_output=True, text=True, check=True).stdout
            self.assertIn('complete: yes', text)
            self.assertIn(f'end: icount {present} ({reason})', text)
            vm = self.start(*self.machine(), *self.icount(s.log, 'replay'),
                            qmp=True)
            vm.serial.expect('> ')
            vm.qmp.event('STOP')
            self.assertNotIn('diverged', vm.output())
            vm.close()
            os.unlink(s.log)


class Ways(Case):
    """Who may go back, and what is refused meanwhile."""

    def fails(self, s, words, command, **args):
        with self.assertRaises(reprise.QmpError) as caught:
            s.vm.qmp.cmd(command, **args)
        self.assertIn(words, caught.exception.desc)

    def test_without_a_debugger(self):
        """-replay-timeline keeps the past from the start."""
        s = Session(self, '-replay-timeline', 'size=64M,interval=200k',
                    gdb=False)
        s.vm.serial.expect('> ')
        s.say('one', 'you said: one')
        s.vm.qmp.cmd('stop')
        present = s.where()
        s.vm.qmp.cmd('replay-seek', icount=0)
        self.assertEqual(s.where(), ('play', 0))
        s.vm.qmp.cmd('cont')
        s.vm.qmp.event('RESUME')
        s.vm.qmp.event('STOP')
        self.assertEqual(s.where(), present)
        s.vm.qmp.cmd('cont')
        s.say('two', 'you said: two')
        s.vm.qmp.cmd('replay-seek', icount=present[1] // 2)
        s.vm.qmp.cmd('replay-return')
        s.vm.qmp.cmd('cont')
        s.vm.serial.send('quit\r')
        self.assertEqual(s.vm.wait(), 1)
        self.same(s.log, s.vm.serial.seen)

    def test_no_way_back(self):
        s = Session(self, '-replay-timeline', 'off')
        s.vm.serial.expect('> ')
        s.gdb.stop()
        present = s.where()
        self.assertNotIn('Reverse', s.gdb.features)
        for packet in ('bs', 'bc'):
            self.assertRegex(s.gdb.cmd(packet), '^E')
        self.fails(s, 'the timeline is off', 'replay-seek', icount=0)
        self.assertIn('the timeline is off', s.vm.hmp.cmd('replay_seek 0'))
        self.assertIn('the timeline is off',
                      s.vm.hmp.cmd('replay_last_write 0x1000'))
        s.vm.qmp.cmd('replay-return')
        self.assertEqual(s.where(), present)
        s.go()
        s.vm.serial.send('quit\r')
        self.assertEqual(s.vm.wait(), 1)
        vm = self.start(*self.machine(), '-replay-timeline', 'off', '-S',
                        *self.icount(s.log, 'replay'), hmp=True)
        self.assertIn('the timeline is off', vm.hmp.cmd('replay_seek 0'))
        self.assertIn('rror', vm.hmp.cmd('loadvm nothing'))

    def test_a_plain_recording(self):
        """Without debugger or timeline there is no past."""
        s = Session(self, gdb=False)
        s.vm.serial.expect('> ')
        self.fails(s, 'only possible in replay mode', 'replay-seek', icount=0)
        self.fails(s, 'only a replay can branch', 'replay-branch',
                   filename=self.path('b.rr'))

    def test_refused_in_the_past(self):
        self.qcow2()
        s = Session(self)
        s.vm.serial.expect('> ')
        s.gdb.stop()
        # What a debugger wrote is the guest's now.
        s.gdb.cmd(f"M{s.sym['hash']:x},4:12345678")
        self.assertEqual(s.vm.hmp.cmd('savevm present'), '')
        present = s.where()
        s.back(2)
        there = s.where()
        self.fails(s, 'not possible', 'system_reset')
        self.fails(s, 'not possible', 'send-key',
                   keys=[{'type': 'qcode', 'data': 'a'}])
        for line in ('savevm past', 'loadvm present', 'loadvm init',
                     f'replay_branch {self.path("b.rr")}'):
            self.assertRegex(s.vm.hmp.cmd(line), 'present', line)
        self.assertFalse(os.path.exists(self.path('b.rr')))
        self.assertEqual(s.where(), there)
        s.vm.qmp.cmd('replay-return')
        self.assertEqual(s.where(), present)
        self.assertIn('while recording', s.vm.hmp.cmd('loadvm present'))
        s.go()
        s.vm.serial.send('quit\r')
        self.assertEqual(s.vm.wait(), 1, s.vm.output())
        self.same(s.log, s.vm.serial.seen)
        status, again, messages = self.replay(s.log,
                                              more=',rrsnapshot=present')
        self.assertEqual(status, 1, messages)
        self.assertTrue(s.vm.serial.seen.endswith(again), messages)
        self.assertNotIn('diverged', messages)
        listing = self.img('snapshot', '-l', self.drive).stdout
        self.assertNotIn('past', listing)


class RealGdb(Case):
    """The walks that replays are tested with, in a recording."""

    def walk(self, guest, scenario):
        log, sock = self.path(f'{scenario}.rr'), self.path(scenario)
        args = ('-m', '64', '-net', 'none', '-drive',
                f'file={reprise.guest(guest)},format=raw,if=ide,snapshot=on')
        vm = self.start(*args, '-S', '-gdb',
                        f'unix:{sock},server=on,wait=off',
                        *self.icount(log, 'record', DIGESTS), arch='i386',
                        qmp=True)
        script = os.path.join(reprise.HERE, 'gdb_scenario.py')
        elf = reprise.guest(guest).replace('.img', '.elf')
        result = subprocess.run(
            ['gdb', '-nx', '-q', '-batch', elf, '-x', script],
            env=dict(os.environ, RSP=sock, SCENARIO=scenario),
            capture_output=True, text=True, timeout=280, check=False)
        self.assertIn('SCENARIO OK', result.stdout,
                      result.stdout[-2000:] + result.stderr[-3000:])
        vm.qmp.cmd('quit')
        vm.wait()
        result = reprise.run(*args, '-nodefaults', '-display', 'none',
                             '-serial', 'null',
                             *self.icount(log, 'replay'), '-replay-verify',
                             arch='i386')
        self.assertEqual(result.returncode, 0, result)

    def test_a_thousand_steps(self):
        self.walk('io', 'thousand')

    def test_symbols(self):
        for scenario in ('symbols', 'conditions'):
            with self.subTest(scenario=scenario):
                self.walk('calls', scenario)


if __name__ == '__main__':
    reprise.main()
