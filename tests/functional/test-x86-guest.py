"""The x86 self-check guest (tests/guests/x86/sys32.c) on both programs, with
every cache dropped at random, instruction by instruction, and in replay."""
import reprise

DRIVE = ('-m', '64', '-drive', f'file={reprise.guest("sys32")},format=raw,'
         'if=ide,snapshot=on', '-device', 'isa-debug-exit')


class X86Guest(reprise.TestCase):
    def run_guest(self, *args, arch='x86_64'):
        vm = self.start(*DRIVE, *args, arch=arch)
        said = vm.serial.expect(r'sys32: (\d+) ok, (\d+) failed')
        vm.wait()
        self.assertEqual(int(said[2]), 0, vm.serial.seen.decode())
        self.assertGreaterEqual(int(said[1]), 70)
        return vm.serial.seen

    def test_both_programs(self):
        for arch in ('x86_64', 'i386'):
            with self.subTest(arch=arch):
                self.run_guest(arch=arch)

    def test_torture(self):
        for accel in ('one-insn-per-tb=on', 'flush-at-random=9',
                      'flush-at-random=12345', 'verify=on'):
            with self.subTest(accel=accel):
                self.run_guest('-icount', 'shift=2', '-accel', f'tcg,{accel}')

    def test_replay(self):
        log = self.path('sys.rr')
        rr = f'rrfile={log},rrdigest=100000'
        printed = self.run_guest('-icount', f'shift=7,rr=record,{rr}')
        for accel in ('tcg', 'tcg,one-insn-per-tb=on',
                      'tcg,flush-at-random=4'):
            with self.subTest(accel=accel):
                self.assertEqual(
                    self.run_guest('-icount', f'shift=7,rr=replay,{rr}',
                                   '-accel', accel), printed)


if __name__ == '__main__':
    reprise.main()
