"""The board q35 through the doors: firmware, a guest from its AHCI disk in odd
ways, and Linux, which finds the bus, the buttons and four processors."""
import reprise
from linux_guest import LinuxCase

# Each function as Linux finds it: where, what, its class.
FUNCTIONS = [
    '0000:00:00.0 0x8086:0x29c0 0x060000',
    '0000:00:01.0 0x1b36:0x000c 0x060400',
    '0000:00:02.0 0x8086:0x3420 0x060400',
    '0000:00:03.0 0x1b36:0x000e 0x060400',
    '0000:00:1f.0 0x8086:0x2918 0x060100',
    '0000:00:1f.2 0x8086:0x2922 0x010601',
    '0000:00:1f.3 0x8086:0x2930 0x0c0500',
    '0000:01:00.0 0x1af4:0x1044 0x00ff00',
    '0000:03:01.0 0x1af4:0x1005 0x00ff00',
]
DEVICES = ('-device', 'pcie-root-port,id=rp,chassis=1,slot=1', '-device',
           'virtio-rng-pci,bus=rp', '-device', 'ioh3420,id=io,chassis=2,slot=2',
           '-device', 'pcie-pci-bridge,id=pb', '-device',
           'virtio-rng-pci,bus=pb,addr=1')
LOOK = r'''mount -t sysfs sysfs /sys
cd /sys/bus/pci/devices
for d in *; do
    echo "pci $d $(cat $d/vendor):$(cat $d/device) $(cat $d/class)"
done
dmesg | grep -E 'MMCONFIG|PCIe Root Bridge|_OSC|can.t claim|failed to assign'
echo "processors $(grep -c ^processor /proc/cpuinfo)"'''


class Q35(LinuxCase):
    def test_machine_names(self):
        said = reprise.run('-M', 'help').stdout
        self.assertIn('pc-q35-7.2 ', said)
        self.assertRegex(said, r'q35 +Standard PC \(Q35 \+ ICH9, 2009\) '
                         r'\(alias of pc-q35-7.2\)')

    def test_linux_finds_everything(self):
        log = self.path('run.rr')
        vm = self.boot('cloud-amd64', '-M', 'q35', '-smp', '4', *DEVICES,
                       '-icount', f'shift=1,sleep=off,rr=record,rrfile={log}',
                       extra=LOOK)
        said = self.finish(vm)
        found = [line[4:].strip() for line in said.splitlines()
                 if line.startswith('pci 0')]
        self.assertEqual(found, FUNCTIONS)
        for text in ('processors 4',
                     'MMCONFIG for domain 0000 [bus 00-ff] at '
                     '[mem 0xb0000000-0xbfffffff]'):
            self.assertIn(text, said)
        for text in ('can\'t claim', 'failed to assign', 'no space for'):
            self.assertNotIn(text, said)

    def test_power_button(self):
        """It sets the bit of PM1_STS at the port that the guest has chosen."""
        for board, setup in (
                ('pc', ((0x80000b40, 0x601), (0x80000b80, 1))),
                ('q35', ((0x8000f840, 0x601), (0x8000f844, 0x80)))):
            with self.subTest(board=board):
                vm = self.start('-M', board, qtest=True, qmp=True)
                for address, value in setup:
                    vm.qtest.out(0xcf8, address, 'l')
                    vm.qtest.out(0xcfc, value, 'l')
                self.assertEqual(vm.qtest.inp(0x600, 'w'), 0)
                vm.qmp.cmd('system_powerdown')
                self.assertEqual(vm.qtest.inp(0x600, 'w'), 0x100)
                vm.close()

    def test_interrupts_are_counted(self):
        """`info irq`: what each controller was asked for, by input."""
        vm = self.start('-M', 'q35', qtest=True, hmp=True)
        vm.qtest.cmd('writel 0xfec00000 0x18')     # entry 4: vector 31h
        vm.qtest.cmd('writel 0xfec00010 0x31')
        vm.qtest.out(0x3fc, 8)
        for _ in range(3):                         # the transmitter is empty
            vm.qtest.out(0x3f9, 2)
            vm.qtest.out(0x3f9, 0)
        self.assertEqual(vm.hmp.cmd('help info').count('info irq '), 1)
        said = vm.hmp.cmd('info irq')
        for controller in ('isa-i8259', 'ioapic'):
            self.assertRegex(said, f'IRQ statistics for {controller}:\n'
                             r'(?:[ \d]+: \d+\n)* 4: 3\n', said)

    def test_torture(self):
        """Firmware and a guest from the board's AHCI disk, in odd ways."""
        log = self.path('calls.rr')

        def run(mode, accel):
            vm = self.start(
                '-M', 'q35', '-m', '32', '-drive',
                f'file={reprise.guest("calls")},format=raw,snapshot=on',
                '-device', 'pcie-root-port', '-device', 'isa-debug-exit',
                '-accel', f'tcg,{accel}', '-icount',
                f'shift=7,rr={mode},rrfile={log},rrdigest=50000')
            self.assertEqual(vm.wait(), 1, vm.output())
            return vm.serial.seen

        recorded = run('record', 'backend=x86_64')
        self.assertIn(b'sum 1240', recorded)
        for accel in ('backend=interp', 'flush-at-random=5',
                      'backend=interp,flush-at-random=9',
                      'one-insn-per-tb=on'):
            with self.subTest(accel=accel):
                self.assertEqual(run('replay', accel), recorded)

    def test_another_board_does_not_replay(self):
        log = self.path('calls.rr')

        def args(board, mode):
            return ('-M', board, '-nodefaults', '-display', 'none', '-m', '32',
                    '-drive', f'file={reprise.guest("calls")},format=raw,'
                    'snapshot=on', '-device', 'isa-debug-exit', '-icount',
                    f'shift=7,rr={mode},rrfile={log}')

        self.assertEqual(reprise.run(*args('q35', 'record')).returncode, 1)
        done = reprise.run(*args('pc', 'replay'))
        self.assertEqual(done.returncode, 1)
        self.assertIn('is a recording of another machine', done.stderr)


if __name__ == '__main__':
    reprise.main()
