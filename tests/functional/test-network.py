"""Networks: a real network stack (iPXE, from an adapter's boot ROM) talks to
the world, is recorded, and replayed without one."""
import http.server
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

import reprise

ROMS = '/usr/lib/ipxe/qemu'
SCRIPT = '#!ipxe\necho address ${net0/ip}\n'


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@unittest.skipUnless(os.path.isdir(ROMS), 'needs ipxe-qemu')
class Ipxe(reprise.TestCase):
    def script(self, text):
        os.makedirs(self.path('tftp'), exist_ok=True)
        with open(self.path('tftp/boot'), 'w', encoding='ascii') as f:
            f.write(SCRIPT + text)

    def user(self):
        return f'user,id=n,tftp={self.path("tftp")},bootfile=boot'

    def serve(self):
        """An HTTP server on the folder; its port."""
        def handler(*args):
            return Silent(*args, directory=self.dir)
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def machine(self, mode, *args, device='virtio-net-pci', **kwargs):
        more = ',rrdigest=5000000' if mode == 'record' else ''
        return self.start('-m', '64', '-device', f'{device},netdev=n',
                          '-icount', f'shift=4,rr={mode},'
                          f'rrfile={self.path("net.rr")}{more}', *args,
                          **kwargs)

    def recorded(self, *args, device='virtio-net-pci'):
        vm = self.machine('record', '-netdev', self.user(), *args,
                          device=device, qmp=True)
        vm.serial.expect(r'address 10\.0\.2\.15')
        vm.serial.expect('the end')
        vm.qmp.cmd('quit')
        self.assertEqual(vm.wait(), 0)
        return vm.serial.seen

    def dump(self, name):
        return ('-object', 'filter-dump,id=d,netdev=n,'
                f'file={self.path(name)}')

    def check_dump(self, name):
        with open(self.path(name), 'rb') as f:
            dump = f.read()
        self.assertEqual(struct.unpack('<IHH', dump[:8]), (0xa1b2c3d4, 2, 4))
        frames, at = 0, 24
        while at < len(dump):
            at += 16 + struct.unpack_from('<I', dump, at + 8)[0]
            frames += 1
        self.assertEqual(at, len(dump))
        self.assertGreater(frames, 700)
        self.assertIn(b'\x08\x06\0\x01\x08\0', dump)    # ARP
        return dump

    def check_replay(self, printed, device):
        """The network is silent now: what comes is in the log."""
        vm = self.machine('replay', '-netdev', 'user,id=n',
                          *self.dump('two'), device=device, qmp=True)
        vm.serial.expect('the end')
        vm.qmp.event('STOP')
        self.assertEqual(vm.serial.so_far(len(printed)), printed,
                         vm.output())
        vm.close()
        self.assertEqual(self.check_dump('two'), self.check_dump('one'))
        vm = self.machine('replay', '-netdev', 'user,id=n', '-accel',
                          'tcg,backend=interp', '-replay-verify',
                          device=device)
        self.assertEqual(vm.wait(), 0, vm.output())

    def check_http(self, device):
        """A file over HTTP, recorded and replayed; the dumps of its frames
        are the same."""
        with open(self.path('file'), 'wb') as f:
            f.write(os.urandom(1 << 20))
        self.script(f'imgfetch http://10.0.2.2:{self.serve()}/file && '
                    'imgstat\necho the end\nshell\n')
        printed = self.recorded(*self.dump('one'), device=device)
        self.assertIn(b'file : 1048576 bytes', printed)
        self.check_replay(printed, device)

    def test_http_by_virtio(self):
        self.check_http('virtio-net-pci')

    def test_http_by_e1000(self):
        self.check_http('e1000')

    def test_kernel_comes_over_http(self):
        """iPXE boots it; in the replay there is no server."""
        with open(self.path('initrd'), 'w', encoding='ascii') as f:
            f.write('an initrd')
        shutil.copy(reprise.guest('bzimage'), self.path('kernel'))
        root = f'http://10.0.2.2:{self.serve()}'
        self.script(f'kernel {root}/kernel by HTTP\ninitrd {root}/initrd\n'
                    'boot\n')
        said = []
        for mode, network in (('record', self.user()),
                              ('replay', 'user,id=n')):
            vm = self.machine(mode, '-netdev', network, '-device',
                              'isa-debug-exit')
            self.assertEqual(vm.wait(), 1, (vm.output(), vm.serial.seen))
            said.append(vm.serial.seen)
        self.assertRegex(said[0], b'linux guest: .*by HTTP.*\nan initrd')
        self.assertEqual(said[1], said[0])

    def test_tftp_by_old_adapters(self):
        self.script('echo the end\nshell\n')
        for device in ('rtl8139', 'ne2k_pci'):
            printed = self.recorded(device=device)
            vm = self.machine('replay', '-netdev', 'user,id=n', device=device,
                              qmp=True)
            vm.serial.expect('the end')
            vm.qmp.event('STOP')
            self.assertEqual(vm.serial.so_far(len(printed)), printed,
                             vm.output())
            vm.close()

    def test_port_of_the_host_leads_through_a_hub_into_the_guest(self):
        self.script('echo the end\nshell\n')
        vm = self.start('-m', '64', '-net', 'nic,model=virtio-net-pci,'
                        'macaddr=52:54:00:aa:bb:cc', '-net',
                        'user,id=u,hostfwd=tcp:127.0.0.1:0-:7,'
                        f'tftp={self.path("tftp")},bootfile=boot', '-object',
                        f'filter-dump,id=d,netdev=u,file={self.path("dump")}',
                        hmp=True)
        vm.serial.expect('52:54:00:aa:bb:cc')
        vm.serial.expect('the end')
        self.assertIn('type=hubport,hubid=0', vm.hmp.cmd('info network'))
        text = vm.hmp.cmd('info usernet')
        port = int(text.split('TCP[HOST_FORWARD]')[1].split()[2])
        client = socket.create_connection(('127.0.0.1', port))
        self.addCleanup(client.close)
        # Its SYN, to port 7, as the adapter received it.
        self.wait_for_frame('dump', b'\x0a\0\x02\x02\x0a\0\x02\x0f'
                            b'..\0\x07.{4}\0{4}.\x02')

    def wait_for_frame(self, name, pattern):
        end = time.monotonic() + reprise.TIMEOUT
        regex = re.compile(pattern, re.S)
        while True:
            with open(self.path(name), 'rb') as f:
                if regex.search(f.read()):
                    return
            self.assertLess(time.monotonic(), end)
            time.sleep(0.02)

    def test_nic_is_a_network_and_an_adapter(self):
        vm = self.start('-m', '64', '-nic', 'user,model=virtio,'
                        'mac=52:54:00:aa:bb:cd', '-S', hmp=True)
        text = vm.hmp.cmd('info network')
        self.assertIn('macaddr=52:54:00:aa:bb:cd', text)
        self.assertIn('type=user,net=10.0.2.0,restrict=off', text)


def places(kind, folder):
    """Options of the two ends of a connection: who has the network, who boots."""
    path = os.path.join(folder, 'end')
    if kind == 'stream':
        return (f'stream,id=w,server=on,addr.type=unix,addr.path={path}',
                f'stream,id=n,server=off,addr.type=unix,addr.path={path}')
    if kind == 'dgram':
        return tuple(f'dgram,id={i},local.type=unix,local.path={path}{own},'
                     f'remote.type=unix,remote.path={path}{other}'
                     for i, own, other in (('w', 1, 2), ('n', 2, 1)))
    if kind == 'tap':
        return ('tap,id=w,ifname=rtap0,script=no,downscript=no',
                'tap,id=n,ifname=rtap1,script=no,downscript=no')
    port = free_port()
    return (f'socket,id=w,listen=127.0.0.1:{port}',
            f'socket,id=n,connect=127.0.0.1:{port}')


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


@unittest.skipUnless(os.path.isdir(ROMS), 'needs ipxe-qemu')
class Between(Ipxe):
    """Two machines: one boots over a connection to the other, whose guest stands
    still and whose network `user` is on a hub with it."""

    def check_kind(self, kind):
        self.script('echo the end\nshell\n')
        theirs, ours = places(kind, self.dir)
        gate = self.start(
            '-S', '-netdev', f'user,id=u,tftp={self.path("tftp")},'
            'bootfile=boot', '-netdev', 'hubport,id=h1,hubid=3,netdev=u',
            '-netdev', theirs, '-netdev', 'hubport,id=h2,hubid=3,netdev=w',
            hmp=True)
        self.assertIn('hubid=3,netdev=w', gate.hmp.cmd('info network'))
        vm = self.machine('record', '-netdev', ours, qmp=True)
        vm.serial.expect(r'address 10\.0\.2\.15')
        vm.serial.expect('the end')
        vm.qmp.cmd('quit')
        self.assertEqual(vm.wait(), 0)
        printed = vm.serial.seen
        gate.close()
        vm = self.machine('replay', '-netdev', ours, qmp=True)
        vm.serial.expect('the end')
        vm.qmp.event('STOP')
        self.assertEqual(vm.serial.so_far(len(printed)), printed,
                         vm.output())
        vm.close()

    def test_stream(self):
        self.check_kind('stream')

    def test_dgram(self):
        self.check_kind('dgram')

    def test_socket(self):
        self.check_kind('socket')

    def test_tap(self):
        """In a network namespace of its own, on a bridge."""
        if os.environ.get('REPRISE_IN_NAMESPACE'):
            for command in ('link add br0 type bridge',
                            'tuntap add dev rtap0 mode tap',
                            'tuntap add dev rtap1 mode tap',
                            'link set rtap0 master br0 up',
                            'link set rtap1 master br0 up',
                            'link set br0 up'):
                if subprocess.run(['ip', *command.split()],
                                  check=False).returncode:
                    self.skipTest(f'no ip {command} here')
            self.check_kind('tap')
            return
        if subprocess.run(['unshare', '-n', 'true'], check=False,
                          capture_output=True).returncode or \
           not os.access('/dev/net/tun', os.W_OK):
            self.skipTest('no right to make interfaces')
        done = subprocess.run(
            ['unshare', '-n', sys.executable, '-B', __file__,
             'Between.test_tap'], check=False, capture_output=True,
            text=True, env={**os.environ, 'REPRISE_IN_NAMESPACE': '1'})
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)


# What Ipxe tests is tested there.
for name in dir(Ipxe):
    if name.startswith('test_'):
        setattr(Between, name, None)


class Knobs(reprise.TestCase):
    """What users turn while a machine runs."""

    def test_ports_are_forwarded_and_no_longer(self):
        vm = self.start('-S', '-netdev', 'user,id=a', '-netdev',
                        'hubport,id=h,hubid=1', hmp=True)
        cmd = vm.hmp.cmd
        self.assertEqual(cmd('hostfwd_add tcp:127.0.0.1:0-:22').strip(), '')
        port = cmd('info usernet').split('TCP[HOST_FORWARD]')[1].split()[2]
        socket.create_connection(('127.0.0.1', int(port))).close()
        self.assertIn('removed', cmd(f'hostfwd_remove a tcp:127.0.0.1:{port}'))
        self.assertNotIn('HOST_FORWARD', cmd('info usernet'))
        self.assertIn('not found',
                      cmd(f'hostfwd_remove a tcp:127.0.0.1:{port}'))
        for line, words in (
                ('hostfwd_add', 'a rule is expected'),
                ('hostfwd_add tcp:nonsense', 'nonsense'),
                ('hostfwd_remove tcp::x', 'HOSTPORT'),
                ('hostfwd_add h tcp::0-:22', "unrecognized netdev id 'h'"),
                ('hostfwd_add x tcp::0-:22', "unrecognized netdev id 'x'"),
                ('announce_self', 'not supported')):
            with self.subTest(line=line):
                self.assertIn(words, cmd(line))

    def test_cables_and_balloons_that_are_not_there(self):
        vm = self.start('-S', '-device', 'e1000e,id=nic', '-netdev',
                        'user,id=net', '-device', 'virtio-net-pci,netdev=net',
                        qmp=True, hmp=True)
        for name in ('nic', 'net'):
            vm.qmp.cmd('set_link', name=name, up=False)
            self.assertEqual(vm.hmp.cmd(f'set_link {name} on').strip(), '')
        with self.assertRaisesRegex(reprise.QmpError, "'x' not found"):
            vm.qmp.cmd('set_link', name='x', up=True)
        with self.assertRaisesRegex(reprise.QmpError, 'No balloon'):
            vm.qmp.cmd('balloon', value=1 << 27)
        with self.assertRaisesRegex(reprise.QmpError, 'No balloon'):
            vm.qmp.cmd('query-balloon')
        self.assertIn('No balloon', vm.hmp.cmd('info balloon'))
        self.assertIn('on or off', vm.hmp.cmd('set_link nic maybe'))


class Refused(reprise.TestCase):
    def refused(self, *args):
        done = reprise.run('-nodefaults', *args)
        self.assertEqual(done.returncode, 1, args)
        return done.stderr

    def test_wrong_options_are_named(self):
        for args, words in (
                (('-netdev', 'user'), "'id' is missing"),
                (('-netdev', 'vde,id=n'), "'vde'"),
                (('-netdev', 'user,id=n,color=red'), "'color'"),
                (('-netdev', 'user,id=n,net=10.0.0.0/99'), '10.0.0.0/99'),
                (('-netdev', 'user,id=n,dhcpstart=1.2.3.4'), 'dhcpstart'),
                (('-netdev', 'user,id=n,restrict=maybe'), 'restrict'),
                (('-netdev', 'user,id=n,hostfwd=tcp:1-2'), 'hostfwd'[:4]),
                (('-netdev', 'user,id=n,hostfwd=tcp::99999-:22'), '99999'),
                (('-netdev', 'user,id=n,guestfwd=tcp:1.2.3.4:5-cmd:cat'),
                 '1.2.3.4'),
                (('-netdev', 'user,id=n', '-netdev', 'user,id=n'),
                 "another network 'n'"),
                (('-netdev', 'socket,id=n'), 'listen='),
                (('-netdev', 'stream,id=n,addr.type=fd,addr.str=77'), '77'),
                (('-netdev', 'hubport,id=n'), 'hubid='),
                (('-netdev', 'hubport,id=n,hubid=0,netdev=x'), 'netdev=x'),
                (('-nic', 'user,model=ne9000'), 'ne9000'),
                (('-device', 'virtio-net-pci,netdev=n'), 'netdev'),
                (('-device', 'virtio-net-pci,mac=52:54'), 'mac=52:54'),
                (('-device', 'virtio-net-pci,mac=01:00:00:00:00:01'),
                 'mac=01'),
                (('-device', 'virtio-net-pci,romfile=/none'), '/none'),
                (('-netdev', 'user,id=n', '-device',
                  'virtio-net-pci,netdev=n', '-device',
                  'virtio-net-pci,netdev=n'), 'already in use'),
                (('-object', 'filter-dump,id=d,netdev=x,file=/tmp/x'),
                 "no network 'x'"),
                (('-object', 'filter-mirror,id=d'), 'filter-mirror')):
            with self.subTest(args=args):
                self.assertIn(words, self.refused(*args))

    def test_none_is_accepted(self):
        for option in ('-net', '-nic'):
            vm = self.start(option, 'none', '-S', qmp=True)
            vm.qmp.cmd('quit')
            self.assertEqual(vm.wait(), 0)


if __name__ == '__main__':
    reprise.main()
