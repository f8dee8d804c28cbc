"""savevm and loadvm on a machine whose devices only a test moves."""
import subprocess

import reprise


class Snapshots(reprise.TestCase):
    def disk(self):
        path = self.path('disk.qcow2')
        subprocess.run([reprise.program('reprise-img'), 'create', '-q', '-f',
                        'qcow2', path, '1M'], check=True)
        return path

    def test_devices_memory_and_clock_come_back(self):
        vm = self.start('-m', '16', '-machine', 'pc,accel=qtest', '-drive',
                        f'file={self.disk()},if=ide', serial=False, hmp=True,
                        qtest=True)
        q = vm.qtest
        q.write(0x1000, b'before')
        q.out(0x21, 0xa5)
        q.step(123456789)
        self.assertEqual(vm.hmp.cmd('savevm one').strip(), '')
        q.write(0x1000, b'behind')
        q.out(0x21, 0x5a)
        q.step(10 ** 9)
        self.assertEqual(vm.hmp.cmd('loadvm one').strip(), '')
        self.assertEqual(q.read(0x1000, 6), b'before')
        self.assertEqual(q.inp(0x21), 0xa5)
        self.assertEqual(q.step(0), 123456789)
        self.assertIn('one', vm.hmp.cmd('info snapshots'))
        self.assertEqual(vm.hmp.cmd('delvm one').strip(), '')
        self.assertNotIn('one', vm.hmp.cmd('info snapshots'))

    def test_a_timer_of_64_bits_does_not_leave_the_times_of_snapshots(self):
        """What sleeps until an HPET's far match sleeps for ever; and where time
        does get, a snapshot loads."""
        hpet, far = 0xfed00000, 1 << 57          # ticks of 10 ns
        vm = self.start('-m', '16', '-machine', 'pc,accel=qtest', '-drive',
                        f'file={self.disk()},if=ide', serial=False, hmp=True,
                        qtest=True)
        q = vm.qtest
        q.write(hpet + 0x108, far.to_bytes(8, 'little'))
        q.write(hpet + 0x100, (4).to_bytes(8, 'little'))
        q.write(hpet + 0x10, (1).to_bytes(8, 'little'))
        for n in range(40):
            time = q.step()
            self.assertLess(time, 1 << 59)
        self.assertEqual(vm.hmp.cmd('savevm one').strip(), '')
        self.assertEqual(vm.hmp.cmd('loadvm one').strip(), '')
        self.assertEqual(q.step(0), time)

    def test_without_a_disk_that_can_hold_one(self):
        vm = self.start('-machine', 'accel=qtest', serial=False, hmp=True)
        self.assertRegex(vm.hmp.cmd('savevm one'),
                         'No block device can accept snapshots')


if __name__ == '__main__':
    reprise.main()
