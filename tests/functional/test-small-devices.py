"""Panics and watchdogs told to whoever manages the machine; what the command line
puts into tables that firmware reads, and that a recording is bound to it."""
import os

import reprise

SECOND = 1000 * 1000 * 1000


class Told(reprise.TestCase):
    """Devices poked without a CPU, and the events that come of it."""

    def machine(self, *args):
        vm = self.start('-m', '16', '-accel', 'qtest', *args, serial=False,
                        qtest=True, qmp=True, hmp=True)
        return vm, vm.qtest

    def test_panic_ends_the_machine(self):
        vm, q = self.machine('-device', 'pvpanic')
        self.assertEqual(q.inp(0x505), 3)
        q.out(0x505, 1)
        event = vm.qmp.event('GUEST_PANICKED')
        self.assertEqual(event['data'], {'action': 'poweroff'})
        self.assertEqual(vm.qmp.event('SHUTDOWN')['data'],
                         {'guest': True, 'reason': 'guest-panic'})
        self.assertEqual(vm.wait(), 0)

    def test_panic_pauses_or_fails(self):
        vm, q = self.machine('-device', 'pvpanic', '-action', 'panic=pause')
        q.out(0x505, 2)
        vm.qmp.event('GUEST_CRASHLOADED')
        q.out(0x505, 1)
        self.assertEqual(vm.qmp.event('GUEST_PANICKED')['data'],
                         {'action': 'pause'})
        vm.qmp.event('STOP')
        self.assertEqual(vm.qmp.cmd('query-status')['status'],
                         'guest-panicked')
        self.assertIn('paused (guest-panicked)', vm.hmp.cmd('info status'))
        vm, q = self.machine('-device', 'pvpanic', '-action',
                             'panic=exit-failure')
        q.out(0x505, 1)
        self.assertEqual(vm.wait(), 1)

    def test_watchdog(self):
        vm, q = self.machine('-device', 'ib700', '-action', 'watchdog=none')
        q.out(0x443, 0xe)
        q.step(2 * SECOND)
        self.assertEqual(vm.qmp.event('WATCHDOG')['data'], {'action': 'none'})
        vm.qmp.cmd('watchdog-set-action', action='pause')
        q.out(0x443, 0xe)
        q.step(2 * SECOND)
        self.assertEqual(vm.qmp.event('WATCHDOG')['data'],
                         {'action': 'pause'})
        vm.qmp.event('STOP')
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'watchdog')
        vm.qmp.cmd('cont')
        self.assertIn('does not accept', vm.hmp.cmd('watchdog_action xyz'))
        self.assertEqual(vm.hmp.cmd('watchdog_action poweroff'), '')
        q.out(0x443, 0xe)
        q.step(2 * SECOND)
        self.assertEqual(vm.qmp.event('SHUTDOWN')['data']['guest'], True)
        self.assertEqual(vm.wait(), 0)

    def test_buttons(self):
        vm, q = self.machine()
        vm.qmp.cmd('system_powerdown')
        vm.qmp.event('POWERDOWN')
        vm.qmp.cmd('inject-nmi')
        self.assertEqual(vm.hmp.cmd('nmi'), '')
        self.assertEqual(vm.hmp.cmd('system_powerdown'), '')
        vm.qmp.event('POWERDOWN')

    def test_debugcon(self):
        out = self.path('debug.txt')
        vm, q = self.machine('-debugcon', f'file:{out}')
        for byte in b'hello\n':
            q.out(0xe9, byte)
        vm.qmp.cmd('quit')
        vm.wait()
        with open(out, 'rb') as f:
            self.assertEqual(f.read(), b'hello\n')


class Tables(reprise.TestCase):
    def file(self, name, data):
        path = self.path(name)
        with open(path, 'wb') as f:
            f.write(data)
        return path

    def fw_file(self, q, name):
        """A file of fw_cfg, read as firmware reads it."""
        q.out(0x510, 0x19, 'w')
        directory = bytes(q.inp(0x511) for _ in range(4))
        for _ in range(int.from_bytes(directory, 'big')):
            entry = bytes(q.inp(0x511) for _ in range(64))
            if entry[8:].split(b'\0')[0].decode() == name:
                q.out(0x510, int.from_bytes(entry[4:6], 'big'), 'w')
                size = int.from_bytes(entry[:4], 'big')
                return bytes(q.inp(0x511) for _ in range(size))
        return None

    def machine(self, *args):
        return self.start('-m', '64', '-accel', 'qtest', *args, serial=False,
                          qtest=True).qtest

    def structures(self, blob):
        """SMBIOS structures: type -> [(formatted part, strings)]."""
        found, at = {}, 0
        while at < len(blob):
            body = blob[at:at + blob[at + 1]]
            end = blob.index(b'\0\0', at + len(body))
            strings = blob[at + len(body):end].split(b'\0')
            found.setdefault(body[0], []).append((body, strings))
            at = end + 2
        return found

    def test_fw_cfg(self):
        path = self.file('f', b'\0\1\2')
        q = self.machine('-fw_cfg', f'opt/a,file={path}', '-fw_cfg',
                         'name=opt/b,string=text,,more')
        self.assertEqual(self.fw_file(q, 'opt/a'), b'\0\1\2')
        self.assertEqual(self.fw_file(q, 'opt/b'), b'text,more')

    def test_smbios(self):
        path = self.file('s', bytes([2, 8, 9, 9, 1, 0, 0, 0]) + b'mine\0\0')
        q = self.machine(
            '-smbios', f'file={path}', '-smbios', 'type=11,value=x,value=y',
            '-smbios', 'type=1,serial=S1,uuid=00112233-4455-6677-8899-'
            'aabbccddeeff', '-smp', '4,sockets=2')
        anchor = self.fw_file(q, 'etc/smbios/smbios-anchor')
        blob = self.fw_file(q, 'etc/smbios/smbios-tables')
        self.assertEqual((anchor[:4], anchor[6:8]), (b'_SM_', b'\2\x08'))
        self.assertEqual(sum(anchor) & 255, 0)
        self.assertEqual(int.from_bytes(anchor[22:24], 'little'), len(blob))
        s = self.structures(blob)
        self.assertEqual(int.from_bytes(anchor[28:30], 'little'),
                         sum(map(len, s.values())))
        body, strings = s[1][0]
        self.assertEqual(strings[body[7] - 1], b'S1')
        self.assertEqual(body[8:24].hex(), '33221100554477668899aabbccddeeff')
        self.assertEqual(s[2], [(bytes([2, 8, 9, 9, 1, 0, 0, 0]), [b'mine'])])
        self.assertEqual(s[11][0][1], [b'x', b'y'])
        self.assertEqual(len(s[4]), 2)
        self.assertEqual(s[17][0][0][12:14], (64).to_bytes(2, 'little'))
        self.assertEqual(blob[-6:], bytes([127, 4, 0, 127, 0, 0]))
        q = self.machine('-M', 'smbios-entry-point-type=64')
        anchor = self.fw_file(q, 'etc/smbios/smbios-anchor')
        self.assertEqual((anchor[:5], sum(anchor) & 255), (b'_SM3_', 0))

    def acpi_tables(self, q):
        """The tables that firmware is given, by signature."""
        blob, at, found = self.fw_file(q, 'etc/acpi/tables'), 0, {}
        while at < len(blob):
            size = int.from_bytes(blob[at + 4:at + 8], 'little')
            if not blob[at:at + 4].isalnum() or size < 36:
                at += 1
                continue
            found[blob[at:at + 4].decode()] = blob[at:at + size]
            at += size
        return found

    def test_acpitable_and_numa(self):
        path = self.file('t', b'DATA')
        t = self.acpi_tables(self.machine(
            '-smp', '4,sockets=2', '-acpitable',
            f'sig=OEMX,rev=3,oem_id=ME,oem_rev=7,data={path}:{path}',
            '-numa', 'node,mem=16', '-numa', 'node,mem=48',
            '-numa', 'dist,src=0,dst=1,val=25'))
        self.assertEqual(t['OEMX'][36:], b'DATADATA')
        self.assertEqual((t['OEMX'][8], t['OEMX'][10:16], t['OEMX'][24]),
                         (3, b'ME\0\0\0\0', 7))
        self.assertEqual(t['SLIT'][36:],
                         bytes([2, 0, 0, 0, 0, 0, 0, 0, 10, 25, 25, 10]))
        srat, at, cpus, memory = t['SRAT'], 48, {}, []
        while at < len(srat):
            kind, size = srat[at:at + 2]
            if kind == 0:
                cpus[srat[at + 3]] = srat[at + 2]
            else:
                memory.append((srat[at + 2], *(
                    int.from_bytes(srat[at + n:at + n + 8], 'little') >> 20
                    for n in (8, 16))))
            at += size
        self.assertEqual(cpus, {0: 0, 1: 0, 2: 1, 3: 1})
        self.assertEqual(memory, [(0, 0, 16), (1, 16, 48)])
        # A backend's memory, processors by place; distances are not said.
        t = self.acpi_tables(self.machine(
            '-smp', '2', '-object', 'memory-backend-ram,id=r,size=64M',
            '-numa', 'node,memdev=r', '-numa', 'cpu,node-id=0'))
        self.assertNotIn('SLIT', t)

    def test_refused(self):
        path = self.file('bad', b'\1\2\3')
        for args, said in (
                (('-fw_cfg', 'etc/e820,string=x'), "must begin with 'opt/'"),
                (('-fw_cfg', 'opt/x'), "one of 'file' and 'string'"),
                (('-fw_cfg', 'opt/x,file=/nowhere/x'), '/nowhere/x'),
                (('-fw_cfg', 'opt/x,string=1', '-fw_cfg', 'opt/x,string=2'),
                 'already'),
                (('-smbios', 'type=5'), "Parameter 'type'"),
                (('-smbios', 'type=1,asset=x'), "'asset'"),
                (('-smbios', 'type=1,uuid=5'), "'uuid'"),
                (('-smbios', f'file={path}'), 'not one whole SMBIOS'),
                (('-acpitable', f'data={path}'), "'sig'"),
                (('-acpitable', f'file={path}'), 'no header'),
                (('-acpitable', f'sig=TOOLONG,data={path}'), "'sig'"),
                (('-numa', 'node,mem=1M'), 'should equal RAM size'),
                (('-numa', 'node,cpus=7'), 'no vCPU 7'),
                (('-numa', 'node', '-numa', 'dist,src=0,dst=0,val=20'),
                 'distance to itself'),
                (('-numa', 'hmat-lb'), 'hmat-lb'),
                (('-numa', 'dist,src=0,dst=1,val=20'), 'no -numa node'),
                (('-device', 'vmgenid,guid=xyz'), 'guid=xyz'),
                (('-device', 'vmcoreinfo', '-device', 'vmcoreinfo'),
                 'only be one'),
                (('-device', 'pvpanic,ioport=0x10000'), 'not a port'),
                (('-device', 'pci-testdev,membar=5'), 'membar=5'),
                (('-debugcon', 'null', '-debugcon', 'null'), 'already')):
            with self.subTest(args=args):
                done = reprise.run('-m', '64', *args)
                self.assertEqual(done.returncode, 1)
                self.assertIn(said, done.stderr)

    def test_a_recording_is_bound_to_them(self):
        log = self.path('run.rr')
        path = self.file('table', b'\1\2\3')

        def run(mode, *args):
            return reprise.run(
                '-m', '32', '-drive', f'file={reprise.guest("calls")},'
                'format=raw,snapshot=on', '-device', 'isa-debug-exit',
                '-icount', f'shift=7,rr={mode},rrfile={log}', *args)

        said = ('-fw_cfg', 'opt/x,string=a', '-smbios', 'type=1,serial=A',
                '-acpitable', f'sig=OEMX,data={path}', '-numa', 'node')
        self.assertEqual(run('record', *said).returncode, 1)
        self.assertEqual(run('replay', *said).returncode, 1)
        for place, other in ((1, 'opt/x,string=b'), (3, 'type=1,serial=B'),
                             (5, f'sig=OEMX,rev=9,data={path}'),
                             (7, 'node,cpus=0')):
            changed = (*said[:place], other, *said[place + 1:])
            done = run('replay', *changed)
            if place == 7:             # the same in other words
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertNotIn('recorded with', done.stderr)
            else:
                self.assertIn('recorded with', done.stderr)
        self.assertIn('recorded with', run('replay').stderr)
        os.remove(log)


if __name__ == '__main__':
    reprise.main()
