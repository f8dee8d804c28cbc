"""Devices of the PC, poked without a CPU."""
import struct

import reprise

MS = 1000 * 1000
SECOND = 1000 * MS


class Devices(reprise.TestCase):
    def machine(self, *args, **kwargs):
        vm = self.start('-m', '16', '-accel', 'qtest', *args, qtest=True,
                        **kwargs)
        return vm, vm.qtest

    def test_pit_counts_and_interrupts(self):
        _, q = self.machine(serial=False)
        q.cmd('irq_intercept_in isa-i8259')
        q.out(0x43, 0x34)              # counter 0, low then high, rate
        q.out(0x40, 0xa9)
        q.out(0x40, 0x04)              # 1193: a millisecond
        q.irqs.clear()
        q.step(100 * 1000)
        q.out(0x43, 0x00)              # latch
        count = q.inp(0x40) | q.inp(0x40) << 8
        self.assertAlmostEqual(count, 1193 - 119, delta=3)
        self.assertNotIn(0, q.irqs)
        edges = 0
        for _ in range(4):
            q.irqs.clear()
            q.step(MS)
            edges += 0 in q.irqs
        self.assertEqual(edges, 4)

    def test_timers_fire_at_their_time(self):
        _, q = self.machine(serial=False)
        q.out(0x43, 0x30)              # counter 0, one shot
        q.out(0x40, 0xff)
        q.out(0x40, 0xff)
        q.cmd('irq_intercept_in isa-i8259')
        q.irqs.clear()
        now = q.step(0)
        for _ in range(1000):
            now = q.step()
            if q.irqs.get(0):
                break
        self.assertAlmostEqual(now, 65536 * SECOND // 1193182, delta=2000)

    def cmos(self, q, index, value=None):
        q.out(0x70, index)
        if value is None:
            return q.inp(0x71)
        return q.out(0x71, value)

    def test_rtc_goes_with_the_clock(self):
        _, q = self.machine('-rtc', 'base=2006-06-17T16:01:21', serial=False)
        self.assertEqual([self.cmos(q, i) for i in (9, 8, 7, 4, 2, 0)],
                         [0x06, 0x06, 0x17, 0x16, 0x01, 0x21])
        q.step(50 * SECOND)
        self.assertEqual([self.cmos(q, i) for i in (4, 2, 0)],
                         [0x16, 0x02, 0x11])

    def test_rtc_alarm_interrupts(self):
        _, q = self.machine('-rtc', 'base=2006-06-17T16:01:21', serial=False)
        q.cmd('irq_intercept_in isa-i8259')
        for index, value in ((1, 0x25), (3, 0x01), (5, 0x16)):
            self.cmos(q, index, value)
        self.cmos(q, 0xb, 0x22)        # alarm interrupt, 24 hours
        q.step(3 * SECOND)
        self.assertFalse(q.irqs.get(8))
        q.step(2 * SECOND)
        self.assertTrue(q.irqs.get(8))
        self.assertEqual(self.cmos(q, 0xc) & 0xa0, 0xa0)
        self.cmos(q, 0xc)
        self.assertFalse(q.irqs.get(8))

    def test_serial_line_both_ways(self):
        vm, q = self.machine()
        for byte in b'hello':
            q.out(0x3f8, byte)
            q.step(10 * MS)
        vm.serial.expect(b'hello')
        vm.serial.send('ok')
        # Until it is there: the socket is the host's business.
        while not q.inp(0x3fd) & 1:
            q.step(MS)
        self.assertEqual(q.inp(0x3f8), ord('o'))

    def test_fw_cfg_signature_and_files(self):
        _, q = self.machine('-name', 'x', serial=False)
        q.out(0x510, 0, 'w')
        self.assertEqual(bytes(q.inp(0x511) for _ in range(4)), b'QEMU')
        q.out(0x510, 0x19, 'w')
        count = int.from_bytes(bytes(q.inp(0x511) for _ in range(4)), 'big')
        names = set()
        for _ in range(count):
            entry = bytes(q.inp(0x511) for _ in range(64))
            names.add(entry[8:].split(b'\0')[0])
        self.assertIn(b'etc/e820', names)

    def pci(self, q, devfn, offset, value=None, size='l'):
        q.out(0xcf8, 1 << 31 | devfn << 8 | offset & ~3, 'l')
        if value is None:
            return q.inp(0xcfc + offset % 4, size)
        return q.out(0xcfc + offset % 4, value, size)

    def test_ide_bus_master_reads_a_sector(self):
        disk = self.raw_image(size=1 << 20)
        with open(disk, 'r+b') as f:
            f.seek(5 * 512)
            f.write(b'sector 5' * 64)
        _, q = self.machine('-drive', f'file={disk},format=raw,if=ide',
                            serial=False)
        q.cmd('irq_intercept_in isa-i8259')
        ide, bm = 1 << 3 | 1, 0xc000
        self.assertEqual(self.pci(q, ide, 0), 0x70108086)
        self.pci(q, ide, 0x20, bm)
        self.pci(q, ide, 4, 5, 'w')    # ports, bus master
        q.write(0x2000, struct.pack('<IHH', 0x3000, 512, 0x8000))
        q.out(bm + 4, 0x2000, 'l')
        q.out(bm + 2, 6)               # clears error and interrupt
        for port, value in ((0x1f6, 0xe0), (0x1f2, 1), (0x1f3, 5), (0x1f4, 0),
                            (0x1f5, 0), (0x1f7, 0xc8)):
            q.out(port, value)
        q.out(bm, 9)                   # to memory, start
        self.assertFalse(q.irqs.get(14))
        for _ in range(100):
            q.step()
            if q.irqs.get(14):
                break
        self.assertTrue(q.irqs[14])
        self.assertEqual(q.inp(bm + 2) & 7, 4)
        self.assertEqual(q.inp(0x1f7) & 0x89, 0)
        self.assertEqual(q.read(0x3000, 512), b'sector 5' * 64)

    def test_pic_raises_its_output(self):
        _, q = self.machine(serial=False)
        q.cmd('irq_intercept_out isa-i8259')
        for port, value in ((0x20, 0x11), (0x21, 8), (0x21, 4), (0x21, 1),
                            (0x21, 0xfe), (0x43, 0x30), (0x40, 100),
                            (0x40, 0)):
            q.out(port, value)
        q.step(MS)
        self.assertTrue(q.irqs[0])

    def test_reset_by_a_port_happens_at_once(self):
        _, q = self.machine(serial=False)
        q.out(0x3fb, 3)                # no such port without a serial line
        self.cmos(q, 0xb, 0x42)
        q.out(0x21, 0x55)
        self.assertEqual(q.inp(0x21), 0x55)
        q.out(0xcf9, 6)
        self.assertNotEqual(q.inp(0x21), 0x55)


if __name__ == '__main__':
    reprise.main()
