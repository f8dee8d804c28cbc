"""The x86 self-check guests (tests/guests/x86: sys32, cpu32, vec32, debug32,
sys64, cpu64, xstate, board, spaces) with every cache dropped at random and
instruction by instruction."""
import reprise
from x86_guest import GUESTS, GuestCase


class X86Guest(GuestCase):
    def test_both_programs(self):
        self.run_guest('sys32', arch='i386')
        self.run_guest('cpu32', arch='i386')
        self.run_guest('debug32', arch='i386')
        self.run_guest('board', arch='i386')
        self.run_guest('spaces', arch='i386')
        self.run_guest('xstate', arch='i386')
        for guest in GUESTS:
            self.run_guest(guest)
        # no long mode, but NX: SMRAM has no place for EFER
        self.run_guest('board', '-cpu', 'coreduo,check=off', arch='i386')
        self.run_guest('cpu64', '-smp', '2') # MWAIT is another there

    def test_gib_pages(self):
        """The model decides what their bit means."""
        self.run_guest('sys64', '-cpu', 'max')
        self.run_guest('sys64', '-cpu', 'max,-pdpe1gb')

    def test_without_fpu(self):
        """ESC does nothing then; FNSTSW leaves its destination."""
        self.run_guest('cpu32', '-cpu', 'qemu64,-fpu')

    def test_fpu_is_shown(self):
        """As it is at power-on: SDM vol. 3, table 10-1."""
        shown = self.start('-S', hmp=True).hmp.cmd('info registers')
        self.assertIn('FCW=0040 FSW=0000 [ST=0] FTW=ff MXCSR=00001f80', shown)
        self.assertRegex(shown, 'FPR7=0{16} 0000\\s+XMM00=0{16} 0{16}')

    def test_unknown_msr(self):
        for cpu, said in (('qemu64', '#GP'), ('qemu64,unknown-msr=gp', '#GP'),
                          ('qemu64,unknown-msr=ignore', '0')):
            with self.subTest(cpu=cpu):
                seen = self.run_guest('cpu32', '-cpu', cpu).decode()
                self.assertIn(f'unknown MSR: {said}\r\n', seen)
        done = reprise.run('-cpu', 'qemu64,unknown-msr=no')
        self.assertEqual(done.returncode, 1)
        self.assertIn("'unknown-msr' takes gp or ignore", done.stderr)

    def test_machine_check_control(self):
        """AMD's takes any bits: Linux clears one of bank 4's."""
        for cpu, said in (('qemu64', 'taken'),
                          ('qemu64,vendor=GenuineIntel', '#GP')):
            seen = self.run_guest('cpu32', '-cpu', cpu).decode()
            self.assertIn(f'some bits of it: {said}', seen)

    def test_unknown_msr_is_recorded(self):
        """A recording of one kind is not replayed by the other."""
        rr = f'rrfile={self.path("msr")}'
        self.run_guest('cpu32', '-cpu', 'qemu64,unknown-msr=ignore', '-icount',
                       f'shift=7,rr=record,{rr}')
        drive = f'file={reprise.guest("cpu32")},format=raw,if=ide,snapshot=on'
        done = reprise.run('-m', '64', '-display', 'none', '-drive', drive,
                           '-device', 'isa-debug-exit', '-cpu', 'qemu64',
                           '-icount', f'shift=7,rr=replay,{rr}')
        self.assertEqual(done.returncode, 1)
        self.assertIn('unknown-msr=ignore', done.stderr)

    def test_torture(self):
        for accel in ('one-insn-per-tb=on', 'flush-at-random=9', 'verify=on'):
            for guest in GUESTS:
                with self.subTest(accel=accel, guest=guest):
                    self.run_guest(guest, '-icount', 'shift=2', '-accel',
                                   f'tcg,{accel}')


if __name__ == '__main__':
    reprise.main()
