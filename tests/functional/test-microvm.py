"""The board microvm: what it is made of, what it tells firmware and kernel, and a
kernel of Debian's that boots on it, recorded and replayed."""
import os

import reprise
from linux_guest import LinuxCase

PLACE = 0xfeb00000
GED = 0xfea00000
IOAPIC_2 = 0xfec10000


class Board(reprise.TestCase):
    def machine(self, *args, board='microvm', **kwargs):
        kwargs.setdefault('serial', False)
        vm = self.start('-M', board, '-m', '32', '-accel', 'qtest', *args,
                        qtest=True, **kwargs)
        return vm, vm.qtest

    def word(self, q, addr):
        return int.from_bytes(q.read(addr, 4), 'little')

    def test_places_hold_virtio_devices(self):
        disk = self.raw_image()
        vm, q = self.machine(
            '-drive', f'file={disk},format=raw,if=virtio', '-device',
            'virtio-rng-device', '-device',
            'virtio-balloon-device,bus=virtio-mmio-bus.23', '-nic', 'none',
            '-device', 'virtio-serial-device', hmp=True)
        kinds = [self.word(q, PLACE + 0x200 * n + 8) for n in range(24)]
        self.assertEqual(sorted(kinds), [0] * 20 + [2, 3, 4, 5])
        self.assertEqual(kinds[23], 5)
        self.assertEqual(self.word(q, PLACE), 0x74726976)
        self.assertIn('virtio-blk-device', vm.hmp.cmd('info qtree'))

    def test_one_place_has_one_device(self):
        rng = ('-device', 'virtio-rng-device')
        done = reprise.run('-M', 'microvm', *rng * 25)
        self.assertIn("No free place on an virtio-bus bus", done.stderr)
        done = reprise.run('-M', 'microvm,acpi=off', *rng * 9)
        self.assertIn("No free place on an virtio-bus bus", done.stderr)
        self.assertEqual(done.returncode, 1)

    def test_chips_are_there_as_asked(self):
        for option, port, there in (('pit', 0x40, 0), ('pic', 0x21, 0),
                                    ('rtc', 0x71, None),
                                    ('isa-serial', 0x3ff, 0)):
            for on in (True, False):
                board = f'microvm,{option}={"on" if on else "off"}'
                _, q = self.machine(board=board, serial=on or
                                    option != 'isa-serial')
                if option == 'rtc':
                    q.out(0x70, 0x0d)
                if on:
                    self.assertNotEqual(q.inp(port), 0xff, board)
                else:
                    self.assertEqual(q.inp(port), 0xff, board)

    def test_power_button_sleep_and_reset(self):
        vm, q = self.machine(qmp=True)
        vm.qmp.cmd('system_powerdown')
        vm.qmp.event('POWERDOWN')
        self.assertEqual(self.word(q, GED), 1)
        self.assertEqual(self.word(q, GED), 0)
        q.write(0x1000, b'kept')
        q.write(0xfffff, b'\0')        # firmware's RAM
        q.write(GED + 0x202, b'\x42')
        vm.qmp.event('RESET')
        self.assertEqual(q.read(0x1000, 4), b'kept')
        self.assertEqual(q.read(0xfffff, 1), q.read(0xffffffff, 1))
        q.write(GED + 0x200, b'\x34')
        self.assertEqual(vm.qmp.event('SHUTDOWN')['data']['reason'],
                         'guest-shutdown')
        self.assertEqual(vm.wait(), 0)

    def test_interrupt_of_a_place(self):
        """A device whose driver breaks its rules says so: the message of the
        second I/O APIC's first input reaches a processor."""
        _, q = self.machine('-device', 'virtio-rng-device')

        def put(addr, value):
            q.write(addr, value.to_bytes(4, 'little'))
        put(0xfee000f0, 0x1ff)         # the local APIC on
        put(IOAPIC_2, 0x10)
        put(IOAPIC_2 + 0x10, 0x8040)   # by level, vector 0x40
        for reg, value in ((0x70, 3), (0x24, 1), (0x20, 1), (0x70, 0xb),
                           (0x30, 0), (0x38, 8), (0x80, PLACE),
                           (0x90, PLACE), (0xa0, PLACE), (0x44, 1),
                           (0x70, 0xf), (0x50, 0)):
            put(PLACE + reg, value)
        self.assertEqual(self.word(q, PLACE + 0x70) & 0x40, 0x40)
        self.assertEqual(self.word(q, PLACE + 0x60), 2)
        self.assertEqual(self.word(q, IOAPIC_2 + 0x10) >> 14 & 1, 1)

    def test_refused(self):
        for args, said in (
                (('-M', 'pc,pit=off'), "'pit' is a parameter of microvm"),
                (('-M', 'microvm,pcie=on'), 'no PCI'),
                (('-M', 'microvm,x-option-roms=off'), 'x-option-roms'),
                (('-M', 'microvm', '-hda', self.raw_image()),
                 'more than 0 IDE drives'),
                (('-M', 'microvm', '-device', 'e1000'), "No 'PCI' bus"),
                (('-M', 'microvm', '-cpu', 'max,-apic'), 'local APIC')):
            with self.subTest(args=args):
                done = reprise.run(*args)
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stderr)


class Linux(LinuxCase):
    def test_boots_and_replays(self):
        log = self.path('run.rr')
        boot = ('cloud-amd64', '-M', 'microvm', '-cpu', 'max', '-smp', '2')

        def icount(mode):
            return ('-icount', f'shift=1,sleep=off,rr={mode},rrfile={log}')
        said = self.finish(self.boot(*boot, *icount('record'), loops=5),
                           loops=5)
        self.assertIn('reboot: Power down', said)
        again = self.boot(*boot, *icount('replay'), '-replay-verify')
        self.assertEqual(again.wait(600), 0, again.output())
        os.remove(log)


if __name__ == '__main__':
    reprise.main()
