"""What monitors offer beside the machine's running: dumps, buses, inputs,
ports, character devices, and QEMU's commands that are refused by name."""
import array
import base64
import hashlib
import os
import re
import select
import shutil
import socket
import struct
import subprocess
import time

import dump_file
import reprise
import rsp


class Doors(reprise.TestCase):
    def fails(self, vm, command, text, **args):
        with self.assertRaises(reprise.QmpError) as caught:
            vm.qmp.cmd(command, **args)
        self.assertIn(text, caught.exception.desc)
        self.assertEqual(caught.exception.cls, 'GenericError')

    def until(self, what, good):
        """Asks until the answer is good; the answer."""
        end = time.monotonic() + reprise.TIMEOUT
        while True:
            answer = what()
            if good(answer):
                return answer
            self.assertLess(time.monotonic(), end, answer)


class Dump(Doors):
    def in_long_mode(self, *args):
        """A guest that has 2 MiB mapped in 64-bit mode, and halts there."""
        vm = self.start('-m', '32', '-cpu', 'max', '-drive',
                        f'file={reprise.guest("units")},format=raw,if=ide,'
                        'snapshot=on', *args, qmp=True, hmp=True)
        self.until(lambda: vm.hmp.cmd('info registers'),
                   lambda text: 'HLT=1' in text and 'R15=1111' in text)
        vm.qmp.cmd('stop')
        return vm

    def dump(self, vm, name, **args):
        path = self.path(name)
        args = {'paging': False, **args}
        vm.qmp.cmd('dump-guest-memory', protocol='file:' + path, **args)
        result = vm.qmp.event('DUMP_COMPLETED')['data']
        self.assertNotIn('error', result)
        self.assertEqual(result['result']['completed'],
                         result['result']['total'])
        return path

    def memory(self, vm, addr, size):
        text = vm.hmp.cmd(f'xp /{size}xb {addr:#x}')
        return bytes(int(b, 16) for b in re.findall(r' 0x(\w\w)\b', text))

    def registers(self, vm):
        pc = int(re.search('RIP=(\\w+)', vm.hmp.cmd('info registers'))[1], 16)
        return pc, self.memory(vm, pc, 16)

    def test_elf_and_kdump(self):
        vm = self.in_long_mode()
        self.assertEqual(vm.qmp.cmd('query-dump')['status'], 'none')
        pc, code = self.registers(vm)
        elf = dump_file.Elf(self.dump(vm, 'physical'))
        self.assertEqual((elf.bits, elf.machine), (64, 62))
        self.assertEqual(elf.programs_counters(), [pc])
        self.assertEqual(elf.memory(pc, 16), code)
        self.assertEqual(elf.memory(0xffff0, 16), self.memory(vm, 0xffff0, 16))
        state = next(c for n, _, c in elf.notes if n == 'QEMU')
        self.assertEqual(len(state), 440)
        kdump = dump_file.Kdump(self.dump(vm, 'kdump', format='kdump-zlib'))
        self.assertEqual((kdump.version, kdump.status, kdump.block), (6, 1,
                                                                      4096))
        self.assertEqual(kdump.notes(), elf.notes)
        for addr in pc & ~4095, 0, 0xff000, 0xfffc0000, (32 << 20) - 4096:
            self.assertEqual(kdump.page(addr // 4096), elf.memory(addr, 4096))
        part = dump_file.Elf(self.dump(vm, 'part', begin=pc & ~15, length=32))
        self.assertEqual(part.memory(pc, 16), code)
        self.assertEqual(sum(s[4] for s in part.segments if s[0] == 1), 32)
        self.assertEqual(vm.qmp.cmd('query-dump'),
                         {'status': 'completed', 'total': 32, 'completed': 32})
        paged = dump_file.Elf(self.dump(vm, 'paged', paging=True))
        self.assertEqual(paged.memory(pc, 16, physical=False), code)
        for _, _, va, pa, size in paged.segments[1:]:
            self.assertEqual(va, pa)         # one large page, the first
            self.assertLessEqual(va + size, 2 << 20)
        self.check_by_gdb(self.path('paged'), pc, code)

    def check_by_gdb(self, path, pc, code):
        if not shutil.which('gdb'):
            return
        said = subprocess.run(
            ['gdb', '-nx', '-batch', '-ex', 'core-file ' + path, '-ex',
             'p/x $rip', '-ex', 'x/16xb $rip'], capture_output=True, text=True,
            timeout=reprise.TIMEOUT, check=False).stdout
        self.assertIn(f'= {pc:#x}', said)
        found = re.findall(r'\t0x(\w\w)', said)
        self.assertEqual(bytes(int(b, 16) for b in found), code)

    def test_the_guests_own_note(self):
        """What a kernel would write: where its VMCOREINFO is."""
        vm = self.start('-m', '32', '-device', 'vmcoreinfo', qtest=True,
                        qmp=True)
        q, text = vm.qtest, b'OSRELEASE=6\nNUMBER(phys_base)=1048576\n'
        note = struct.pack('<III', 11, len(text), 0) + b'VMCOREINFO\0\0' + \
            text
        q.write(0x100000, note)
        q.out(0x510, 0x19, 'w')            # the directory of fw_cfg

        def read(size):
            return bytes(q.inp(0x511) for _ in range(size))
        for _ in range(int.from_bytes(read(4), 'big')):
            entry = read(64)
            if entry[8:].rstrip(b'\0') == b'etc/vmcoreinfo':
                key = int.from_bytes(entry[4:6], 'big')
        q.write(0x2000, struct.pack('<HHIQ', 1, 1, len(note), 0x100000))
        q.write(0x1000, struct.pack('>IIQ', key << 16 | 0x18, 16, 0x2000))
        q.cmd(f'outl 0x518 {int.from_bytes((0x1000).to_bytes(4, "big"), "little"):#x}')
        kdump = dump_file.Kdump(self.dump(vm, 'k', format='kdump-zlib'))
        self.assertEqual(kdump.core_info(), (1 << 20, text))
        self.assertIn(('VMCOREINFO', 0, text),
                      dump_file.Elf(self.dump(vm, 'e')).notes)
        # One that is none is left out.
        q.write(0x100004, struct.pack('<I', 1 << 31))
        self.assertNotIn('VMCOREINFO', [n for n, _, _ in dump_file.Elf(
            self.dump(vm, 'e')).notes])

    def test_in_the_background(self):
        """The machine goes on, and the file has what was there before."""
        vm = self.start('-m', '64', qmp=True, hmp=True)
        vm.serial.expect('No bootable device')
        path = self.path('detached')
        vm.qmp.cmd('dump-guest-memory', paging=False, detach=True,
                   protocol='file:' + path)
        self.assertTrue(vm.qmp.cmd('query-status')['running'])
        self.assertIn(vm.qmp.cmd('query-dump')['status'],
                      ('active', 'completed'))
        self.assertNotIn('error', vm.qmp.event('DUMP_COMPLETED')['data'])
        elf = dump_file.Elf(path)
        self.assertEqual((elf.bits, elf.machine), (32, 3))
        self.assertEqual(elf.memory(0xffff0, 1), b'\xea')
        self.assertIn('completed', vm.hmp.cmd('info dump'))
        self.assertEqual(vm.hmp.cmd(f'dump-guest-memory -z {path}'), '')
        vm.qmp.event('DUMP_COMPLETED')
        self.assertEqual(dump_file.Kdump(path).page(0xff)[-16], 0xea)
        self.assertIn('only one of', vm.hmp.cmd('dump-guest-memory -z -l x'))
        # A full disk, told by the copy.
        vm.qmp.cmd('dump-guest-memory', paging=False, detach=True,
                   protocol='file:/dev/full')
        self.assertIn('/dev/full', vm.qmp.event('DUMP_COMPLETED')['data']
                      ['error'])
        self.assertEqual(vm.qmp.cmd('query-dump')['status'], 'failed')

    def test_of_another_target(self):
        """Every mapping of the file is what the walk of tables finds."""
        image = os.path.join(reprise.BUILD, 'tests/guests/a64-system.img')
        if not os.path.exists(image):
            self.skipTest('no assembler for AArch64')
        args = ('-M', 'virt', '-cpu', 'max', '-m', '64', '-kernel', image,
                '-serial', 'null', '-icount')
        rr = f'rrfile={self.path("rr")}'
        self.start(*args, f'shift=4,rr=record,{rr}', arch='aarch64',
                   serial=False).wait()
        vm = self.start(*args, f'shift=4,rr=replay,{rr}', '-S', arch='aarch64',
                        serial=False, qmp=True, hmp=True)
        vm.qmp.cmd('replay-seek', icount=1)
        while '(off)' in vm.hmp.cmd('info mem'):
            now = vm.qmp.cmd('query-replay')['icount']
            vm.qmp.cmd('replay-seek', icount=now + 50)
        elf = dump_file.Elf(self.dump(vm, 'a64', paging=True))
        self.assertEqual((elf.bits, elf.machine), (64, 183))
        pc = int(re.search('PC=(\\w+)', vm.hmp.cmd('info registers'))[1], 16)
        at, = struct.unpack_from('<Q', elf.notes[0][2], 112 + 32 * 8)
        self.assertEqual(at, pc)
        maps = [s[2:] for s in elf.segments if s[0] == 1]
        self.assertTrue(maps)
        for va, pa, _ in maps:
            self.assertIn(f'gpa: {pa:#x}', vm.hmp.cmd(f'gva2gpa {va:#x}'))

    def test_refused(self):
        disk = self.raw_image()
        vm = self.start('-m', '64', '-S', '-drive',
                        f'file={disk},format=raw,if=ide', qmp=True)

        def refused(text, **args):
            args = {'paging': False, 'protocol': 'file:' + self.path('x'),
                    **args}
            self.fails(vm, 'dump-guest-memory', text, **args)
        refused('is the file of', protocol='file:' + disk)
        refused("Invalid parameter 'protocol'", protocol=self.path('x'))
        refused("'length' is missing", begin=0)
        refused("Invalid parameter 'length'", begin=0, length=0)
        refused('no guest memory', begin=1 << 40, length=1)
        refused("doesn't support paging", paging=True, format='kdump-zlib')
        refused('elf and kdump-zlib', format='kdump-lzo')
        refused('has not been found', protocol='fd:nothing')
        refused('Could not open', protocol='file:/nowhere/x')
        self.assertEqual(os.path.getsize(disk), 1 << 20)
        self.assertEqual(vm.qmp.cmd('query-dump-guest-memory-capability'),
                         {'formats': ['elf', 'kdump-zlib']})

    def test_tables_without_end(self):
        vm = self.start('-m', '64', '-icount', 'shift=3,sleep=off', '-drive',
                        f'file={reprise.guest("storm")},format=raw,if=ide,'
                        'snapshot=on', qmp=True)
        vm.serial.expect(r'storm\? ')
        vm.serial.send('l')
        vm.serial.expect('here it comes')
        self.fails(vm, 'dump-guest-memory', 'page tables have no end',
                   paging=True, protocol='file:' + self.path('x'))
        self.assertFalse(os.path.exists(self.path('x')))


class Files(Doors):
    def test_descriptors(self):
        """A file that is open already is handed over and written."""
        vm = self.start('-m', '64', '-S', qmp=True)
        self.fails(vm, 'getfd', 'No file descriptor supplied', fdname='f')
        self.fails(vm, 'closefd', 'has not been found', fdname='f')
        with open(self.path('out'), 'wb') as f:
            vm.qmp.sock.sendmsg(
                [b'{"execute": "getfd", "arguments": {"fdname": "f"}}'],
                [(socket.SOL_SOCKET, socket.SCM_RIGHTS,
                  array.array('i', [f.fileno()]))])
        self.assertEqual(vm.qmp.message(), {'return': {}})
        vm.qmp.cmd('dump-guest-memory', paging=False, protocol='fd:f')
        self.assertEqual(dump_file.Elf(self.path('out')).memory(0xffff0, 1),
                         b'\xea')
        self.fails(vm, 'closefd', 'has not been found', fdname='f')


class Inputs(Doors):
    RR = ('-m', '64', '-net', 'none', '-icount')

    def icount(self, mode):
        return *self.RR, (f'shift=7,rr={mode},rrfile={self.path("run.rr")},'
                          'rrdigest=50000')

    def test_recorded_and_replayed(self):
        vm = self.start(*self.icount('record'), qmp=True, hmp=True)
        vm.serial.expect('SeaBIOS')
        button = {'type': 'btn', 'data': {'down': True, 'button': 'left'}}
        vm.qmp.cmd('input-send-event', events=[
            button, {'type': 'rel', 'data': {'axis': 'x', 'value': 10}},
            {'type': 'btn', 'data': {'down': True, 'button': 'wheel-up'}},
            {'type': 'key', 'data': {'down': True, 'key':
                                     {'type': 'qcode', 'data': 'a'}}}])
        self.assertEqual(vm.hmp.cmd('mouse_move 3 4 1'), '')
        self.assertEqual(vm.hmp.cmd('mouse_button 4'), '')
        self.assertEqual(vm.hmp.cmd('o /b 0x80 0x55'), '')
        self.assertIn('record or replay', vm.hmp.cmd('i /b 0x60'))
        self.fails(vm, 'input-send-event', 'Input handler not found', events=[
            {'type': 'abs', 'data': {'axis': 'x', 'value': 1}}])
        self.fails(vm, 'input-send-event', "'button' does not accept", events=[
            {'type': 'btn', 'data': {'down': True, 'button': 'no'}}])
        self.fails(vm, 'input-send-event', 'takes objects', events=[1])
        vm.serial.expect('No bootable device')
        vm.qmp.cmd('quit')
        vm.wait()
        done = reprise.run(*self.icount('replay'), '-nodefaults', '-serial',
                           'null', '-replay-verify')
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        vm = self.start(*self.icount('replay'), '-S', qmp=True, hmp=True)
        self.fails(vm, 'input-send-event', 'replay', events=[button])
        for line in 'o /b 0x80 1', 'mouse_move 1 1':
            self.assertIn('replay', vm.hmp.cmd(line), line)

    def test_mouse(self):
        """What the driver reads from the controller."""
        vm = self.start('-m', '64', qtest=True, qmp=True, hmp=True)
        self.assertEqual(vm.qmp.cmd('query-mice')[0]['name'], 'PS/2 Mouse')
        self.assertIn('* Mouse #0', vm.hmp.cmd('info mice'))
        q = vm.qtest

        def mouse(byte):
            q.out(0x64, 0xd4)
            q.out(0x60, byte)
            q.step(10_000_000)
            return q.inp(0x60)
        q.out(0x64, 0xa8)                  # the auxiliary port is on
        for byte in 0xf3, 200, 0xf3, 100, 0xf3, 80, 0xf4:
            self.assertEqual(mouse(byte), 0xfa)
        vm.hmp.cmd('mouse_move 5 -3 1')
        packet = []
        for _ in range(4):
            q.step(10_000_000)
            packet.append(q.inp(0x60))
        self.assertEqual(packet, [0x08, 5, 3, 0xff])
        vm.qmp.cmd('input-send-event', events=[
            {'type': 'btn', 'data': {'down': True, 'button': 'right'}}])
        q.step(10_000_000)
        self.assertEqual(q.inp(0x60), 0x0a)
        self.assertIn("'1' not found", vm.hmp.cmd('mouse_set 1'))


class Machine(Doors):
    def test_what_it_says(self):
        vm = self.start('-m', '64', '-smp', '2', '-machine', 'q35', '-device',
                        'pcie-root-port,id=rp,chassis=1', '-device',
                        'virtio-rng-pci,id=rng,bus=rp', '-device', 'vmgenid',
                        '-numa', 'node,cpus=0', '-numa', 'node,cpus=1', '-S',
                        qmp=True, hmp=True)
        bus = vm.qmp.cmd('query-pci')[0]
        self.assertEqual(bus['bus'], 0)
        port = next(d for d in bus['devices'] if d['qdev_id'] == 'rp')
        behind = port['pci_bridge']['devices'][0]
        self.assertEqual((behind['qdev_id'], behind['id']['vendor']),
                         ('rng', 0x1af4))
        self.assertIn('Host bridge',
                      [d['class_info'].get('desc') for d in bus['devices']])
        self.assertEqual(vm.qmp.cmd('query-iothreads'), [])
        self.assertEqual(vm.qmp.cmd('query-block-jobs'), [])
        self.assertRegex(vm.qmp.cmd('query-vm-generation-id')['guid'],
                         r'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
        vm.qmp.cmd('set-action', reboot='shutdown', watchdog='pause')
        for what, text in (('numa', '2 nodes'), ('roms', 'bios'),
                           ('ramblock', 'ram'), ('hotpluggable-cpus', 'vcpus'),
                           ('history', "0: 'info numa'"),
                           ('block-jobs', 'No active'), ('iothreads', 'No I/O'),
                           ('memory-devices', 'No memory'), ('tpm', 'none'),
                           ('opcount', 'no such'), ('usb', 'no USB')):
            self.assertIn(text, vm.hmp.cmd(f'info {what}'), what)
        self.assertRegex(vm.hmp.cmd('i /b 0x61'),
                         r'portb\[0x0061\] = 0x[0-9a-f]{2}')
        self.assertIn('invalid char', vm.hmp.cmd('i /z 0x61'))
        self.assertRegex(vm.hmp.cmd('sum 0xffff0 16'), r'^\d{5}$')
        self.assertIn('no memory', vm.hmp.cmd('sum 0x80000000 1'))
        self.assertIn('string expected', vm.hmp.cmd('mouse_set'))

    def test_refused_by_name(self):
        vm = self.start('-m', '64', '-S', qmp=True, hmp=True)
        known = {c['name'] for c in vm.qmp.cmd('query-commands')}
        for name in ('device_add', 'blockdev-add', 'screendump', 'migrate',
                     'block-commit', 'object-add', 'eject'):
            self.assertNotIn(name, known)
            self.fails(vm, name, 'is not supported: ')
        for name in 'device_add x', 'eject cd', 'commit all', 'gpa2hva 0':
            self.assertIn('is not supported: ', vm.hmp.cmd(name))
        self.assertIn('is not supported: ', vm.hmp.cmd('help screendump'))
        with self.assertRaises(reprise.QmpError) as caught:
            vm.qmp.cmd('no-such')
        self.assertEqual(caught.exception.cls, 'CommandNotFound')

    def test_gdbserver(self):
        vm = self.start('-m', '64', '-S', hmp=True)
        sock = self.path('gdb')
        self.assertIn('Waiting for gdb', vm.hmp.cmd(f'gdbserver unix:{sock}'))
        gdb = rsp.Rsp(sock)
        self.assertRegex(gdb.cmd('?'), '^[ST]05')
        self.assertIn('already in use', vm.hmp.cmd('gdbserver chardev:hmp-fd'))
        # Its own client may ask for another one.
        other = self.path('other')
        gdb.put('qRcmd,' + f'gdbserver unix:{other}'.encode().hex())
        again = rsp.Rsp(other)
        self.assertRegex(again.cmd('?'), '^[ST]05')
        self.assertIn('Disabled', vm.hmp.cmd('gdbserver none'))
        self.until(lambda: again.poll(0.1) or again.closed, bool)
        self.assertFalse(os.path.exists(sock))
        gdb.close()
        again.close()


class Program(Doors):
    def test_sandbox(self):
        """All goes on as without, but for what was given up."""
        denied = ('on,spawn=deny,elevateprivileges=deny,resourcecontrol=deny')
        done = reprise.run('-sandbox', 'on', '-machine', 'none', '-monitor',
                           'stdio', stdin='quit\n')
        if 'without libseccomp' in done.stderr:
            self.skipTest('libseccomp was not there')
        vm = self.start('-m', '64', '-net', 'user', '-net',
                        'nic,model=e1000', '-sandbox', denied, qmp=True,
                        hmp=True)
        with open(f'/proc/{vm.process.pid}/status', encoding='ascii') as f:
            self.assertIn('Seccomp:\t2', f.read())
        vm.serial.expect('Configuring')    # iPXE asks for an address
        path = self.path('out')
        vm.qmp.cmd('pmemsave', val=0, size=4096, filename=path)
        vm.qmp.cmd('dump-guest-memory', paging=False, protocol='file:' + path)
        self.fails(vm, 'dump-guest-memory', 'cannot fork', paging=False,
                   protocol='file:' + path, detach=True)
        self.assertEqual(vm.qmp.cmd('query-dump')['status'], 'failed')
        vm.hmp.cmd(f'gdbserver unix:{self.path("gdb")}')
        gdb = rsp.Rsp(self.path('gdb'))
        self.assertRegex(gdb.cmd('?'), '^[ST]05')
        gdb.close()
        self.assertEqual(vm.terminate(), 0)

    def test_options(self):
        for args, wanted in (
                (('-sandbox', 'on,spawn=maybe'), 'spawn'),
                (('-sandbox', 'on,elevateprivileges=children'), 'no program'),
                (('-echr', '0'), 'number of a character'),
                (('-watchdog-action', 'x'), 'watchdog'),
                (('-option-rom', 'x'), 'romfile')):
            done = reprise.run(*args)
            self.assertEqual(done.returncode, 1, args)
            self.assertIn(wanted, done.stderr)

    def test_global(self):
        """The last one counts, and what a device says itself most of all."""
        vm = self.start('-m', '64', '-S', '-device', 'isa-debug-exit,id=a',
                        '-device', 'isa-debug-exit,id=b,iobase=0x510',
                        '-global', 'isa-debug-exit.iobase=0x520', '-global',
                        'driver=isa-debug-exit,property=iobase,value=0x530',
                        '-global', 'edu.addr=5', qmp=True)

        def iobase(path):
            return vm.qmp.cmd('qom-get', path=path, property='iobase')
        self.assertEqual((iobase('a'), iobase('b')), (0x530, 0x510))
        self.assertIn('edu.addr=5: there is no such device', vm.output())

    def test_escape(self):
        ours, theirs = socket.socketpair()
        fd = theirs.fileno()
        vm = self.start('-m', '64', '-S', '-echr', '0x14', '-chardev',
                        f'socket,id=tty,fd={fd},mux=on', '-serial',
                        'chardev:tty', '-mon', 'tty', pass_fds=[fd],
                        serial=False)
        theirs.close()
        tty = reprise.Channel(ours, 'tty')
        self.addCleanup(tty.close)
        tty.send(b'\x01h\x14h')
        tty.expect('C-t c +switch between')
        self.assertEqual(tty.seen.count(b'print this help'), 1)
        tty.send(b'\x14x')
        self.assertEqual(vm.wait(), 0)


class Chardevs(Doors):
    def port(self, vm, label):
        chardevs = {c['label']: c['filename']
                    for c in vm.qmp.cmd('query-chardev')}
        return int(re.findall(r':(\d+)', chardevs[label])[-1])

    def connect(self, vm, label):
        sock = socket.create_connection(('127.0.0.1', self.port(vm, label)))
        channel = reprise.Channel(sock, label)
        self.addCleanup(channel.close)
        return channel

    def test_framing(self):
        """A serial line by telnet, a monitor by WebSocket, another by UDP."""
        there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(there.close)
        there.bind(('127.0.0.1', 0))
        vm = self.start(
            '-m', '64', '-S', '-serial', 'telnet:127.0.0.1:0,server=on,wait=off',
            '-serial', f'udp:127.0.0.1:{there.getsockname()[1]}', '-chardev',
            'socket,id=ws,host=127.0.0.1,port=0,server=on,wait=off,websocket=on',
            '-mon', 'ws', qmp=True, serial=False)
        telnet = self.connect(vm, 'serial0')
        telnet.expect(rb'\xff\xfb\x01\xff\xfb\x03\xff\xfb\x00\xff\xfd\x00')
        telnet.send(b'\xff\xfd\x01\xff\xfa\x18\x00\xff\xf0')
        self.check_websocket(vm)
        vm.qmp.cmd('cont')
        telnet.expect('No bootable device')

    def check_websocket(self, vm):
        ws = self.connect(vm, 'ws')
        key = base64.b64encode(b'sixteen bytes...').decode()
        ws.send('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection:'
                f' Upgrade\r\nsec-websocket-key: {key}\r\n'
                'Sec-WebSocket-Version: 13\r\n\r\n')
        guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        accept = base64.b64encode(
            hashlib.sha1((key + guid).encode()).digest())
        ws.expect(rb'101 .*Sec-WebSocket-Accept: ' + re.escape(accept))
        ws.expect(rb'\x82.Reprise .*\x82.\(qemu\) ')

        def send(opcode, data):
            mask = b'\x11\x22\x33\x44'
            ws.send(bytes([0x80 | opcode, 0x80 | len(data)]) + mask +
                    bytes(b ^ mask[i % 4] for i, b in enumerate(data)))
        send(2, b'info name')
        send(9, b'ping')
        ws.expect(rb'\x8a\x04ping')
        send(1, b'\nprint 6*7\n')
        ws.expect('0x2a')
        send(8, b'\x03\xe8')
        ws.expect(rb'\x88\x02\x03\xe8')
        self.until(lambda: ws.poll(0.1) or ws.closed, bool)

    def test_datagrams(self):
        """Each is input as a whole, whatever the user has room for."""
        there = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(there.close)
        there.bind(('127.0.0.1', 0))
        vm = self.start('-m', '64', '-S', '-chardev', 'udp,id=u,host=127.0.0.1,'
                        f'port={there.getsockname()[1]},localaddr=127.0.0.1',
                        '-mon', 'u', qmp=True)
        here = ('127.0.0.1', self.port(vm, 'u'))
        there.sendto(b'print 6*7\n', here)
        seen = b''
        while b'0x2a' not in seen:
            self.assertTrue(select.select([there], [], [], reprise.TIMEOUT)[0])
            seen += there.recv(4096)

    def test_added(self):
        vm = self.start('-m', '64', '-S', '-serial', 'chardev:ring', '-chardev',
                        'ringbuf,id=ring,size=1024', qmp=True, hmp=True,
                        serial=False)
        ask = vm.qmp.cmd
        ask('chardev-add', id='r,2', backend={'type': 'ringbuf',
                                              'data': {'size': 8}})
        ask('ringbuf-write', device='r,2', data='0123456789')
        self.assertEqual(ask('ringbuf-read', device='r,2', size=3), '234')
        self.assertEqual(base64.b64decode(ask(
            'ringbuf-read', device='r,2', size=99, format='base64')), b'56789')
        self.fails(vm, 'ringbuf-read', 'not found', device='x', size=1)
        self.fails(vm, 'ringbuf-read', 'is not a ringbuf', device='qmp-fd',
                   size=1)
        self.fails(vm, 'chardev-add', 'power of two', id='r3', backend={
            'type': 'ringbuf', 'data': {'size': 3}})
        self.fails(vm, 'chardev-add', 'another of that id', id='ring', backend={
            'type': 'null', 'data': {}})
        self.fails(vm, 'chardev-remove', 'busy', id='qmp-fd')
        self.fails(vm, 'chardev-remove', 'not found', id='nothing')
        ask('chardev-remove', id='r,2')
        vm.hmp.send('ringbuf_read ri\t')
        vm.hmp.expect('ring ')
        vm.hmp.send('\x15watchdog_action inj\t')
        vm.hmp.expect('inject-nmi ')
        vm.hmp.send('\x15')
        path = self.path('sock')
        ask('chardev-add', id='s', backend={
            'type': 'socket', 'data': {'addr': {'type': 'unix', 'data':
                                                {'path': path}}}})
        rsp.connect(path).close()
        self.assertEqual(vm.hmp.cmd('chardev-remove s'), '')
        self.assertEqual(vm.hmp.cmd('chardev-add null,id=n'), '')
        self.assertIn('not a valid backend', vm.hmp.cmd('chardev-add x,id=n'))
        vm.hmp.cmd('cont')
        said = []

        def read_on():
            said.append(vm.hmp.cmd('ringbuf_read ring 1024').rstrip('\r\n'))
            return ''.join(said)
        self.until(read_on, lambda text: 'No bootable device' in text)

    def test_refused(self):
        for text, wanted in (
                ('socket,id=x,path=/x,telnet=on,websocket=on', 'exclude'),
                ('socket,id=x,path=/x,websocket=on', 'needs server=on'),
                ('socket,id=x,path=/x,tls-creds=t', 'stunnel'),
                ('udp,id=x,host=127.0.0.1', 'port not specified'),
                ('ringbuf,id=x,size=3', 'power of two')):
            done = reprise.run('-chardev', text)
            self.assertEqual(done.returncode, 1)
            self.assertIn(wanted, done.stderr)


if __name__ == '__main__':
    reprise.main()
