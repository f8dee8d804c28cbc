"""Self-checking A64 guests on the board virt: live, recorded, replayed, and
taken back."""
import os
import unittest

import reprise

ACCELS = ('tcg,backend=x86_64', 'tcg,backend=interp',
          'tcg,one-insn-per-tb=on', 'tcg,flush-at-random=4',
          'tcg,backend=interp,flush-at-random=5')


def guest(name):
    return os.path.join(reprise.BUILD, 'tests', 'guests', f'a64-{name}.img')


@unittest.skipUnless(os.path.exists(guest('basic')),
                     'no assembler for AArch64 (binutils-aarch64-linux-gnu)')
class AArch64(reprise.TestCase):
    def run_guest(self, name, *args):
        """What the guest printed."""
        vm = self.start('-M', 'virt', '-cpu', 'max', '-m', '64', '-kernel',
                        guest(name), *args, arch='aarch64', serial=False)
        self.assertEqual(vm.wait(), 0, vm.output())
        return vm.output()

    def printed(self, name, *args):
        path = self.path('serial')
        self.run_guest(name, '-serial', f'file:{path}', *args)
        with open(path, encoding='ascii') as f:
            return f.read()

    def test_every_check_holds_however_code_is_run(self):
        for name in ('basic', 'system'):
            for accel in ACCELS:
                with self.subTest(guest=name, accel=accel):
                    self.assertRegex(
                        self.printed(name, '-accel', accel),
                        r'^\d+ checks, 0 failed\n$')

    def test_a_recording_replays_in_every_way(self):
        for name in ('basic', 'system'):
            rr = f'rrfile={self.path(name)},rrdigest=500'
            said = self.printed(name, '-icount', f'shift=4,rr=record,{rr}')
            for accel in ACCELS:
                with self.subTest(guest=name, accel=accel):
                    self.assertEqual(
                        self.printed(name, '-icount',
                                     f'shift=4,rr=replay,{rr}', '-accel',
                                     accel), said)

    def test_the_past_is_where_it_was(self):
        rr = f'rrfile={self.path("past")}'
        self.printed('system', '-icount', f'shift=4,rr=record,{rr}')
        vm = self.start('-M', 'virt', '-cpu', 'max', '-m', '64', '-kernel',
                        guest('system'), '-serial', 'null', '-icount',
                        f'shift=4,rr=replay,{rr}', '-S', arch='aarch64',
                        serial=False, hmp=True)
        seen = {}
        for icount in (50, 500, 200, 700, 500, 50, 200, 700):
            self.assertEqual(vm.hmp.journey(f'replay_seek {icount}').strip(), '')
            now = vm.hmp.cmd('info registers')
            self.assertEqual(seen.setdefault(icount, now), now)
        self.assertEqual(len(set(seen.values())), len(seen))

    def test_more_vcpus_than_interfaces_are_refused(self):
        vm = self.start('-M', 'virt', '-smp', '9', arch='aarch64',
                        serial=False)
        self.assertEqual(vm.wait(), 1)
        self.assertIn('-smp 9: a GICv2 has 8 CPU interfaces', vm.output())


if __name__ == '__main__':
    reprise.main()
