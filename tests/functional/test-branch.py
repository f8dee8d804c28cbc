"""Leaving a replay for a recording of its own: each branch replays by itself,
and nothing happens to the recording that it came from, or to the disk."""
import hashlib
import json
import os
import random
import re
import subprocess

import reprise
import rsp

SEED = int(os.environ.get('REPRISE_SEED', '1'))
DIGESTS = ',rrdigest=20000'


def digest(path):
    with open(path, 'rb') as f:
        return hashlib.sha256(f.read()).digest()


class Branch(reprise.TestCase):
    def setUp(self):
        super().setUp()
        self.disk = self.path('disk.qcow2')
        self.img('convert', '-f', 'raw', '-O', 'qcow2', reprise.guest('io'),
                 self.disk)
        self.img('resize', self.disk, '1M')
        self.log = self.path('parent.rr')
        self.record()
        self.before = self.fingerprints()

    def img(self, *args):
        subprocess.run([reprise.program('reprise-img'), *args], check=True,
                       capture_output=True)

    def tool(self, command, log, *args):
        return subprocess.run(
            [reprise.program('reprise-replay'), command, *args, log],
            capture_output=True, text=True, check=True).stdout

    def fingerprints(self):
        return digest(self.log), digest(self.disk)

    def machine(self, log, mode, more=DIGESTS):
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={self.disk},format=qcow2,if=ide',
                '-icount', f'shift=7,rr={mode},rrfile={log},'
                f'rrsnapshot=init{more}')

    def record(self):
        """The parent: what it was told is in self.posts, where its guest
        first waited for input in self.ready."""
        vm = self.start(*self.machine(self.log, 'record'), qmp=True)
        vm.serial.expect('> ')
        vm.qmp.cmd('stop')
        self.ready = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('cont')
        for n in range(3):
            vm.serial.send(f'write parent {n}\r')
            vm.serial.expect('wrote sector')
            vm.serial.send('spin\r')
            vm.serial.expect('spun')
        vm.qmp.cmd('stop')
        self.last = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('quit')
        vm.wait()
        self.printed = vm.serial.seen
        self.posts = sorted({int(n) for n in re.findall(
            r'^ *(\d+) post ', self.tool('dump', self.log), re.M)})
        self.assertGreaterEqual(len(self.posts), 6)

    def replay(self, log, **doors):
        return self.start(*self.machine(log, 'replay'), '-S', qmp=True,
                          **doors)

    def end(self, vm):
        """Whatever the guest was doing: it is told to quit."""
        vm.serial.send('\rquit\r')
        vm.serial.expect(r'hash [0-9a-f]{8}')
        self.assertEqual(vm.wait(), 1, vm.output())

    def branch(self, vm, name, here=None):
        """Leaves the replay where it is, or at `here`; the new log."""
        log = self.path(name)
        if here is not None:
            vm.qmp.cmd('replay-seek', icount=here)
        here = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('replay-branch', filename=log)
        self.assertEqual(vm.qmp.cmd('query-replay'),
                         {'mode': 'record', 'filename': log, 'icount': here})
        vm.qmp.cmd('cont')
        if here < self.ready:
            vm.serial.expect('> ')
        vm.serial.send(f'this is {name}\r')
        vm.serial.expect(f'you said: [^\n]*this is {name}')
        vm.serial.send('write sector\rdate\r')
        vm.serial.expect('wrote sector \\d+ ok')
        return log

    def replays(self, log, printed, whole=True):
        """It does so to its end, alone. printed: all, or the end of it."""
        vm = self.start(*self.machine(log, 'replay'))
        status = vm.wait()
        seen = vm.serial.seen if whole else vm.serial.seen[-len(printed):]
        self.assertEqual(seen, printed, vm.output())
        self.assertEqual(status, 1, vm.output())
        self.assertNotIn('diverged', vm.output())

    def parent_is_well(self):
        self.assertEqual(self.fingerprints(), self.before)
        vm = self.start(*self.machine(self.log, 'replay'), qmp=True)
        vm.qmp.event('STOP')
        self.assertEqual(vm.qmp.cmd('query-replay')['icount'], self.last)
        vm.qmp.cmd('quit')
        vm.wait()
        self.assertEqual(vm.serial.seen, self.printed)

    def at(self, *places):
        for n, here in enumerate(places):
            with self.subTest(icount=here):
                vm = self.replay(self.log)
                log = self.branch(vm, f'{n}.rr', here)
                self.end(vm)
                self.replays(log, vm.serial.seen)
                os.unlink(log)
        self.parent_is_well()

    def test_two_futures(self):
        """From one point, with other inputs."""
        here = self.posts[len(self.posts) // 2] + 5000
        seen = []
        for name in ('alpha.rr', 'beta.rr'):
            vm = self.replay(self.log)
            log = self.branch(vm, name, here)
            self.end(vm)
            seen.append((log, vm.serial.seen))
        self.assertNotEqual(seen[0][1], seen[1][1])
        for log, printed in seen + seen[:1]:
            self.replays(log, printed)
        self.parent_is_well()

    def test_begin_and_end(self):
        self.at(0, 1, self.last - 1, self.last)

    def test_at_random(self):
        rnd = random.Random(SEED)
        self.at(*(rnd.randrange(self.last) for _ in range(8)))

    def test_around_inputs(self):
        """Where an input is due, just behind it, and while the guest
        sleeps, which it does until the first of them."""
        first, other = self.posts[0], self.posts[-1]
        self.at(first, first + 1, other - 1, other, other + 1, self.ready)

    def test_at_breakpoints(self):
        """Not between two instructions, but inside of what happens there."""
        sym = rsp.symbols(reprise.guest('io').replace('.img', '.elf'))
        for n, name in enumerate(('isr_36', 'isr_32', 'isr_46', 'mix')):
            with self.subTest(at=name):
                door = self.path(f'gdb{n}')
                vm = self.start(*self.machine(self.log, 'replay'), '-S',
                                '-gdb', f'unix:{door},server=on,wait=off',
                                qmp=True)
                gdb = rsp.Rsp(door)
                z = f'1,{sym[name]:x},1'
                gdb.cmd('Z' + z)
                for _ in range(3):
                    self.assertIn('hwbreak', gdb.cmd('c'))
                if n == 2:
                    # What is behind that was shown already.
                    gdb.cmd('bc')
                shown = len(vm.serial.quiet(0)) if n == 2 else 0
                gdb.cmd('z' + z)
                # A debugger's writes go no further than here.
                gdb.cmd(f"M{sym['hash']:x},4:12345678")
                log = self.branch(vm, f'{name}.rr')
                self.end(vm)
                self.replays(log, vm.serial.seen[shown:], not shown)
                gdb.close()
        self.parent_is_well()

    def test_branch_of_a_branch(self):
        """And back to the past in the second one, which then goes on."""
        here = self.posts[2] + 1
        vm = self.replay(self.log)
        one = self.branch(vm, 'one.rr', here)
        vm.qmp.cmd('stop')
        there = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('cont')
        self.end(vm)
        self.replays(one, vm.serial.seen)
        was = digest(one)
        vm = self.replay(one)
        two = self.branch(vm, 'two.rr', there)
        vm.qmp.cmd('stop')
        present = vm.qmp.cmd('query-replay')
        for past in (0, here // 2, here, there):
            vm.qmp.cmd('replay-seek', icount=past)
            self.assertEqual(vm.qmp.cmd('query-replay')['mode'], 'play')
        vm.qmp.cmd('replay-return')
        self.assertEqual(vm.qmp.cmd('query-replay'), present)
        vm.qmp.cmd('cont')
        self.end(vm)
        self.replays(two, vm.serial.seen)
        self.assertEqual(digest(one), was)
        self.assertIn(f'parent: {one} until icount {there}',
                      self.tool('info', two))
        self.parent_is_well()

    def test_under_torture(self):
        here = self.posts[-1] - 700
        for accel in ('backend=interp', 'one-insn-per-tb=on',
                      'flush-at-random=9'):
            with self.subTest(accel=accel):
                vm = self.start(*self.machine(self.log, 'replay'), '-S',
                                '-accel', f'tcg,{accel}', qmp=True)
                log = self.branch(vm, 'torture.rr', here)
                self.end(vm)
                self.replays(log, vm.serial.seen)
                os.unlink(log)

    def test_the_tool(self):
        here = self.posts[3] + 100
        vm = self.replay(self.log)
        log = self.branch(vm, 'tool.rr', here)
        self.end(vm)
        self.assertIn(f'parent: {self.log} until icount {here}\n',
                      self.tool('info', log))
        o = json.loads(self.tool('info', log, '--json'))
        self.assertEqual((o['parent'], o['parent-icount']),
                         (self.log, here))
        self.assertNotIn('parent', json.loads(
            self.tool('info', self.log, '--json')))
        self.assertIn(f"'{self.log}' until icount {here}",
                      self.tool('dump', log))
        self.assertIn('parent', self.tool('stats', log))
        self.tool('verify', log)
        result = reprise.run(*self.machine(log, 'replay'), '-serial', 'null',
                             '-nodefaults', '-display', 'none',
                             '-replay-verify')
        self.assertEqual(result.returncode, 0, result)

    def test_refused(self):
        """With nothing changed: the replay goes on to its end."""
        vm = self.replay(self.log, hmp=True)
        vm.qmp.cmd('replay-seek', icount=self.ready)
        for name, words in ((self.log, 'exists'), (self.disk, 'exists'),
                            ('/nonexistent/b.rr', '/nonexistent/b.rr'),
                            (self.dir, 'exists')):
            self.assertIn(words, vm.hmp.cmd(f'replay_branch {name}'))
            with self.assertRaisesRegex(reprise.QmpError, words):
                vm.qmp.cmd('replay-branch', filename=name)
        if os.access('/dev/full', os.W_OK):
            self.assertIn('exists', vm.hmp.cmd('replay_branch /dev/full'))
        self.assertIn('expected', vm.hmp.cmd('replay_branch'))
        vm.qmp.events.clear()
        vm.qmp.cmd('cont')
        vm.qmp.event('STOP')
        self.assertEqual(vm.qmp.cmd('query-replay')['icount'], self.last)
        vm.qmp.cmd('quit')
        vm.wait()
        self.assertEqual(vm.serial.seen, self.printed)
        self.assertEqual(self.fingerprints(), self.before)

    def test_not_a_replay(self):
        vm = self.start('-m', '64', '-net', 'none', qmp=True)
        with self.assertRaisesRegex(reprise.QmpError, 'only a replay'):
            vm.qmp.cmd('replay-branch', filename=self.path('no.rr'))
        self.assertFalse(os.path.exists(self.path('no.rr')))

    def test_where_the_guest_ended(self):
        """There is nothing behind that."""
        vm = self.replay(self.log)
        log = self.branch(vm, 'ended.rr', self.ready)
        self.end(vm)
        vm = self.replay(log)
        end = json.loads(self.tool('info', log, '--json'))['end-icount']
        vm.qmp.cmd('replay-seek', icount=end)
        with self.assertRaisesRegex(reprise.QmpError, 'guest'):
            vm.qmp.cmd('replay-branch', filename=self.path('no.rr'))
        vm.qmp.cmd('replay-seek', icount=end - 1000)
        vm.qmp.cmd('replay-branch', filename=self.path('yes.rr'))
        vm.qmp.cmd('cont')
        self.assertEqual(vm.wait(), 1)


if __name__ == '__main__':
    reprise.main()
