"""Which disks take part in savevm, loadvm and info snapshots, and what is said
where one cannot: on a machine without a CPU, through QEMU's monitor commands.
Memory and disks are moved by hand in between, so that it is seen that they come
back together."""
import subprocess

import reprise

DATA, FEATURES, COUNT, LBA, DRIVE, COMMAND = 0x1f0, 0x1f1, 0x1f2, 0x1f3, \
    0x1f6, 0x1f7


class InternalSnapshots(reprise.TestCase):
    def image(self, name, *args, fmt='qcow2'):
        path = self.path(name)
        subprocess.run([reprise.program('reprise-img'), 'create', '-q', '-f',
                        fmt, *args, path, '1M'], check=True,
                       timeout=reprise.TIMEOUT)
        return path

    def machine(self, *args):
        return self.start('-m', '16', '-machine', 'pc,accel=qtest', *args,
                          serial=False, hmp=True, qtest=True)

    # --- a sector by hand (ATA: READ SECTORS, WRITE SECTORS) ---

    def command(self, vm, drive, sector, command):
        q = vm.qtest
        q.out(DRIVE, 0xe0 | drive << 4)
        q.out(COUNT, 1)
        for n in range(3):
            q.out(LBA + n, sector >> 8 * n & 255)
        q.out(COMMAND, command)
        for _ in range(1000):
            status = q.inp(COMMAND)
            if not status & 0x80 and status & 8:
                return
            q.step()
        self.fail(f'no data: status {status:#x}')

    def put(self, vm, drive, sector, text):
        self.command(vm, drive, sector, 0x30)
        data = text.encode().ljust(512, b'\0')
        for n in range(0, 512, 4):
            vm.qtest.out(DATA, int.from_bytes(data[n:n + 4], 'little'), 'l')
        while vm.qtest.inp(COMMAND) & 0x80:
            vm.qtest.step()

    def get(self, vm, drive, sector):
        self.command(vm, drive, sector, 0x20)
        data = b''.join(vm.qtest.inp(DATA, 'l').to_bytes(4, 'little')
                        for _ in range(128))
        vm.qtest.inp(COMMAND)
        return data.rstrip(b'\0').decode()

    # --- what is said ---

    def says(self, vm, **answers):
        """The monitor's answers to the commands, in part."""
        for name, said in answers.items():
            command = {'save': 'savevm snap0', 'load': 'loadvm snap0',
                       'info': 'info snapshots', 'delete': 'delvm snap0'}[name]
            answer = vm.hmp.cmd(command).strip()
            if said:
                self.assertIn(said, answer)
            else:
                self.assertEqual(answer, '')

    def works(self, vm, disks):
        """Memory and so many disks come back; a second snapshot is another
        one; a deleted one is gone."""
        listed = r'(?m)^--\s+snap0\s'
        vm.qtest.write(0x8000, b'first')
        for n in range(disks):
            self.put(vm, n, 5, f'disk {n} first')
        self.says(vm, save='')
        self.assertRegex(vm.hmp.cmd('info snapshots'), listed)
        vm.qtest.write(0x8000, b'later')
        for n in range(disks):
            self.put(vm, n, 5, f'disk {n} later')
        self.assertEqual(vm.hmp.cmd('savevm snap1').strip(), '')
        self.says(vm, load='')
        self.assertEqual(vm.qtest.read(0x8000, 5), b'first')
        for n in range(disks):
            self.assertEqual(self.get(vm, n, 5), f'disk {n} first')
        self.assertEqual(vm.hmp.cmd('loadvm snap1').strip(), '')
        self.assertEqual(vm.qtest.read(0x8000, 5), b'later')
        for n in range(disks):
            self.assertEqual(self.get(vm, n, 5), f'disk {n} later')
        self.says(vm, delete='', load="Snapshot 'snap0' does not exist")
        self.assertNotRegex(vm.hmp.cmd('info snapshots'), listed)
        self.assertIn('snap1', vm.hmp.cmd('info snapshots'))
        vm.terminate()

    def listed(self, path):
        done = subprocess.run([reprise.program('reprise-img'), 'snapshot',
                               '-l', path], check=True, capture_output=True,
                              text=True, timeout=reprise.TIMEOUT)
        return 'snap1' in done.stdout

    # --- tests ---

    def test_no_disk(self):
        self.says(self.machine(), save='No block device can accept snapshots',
                  info='No available block device supports snapshots',
                  load='No available block device supports snapshots')

    def test_one_disk(self):
        disk = self.image('disk.qcow2')
        self.works(self.machine('-drive', f'file={disk},if=ide'), 1)
        self.assertTrue(self.listed(disk))

    def test_disk_without_a_device(self):
        """if=none: nobody reads it, and it takes part."""
        disk = self.image('disk.qcow2')
        self.works(self.machine('-drive', f'file={disk},if=none'), 0)
        self.assertTrue(self.listed(disk))

    def test_raw_disk(self):
        disk = self.image('disk.img', fmt='raw')
        for how in ('none', 'ide'):
            vm = self.machine('-drive', f'file={disk},format=raw,if={how}')
            self.says(vm, save='is writable but does not support snapshots',
                      load='is writable but does not support snapshots')
            self.assertNotIn('snap0', vm.hmp.cmd('info snapshots'))
            vm.terminate()

    def test_raw_disk_beside(self):
        """One that can is no help, unless the other cannot be written."""
        disk, raw = self.image('disk.qcow2'), self.image('raw.img', fmt='raw')
        drives = ('-drive', f'file={disk},if=ide', '-drive',
                  f'file={raw},format=raw,if=virtio')
        vm = self.machine(*drives)
        self.says(vm, save="Device 'virtio0' is writable but does not support",
                  load="Device 'virtio0' is writable but does not support")
        vm.terminate()
        self.assertFalse(self.listed(disk))
        self.works(self.machine(*drives[:-1], drives[-1] + ',readonly=on'), 1)

    def test_cd_and_empty_drive(self):
        disk, raw = self.image('disk.qcow2'), self.image('raw.img', fmt='raw')
        self.works(self.machine(
            '-drive', f'file={disk},if=ide', '-drive', f'file={raw},'
            'format=raw,if=ide,index=2,media=cdrom', '-drive',
            'if=ide,index=3,media=cdrom'), 1)

    def test_backing_file(self):
        """It is not written and has no part in it, whatever its format."""
        for fmt in ('raw', 'qcow2'):
            with self.subTest(fmt=fmt):
                base = self.image(f'base.{fmt}', fmt=fmt)
                with open(base, 'rb') as f:
                    before = f.read()
                disk = self.image(f'{fmt}.qcow2', '-b', base, '-F', fmt)
                self.works(self.machine('-drive', f'file={disk},if=ide'), 1)
                with open(base, 'rb') as f:
                    self.assertEqual(f.read(), before)
                self.assertTrue(self.listed(disk))

    def test_two_disks(self):
        """The snapshot is in both, the machine's state in the first."""
        disks = [self.image('one.qcow2'), self.image('two.qcow2')]
        drives = [w for d in disks for w in ('-drive', f'file={d},if=ide')]
        self.works(self.machine(*drives), 2)
        self.assertTrue(all(map(self.listed, disks)))

    def test_in_one_of_two(self):
        """Only what all disks have is a snapshot of the machine."""
        disks = [self.image('one.qcow2'), self.image('two.qcow2')]
        drives = [w for d in disks for w in ('-drive', f'file={d},if=ide')]
        vm = self.machine(*drives)
        self.says(vm, save='')
        vm.terminate()
        subprocess.run([reprise.program('reprise-img'), 'snapshot', '-d',
                        'snap0', disks[1]], check=True,
                       timeout=reprise.TIMEOUT)
        vm = self.machine(*drives)
        self.says(vm, load="Snapshot 'snap0' does not exist in one or more")
        self.assertNotRegex(vm.hmp.cmd('info snapshots'), r'(?m)^--\s+snap0')

    def test_temporary(self):
        """-snapshot: refused, and the image stays as it is."""
        disk = self.image('disk.qcow2')
        with open(disk, 'rb') as f:
            before = f.read()
        for how in (('-snapshot', '-drive', f'file={disk},if=ide'),
                    ('-drive', f'file={disk},if=ide,snapshot=on')):
            with self.subTest(how=how):
                self.says(self.machine(*how), save='does not support snapshots')
                with open(disk, 'rb') as f:
                    self.assertEqual(f.read(), before)

    def test_node(self):
        """A disk that -blockdev names and a device uses."""
        disk = self.image('disk.qcow2')
        self.works(self.machine(
            '-blockdev', f'file,filename={disk},node-name=f', '-blockdev',
            'qcow2,file=f,node-name=n', '-device', 'ide-hd,drive=n'), 1)
        self.assertTrue(self.listed(disk))


if __name__ == '__main__':
    reprise.main()
