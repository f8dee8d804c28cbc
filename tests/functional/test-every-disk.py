"""One guest on q35 that works on all kinds of disks there are, by the firmware's
drivers: reset and killed in the middle of its requests, replayed in every way
from the start, from a snapshot in the middle and from wherever one goes back to."""
import random
import re
import subprocess

import reprise

LINE = '[0-9a-f]{8}\n'
SEED = 4
# How each disk is plugged in; the first one boots.
DISKS = {
    'ahci': ('ide-hd,drive=ahci,bootindex=0',),
    'nvme': ('nvme,drive=nvme,serial=1',),
    'scsi': ('virtio-scsi-pci,id=s', 'scsi-hd,drive=scsi,bus=s.0'),
    'virtio': ('virtio-blk-pci,drive=virtio',),
    'floppy': ('isa-fdc,id=fdc0', 'floppy,drive=floppy,bus=fdc0.0'),
}
OTHERS = ('e1000e,romfile=', 'virtio-rng-pci', 'virtio-serial-pci', 'i6300esb')


class EveryDisk(reprise.TestCase):
    def setUp(self):
        super().setUp()
        with open(reprise.guest('disks'), 'rb') as f:
            boot = f.read()
        for name in DISKS:
            content = random.Random(name).randbytes(1440 * 1024)
            if name == 'ahci':
                content = boot + content[512:]
            with open(self.path('raw'), 'wb') as f:
                f.write(content)
            subprocess.run([reprise.program('reprise-img'), 'convert', '-f',
                            'raw', '-O', 'qcow2', self.path('raw'),
                            self.path(name)], check=True)

    def run_one(self, mode, *args, accel='backend=x86_64', snapshot='init',
                hmp=False):
        disks, devices = [], []
        for name, plugs in DISKS.items():
            disks += ['-drive', f'file={self.path(name)},if=none,id={name}']
            devices += plugs
        for device in (*devices, *OTHERS):
            disks += ['-device', device]
        return self.start(
            '-M', 'q35', '-m', '32', '-boot', 'menu=off', *disks, '-accel',
            f'tcg,{accel}', '-icount',
            f'shift=7,sleep=off,rr={mode},rrfile={self.path("run.rr")},'
            f'rrsnapshot={snapshot},rrdigest=400000', *args, qmp=True, hmp=hmp)

    def record(self):
        """Where the snapshot in the middle is."""
        vm = self.run_one('record', hmp=True)
        vm.serial.expect(LINE)
        self.assertEqual(vm.hmp.cmd('savevm middle').strip(), '')
        middle = int(re.search(r'middle .* (\d+)\s*$', vm.hmp.cmd(
            'info snapshots'), re.M)[1])
        vm.serial.expect(LINE)
        stats = vm.hmp.cmd('info blockstats')
        for name in DISKS:
            self.assertRegex(stats, rf'{name}: rd_bytes=[1-9]\d* '
                                    r'wr_bytes=[1-9]')
        vm.qmp.cmd('system_reset')
        vm.serial.expect('Booting')
        vm.serial.expect(LINE)
        vm.process.kill()
        vm.process.wait()
        return middle

    def end(self, vm):
        vm.qmp.event('STOP')
        self.assertNotIn('diverged', vm.output())
        return vm.qmp.cmd('query-replay')['icount']

    def goes_on(self, vm):
        vm.qmp.events.clear()
        vm.qmp.cmd('cont')
        return self.end(vm)

    def test_all(self):
        middle = self.record()
        vm = self.run_one('replay')
        end = self.end(vm)
        self.assertGreater(end, middle)
        places = random.Random(SEED)
        for _ in range(3):
            vm.qmp.cmd('replay-seek', icount=places.randrange(middle, end))
            self.assertEqual(self.goes_on(vm), end)
        vm.close()
        for accel, until in (('backend=interp', end),
                             ('one-insn-per-tb=on', end),
                             ('flush-at-random=3', middle + 400000),
                             ('backend=interp,flush-at-random=5',
                              middle + 400000)):
            with self.subTest(accel=accel):
                vm = self.run_one('replay', '-S', accel=accel,
                                  snapshot='middle')
                if until < end:
                    vm.qmp.cmd('replay-break', icount=until)
                self.assertEqual(self.goes_on(vm), until)
                vm.close()


if __name__ == '__main__':
    reprise.main()
