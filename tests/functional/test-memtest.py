"""Debian's memtest86+: a whole pass of its tests, by -kernel and from a CD, on the
serial console; recorded and replayed. scripts/linux-kernels.sh gets it."""
import os
import re
import shutil
import subprocess
import unittest

import reprise
from linux_guest import FOLDER

PASS_SECONDS = 3600
MEMTEST = os.path.join(FOLDER, 'memtest86+x64.bin')
CONSOLE = 'console=ttyS0,115200'


def screen(data):
    """The 25 lines that a terminal shows in the end."""
    rows = [[' '] * 80 for _ in range(25)]
    row = column = 0
    for m in re.finditer(r'\x1b\[([0-9;?]*)([A-Za-z])|(.)', data, re.S):
        if m[2] == 'H':
            row, column = ([int(n or 1) - 1 for n in m[1].split(';')] +
                           [0, 0])[:2]
        elif m[2] == 'J':
            rows = [[' '] * 80 for _ in range(25)]
        elif m[3] == '\n':
            row += 1
        elif m[3] == '\r':
            column = 0
        elif m[3] and row < 25 and column < 80:
            rows[row][column] = m[3]
            column += 1
    return '\n'.join(''.join(line).rstrip() for line in rows)


@unittest.skipUnless(os.path.exists(MEMTEST), 'memtest86+ is not there')
class Memtest(reprise.TestCase):
    def passes(self, vm):
        """Waits for the end of the first pass; the screen as it is then."""
        vm.serial.expect(r'Pass: +[1-9]\d* +Errors', PASS_SECONDS)
        return screen(vm.serial.seen.decode('latin1'))

    def test_a_pass_is_recorded_and_replayed(self):
        log = self.path('run.rr')

        def start(mode, **kwargs):
            return self.start(
                '-m', '8', '-nodefaults', '-kernel', MEMTEST, '-append',
                CONSOLE, '-icount', f'shift=7,sleep=off,rr={mode},'
                f'rrfile={log},rrdigest=10000000', **kwargs)

        vm = start('record', qmp=True)
        text = self.passes(vm)
        self.assertRegex(text, r'Memtest86\+ v6')
        self.assertRegex(text, r'Memory  : +8MB')
        self.assertRegex(text, r'Errors: 0')
        vm.qmp.cmd('quit')
        vm.wait()
        again = start('replay')
        self.assertEqual(again.wait(PASS_SECONDS), 0, again.output())
        self.assertIn('Memtest86+ v6',
                      screen(again.serial.seen.decode('latin1')))

    @unittest.skipUnless(shutil.which('grub-mkrescue'), 'needs grub-mkrescue')
    def test_grub_starts_it_from_a_cd_on_ahci(self):
        os.makedirs(self.path('iso/boot/grub'))
        shutil.copy(MEMTEST, self.path('iso/memtest'))
        with open(self.path('iso/boot/grub/grub.cfg'), 'w',
                  encoding='ascii') as f:
            f.write(f'linux /memtest {CONSOLE}\nboot\n')
        iso = self.path('memtest.iso')
        subprocess.run(['grub-mkrescue', '-d', '/usr/lib/grub/i386-pc', '-o',
                        iso, self.path('iso')], check=True,
                       capture_output=True)
        vm = self.start('-m', '64', '-nodefaults', '-drive',
                        f'file={iso},media=cdrom,if=none,id=c', '-device',
                        'ich9-ahci,id=a', '-device',
                        'ide-cd,drive=c,bus=a.0', '-boot', 'd', '-icount',
                        'shift=5,sleep=off')
        vm.serial.expect('#1', PASS_SECONDS)
        text = screen(vm.serial.seen.decode('latin1'))
        self.assertRegex(text, r'Memtest86\+ v6')
        self.assertRegex(text, r'Memory  : +64MB')


if __name__ == '__main__':
    reprise.main()
