"""Debian's kernels: each boots to a shell, does its work and switches the machine
off, and the recording of that is small."""
import reprise
import rr_log
from linux_guest import FLAVOURS, LinuxCase

LOG_BYTES = 100_000


class Linux(LinuxCase):
    def check_boot(self, flavour):
        log = self.path('run.rr')
        vm = self.boot(flavour, '-icount',
                       f'shift=1,sleep=off,rr=record,rrfile={log}')
        self.assertIn('Linux version 6.1.', self.finish(vm))
        self.assertLess(rr_log.guest_bytes(log), LOG_BYTES)


def add_test(flavour):
    def test(self):
        self.check_boot(flavour)
    setattr(Linux, f'test_{flavour.replace("-", "_")}', test)


for name in FLAVOURS:
    add_test(name)


if __name__ == '__main__':
    reprise.main()
