"""The qtest protocol itself: every command, and what is refused."""
import base64
import os

import reprise

RAM = 0x100000


class Protocol(reprise.TestCase):
    def setUp(self):
        super().setUp()
        self.log = self.path('qtest.log')
        self.q = self.start('-m', '16', '-accel', 'qtest', '-qtest-log',
                            self.log, serial=False, qtest=True).qtest

    def failed(self, request, why):
        self.assertRegex(self.q.ask(request), f'^FAIL .*{why}')

    def test_memory_by_single_accesses(self):
        self.q.cmd(f'writeq {RAM:#x} 0x1122334455667788')
        for letter, value in (('b', 0x88), ('w', 0x7788), ('l', 0x55667788),
                              ('q', 0x1122334455667788)):
            self.assertEqual(self.q.cmd(f'read{letter} {RAM}'),
                             f'0x{value:016x}')
        self.q.cmd(f'writeb {RAM + 1} 0')
        self.q.cmd(f'writew {RAM + 2} 0xaaaa')
        self.q.cmd(f'writel {RAM + 4} 0xbbbbbbbb')
        self.assertEqual(self.q.cmd(f'readq {RAM}'), '0xbbbbbbbbaaaa0088')

    def test_memory_by_ranges(self):
        data = bytes(range(256)) * 3
        self.q.write(RAM, data)
        self.assertEqual(self.q.read(RAM, len(data)), data)
        text = self.q.cmd(f'b64read {RAM:#x} {len(data)}')
        self.assertEqual(base64.b64decode(text), data)
        other = base64.b64encode(data[::-1]).decode()
        self.q.cmd(f'b64write {RAM} {len(data)} {other}')
        self.assertEqual(self.q.read(RAM, len(data)), data[::-1])
        self.q.cmd(f'memset {RAM} 10 0x5a')
        self.assertEqual(self.q.read(RAM, 11), b'\x5a' * 10 + data[::-1][10:11])
        self.assertEqual(self.q.cmd(f'read {RAM} 0'), '0x')

    def test_nobody_there_reads_as_ones(self):
        self.assertEqual(self.q.inp(0x1234, 'w'), 0xffff)
        self.assertEqual(self.q.cmd('readl 0x80000000'), '0x00000000ffffffff')

    def test_clock_moves_by_hand_only(self):
        self.assertEqual(self.q.cmd('clock_set 1000'), '1000')
        self.assertEqual(self.q.step(500), 1500)
        self.assertEqual(self.q.cmd('clock_set 10'), '1500')
        self.assertEqual(self.q.step(0), 1500)
        self.failed('clock_step 0xffffffffffffffff', 'does not go that far')
        self.failed('clock_set 0xffffffffffffffff', 'does not go that far')

    def test_endianness(self):
        self.assertEqual(self.q.cmd('endianness'), 'little')

    def test_requests_that_make_no_sense(self):
        self.failed('fly 1', "Unknown command 'fly'")
        self.failed('rtas x 1 2 3 4 5', "Unknown command 'rtas'")
        self.failed('inb', 'too few arguments')
        self.failed('outb 0x70', 'too few arguments')
        self.failed('inb zero', "'zero' is no number")
        self.failed('read 0 0x7fffffffffff', 'more than')
        self.failed(f'write {RAM} 4 0x1122', 'not 4 bytes')
        self.failed(f'write {RAM} 1 0xzz', 'not 1 bytes')
        self.failed(f'write {RAM} 1', 'not 1 bytes')
        self.failed(f'b64write {RAM} 4 QUI=', 'not 4 bytes')
        self.failed('irq_intercept_in no-such-chip', 'Unknown device')
        self.failed('irq_intercept_in', 'Unknown device')
        self.failed('irq_intercept_out mc146818rtc.0', '')
        self.assertEqual(self.q.cmd('endianness'), 'little')

    def test_lines_in_pieces_and_several_at_once(self):
        self.q.send('endian')
        self.q.send('ness\r\n\n  endianness  \n')
        for _ in range(2):
            self.q.expect(rb'OK little\n')

    def test_the_log_has_both_directions(self):
        self.q.cmd('endianness')
        with open(self.log, encoding='ascii') as f:
            text = f.read()
        self.assertRegex(text, r'\[R \+[0-9.]+\] endianness\n'
                               r'\[S \+[0-9.]+\] OK little\n')


class CommandLine(reprise.TestCase):
    def refused(self, pattern, *args):
        done = reprise.run('-nodefaults', *args)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, pattern)

    def test_what_does_not_go_together(self):
        self.refused('-qtest: no CPU may run.*', '-qtest', 'null', '-accel',
                     'tcg')
        self.refused('-accel qtest: -icount needs TCG', '-qtest', 'null',
                     '-icount', 'shift=0')
        self.refused('one such test only', '-qtest', 'null', '-qtest', 'null')
        self.refused('-qtest-log /nowhere/log: cannot write it', '-accel',
                     'qtest', '-qtest-log', '/nowhere/log')

    def test_no_instruction_runs(self):
        vm = self.start('-machine', 'pc,accel=qtest', serial=False, qmp=True,
                        hmp=True)
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'running')
        before = vm.hmp.cmd('info registers')
        self.assertIn('fff0', before)
        self.assertEqual(vm.hmp.cmd('info registers'), before)
        vm.qmp.cmd('quit')
        self.assertEqual(vm.wait(), 0)

    def test_a_test_that_leaves_may_come_back(self):
        path = self.path('sock')
        vm = self.start('-accel', 'qtest', '-qtest',
                        f'unix:{path},server=on,wait=off', serial=False,
                        qmp=True)
        for _ in range(2):
            with reprise.socket.socket(reprise.socket.AF_UNIX) as sock:
                sock.connect(path)
                q = reprise.Qtest(sock)
                q.cmd('irq_intercept_in isa-i8259')
                q.send('half a li')
        self.assertTrue(os.path.exists(path))
        vm.qmp.cmd('quit')
        self.assertEqual(vm.wait(), 0)


if __name__ == '__main__':
    reprise.main()
