"""A real gdb on a replay: forwards, backwards, breakpoints, watchpoints.

REPRISE_GDB_RUNS says how often the long walk is repeated (default 3)."""
import os

import reprise
from gdb_case import GdbCase

RUNS = int(os.environ.get('REPRISE_GDB_RUNS', '3'))


class Gdb(GdbCase):
    def test_walk_on_firmware(self):
        log, last = self.record(until='No bootable device')
        for _ in range(RUNS):
            said = self.attach(log, 'walk', last=last)
            self.assertEqual(
                said.count('No more reverse-execution history'), 2)

    def test_a_thousand_steps(self):
        log, _ = self.record(until='No bootable device')
        self.attach(log, 'thousand')

    def test_breakpoints_in_real_mode(self):
        log, _ = self.record(until='No bootable device')
        self.attach(log, 'forms')

    def test_symbols(self):
        drive = ('-drive', f'file={reprise.guest("calls")},format=raw,'
                 'if=ide,snapshot=on')
        log, _ = self.record(*drive, until='sum 1240 calls 120', arch='i386')
        for scenario in ('symbols', 'conditions'):
            self.attach(log, scenario, *drive, arch='i386',
                        elf=reprise.guest('calls').replace('.img', '.elf'))


if __name__ == '__main__':
    reprise.main()
