"""A whole Debian 12 with systemd, from each kind of disk: to the login prompt,
where somebody logs in, compiles and runs a program, computes with python and
openssl, and installs a package that a server on the host has. Recorded, with all
that was typed and sent, and replayed without the server.

scripts/debian-root.sh makes the image: into the build folder, or wherever
REPRISE_DEBIAN says. Without the network, the tests are skipped."""
import functools
import hashlib
import http.server
import math
import os
import random
import shutil
import subprocess
import threading
import unittest

import reprise

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
FOLDER = os.environ.get('REPRISE_DEBIAN',
                        os.path.join(reprise.BUILD, 'debian-root'))
# What one answer of the guest may take on a busy host.
PATIENCE = 3600
PACKAGE_BYTES = 3_000_000
# FIPS 197, appendix C.1.
AES_KEY = bytes(range(16)).hex()
AES_PLAIN = ''.join(rf'\x{17 * n:02x}' for n in range(16))
AES_CIPHER = '69c4e0d86a7b0430d8cdb78070b4c55a'
PROGRAM = (r'#include <stdio.h>\nint main(void)\n{ double s = 0; '
           r'for (int i = 1; i < 1000; i++) s += 1.0 / i; '
           r'printf("sum %%.12f\\n", s); return 0; }\n')
# bus: options that attach the image, and what the guest calls it.
BUSES = {'virtio': (['-drive', 'if=virtio,{drive}'], 'vda'),
         'ide': (['-drive', 'if=ide,{drive}'], 'sda'),
         'virtio-scsi': (['-drive', 'if=none,id=d,{drive}', '-device',
                          'virtio-scsi-pci,id=s', '-device',
                          'scsi-hd,bus=s.0,drive=d'], 'sda'),
         'ahci': (['-drive', 'if=none,id=d,{drive}', '-device',
                   'ich9-ahci,id=a', '-device', 'ide-hd,bus=a.0,drive=d'],
                  'sda'),
         'nvme': (['-drive', 'if=none,id=d,{drive}', '-device',
                   'nvme,drive=d,serial=N1'], 'nvme0n1')}


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format, *args):
        pass


class Debian(reprise.TestCase):
    @classmethod
    def setUpClass(cls):
        made = subprocess.run([os.path.join(ROOT, 'scripts',
                                            'debian-root.sh'), FOLDER],
                              capture_output=True, text=True, check=False)
        if made.returncode:
            raise unittest.SkipTest(made.stderr.strip())

    def repository(self):
        """A folder with a package and an index, as apt wants them."""
        if not shutil.which('dpkg-deb'):
            raise unittest.SkipTest('dpkg-deb is not there')
        folder, tree = self.path('repository'), self.path('tree')
        os.makedirs(folder)
        os.makedirs(tree + '/DEBIAN')
        os.makedirs(tree + '/usr/share/sample')
        control = ('Package: sample\nVersion: 1.0\nArchitecture: all\n'
                   'Maintainer: nobody <nobody@localhost>\n'
                   'Description: a file\n')
        with open(tree + '/DEBIAN/control', 'w', encoding='ascii') as f:
            f.write(control)
        self.payload = random.Random(1).randbytes(PACKAGE_BYTES)
        with open(tree + '/usr/share/sample/data', 'wb') as f:
            f.write(self.payload)
        deb = folder + '/sample.deb'
        subprocess.run(['dpkg-deb', '-Znone', '--root-owner-group', '--build',
                        tree, deb], check=True, capture_output=True)
        with open(deb, 'rb') as f:
            content = f.read()
        with open(folder + '/Packages', 'w', encoding='ascii') as f:
            f.write(f'{control}Filename: ./sample.deb\nSize: {len(content)}\n'
                    f'SHA256: {hashlib.sha256(content).hexdigest()}\n')
        return folder

    def serve(self, folder):
        """The port of a server on the host's own interface."""
        server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', 0), functools.partial(Quiet, directory=folder))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def boot(self, bus, mode, *args):
        options, device = BUSES[bus]
        drive = f'file={FOLDER}/debian.img,format=raw,snapshot=on'
        return self.start(
            '-m', '1G', '-no-reboot', '-kernel', FOLDER + '/vmlinuz',
            '-initrd', FOLDER + '/initrd', '-append',
            f'console=ttyS0 root=/dev/{device} rw nokaslr quiet',
            *[option.format(drive=drive) for option in options],
            '-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net',
            '-icount', f'shift=1,sleep=off,rr={mode},rrdigest=100000000,'
            f'rrfile={self.path("run.rr")}', *args)

    def do(self, command):
        """Types a command; what it printed. It must succeed."""
        serial = self.vm.serial
        serial.send(f'{command}; echo "status=$?"\n')
        said = serial.expect(r'(.*?)status=(\d+)', PATIENCE)
        text = said[1].decode(errors='replace')
        self.assertEqual(said[2], b'0', f'{command}: {text}')
        return text

    def work(self, port):
        self.assertIn('running', self.do('systemctl is-system-running --wait'))
        self.do(f"printf '{PROGRAM}' >p.c && gcc -O2 -o p p.c")
        total = 0.0
        for i in range(1, 1000):
            total += 1.0 / i
        self.assertIn(f'sum {total:.12f}', self.do('./p'))
        python = ('import hashlib, math; print(hashlib.sha256(b"x" * 100000)'
                  '.hexdigest(), sum(math.sqrt(i) for i in range(5000)))')
        self.assertIn(hashlib.sha256(b'x' * 100000).hexdigest() + ' ' + str(
            sum(math.sqrt(i) for i in range(5000))),
            self.do(f"python3 -c '{python}'"))
        self.work_openssl()
        self.work_apt(port)

    def work_openssl(self):
        self.assertIn(hashlib.sha512(bytes(1_000_000)).hexdigest(), self.do(
            'head -c 1000000 /dev/zero | openssl dgst -sha512'))
        self.assertIn(AES_CIPHER, self.do(
            f"printf '{AES_PLAIN}' | openssl enc -aes-128-ecb -nopad "
            f'-K {AES_KEY} | od -An -v -tx1 | tr -d " \\n"'))
        self.assertIn('RSA key ok', self.do(
            'openssl genrsa 1024 2>/dev/null | openssl rsa -check -noout'))

    def work_apt(self, port):
        self.do('echo "deb [trusted=yes] http://10.0.2.2:'
                f'{port} ./" >/etc/apt/sources.list')
        self.do('apt-get -qq -oAPT::Sandbox::User=root update')
        self.do('apt-get -qq -y -oAPT::Sandbox::User=root install sample')
        self.assertIn(hashlib.sha256(self.payload).hexdigest(),
                      self.do('sha256sum /usr/share/sample/data'))

    def check(self, bus, *args):
        port = self.serve(self.repository())
        self.vm = self.boot(bus, 'record', *args)
        self.vm.serial.expect('reprise login: ', PATIENCE)
        self.vm.serial.send('root\n')
        self.vm.serial.expect('root@reprise', PATIENCE)
        self.work(port)
        self.vm.serial.send('poweroff\n')
        self.assertEqual(self.vm.wait_busy(PATIENCE), 0, self.vm.output())
        replayed = self.boot(bus, 'replay', *args)
        self.assertEqual(replayed.wait_busy(PATIENCE), 0, replayed.output())
        self.assertEqual(replayed.serial.seen, self.vm.serial.seen)

    def test_virtio(self):
        self.check('virtio')

    def test_ide_4_processors(self):
        self.check('ide', '-smp', '4')

    def test_login_prompt_from_other_disks(self):
        for bus in ('virtio-scsi', 'ahci', 'nvme'):
            with self.subTest(bus=bus):
                vm = self.boot(bus, 'record')
                vm.serial.expect('reprise login: ', PATIENCE)
                vm.close()


if __name__ == '__main__':
    reprise.main()
