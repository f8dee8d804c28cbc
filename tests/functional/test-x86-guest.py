"""The x86 self-check guests (tests/guests/x86/sys32.c, sys64.c) with every
cache dropped at random, instruction by instruction, and in replay."""
import reprise

# What each must have checked at least.
GUESTS = {'sys32': 70, 'sys64': 20}


class X86Guest(reprise.TestCase):
    def run_guest(self, guest, *args, arch='x86_64'):
        drive = f'file={reprise.guest(guest)},format=raw,if=ide,snapshot=on'
        vm = self.start('-m', '64', '-drive', drive, '-device',
                        'isa-debug-exit', *args, arch=arch)
        said = vm.serial.expect(guest + r': (\d+) ok, (\d+) failed')
        vm.wait()
        self.assertEqual(int(said[2]), 0, vm.serial.seen.decode())
        self.assertGreaterEqual(int(said[1]), GUESTS[guest])
        return vm.serial.seen

    def test_both_programs(self):
        self.run_guest('sys32', arch='i386')
        for guest in GUESTS:
            self.run_guest(guest)

    def test_torture(self):
        for accel in ('one-insn-per-tb=on', 'flush-at-random=9',
                      'flush-at-random=12345', 'verify=on'):
            for guest in GUESTS:
                with self.subTest(accel=accel, guest=guest):
                    self.run_guest(guest, '-icount', 'shift=2', '-accel',
                                   f'tcg,{accel}')

    def check_replay(self, guest, recorder):
        log = f'{guest}-{recorder}'
        rr = f'rrfile={self.path(log)},rrdigest=100000'
        printed = self.run_guest(guest, '-icount', f'shift=7,rr=record,{rr}',
                                 '-accel', f'tcg,backend={recorder}')
        for accel in ('tcg,backend=x86_64', 'tcg,backend=interp',
                      'tcg,one-insn-per-tb=on', 'tcg,flush-at-random=4',
                      'tcg,plain-host=on',
                      'tcg,backend=interp,flush-at-random=5'):
            with self.subTest(accel=accel, guest=guest):
                self.assertEqual(
                    self.run_guest(guest, '-icount',
                                   f'shift=7,rr=replay,{rr}', '-accel',
                                   accel), printed)

    def test_replay(self):
        for guest in GUESTS:
            for recorder in ('x86_64', 'interp'):
                self.check_replay(guest, recorder)


if __name__ == '__main__':
    reprise.main()
