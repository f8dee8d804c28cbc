"""UEFI firmware from flash chips (Debian's ovmf): it starts its shell, keeps
variables, and does the same in a replay."""
import os
import shutil
import unittest

import reprise

OVMF = '/usr/share/OVMF'
GUID = '158def5a-f656-419c-b027-7a3192c079d2'


@unittest.skipUnless(os.path.exists(OVMF + '/OVMF_CODE_4M.fd'),
                     'ovmf is not installed')
class Uefi(reprise.TestCase):
    def setUp(self):
        super().setUp()
        self.vars = self.path('vars.fd')
        shutil.copy(OVMF + '/OVMF_VARS_4M.fd', self.vars)

    def flash(self, more=''):
        return ('-m', '256', '-net', 'none', '-drive', 'if=pflash,format=raw,'
                f'readonly=on,file={OVMF}/OVMF_CODE_4M.fd', '-drive',
                f'if=pflash,format=raw,file={self.vars}{more}')

    def shell(self, *args):
        """A machine at the shell's prompt."""
        vm = self.start(*self.flash(), '-icount', 'shift=0,sleep=off', *args)
        vm.serial.expect('any other key to continue')
        vm.serial.send('\x1b')
        vm.serial.expect('Shell>')
        return vm

    def test_variables_are_kept(self):
        vm = self.shell()
        vm.serial.send(f'setvar kept -guid {GUID} -bs -nv =c0ffee\r')
        vm.serial.expect('Shell>')
        vm.serial.send('reset -s\r')
        vm.wait()
        vm = self.shell()
        vm.serial.send(f'setvar kept -guid {GUID}\r')
        vm.serial.expect('C0 FF EE')

    def test_replay(self):
        log = self.path('uefi.rr')
        vm = self.start(*self.flash(',snapshot=on'), '-icount', 'shift=0,'
                        f'sleep=off,rr=record,rrfile={log},rrdigest=20000000',
                        qmp=True)
        vm.serial.expect('BdsDxe')
        vm.qmp.cmd('quit')
        vm.wait()
        for accel in ('tcg', 'tcg,host-features=sse2'):
            done = reprise.run('-nodefaults', *self.flash(',snapshot=on'),
                               '-display', 'none',
                               '-serial', 'null', '-icount', 'shift=0,'
                               f'sleep=off,rr=replay,rrfile={log}', '-accel',
                               accel, '-replay-verify')
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_what_is_no_flash(self):
        with open(self.path('odd.fd'), 'wb') as f:
            f.write(b'x' * 5000)
        done = reprise.run('-display', 'none', '-drive',
                           f'if=pflash,format=raw,file={self.path("odd.fd")}')
        self.assertEqual(done.returncode, 1)
        self.assertIn('not a multiple of 4 KiB', done.stderr)
        done = reprise.run('-display', 'none', '-drive',
                           f'if=pflash,format=raw,index=1,file={self.vars}')
        self.assertEqual(done.returncode, 1)
        self.assertIn('there is none with index=0', done.stderr)


if __name__ == '__main__':
    reprise.main()
