"""A debugger that talks nonsense: the stub answers every packet, the machine
is where it was, and what is recorded is still true.

REPRISE_SEED says which nonsense, REPRISE_CASES how much of it."""
import os
import random

import reprise
import rsp

SEED = int(os.environ.get('REPRISE_SEED', '1'))
CASES = int(os.environ.get('REPRISE_CASES', '400'))
# Those that end the program are not tried.
NAMES = ['?', 'g', 'G', 'p', 'P', 'm', 'M', 'X', 'c', 'C', 's', 'S', 'bs',
         'bc', 'Z0', 'Z1', 'Z2', 'Z3', 'Z4', 'z0', 'z1', 'z2', 'z3', 'z4',
         'Z5', 'H', 'T', 'D', 'qSupported', 'qXfer:features:read:', 'qC',
         'qCRC:', 'qfThreadInfo', 'qsThreadInfo', 'qThreadExtraInfo,',
         'Qqemu.PhyMemMode:', 'qqemu.PhyMemMode', 'Qqemu.sstep=',
         'qAttached', 'qSymbol::', 'vCont?', 'vCont;', 'QNothing', 'v', '']
PIECES = [',', ';', ':', '=', '-', '0', '1', '7000', 'ffffffffffffffff',
          '10000000000000000', '4', '0,4', ':0,4', '7000,4', '7000,4:01020304',
          '7000,4:', 'X3,2200', 'target.xml:', 'c', 's:1', 'x', 'zz', '*', ' ',
          '\x01', '\xff', '}', '\x7f' * 9, '1' * 300]
# Opcodes of agent expressions, some of them with an operand missing.
AGENT = [0x02, 0x05, 0x06, 0x0e, 0x13, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x20,
         0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b,
         0x32, 0x33, 0x34, 0xff, 0x00]


def frame(body):
    """Escaped, with its checksum."""
    out = bytearray()
    for b in body:
        out += bytes((0x7d, b ^ 0x20)) if b in b'$#}*\x03' else bytes((b,))
    return b'$' + out + b'#%02x' % (sum(out) & 255)


class Noise(reprise.TestCase):
    def machine(self):
        return ('-m', '16', '-net', 'none', '-drive',
                f'file={reprise.guest("calls")},format=raw,if=ide,'
                'snapshot=on', '-device', 'isa-debug-exit')

    def open(self, mode, *args):
        self.door = self.path('gdb-' + mode)
        return self.start(
            *self.machine(), '-S', '-gdb',
            f'unix:{self.door},server=on,wait=off', *args, '-icount',
            f'shift=7,rr={mode},rrdigest=100000,rrfile={self.path("run.rr")}',
            qmp=True)

    def test_impatience(self):
        """A NAK repeats the last answer, if that may have been lost."""
        self.open('record')
        gdb = rsp.Rsp(self.door)
        gdb.cmd('qC')
        gdb.send('-')
        self.assertEqual(gdb.answer(), 'QC01')
        # Behind a packet: there is no answer yet, or it comes again.
        self.assertEqual(gdb.cmd('QStartNoAckMode'), 'OK')
        gdb.put('m7000,4')
        gdb.send('---')
        self.assertEqual(gdb.answer(), '00000000')
        gdb.send('-')
        self.assertEqual(gdb.cmd('qC'), 'QC01')
        self.assertEqual(gdb.cmd('qAttached'), '1')

    def packet(self, rnd):
        """A name that is known, and what does not belong behind it."""
        body = rnd.choice(NAMES) + ''.join(
            rnd.choice(PIECES) for _ in range(rnd.randrange(5)))
        return body.encode('latin-1')

    def condition(self, rnd):
        """A breakpoint at whose condition one may wonder."""
        code = bytes(rnd.choice(AGENT) if rnd.random() < 0.8
                     else rnd.randrange(256)
                     for _ in range(rnd.randrange(1, 24)))
        return b'Z0,%x,1;X%x,%s' % (rnd.choice((0x7c00, 0x7e00, 0x832c,
                                                0x8375)),
                                    len(code), code.hex().encode())

    def broken(self, rnd):
        """Bytes that are no packet."""
        good = bytearray(frame(self.packet(rnd)))
        how = rnd.randrange(6)
        if how == 0:
            good[-1] ^= 1
        elif how == 1:
            good[-2:] = b'zz'
        elif how == 2:
            good = bytearray(b'$' + bytes(rnd.randrange(0x24, 0x7d)
                                          for _ in range(20000)) + b'#00')
        elif how == 3:
            good = bytearray(rnd.choice((b'+', b'-', b'+-+-', b'noise')))
        elif how == 4:
            good = bytearray(b'$}#00')
        else:
            good = bytearray(b'\x03' * rnd.randrange(1, 4))
        return bytes(good)

    def sync(self, gdb):
        """Asks what only one answer fits to; all others came before."""
        gdb.send(b'#00\x03')      # ends what is open, and what runs
        gdb.rest = b''
        gdb.send(frame(b'qXfer:features:read:target.xml:0,5'))
        gdb.expect(rb'\$m<\?xml#..')

    def talk(self, vm, gdb, rnd, count):
        for n in range(count):
            kind = rnd.randrange(8)
            if kind < 5:
                gdb.send(frame(self.packet(rnd)))
            elif kind == 5:
                gdb.send(frame(self.condition(rnd)))
                gdb.send(frame(b'c'))
            else:
                gdb.send(self.broken(rnd))
            if n % 10 == 9:
                self.sync(gdb)
                self.assertIsNone(vm.process.poll(), vm.output())
        self.sync(gdb)

    def quiet_down(self, vm, gdb):
        """The next debugger finds a clean table."""
        gdb.close()
        vm.qmp.cmd('stop')
        return rsp.Rsp(self.door)

    def test_in_a_replay(self):
        rnd = random.Random(SEED)
        vm = self.start(*self.machine(), '-icount',
                        f'shift=7,rr=record,rrdigest=100000,rrfile='
                        f'{self.path("run.rr")}', serial=True)
        vm.serial.expect('sum 1240 calls 120')
        vm.wait()
        vm = self.open('replay')
        gdb = rsp.Rsp(self.door)
        self.assertIn('replaylog:end', gdb.cmd('c'))
        place = vm.qmp.cmd('query-replay')['icount'] - 1500
        vm.qmp.cmd('replay-seek', icount=place)
        true = gdb.cmd('g'), gdb.cmd('m7000,100'), gdb.cmd('m8300,100')
        for _ in range(4):
            self.talk(vm, gdb, rnd, CASES // 4)
            gdb = self.quiet_down(vm, gdb)
            vm.qmp.cmd('replay-seek', icount=place)
            self.assertEqual((gdb.cmd('g'), gdb.cmd('m7000,100'),
                              gdb.cmd('m8300,100')), true)
        self.assertIn('replaylog:end', gdb.cmd('c'))
        self.assertNotIn('diverged', vm.output())

    def test_in_a_recording(self):
        """Whatever got through is an input like others."""
        rnd = random.Random(SEED + 1)
        vm = self.open('record', '-no-shutdown')
        gdb = rsp.Rsp(self.door)
        self.talk(vm, gdb, rnd, CASES)
        gdb = self.quiet_down(vm, gdb)
        vm.qmp.cmd('quit')
        vm.wait()
        self.assertNotIn('diverged', vm.output())
        done = reprise.run(
            '-nodefaults', *self.machine(), '-serial', 'null', '-icount',
            f'shift=7,rr=replay,rrfile={self.path("run.rr")}',
            '-replay-verify', '-no-shutdown')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == '__main__':
    reprise.main()
