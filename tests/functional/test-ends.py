"""Whatever ends a recording, its replay agrees with it to the end.

The guests are boot sectors: a few bytes that end the machine in one way."""
import signal

import reprise

SECTOR = 512
# cli; xor ax,ax; mov ds,ax; mov ss,ax; mov sp,0x7000
START = bytes.fromhex('fa 31c0 8ed8 8ed0 bc0070')
# lidt [0x7df0], where the sector has zeroes: no vector is valid
EMPTY_IDT = bytes.fromhex('0f011e f07d')
# Protected mode by a flat GDT at 0x7dc0, then a far jump to the next byte.
GDT_AT, GDTR_AT = 0x1c0, 0x1e0


def out(port, value):
    """mov dx,port; mov al,value; out dx,al"""
    return (b'\xba' + port.to_bytes(2, 'little') + b'\xb0' +
            bytes([value]) + b'\xee')


def protected(code):
    """lgdt; set CR0.PE; jmp 8:next"""
    head = bytes.fromhex('0f0116 e07d 0f20c0 0c01 0f22c0 ea')
    at = 0x7c00 + len(START) + len(EMPTY_IDT) + len(head) + 4
    data = bytes.fromhex('66b81000 8ed8 8ed0')
    return head + at.to_bytes(2, 'little') + b'\x08\x00' + data + code


FAULTS = {
    'ud2': EMPTY_IDT + b'\x0f\x0b',
    'divide by zero': EMPTY_IDT + bytes.fromhex('31c9 f7f1'),
    'int 0x80': EMPTY_IDT + b'\xcd\x80',
    'a breakpoint': EMPTY_IDT + b'\xcc',
    'privileged, many instructions before': EMPTY_IDT + bytes.fromhex(
        'b90010 e2fe 0f0b'),
    'protected mode, ud2': EMPTY_IDT + protected(b'\x0f\x0b'),
    'protected mode, bad stack': EMPTY_IDT + protected(
        bytes.fromhex('bc000000f0 31c0 8ed0 cd80')),
    'protected mode, bad segment': EMPTY_IDT + protected(
        bytes.fromhex('66b85500 8ed8')),
}
LOOP = b'\xeb\xfe'
IDLE = b'\xfb\xf4\xeb\xfd'


class Ends(reprise.TestCase):
    def image(self, code):
        code = START + code
        assert len(code) <= GDT_AT
        gdt = (bytes(8) + bytes.fromhex('ffff0000009acf00') +
               bytes.fromhex('ffff00000092cf00'))
        gdtr = b'\x17\x00' + (0x7c00 + GDT_AT).to_bytes(4, 'little')
        sector = bytearray(SECTOR)
        sector[:len(code)] = code
        sector[GDT_AT:GDT_AT + len(gdt)] = gdt
        sector[GDTR_AT:GDTR_AT + len(gdtr)] = gdtr
        sector[510:] = b'\x55\xaa'
        path = self.path('boot.img')
        with open(path, 'wb') as f:
            f.write(sector + bytes((1 << 20) - SECTOR))
        return path

    def machine(self, code):
        return ('-m', '16', '-no-reboot', '-boot', 'order=c', '-device',
                'isa-debug-exit,iobase=0x501,iosize=1', '-drive',
                f'file={self.image(code)},format=raw,if=ide,snapshot=on')

    def icount(self, mode):
        return ('-icount', f'shift=2,rr={mode},rrdigest=100000,rrfile=' +
                self.path('run.rr'))

    def record(self, code, **doors):
        return self.start(*self.machine(code), *self.icount('record'),
                          serial=False, **doors)

    def verify(self, code, what, reason):
        """All digests agree, the one of the end too."""
        done = reprise.run('-nodefaults', *self.machine(code),
                           *self.icount('replay'), '-replay-verify')
        self.assertEqual(done.returncode, 0, f'{what}: {done.stdout}{done.stderr}')
        self.assertIn(f'({reason})', done.stdout, what)
        self.assertIn('result     good', done.stdout, what)
        return done.stdout

    def test_triple_faults(self):
        for name, code in FAULTS.items():
            with self.subTest(name):
                self.record(code).wait()
                self.verify(code, name, 'guest-reset')

    def test_ports(self):
        ways = {
            'reset by port 0xcf9': (out(0xcf9, 6), 'guest-reset'),
            'reset by the keyboard controller': (out(0x64, 0xfe),
                                                 'guest-reset'),
            'isa-debug-exit': (out(0x501, 0), 'guest-shutdown'),
        }
        for name, (code, reason) in ways.items():
            with self.subTest(name):
                self.record(code + LOOP).wait()
                text = self.verify(code + LOOP, name, reason)
                # Between two instructions: the end itself was checked.
                self.assertNotIn('the last check was', text, name)

    def test_from_outside(self):
        for name, code in {'running': LOOP, 'idle': IDLE}.items():
            for how in ('quit', 'stop and quit', 'signal'):
                with self.subTest(f'{how} while {name}'):
                    vm = self.record(code, qmp=True)
                    vm.qmp.cmd('query-status')
                    if how == 'signal':
                        vm.process.send_signal(signal.SIGTERM)
                    else:
                        if how != 'quit':
                            vm.qmp.cmd('stop')
                        vm.qmp.cmd('quit')
                    vm.wait()
                    reason = ('host-signal' if how == 'signal'
                              else 'host-qmp-quit')
                    self.verify(code, f'{how} while {name}', reason)


if __name__ == '__main__':
    reprise.main()
