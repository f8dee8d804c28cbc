"""Runs the x86 self-check guests (tests/guests/x86), for the tests that do so in
different ways."""
import os

import reprise

# What each must have checked at least.
GUESTS = {'sys32': 70, 'cpu32': 130, 'sys64': 56, 'vec32': 209, 'xstate': 98,
          'cpu64': 104, 'board': 50, 'debug32': 150, 'smp': 33, 'spaces': 52}
# The CPU each wants, if not the default one.
CPUS = {'vec32': 'max', 'xstate': 'max', 'cpu64': 'max,+monitor'}


class GuestCase(reprise.TestCase):
    def extra_args(self, guest):
        """What the guest wants besides its disk."""
        if guest in CPUS:
            return ['-cpu', CPUS[guest]]
        if guest == 'smp':
            return ['-smp', '4,quantum=997']
        if guest != 'board':
            return []
        if not os.path.exists(self.path('cd.img')):
            with open(self.path('cd.img'), 'wb') as f:
                for n in range(32):
                    f.write(bytes([n]).ljust(2048, b'\0'))
        return ['-drive', f'file={self.path("cd.img")},format=raw,if=ide,'
                'index=2,media=cdrom']

    def run_guest(self, guest, *args, arch='x86_64'):
        drive = f'file={reprise.guest(guest)},format=raw,if=ide,snapshot=on'
        vm = self.start('-m', '64', '-drive', drive, '-device',
                        'isa-debug-exit', *self.extra_args(guest), *args,
                        arch=arch)
        said = vm.serial.expect(guest + r': (\d+) ok, (\d+) failed')
        vm.wait()
        self.assertEqual(int(said[2]), 0, vm.serial.seen.decode())
        self.assertGreaterEqual(int(said[1]), GUESTS[guest])
        return vm.serial.seen
