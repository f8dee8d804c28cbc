"""Debian's kernel with the drivers of devices that reach into the world: a folder
of the host, sockets, consoles, memory that is given back. Each is recorded, and
replayed without the world."""
import hashlib
import http.server
import os
import queue
import socket
import subprocess
import threading
import time

import reprise
from linux_guest import (LinuxCase, PATIENCE,
                         make_initrd, module_files)

INIT = r'''#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /tmp /mnt
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
for m in MODULES; do insmod /$m || echo "insmod $m failed"; done
SCRIPT
echo "guest done"
poweroff -f
'''
APPEND = 'console=ttyS0 panic=-1 nokaslr quiet'


class DeviceCase(LinuxCase):
    """Boots amd64 with modules and a script."""

    def prepare(self, modules, script, files=()):
        """The kernel's options, once for a recording and its replays."""
        kernel, busybox = self.kernel('amd64')
        drivers = module_files(modules)
        names = ' '.join(os.path.basename(f) for f in drivers)
        text = INIT.replace('MODULES', names).replace('SCRIPT', script)
        make_initrd(self.path('initrd'), busybox, text, [*drivers, *files])
        self.machine = ['-m', '256', '-no-reboot', '-kernel', kernel,
                        '-initrd', self.path('initrd'), '-append', APPEND]

    def run_guest(self, mode, *args, more='', **kwargs):
        """Who waits for the world sleeps, and its time goes on with the
        world's: timeouts of the guest's are as long as they seem."""
        return self.start(*self.machine, *args, '-icount',
                          f'shift=1,rr={mode},'
                          f'rrfile={self.path("run.rr")},rrdigest=20000000'
                          + more, **kwargs)

    def end(self, vm):
        self.assertEqual(vm.wait(PATIENCE), 0, vm.output())
        said = vm.serial.seen.decode(errors='replace')
        self.assertIn('guest done', said)
        return said

    def check_replay(self, said, *args):
        for backend in ('x86_64', 'interp')[:self.backends]:
            with self.subTest(backend=backend):
                vm = self.run_guest('replay', *args, '-accel',
                                    f'tcg,backend={backend}')
                self.assertEqual(self.end(vm), said, vm.output())

    backends = 1


# --- a folder ----------------------------------------------------------------------

FOLDER_SCRIPT = r'''
mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 share /mnt ||
  echo "no mount"
echo "said: $(cat /mnt/hello)"
ls -l /mnt/sub | awk '{ print "list", $1, $NF }'
echo "link to $(readlink /mnt/sub/inside)"
sha256sum /mnt/big | cut -c1-32
cat /mnt/out/secret && echo "OUTSIDE"
cat /mnt/sub/../../secret && echo "OUTSIDE"
mkdir /mnt/made && cd /mnt/made
i=0; while [ $i -lt 100 ]; do echo "file $i" >f$i; i=$((i+1)); done
ls | wc -l
mv f1 g1; ln g1 hard; ln -s g1 soft; cat soft
rm f2; [ -e f2 ] || echo "f2 is gone"
chmod 640 f3; stat -c "mode %a size %s" f3
truncate -s 5000 f4; wc -c <f4
touch -d @1000000000 f5; stat -c "time %Y" f5
dd if=/mnt/big of=copy bs=64k 2>/dev/null; cmp copy /mnt/big && echo "same"
echo more >>f6; cat f6
mkdir -p a/b/c; echo deep >a/b/c/d; mv a z; cat z/b/c/d
rmdir z 2>/dev/null || echo "not empty"; rm -r z
exec 3<>f7; rm f7; echo held >&3; exec 3>&-
df -T /mnt | tail -1 | awk '{ print $2 }'
cd /; umount /mnt && echo "unmounted"
'''


class SharedFolder(DeviceCase):
    def make_folder(self):
        share = self.path('share')
        os.makedirs(os.path.join(share, 'sub'))
        with open(self.path('secret'), 'w', encoding='ascii') as f:
            f.write('secret')
        with open(os.path.join(share, 'hello'), 'w', encoding='ascii') as f:
            f.write('hello')
        self.big = os.urandom(3_000_001)
        with open(os.path.join(share, 'big'), 'wb') as f:
            f.write(self.big)
        os.symlink('../hello', os.path.join(share, 'sub', 'inside'))
        os.symlink(self.dir, os.path.join(share, 'out'))
        return share

    def check_said(self, said):
        digest = hashlib.sha256(self.big).hexdigest()[:32]
        for line in ('said: hello', 'link to ../hello', digest, '100',
                     'file 1', 'f2 is gone', 'mode 640 size 7', '5000',
                     'time 1000000000', 'same', 'more', 'deep', 'not empty',
                     '9p', 'unmounted'):
            self.assertIn(line + '\r\n', said)
        self.assertNotIn('OUTSIDE', said)

    def check_files(self, share):
        made = os.path.join(share, 'made')
        with open(os.path.join(made, 'copy'), 'rb') as f:
            self.assertEqual(f.read(), self.big)
        self.assertEqual(os.path.getsize(os.path.join(made, 'f4')), 5000)
        self.assertNotIn('f7', os.listdir(made))

    def check_model(self, model):
        share = self.make_folder()
        self.prepare(['9p', '9pnet_virtio', 'virtio_pci'], FOLDER_SCRIPT)
        vm = self.run_guest('record', '-virtfs', f'local,path={share},'
                            f'mount_tag=share,security_model={model}')
        said = self.end(vm)
        self.check_said(said)
        self.check_files(share)
        os.rename(share, self.path('gone'))
        self.check_replay(said, '-virtfs', 'local,path=/nowhere,'
                          f'mount_tag=share,security_model={model}')

    def test_folder_is_read_and_written_and_replayed_without_it(self):
        self.check_model('none')

    def test_folder_with_mapped_owners(self):
        os.makedirs(self.path('probe'))
        try:
            os.setxattr(self.path('probe'), 'user.probe', b'1')
        except OSError:
            self.skipTest('no extended attributes here')
        self.check_model('mapped-xattr')


# --- sockets -------------------------------------------------------------------------

VSOCK_SCRIPT = r'''
/linux-vsock listen 1234
/linux-vsock connect 77 300000
/linux-vsock connect 78
'''


class Sockets(DeviceCase):
    def call_guest(self, path, data):
        """CONNECT, the data, and what comes back."""
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(PATIENCE)
        client.connect(path)
        client.sendall(b'CONNECT 1234\n')
        answer = b''
        while not answer.endswith(b'\n'):
            answer += client.recv(1)
        self.assertRegex(answer, rb'^OK \d+\n$')

        def feed():
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=feed)
        thread.start()
        back = b''
        while chunk := client.recv(65536):
            back += chunk
        thread.join()
        client.close()
        return back

    def serve(self, path):
        """Who listens for the guest: gives back half of what it gets."""
        server = socket.socket(socket.AF_UNIX)
        server.bind(path)
        server.listen(1)
        self.addCleanup(server.close)
        self.got = b''

        def run():
            peer = server.accept()[0]
            while chunk := peer.recv(65536):
                self.got += chunk
            peer.sendall(self.got[:len(self.got) // 2])
            peer.close()
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def test_sockets_both_ways_replayed_without_the_host(self):
        path = self.path('v.sock')
        self.prepare(['vmw_vsock_virtio_transport', 'virtio_pci'],
                     VSOCK_SCRIPT,
                     [os.path.join(reprise.BUILD, 'tests', 'guests',
                                   'linux-vsock')])
        thread = self.serve(path + '_77')
        device = ('-device', 'virtio-vsock-pci,guest-cid=42,uds-path=')
        vm = self.run_guest('record', device[0], device[1] + path)
        vm.serial.expect('vsock listens', PATIENCE)
        data = os.urandom(1_000_003)
        back = self.call_guest(path, data)
        self.assertEqual(back, bytes((b + 1) & 255 for b in data))
        said = self.end(vm)
        thread.join()
        sent = bytes(i * 7 & 255 for i in range(300000))
        self.assertEqual(self.got, sent)
        self.assertIn(f'vsock {len(data)} bytes sum {sum(data)}\r\n', said)
        self.assertIn(f'vsock 150000 bytes sum {sum(sent[:150000])}\r\n',
                      said)
        self.assertIn('connect: Connection reset by peer', said)
        self.check_replay(said, device[0], device[1] + '/nowhere/v')


# --- consoles and ports ------------------------------------------------------------------

CONSOLE_SCRIPT = r'''
echo "to the console" >/dev/hvc0
ls -l /dev/virtio-ports/ | grep -o "org.test"
exec 3<>/dev/virtio-ports/org.test
echo "port open" >&3
read line <&3; echo "heard: $line"
head -c 20000 <&3 | sha256sum
dd if=/dev/zero bs=1000 count=50 2>/dev/null | tr '\0' x >&3
exec 3>&-
'''


class Consoles(DeviceCase):
    DEVICES = ('-device', 'virtio-serial-pci', '-device',
               'virtconsole,chardev=c', '-device',
               'virtserialport,chardev=p,name=org.test')

    def test_console_and_port(self):
        out, path = self.path('console'), self.path('port')
        self.prepare(['virtio_console', 'virtio_pci'],
                     'ln -s /sys/class/virtio-ports /tmp/v\n'
                     'mkdir -p /dev/virtio-ports\n'
                     'for p in /sys/class/virtio-ports/*; do\n'
                     '  [ -s $p/name ] && ln -s ../${p##*/} '
                     '/dev/virtio-ports/$(cat $p/name)\ndone\n' +
                     CONSOLE_SCRIPT)
        vm = self.run_guest('record', '-chardev', f'file,id=c,path={out}',
                            '-chardev', f'socket,id=p,path={path},'
                            'server=on,wait=off', *self.DEVICES)
        vm.serial.expect('org.test', PATIENCE)
        peer = socket.socket(socket.AF_UNIX)
        peer.settimeout(PATIENCE)
        peer.connect(path)
        self.addCleanup(peer.close)
        got = b''
        while b'\n' not in got:
            got += peer.recv(100)
        data = bytes(range(256)) * 79
        peer.sendall(b'a line\n' + data[:20000])
        while len(got) < 50000 + len('port open\n'):
            got += peer.recv(65536)
        said = self.end(vm)
        self.assertEqual(got, b'port open\n' + b'x' * 50000)
        self.assertIn('heard: a line\r\n', said)
        done = subprocess.run(['sha256sum'], input=data[:20000], check=True,
                              capture_output=True)
        self.assertIn(done.stdout.split()[0].decode(), said)
        with open(out, 'rb') as f:
            self.assertIn(b'to the console', f.read())
        self.check_replay(said, '-chardev', 'null,id=c', '-chardev',
                          'null,id=p', *self.DEVICES)


# --- the balloon ---------------------------------------------------------------------------

BALLOON_SCRIPT = r'''
total() { awk '/MemTotal/ { print $2 }' /proc/meminfo; }
before=$(total)
echo "balloon ready"
while [ $(total) -gt $((before - 100000)) ]; do sleep 1; done
echo "gave $((before - $(total)))"
while [ $(total) -lt $before ]; do sleep 1; done
echo "took back"
'''


class Balloon(DeviceCase):
    def wait_for(self, qmp, mib):
        """The driver says so, sooner or later."""
        end = time.monotonic() + PATIENCE
        while qmp.cmd('query-balloon')['actual'] != mib << 20:
            self.assertLess(time.monotonic(), end)
            time.sleep(0.05)

    def test_memory_is_given_and_taken_back(self):
        self.prepare(['virtio_balloon', 'virtio_pci'], BALLOON_SCRIPT)
        device = ('-device', 'virtio-balloon-pci')
        vm = self.run_guest('record', *device, qmp=True, hmp=True)
        vm.serial.expect('balloon ready', PATIENCE)
        self.assertEqual(vm.hmp.cmd('info balloon').strip(),
                         'balloon: actual=256')
        self.assertEqual(vm.hmp.cmd('balloon 128').strip(), '')
        self.wait_for(vm.qmp, 128)
        vm.serial.expect(r'gave 1\d{5}', PATIENCE)
        vm.qmp.cmd('balloon', value=256 << 20)
        said = self.end(vm)
        self.assertIn('took back', said)
        self.check_replay(said, *device)


# --- network adapters ---------------------------------------------------------------------------

ADAPTERS = {'virtio-net-pci': 'virtio_net', 'e1000': 'e1000',
            'e1000e': 'e1000e', 'rtl8139': '8139too', 'ne2k_pci': 'ne2k-pci'}
# $1: its number; the networks are 10.0.N.0.
NET_SCRIPT = r'''
check() {
  net=$((20 + $1))
  for i in /sys/class/net/eth*; do
    case $(cat $i/address) in *:$net) dev=${i##*/} ;; esac
  done
  ifconfig $dev 10.0.$net.15 netmask 255.255.255.0 up
  while [ "$(cat /sys/class/net/$dev/operstate)" = down ]; do sleep 1; done
  echo "adapter $1 $(readlink /sys/class/net/$dev/device/driver |
                     sed 's,.*/,,')"
  wget -q -O /tmp/in http://10.0.$net.2:HTTP/file
  echo "in $1 $(sha256sum </tmp/in)"
  nc 10.0.$net.2 SINK </tmp/in
  echo "out $1"
}
'''


class Sink(threading.Thread):
    """Takes connections, and remembers what came by each."""

    def __init__(self):
        super().__init__(daemon=True)
        self.server = socket.create_server(('127.0.0.1', 0))
        self.port = self.server.getsockname()[1]
        self.digests = queue.Queue()
        self.start()

    def run(self):
        while True:
            try:
                peer = self.server.accept()[0]
            except OSError:
                return
            digest = hashlib.sha256()
            while chunk := peer.recv(65536):
                digest.update(chunk)
            peer.close()
            self.digests.put(digest.hexdigest())


class Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Networks(DeviceCase):
    def serve(self):
        def handler(*args):
            return Silent(*args, directory=self.dir)
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def args(self, adapters, network):
        found = []
        for n, name in enumerate(adapters):
            net = 20 + n
            found += ['-netdev', network.format(n=n, net=net), '-device',
                      f'{name},netdev=n{n},mac=52:54:00:00:00:{net}']
        return found

    def check_transfer(self, adapters, size, more=''):
        data = os.urandom(size)
        with open(self.path('file'), 'wb') as f:
            f.write(data)
        sink = Sink()
        self.addCleanup(sink.server.close)
        script = NET_SCRIPT.replace('HTTP', str(self.serve()))
        script = script.replace('SINK', str(sink.port))
        script += '\n'.join(f'check {n}' for n in range(len(adapters)))
        self.prepare(['virtio_pci', *(ADAPTERS[a] for a in adapters)],
                     script + more)
        vm = self.run_guest('record', *self.args(
            adapters, 'user,id=n{n},net=10.0.{net}.0/24'))
        said = self.end(vm)
        done = subprocess.run(['sha256sum'], input=data, check=True,
                              capture_output=True)
        sums = done.stdout.decode().strip()
        for n in range(len(adapters)):
            self.assertIn(f'in {n} {sums}\r\n', said)
            self.assertEqual(sink.digests.get(timeout=reprise.TIMEOUT),
                             hashlib.sha256(data).hexdigest())
        self.check_replay(said, *self.args(adapters, 'user,id=n{n}'))
        return said

    def test_every_adapter(self):
        said = self.check_transfer(list(ADAPTERS), 1_000_001)
        for n, driver in enumerate(ADAPTERS.values()):
            self.assertIn(f'adapter {n} {driver}', said)

    def test_a_hundred_megabytes_in_and_out(self):
        """REPRISE_TRANSFER: how many."""
        size = int(os.environ.get('REPRISE_TRANSFER', '100'))
        self.check_transfer(['virtio-net-pci'], size * 1_000_000 + 1)

    def test_cables_are_pulled_and_plugged(self):
        script = '''
for i in eth0 eth1 eth2 eth3; do ifconfig $i up; done
carriers() { cat /sys/class/net/eth?/carrier | tr -d '\\n'; }
while [ "$(carriers)" != 1111 ]; do sleep 1; done; echo "all plugged"
while [ "$(carriers)" != 0000 ]; do sleep 1; done; echo "all pulled"
while [ "$(carriers)" != 1111 ]; do sleep 1; done; echo "plugged again"
'''
        adapters = list(ADAPTERS)[:4]
        devices = [w for n, a in enumerate(adapters)
                   for w in ('-device', f'{a},id=d{n}')]
        self.prepare(['virtio_pci', *(ADAPTERS[a] for a in adapters)], script)
        vm = self.run_guest('record', *devices, qmp=True)
        vm.serial.expect('all plugged', PATIENCE)
        for up, words in ((False, 'all pulled'), (True, 'plugged again')):
            for n in range(4):
                vm.qmp.cmd('set_link', name=f'd{n}', up=up)
            vm.serial.expect(words, PATIENCE)
        said = self.end(vm)
        self.check_replay(said, *devices)


if __name__ == '__main__':
    reprise.main()
