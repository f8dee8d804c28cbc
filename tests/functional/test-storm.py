"""Guests gone mad (tests/guests/x86/storm.c): whoever watches one is answered
all the same, and SIGTERM ends it; live, while recording, and in replay."""
import re

import reprise
import rsp

# What each letter does stands in the guest. Those that retire nothing:
STUCK = 'rplfdn'
STORMS = STUCK + 'itsmcvDawW'


def machine(*more, options='sleep=off'):
    return ('-m', '64', '-icount', f'shift=3,{options}', '-drive',
            f'file={reprise.guest("storm")},format=raw,if=ide,snapshot=on',
            *more)


class Storm(reprise.TestCase):
    def storm(self, letter, *more, options='sleep=off'):
        vm = self.start(*machine(*more, options=options), qmp=True, hmp=True)
        self.begin(vm, letter)
        return vm

    def begin(self, vm, letter):
        vm.serial.expect(r'storm\? ')
        vm.serial.send(letter)
        vm.serial.expect('here it comes')

    def watch(self, vm):
        """Both monitors, several times, and a pause."""
        for _ in range(5):
            self.assertTrue(vm.qmp.cmd('query-status')['running'])
            self.assertRegex(vm.hmp.cmd('info registers'), 'IP=')
        vm.qmp.cmd('stop')
        vm.qmp.event('STOP')
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'paused')
        vm.qmp.cmd('cont')
        vm.qmp.event('RESUME')

    def number(self, vm, info, what):
        return int(re.search(what + r' *(\d+)', vm.hmp.cmd(info))[1])

    def test_live(self):
        for letter in STORMS:
            with self.subTest(letter=letter):
                vm = self.storm(letter)
                self.watch(vm)
                self.assertEqual(vm.terminate(), 0, vm.output())

    def test_record_and_replay(self):
        """Inputs get into the storm, and a reset ends it; all of that is the
        same in the replay, which is answered meanwhile."""
        for letter in STORMS:
            with self.subTest(letter=letter):
                self.check_recorded(letter)

    def check_recorded(self, letter):
        rr = f'rrfile={self.path("storm-" + letter)},rrdigest=100000'
        vm = self.storm(letter, options=f'sleep=off,rr=record,{rr}')
        self.watch(vm)
        vm.qmp.cmd('send-key', keys=[{'type': 'qcode', 'data': 'a'}])
        vm.qmp.cmd('system_reset')
        self.begin(vm, letter)
        self.watch(vm)
        self.assertEqual(vm.terminate(), 0, vm.output())
        printed = vm.serial.seen

        vm = self.start(*machine(options=f'sleep=off,rr=replay,{rr}'), qmp=True,
                        hmp=True)
        while vm.qmp.cmd('query-status')['running']:
            self.assertRegex(vm.hmp.cmd('info registers'), 'IP=')
        self.assertNotIn('diverged', vm.output())
        self.assertEqual(vm.serial.so_far(len(printed)), printed)
        self.assertEqual(vm.terminate(), 0, vm.output())

    def test_inputs_get_in(self):
        """Wherever in the storm they come: what retires nothing does not end
        slices of work where inputs are taken, unless it is made to."""
        for letter in STUCK:
            with self.subTest(letter=letter):
                rr = f'rr=record,rrfile={self.path("in-" + letter)}'
                vm = self.storm(letter, options=f'sleep=off,{rr}')
                for _ in range(3):
                    vm.qmp.cmd('stop')
                    vm.qmp.cmd('cont')
                    vm.qmp.cmd('system_reset')
                    self.begin(vm, letter)
                self.assertEqual(vm.terminate(), 0, vm.output())

    def test_replay_is_ended(self):
        """SIGTERM in the middle of a replay."""
        for letter in 'pi':
            rr = f'rrfile={self.path("ended-" + letter)}'
            vm = self.storm(letter, options=f'sleep=off,rr=record,{rr}')
            self.watch(vm)
            vm.qmp.cmd('system_reset')
            self.begin(vm, letter)
            vm.terminate()
            vm = self.start(*machine(options=f'sleep=off,rr=replay,{rr}'))
            vm.serial.expect('here it comes')
            self.assertEqual(vm.terminate(), 0, vm.output())

    def test_time_goes_on(self):
        """A storm counts: icount moves although nothing retires."""
        for letter in STUCK:
            with self.subTest(letter=letter):
                rr = f'rr=record,rrfile={self.path("time-" + letter)}'
                vm = self.storm(letter, options=f'sleep=off,{rr}')
                before = vm.qmp.cmd('query-replay')['icount']
                while vm.qmp.cmd('query-replay')['icount'] <= before + 1000:
                    pass
                vm.terminate()

    def test_wild_jump(self):
        """Code that was never run before, whatever it hits, is interpreted: to
        compile it would take ten times as long."""
        for letter in 'wW':
            with self.subTest(letter=letter):
                rr = f'rr=record,rrfile={self.path("wild-" + letter)}'
                vm = self.storm(letter, options=f'sleep=off,{rr}')
                before = self.counts(vm)
                now = before
                while now[0] < before[0] + 50000:
                    now = self.counts(vm)
                insns, tbs, interpreted = (n - b for n, b in zip(now, before))
                self.assertLess(tbs * 100, insns)
                self.assertGreater(interpreted * 10, insns * 8)
                vm.terminate()

    def counts(self, vm):
        """Instructions, compiled TBs and interpreted instructions so far; of
        the same moment."""
        vm.qmp.cmd('stop')
        seen = [vm.qmp.cmd('query-replay')['icount'],
                self.number(vm, 'info jit', 'TBs translated'),
                self.number(vm, 'info jit', 'interpreted')]
        vm.qmp.cmd('cont')
        return seen

    def test_wild_jump_compiled(self):
        """Where it is compiled all the same, TBs are not made to be left at
        once."""
        for letter in 'wW':
            with self.subTest(letter=letter):
                rr = f'rr=record,rrfile={self.path("wilder-" + letter)}'
                vm = self.start(*machine('-accel', 'tcg,interpret=never',
                                         options=f'sleep=off,{rr}'),
                                qmp=True, hmp=True)
                self.begin(vm, letter)
                before = self.counts(vm)
                now = before
                while now[0] < before[0] + 20000:
                    now = self.counts(vm)
                self.assertLess((now[1] - before[1]) * 10, now[0] - before[0])
                vm.terminate()

    def test_long_texts(self):
        """What a monitor prints has an end, whatever the guest's tables say
        and the user asks for."""
        vm = self.storm('l')
        self.assertIn('not shown', vm.hmp.cmd('info mem'))
        for line in 'x /9999999i 0', 'xp /99999999999xb 0':
            self.assertIn('too many', vm.hmp.cmd(line))
        self.assertEqual(len(vm.hmp.cmd('xp /200i 0').split('\n')), 201)
        self.assertEqual(vm.terminate(), 0, vm.output())

    def test_caches_dropped(self):
        """With every cache dropped and slices ended at random."""
        for letter in 'pit':
            with self.subTest(letter=letter):
                rr = f'rrfile={self.path("drop-" + letter)},rrdigest=50000'
                vm = self.storm(letter, options=f'sleep=off,rr=record,{rr}')
                self.watch(vm)
                vm.terminate()
                vm = self.start(*machine(
                    '-accel', 'tcg,flush-at-random=3',
                    options=f'sleep=off,rr=replay,{rr}'), qmp=True)
                vm.qmp.event('STOP')
                self.assertNotIn('diverged', vm.output())
                vm.terminate()

    def test_debugger(self):
        """It stops a storm, and steps in it."""
        for letter in STUCK:
            with self.subTest(letter=letter):
                sock = self.path('gdb-' + letter)
                vm = self.start(*machine('-gdb', f'unix:{sock},server=on'))
                self.begin(vm, letter)
                gdb = rsp.Rsp(sock)
                self.assertRegex(gdb.cmd('?'), '^[ST]')
                for _ in range(3):
                    self.assertRegex(gdb.cmd('s'), '^[ST]05')
                gdb.put('c')
                self.assertRegex(gdb.stop(), '^[ST]')
                gdb.close()
                self.assertEqual(vm.terminate(), 0, vm.output())


if __name__ == '__main__':
    reprise.main()
