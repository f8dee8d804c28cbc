"""QEMU's own packets of the gdb protocol: physical memory, what a step is."""
import reprise
import rsp

# Behind what the guest's page tables map.
UNMAPPED = 0x400000


class Case(reprise.TestCase):
    def machine(self):
        return ('-m', '16', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={reprise.guest("units")},format=raw,if=ide,'
                'snapshot=on')

    def icount(self, mode):
        return ('-icount', f'shift=7,rr={mode},rrdigest=20000,rrfile=' +
                self.path('run.rr'))

    def attach(self, mode):
        """A debugger on a guest with paging, in 64-bit mode."""
        door = self.path('gdb-' + mode)
        vm = self.start(*self.machine(), '-S', '-gdb',
                        f'unix:{door},server=on,wait=off', *self.icount(mode),
                        qmp=True)
        gdb = rsp.Rsp(door)
        self.addCleanup(gdb.close)
        elf = reprise.guest('units').replace('.img', '.elf')
        gdb.cmd(f"Z1,{rsp.symbols(elf)['long_loaded']:x},1")
        self.assertIn('T05', gdb.cmd('c'))
        return vm, gdb, door


class Physical(Case):
    def check_modes(self, gdb):
        """Reads what only one kind of address leads to."""
        at = f'{UNMAPPED:x},4'
        self.assertEqual(gdb.cmd('qqemu.PhyMemMode'), '0')
        self.assertEqual(gdb.cmd('m' + at), 'E14')
        self.assertEqual(gdb.cmd(f'M{at}:01020304'), 'E14')
        self.assertEqual(gdb.cmd('Qqemu.PhyMemMode:1'), 'OK')
        self.assertEqual(gdb.cmd('qqemu.PhyMemMode'), '1')
        old = gdb.cmd('m' + at)
        self.assertRegex(old, '^[0-9a-f]{8}$')
        self.assertRegex(gdb.cmd('qCRC:' + at), '^C')
        # Where there is no RAM.
        self.assertEqual(gdb.cmd('m8000000000,4'), 'E14')
        self.assertEqual(gdb.cmd('M8000000000,4:01020304'), 'E14')
        for bad in ('', '2', '10', 'x'):
            self.assertEqual(gdb.cmd('Qqemu.PhyMemMode:' + bad), 'E22')
        return old

    def test_recorded_and_diverted(self):
        vm, gdb, _ = self.attach('record')
        at = f'{UNMAPPED:x},4'
        self.check_modes(gdb)
        self.assertEqual(gdb.cmd(f'M{at}:01020304'), 'OK')
        self.assertEqual(gdb.cmd('m' + at), '01020304')
        gdb.put('D')
        gdb.expect(r'\$OK#')      # nobody waits for an acknowledgement
        vm.wait()
        done = reprise.run('-nodefaults', '-display', 'none', *self.machine(),
                           '-serial', 'null', *self.icount('replay'),
                           '-replay-verify')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn('result     good', done.stdout)

        _, gdb, door = self.attach('replay')
        self.assertEqual(self.check_modes(gdb), '01020304')
        self.assertEqual(gdb.cmd(f'M{at}:05060708'), 'OK')
        self.assertEqual(gdb.cmd('m' + at), '05060708')
        # Behind the instruction before which it was recorded.
        for step in ('bs', 's', 's'):
            gdb.cmd(step)
        self.assertEqual(gdb.cmd('m' + at), '01020304')
        # It is this debugger's mode, and no other's.
        gdb.close()
        gdb = rsp.Rsp(door)
        self.assertEqual(gdb.cmd('qqemu.PhyMemMode'), '0')
        gdb.close()


class Steps(Case):
    def test_nothing_is_kept_back(self):
        _, gdb, _ = self.attach('record')
        self.assertEqual(gdb.cmd('qqemu.Supported'),
                         'sstepbits;sstep;PhyMemMode')
        self.assertEqual(gdb.cmd('qqemu.sstepbits'), 'ENABLE=1')
        self.assertEqual(gdb.cmd('qqemu.sstep'), '0x1')
        for good in ('1', '0x1'):
            self.assertEqual(gdb.cmd('Qqemu.sstep=' + good), 'OK')
        for bad in ('7', '0', '', '0x', '1x'):
            self.assertEqual(gdb.cmd('Qqemu.sstep=' + bad), 'E22')
        self.assertEqual(gdb.cmd('qqemu.sstep'), '0x1')
        self.assertEqual(gdb.cmd('qqemu.other'), '')
        self.assertEqual(gdb.cmd('vMustReplyEmpty'), '')


if __name__ == '__main__':
    reprise.main()
