"""Linux and UEFI on q35, recorded and replayed on both back ends, in part with
caches flushed at random."""
import os
import shutil
import unittest

import reprise
from linux_guest import LinuxCase, PATIENCE

RECORD = 'shift=1,sleep=off,rr=record,rrdigest=1000000'
REPLAY = 'shift=1,sleep=off,rr=replay,rrdigest=1000000'
PART = 3_000_000
OVMF = '/usr/share/OVMF'


class Q35Replay(LinuxCase):
    def run_board(self, mode, flavour, cpus, *args, **kwargs):
        return self.boot(flavour, '-M', 'q35', '-smp', str(cpus), '-icount',
                         f'{mode},rrfile={self.path("run.rr")}', *args,
                         **kwargs)

    def check(self, flavour, cpus):
        said = self.finish(self.run_board(RECORD, flavour, cpus))
        for backend in ('x86_64', 'interp'):
            with self.subTest(backend=backend):
                vm = self.run_board(REPLAY, flavour, cpus, '-accel',
                                    f'tcg,backend={backend}')
                self.assertEqual(self.finish(vm), said)
        for accel in ('flush-at-random=3', 'backend=interp,flush-at-random=7',
                      'one-insn-per-tb=on'):
            with self.subTest(accel=accel):
                vm = self.run_board(REPLAY, flavour, cpus, '-S', '-accel',
                                    f'tcg,{accel}', qmp=True)
                vm.qmp.cmd('replay-break', icount=PART)
                vm.qmp.cmd('cont')
                vm.qmp.event('STOP', PATIENCE)
                self.assertEqual(vm.qmp.cmd('query-replay')['icount'], PART)
                vm.close()

    def test_cloud_amd64(self):
        self.check('cloud-amd64', 1)

    def test_cloud_amd64_four(self):
        self.check('cloud-amd64', 4)

    def test_amd64_four(self):
        self.check('amd64', 4)

    def test_686_pae(self):
        self.check('686-pae', 1)

    @unittest.skipUnless(os.path.exists(OVMF + '/OVMF_CODE_4M.fd'),
                         'ovmf is not installed')
    def test_uefi(self):
        """The shell, and the kernel through it."""
        flash = self.path('vars.fd')
        shutil.copy(OVMF + '/OVMF_VARS_4M.fd', flash)
        drives = ('-drive', 'if=pflash,format=raw,readonly=on,'
                  f'file={OVMF}/OVMF_CODE_4M.fd', '-drive',
                  f'if=pflash,format=raw,file={flash},snapshot=on')
        said = self.finish(self.run_board(RECORD, 'cloud-amd64', 1, *drives))
        self.assertIn('efi: EFI v2', said)
        vm = self.run_board(REPLAY, 'cloud-amd64', 1, *drives)
        self.assertEqual(self.finish(vm), said)


if __name__ == '__main__':
    reprise.main()
