"""One gate for every change to the guest: what a debugger or a monitor does to
it is recorded, diverted or refused, and nothing gets past."""
import os
import random
import re
import shutil
import subprocess

import reprise
import rsp

SEED = int(os.environ.get('REPRISE_SEED', '1'))


def packed(value, size=4):
    return value.to_bytes(size, 'little').hex()


class Case(reprise.TestCase):
    """The guests are 32-bit programs, and so is what gdb knows of them."""
    guest = 'io'

    def start(self, *args, **kwargs):
        return super().start(*args, arch='i386', **kwargs)

    def machine(self):
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={reprise.guest(self.guest)},format=raw,'
                'if=ide,snapshot=on')

    def icount(self, mode, more=''):
        return ('-icount', f'shift=7,rr={mode},rrdigest=20000,rrfile=' +
                self.path('run.rr') + more)

    def start_with_gdb(self, *args, **doors):
        """A machine, and a debugger that stopped it."""
        door = self.path(f'gdb-{len(os.listdir(self.dir))}')
        vm = self.start(*self.machine(), *args, '-gdb',
                        f'unix:{door},server=on,wait=off', qmp=True, hmp=True,
                        **doors)
        vm.door = door
        vm.rsp = rsp.Rsp(door)
        self.addCleanup(vm.rsp.close)
        return vm

    def symbols(self):
        return rsp.symbols(reprise.guest(self.guest).replace('.img', '.elf'))

    def record(self, *args, more='', **doors):
        return self.start_with_gdb('-S', *self.icount('record', more), *args,
                                   **doors)

    def replay(self, *args, more='', **doors):
        return self.start_with_gdb('-S', *self.icount('replay', more), *args,
                                   **doors)

    def verify(self, *args):
        done = reprise.run('-nodefaults', *self.machine(), '-serial', 'null',
                           *self.icount('replay'), '-replay-verify', *args,
                           arch='i386')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('result     good', done.stdout)
        return done.stdout

    def recorded(self, *args):
        """A recording of the calls guest, from start to end."""
        vm = self.start(*self.machine(), *self.icount('record'), *args)
        vm.serial.expect('sum 1240 calls 120')
        vm.wait()

    def icount_of(self, vm):
        return vm.qmp.cmd('query-replay')['icount']


class Recorded(Case):
    """In a recording a debugger's writes are inputs."""

    def scribble(self, vm, sym, rnd):
        """Some writes where the machine stands: to what the guest prints in
        the end, and to a register that it does not use (digests tell)."""
        gdb = vm.rsp
        at = f"{sym['hash']:x},4"
        for _ in range(rnd.randrange(1, 4)):
            value = packed(rnd.getrandbits(32))
            how = rnd.randrange(4)
            if how == 0:
                self.assertEqual(gdb.cmd(f'M{at}:{value}'), 'OK')
                self.assertEqual(gdb.cmd(f'm{at}'), value)
            elif how == 1:
                self.assertEqual(gdb.cmd(f'P10={value}'), 'OK')
                self.assertEqual(gdb.cmd('p10'), value)
            elif how == 2:
                regs = gdb.cmd('g')
                regs = regs[:128] + value + regs[136:]
                self.assertEqual(gdb.cmd('G' + regs), 'OK')
                self.assertEqual(gdb.cmd('g'), regs)
            else:
                self.assertEqual(gdb.cmd(f'X{at}:wxyz'), 'OK')
                self.assertEqual(gdb.cmd(f'm{at}'), b'wxyz'.hex())

    def visit(self, vm, sym, rnd):
        """Stops of every kind, with writes at each: at breakpoints (a
        handler's first instruction too, behind the interrupt), behind steps
        and accesses, wherever ^C finds the machine, idle or not."""
        gdb = vm.rsp
        vm.serial.expect('> ')
        stops = [f"0,{sym['mix']:x},1", f"0,{sym['isr_32']:x},1",
                 f"2,{sym['ticks']:x},4"]
        for n in range(16):
            point = rnd.choice(stops)
            vm.serial.send('keys\r' if n % 3 else f'text {n}\r')
            how = rnd.randrange(4)
            if how < 3:
                self.assertEqual(gdb.cmd('Z' + point), 'OK')
                gdb.put('c')
                gdb.answer()
                self.scribble(vm, sym, rnd)
                if how == 1:
                    for _ in range(rnd.randrange(1, 6)):
                        gdb.cmd('s')
                    self.scribble(vm, sym, rnd)
                self.assertEqual(gdb.cmd('z' + point), 'OK')
            else:
                gdb.put('c')
                gdb.stop()
                self.scribble(vm, sym, rnd)
        gdb.put('c')
        vm.serial.send('\rquit\r')
        vm.serial.expect('hash [0-9a-f]{8}')

    def run_one(self, rnd, *args):
        sym = self.symbols()
        vm = self.record(*args)
        # The guest prints its prompt while we look on.
        vm.rsp.put('c')
        vm.serial.expect('> ')
        vm.rsp.stop()
        vm.serial.rest = b'> '
        self.visit(vm, sym, rnd)
        vm.wait()
        return vm.serial.seen

    def test_writes_are_in_the_log(self):
        for n, args in enumerate(((), ('-replay-timeline', 'off'),
                                  ('-accel', 'tcg,one-insn-per-tb=on'))):
            with self.subTest(args=args):
                printed = self.run_one(random.Random(SEED + n), *args)
                for accel in ('backend=x86_64', 'backend=interp',
                              'one-insn-per-tb=on', 'flush-at-random=3'):
                    again = self.start(*self.machine(),
                                       *self.icount('replay'), '-accel',
                                       f'tcg,{accel}')
                    self.assertEqual(again.wait(), 1, again.output())
                    self.assertEqual(again.serial.seen, printed, accel)
                    self.assertNotIn('diverged', again.output())
                # Between an interrupt and its handler's first instruction.
                self.assertIn('exceptions and interrupts', self.dump())

    def dump(self):
        return subprocess.run(
            [reprise.program('reprise-replay'), 'dump', self.path('run.rr')],
            capture_output=True, text=True, check=False).stdout

    def test_reset_while_paused(self):
        """It takes effect at once, before the guest goes on; the same in the
        replay: at the first instruction, and in the middle."""
        vm = self.start('-S', *self.machine(), *self.icount('record'),
                        qmp=True, hmp=True)
        vm.qmp.cmd('system_reset')
        vm.qmp.event('RESET')
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'prelaunch')
        for _ in range(2):
            vm.qmp.cmd('cont')
            vm.serial.expect('SeaBIOS')
            vm.qmp.cmd('stop')
            at = self.icount_of(vm)
            self.assertNotIn('EIP=0000fff0', vm.hmp.cmd('info registers'))
            vm.qmp.cmd('system_reset')
            vm.qmp.event('RESET')
            self.assertIn('EIP=0000fff0', vm.hmp.cmd('info registers'))
            self.assertEqual(vm.qmp.cmd('query-status')['status'], 'paused')
            self.assertEqual(self.icount_of(vm), at)
        vm.qmp.cmd('cont')
        vm.serial.expect('SeaBIOS')
        vm.qmp.cmd('quit')
        vm.wait()
        self.verify()
        self.verify('-accel', 'tcg,one-insn-per-tb=on')

    def test_seen_in_the_log(self):
        vm = self.record('-replay-timeline', 'off')
        self.assertEqual(vm.rsp.cmd('M7000,4:01020304'), 'OK')
        self.assertEqual(vm.rsp.cmd('P0=78563412'), 'OK')
        # One that changes nothing is none.
        self.assertEqual(vm.rsp.cmd('P0=78563412'), 'OK')
        vm.qmp.cmd('quit')
        vm.wait()
        dump = self.dump()
        self.assertIn('debug debugger', dump)
        self.assertIn('01 00 00 70 00 00 00 00 00 00 01 02 03 04', dump)
        self.assertIn('03 00 04 00 00 00 00 00 00 00 78 56 34 12 65 61 78', dump)
        self.assertEqual(dump.count('78 56 34 12 65 61 78'), 1, dump)

    def test_refused(self):
        vm = self.record()
        gdb = vm.rsp
        before = gdb.cmd('g'), gdb.cmd('m7000,10')
        self.assertEqual(gdb.cmd('M80000000,2:0102'), 'E14')
        for bad in ('M7000,4:010203', 'M7000,4:01020g04', 'P0=123456',
                    'P0=1234567g', 'G1234', 'X7000,2:abc', 'P999=00',
                    'c123x', 'sxyz'):
            self.assertEqual(gdb.cmd(bad), 'E22', bad)
        self.assertEqual((gdb.cmd('g'), gdb.cmd('m7000,10')), before)
        gdb.put('c')
        vm.serial.expect('> ')
        gdb.put('M7000,4:01020304')
        self.assertRegex(gdb.answer(), '^E.*running')
        gdb.stop()
        self.assertEqual(gdb.cmd('M7000,4:01020304'), 'OK')


class Diverted(Case):
    """In a replay they are a throw-away branch."""
    guest = 'calls'

    def test_undone_at_the_end_too(self):
        """A step from the recording's end shows what was recorded."""
        self.recorded()
        vm = self.replay()
        gdb = vm.rsp
        self.assertIn('replaylog:end', gdb.cmd('c'))
        true = gdb.cmd('g'), gdb.cmd('m7000,10')
        for go, said in (('s', 'replaylog:end'), ('c', 'replaylog:end')):
            self.assertEqual(gdb.cmd('P0=78563412'), 'OK')
            self.assertEqual(gdb.cmd('M7000,4:01020304'), 'OK')
            self.assertNotEqual(gdb.cmd('g'), true[0])
            self.assertIn(said, gdb.cmd(go))
            self.assertEqual((gdb.cmd('g'), gdb.cmd('m7000,10')), true)

    def test_the_end_is_told_again(self):
        """A step that ended there is over when it is reached by another way."""
        self.recorded()
        vm = self.replay()
        gdb = vm.rsp
        self.assertIn('replaylog:end', gdb.cmd('c'))
        gdb.cmd('bs')
        gdb.cmd('s')
        gdb.cmd('bs')
        self.assertIn('replaylog:end', gdb.cmd('c'))

    def test_refused_without_a_timeline(self):
        self.recorded()
        vm = self.replay('-replay-timeline', 'off')
        before = vm.rsp.cmd('g')
        self.assertRegex(vm.rsp.cmd('P0=78563412'), '^E.*timeline')
        self.assertRegex(vm.rsp.cmd('M7000,1:aa'), '^E.*timeline')
        self.assertRegex(vm.rsp.cmd('c7000'), '^E.*timeline')
        self.assertEqual(vm.rsp.cmd('g'), before)

    def test_another_pc_runs_and_is_left(self):
        """Every way out of a diversion that runs leads to the true place."""
        self.recorded()
        vm = self.replay()
        gdb, sym = vm.rsp, self.symbols()
        gdb.cmd(f"Z1,{sym['corrupt']:x},1")
        gdb.cmd('c')
        gdb.cmd(f"z1,{sym['corrupt']:x},1")
        place = self.icount_of(vm)
        true = gdb.cmd('g'), gdb.cmd(f"m{sym['counter']:x},4")

        def divert():
            self.assertEqual(
                gdb.cmd(f"P8={packed(sym['square'])}"), 'OK')
            for _ in range(4):
                self.assertNotIn('replaylog', gdb.cmd('s'))
            self.assertEqual(self.icount_of(vm), place + 4)
            self.assertIn('Diverted', vm.hmp.cmd('info replay'))

        def back():
            self.assertEqual(self.icount_of(vm), place)
            self.assertEqual(
                (gdb.cmd('g'), gdb.cmd(f"m{sym['counter']:x},4")), true)
            self.assertNotIn('Diverted', vm.hmp.cmd('info replay'))

        divert()
        self.assertEqual(gdb.cmd('G' + true[0]), 'OK')
        back()
        divert()
        gdb.cmd('bs')
        self.assertEqual(self.icount_of(vm), place - 1)
        gdb.cmd('s')
        back()
        divert()
        vm.qmp.cmd('replay-seek', icount=place)
        back()
        divert()
        vm.qmp.cmd('replay-return')
        back()
        divert()
        gdb.close()
        vm.rsp = gdb = rsp.Rsp(vm.door)
        back()
        # Its end is not the replay's, nor the process's: isa-debug-exit.
        code = bytes.fromhex('66ba0105 b000 ee ebfe').hex()
        self.assertEqual(gdb.cmd(f'M7000,{len(code) // 2:x}:{code}'), 'OK')
        self.assertIn('T05', gdb.cmd('c7000'))
        self.assertEqual(gdb.cmd('G' + true[0]), 'OK')
        back()
        # One that never ends is interrupted.
        self.assertEqual(gdb.cmd('M7000,2:ebfe'), 'OK')
        gdb.put('c7000')
        self.assertIn('T02', gdb.stop())
        self.assertEqual(gdb.cmd('G' + true[0]), 'OK')
        back()
        self.assertIn('replaylog:end', gdb.cmd('c'))
        self.assertNotIn('diverged', vm.output())

    def gdb(self, *commands):
        vm = self.replay(serial=True)
        vm.rsp.close()
        argv = ['gdb', '-nx', '-q', '-batch',
                reprise.guest('calls').replace('.img', '.elf'), '-ex',
                'set confirm off', '-ex', f'target remote {vm.door}']
        for c in commands:
            argv += ['-ex', c]
        done = subprocess.run(argv, capture_output=True, text=True,
                              timeout=200, check=False)
        return vm, done.stdout + done.stderr

    def test_calls_from_gdb(self):
        """print f(3) runs the function and comes back to where it was, and
        the rest of the replay is the recording."""
        self.recorded()
        same = 'info registers', 'monitor info replay', 'output counter', \
            'x/16xw $sp'
        vm, text = self.gdb(
            'hbreak corrupt', 'continue', 'echo [[', *same, 'echo ||',
            'print square(12)', 'print sum_of_squares(4)', 'call square(3)',
            'call (void)corrupt(7)', 'echo ||', *same, 'echo ]]',
            'print culprit', 'delete', 'hbreak square if counter == 100',
            'continue', 'print counter', 'print square(5)', 'print counter',
            'reverse-stepi', 'monitor info replay', 'delete', 'continue')
        parts = re.search(r'\[\[(.*)\|\|(.*)\|\|(.*)\]\]', text, re.S)
        self.assertTrue(parts, text)
        self.assertEqual(parts.group(1), parts.group(3), text)
        for value in (' = 144\n', ' = 30\n', ' = 9\n'):
            self.assertIn(value, parts.group(2))
        after = text[parts.end():]
        self.assertIn(' = 0\n', after)
        self.assertEqual(after.count(' = 100\n'), 2, after)
        self.assertIn(' = 25\n', after)
        self.assertIn('No more reverse-execution history', after)
        self.assertNotIn('diverged', vm.output())


class Doors(Case):
    def powered_off(self, vm):
        gdb = vm.rsp
        gdb.put('c')
        vm.serial.expect('> ')
        vm.serial.send('quit\r')
        vm.qmp.event('SHUTDOWN')
        gdb.answer()
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'shutdown')

    def test_off_is_off(self):
        """Whoever asks, a machine that is off does not run; and the reset
        button switches it on, in the recording as in its replay."""
        vm = self.record('-no-shutdown')
        self.powered_off(vm)
        for go in ('c', 's', 'vCont;c', 'vCont;s:1'):
            self.assertTrue(vm.rsp.cmd(go).startswith('T'), go)
            self.assertIn('Resetting the Virtual Machine is required',
                          vm.rsp.shown[-1])
            self.assertEqual(vm.qmp.cmd('query-status')['status'],
                             'shutdown')
        with self.assertRaises(reprise.QmpError):
            vm.qmp.cmd('cont')
        self.assertEqual(vm.rsp.cmd('D'), 'OK')
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'shutdown')
        vm.qmp.cmd('system_reset')
        vm.qmp.event('RESET')
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'prelaunch')
        vm.qmp.cmd('cont')
        vm.serial.expect('> ')
        vm.serial.send('quit\r')
        vm.qmp.event('SHUTDOWN')
        vm.qmp.cmd('quit')
        vm.wait()
        printed = vm.serial.seen
        self.assertEqual(printed.count(b'hash '), 2)
        self.verify()
        for args in ((), ('-no-shutdown',)):
            again = self.start(*self.machine(), *self.icount('replay'), *args,
                               qmp=True)
            again.serial.expect('hash [0-9a-f]+.*hash [0-9a-f]+')
            if args:
                again.qmp.cmd('quit')
            again.wait()
            self.assertEqual(again.serial.seen, printed)

    def test_quit_in_gdb(self):
        """`monitor quit` is answered like any command, and then it ends."""
        for packet, answer in ((f'qRcmd,{b"quit".hex()}', b'OK'),
                               ('vKill;1', b'OK')):
            vm = self.record()
            vm.rsp.rest = b''
            vm.rsp.put(packet)
            self.assertEqual(vm.wait(), 0)
            vm.rsp.quiet(0)
            self.assertRegex(vm.rsp.rest, rb'^\+\$%s#..$' % answer)
        vm = self.record()
        vm.rsp.put('c')
        vm.qmp.event('RESUME')
        vm.qmp.cmd('quit')
        vm.rsp.expect(r'\$W00#')

    def test_unknown_packets_are_unknown(self):
        vm = self.record()
        names = ('qCx', 'qC:', 'qCRCx', 'gx', '?x', 'bsx', 'bcx', 'kx',
                 'qfThreadInfox', 'qAttachedx', 'QStartNoAckModex', 'vCont?x',
                 'qSupportedx', 'Dx', 'qSymbolx', 'qXfer:auxv:read::0,1', 'v',
                 'vContx', 'vKillx', 'y', '!', 'b', 'q')
        for packet in names:
            self.assertEqual(vm.rsp.cmd(packet), '', packet)
        self.assertEqual(vm.rsp.cmd('qC'), 'QC01')

    def test_compare_sections(self):
        """qCRC is the checksum of the manual; gdb agrees."""
        self.guest = 'calls'
        self.recorded()
        vm = self.replay()
        self.assertIn('replaylog:end', vm.rsp.cmd('c'))
        elf = reprise.guest('calls').replace('.img', '.elf')
        self.assertEqual(vm.rsp.cmd('qCRC:7000,0'), 'Cffffffff')
        self.assertEqual(vm.rsp.cmd('qCRC:zz'), 'E22')
        self.assertEqual(vm.rsp.cmd('qCRC:80000000,10'), 'E14')
        vm.rsp.close()
        text = subprocess.run(
            ['gdb', '-nx', '-q', '-batch', elf, '-ex',
             f'target remote {vm.door}', '-ex', 'compare-sections .text'],
            capture_output=True, text=True, timeout=100, check=False).stdout
        self.assertRegex(text, r'\.text.*: matched')

    def test_real_mode_addresses(self):
        """$pc in a monitor is what `x` takes."""
        vm = self.record()
        pc = vm.hmp.cmd('print $pc').strip()
        self.assertEqual(pc, '0xfffffff0')
        first = vm.hmp.cmd('x/1i $pc')
        self.assertIn('ljmp', first)
        self.assertEqual(vm.hmp.cmd('print $eip').strip(), '0xfff0')
        physical = vm.hmp.cmd('xp/1i 0xfffffff0')
        self.assertEqual(first, physical)
        vm.rsp.cmd('s')
        pc = int(vm.hmp.cmd('print $pc'), 16)
        self.assertEqual(pc, int(vm.hmp.cmd('print $cs*16+$eip'), 16))
        asked = vm.hmp.cmd(f'x/1i {pc:#x}')
        self.assertEqual(vm.hmp.cmd('x/1i $pc'), asked)

    def test_old_answers_go_with_the_client(self):
        """A client that never reads and hangs up leaves nothing to the next,
        who is greeted first."""
        door = self.path('qmp')
        vm = self.start('-S', '-m', '16', '-chardev',
                        f'socket,id=q,path={door},server=on,wait=off', '-mon',
                        'q,mode=control', serial=False, qmp=True)
        for _ in range(3):
            deaf = rsp.connect(door)
            deaf.sendall(b'{"execute": "qmp_capabilities"}\n' +
                         b'{"execute": "query-commands", "id": "old"}\n' * 200)
            vm.qmp.cmd('query-status')
            deaf.close()
            fresh = reprise.Qmp(rsp.connect(door), 'second')
            self.addCleanup(fresh.close)
            fresh.negotiate()
            self.assertIn('QMP', fresh.greeting)
            self.assertEqual(fresh.cmd('query-status')['status'], 'prelaunch')
            fresh.close()


class Journeys(Case):
    """Packets, and debuggers, that come while a monitor's journey goes on."""

    def machine(self):
        disk = self.path('rounds.img')
        shutil.copy(reprise.guest('rounds'), disk)
        os.truncate(disk, 2 << 20)
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={disk},format=raw,if=ide,snapshot=on')

    def setUp(self):
        super().setUp()
        vm = self.start(*self.machine(), *self.icount('record', ',sleep=off'),
                        qmp=True)
        vm.serial.expect('round 25')
        vm.qmp.cmd('stop')
        self.end = self.icount_of(vm) - 1000
        vm.qmp.cmd('quit')
        vm.wait()
        self.door = self.path('second')
        self.vm = self.replay(
            '-accel', 'tcg,backend=interp,one-insn-per-tb=on', '-chardev',
            f'socket,id=q,path={self.door},server=on,wait=off', '-mon',
            'q,mode=control', more=',sleep=off')

    def depart(self, channel=None):
        """From the start nearly to the end, which takes seconds where nobody
        has been yet: returns in the middle of it."""
        self.vm.qmp.events.clear()
        (channel or self.vm.qmp).send(
            '{"execute": "replay-seek", "id": "journey", "arguments": '
            f'{{"icount": {self.end}}}}}\n')
        self.vm.qmp.event('REPLAY_PROGRESS')

    def arrive(self):
        """The answer."""
        while True:
            answer = self.vm.qmp.message()
            if answer.get('id') == 'journey':
                return answer

    def state(self):
        return self.vm.rsp.cmd('g'), self.vm.rsp.cmd('m7000,40')

    def test_packets_wait(self):
        """Those that come while a monitor's journey goes on find the machine
        where it ends."""
        vm = self.vm
        start = self.state()
        self.depart()
        for packet in ('g', 'm7000,40', 'P0=78563412', 'g'):
            vm.rsp.put(packet)
        got = [vm.rsp.answer() for _ in range(4)]
        self.assertNotIn('error', self.arrive())
        self.assertEqual(self.icount_of(vm), self.end)
        self.assertNotEqual(got[0], start[0])
        self.assertEqual(got[2:], ['OK', '78563412' + got[0][8:]])
        # Its write is undone where it was made, at the journey's end.
        vm.qmp.cmd('replay-return')
        self.assertEqual(self.state(), (got[0], got[1]))
        vm.qmp.cmd('replay-seek', icount=0)
        self.assertEqual(self.state(), start)
        self.assertNotIn('diverged', vm.output())

    def test_debuggers_wait(self):
        """One that goes and one that comes meanwhile, too."""
        vm = self.vm
        self.depart()
        vm.rsp.close()
        vm.rsp = rsp.Rsp(vm.door)
        self.assertNotIn('error', self.arrive())
        self.assertEqual(self.icount_of(vm), self.end)

    def test_interrupted(self):
        """^C of a debugger ends a monitor's journey."""
        vm = self.vm
        start = self.state()
        self.depart()
        vm.rsp.interrupt()
        self.assertIn('interrupted', self.arrive()['error']['desc'])
        self.assertEqual(self.icount_of(vm), 0)
        self.assertEqual(self.state(), start)
        self.assertNotIn('diverged', vm.output())

    def test_who_asked_is_gone(self):
        """What a client's journey comes to is not told to the next one."""
        first = reprise.Qmp(rsp.connect(self.door), 'first')
        first.negotiate()
        self.depart(first)
        first.send('{"execute": "query-status", "id": "old"}\n')
        first.close()
        second = reprise.Qmp(rsp.connect(self.door), 'second')
        self.addCleanup(second.close)
        self.assertIn('QMP', second.message())
        second.send('{"execute": "qmp_capabilities", "id": "new"}\n')
        self.assertEqual(second.message().get('id'), 'new')
        self.assertEqual(second.cmd('query-replay')['icount'], self.end)
        for text in (b'journey', b'old'):
            self.assertNotIn(text, second.seen)

    def test_debugger_that_asked_is_gone(self):
        """The same with debuggers."""
        vm = self.vm
        vm.rsp.put('qRcmd,' + f'replay_seek {self.end}'.encode().hex())
        vm.qmp.event('REPLAY_PROGRESS')
        vm.rsp.close()
        vm.rsp = rsp.Rsp(vm.door)
        self.assertTrue(vm.rsp.features.startswith('PacketSize'),
                        vm.rsp.features)


if __name__ == '__main__':
    reprise.main()
