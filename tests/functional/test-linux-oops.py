"""A kernel that panics, debugged backwards with a real gdb, with four processors.
The bug is in a module (tests/guests/linux/uaf.c), which is compiled against the
headers of the kernel; where they are not installed, the test is skipped. So is
what needs the kernel's symbols and scripts: scripts/linux-debug.sh gets them."""
import os
import re
import shutil
import subprocess
import unittest

import reprise
from linux_guest import APPEND, BOOT_SECONDS, FOLDER, LinuxCase, make_initrd

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(HERE, '..', 'guests', 'linux', 'uaf.c')
FLAVOUR = 'cloud-amd64'
SYMBOLS = os.path.join(FOLDER, 'debug')
VMLINUX = os.path.join(SYMBOLS, 'vmlinux')
# What one session of gdb may take on a busy host.
PATIENCE = 3600
INIT = r'''#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
grep ' panic$' /proc/kallsyms
i=0
while [ $i -lt 20 ]; do /bin/true; i=$((i+1)); done
ACTION
sleep 1000
'''
MODULE = r'''insmod /uaf.ko; cd /sys/module/uaf/sections
for s in .[a-z]*; do echo "section $s $(cat $s)"; done'''


def version(kernel):
    """What `uname -r` says of a bzImage (boot protocol, kernel_version)."""
    with open(kernel, 'rb') as f:
        image = f.read(0x10000)
    at = int.from_bytes(image[0x20e:0x210], 'little') + 0x200
    return image[at:at + 64].split(b' ')[0].decode()


@unittest.skipUnless(shutil.which('gdb'), 'needs gdb')
class LinuxOops(LinuxCase):
    def module(self):
        kernel, _ = self.kernel(FLAVOUR)
        headers = f'/lib/modules/{version(kernel)}/build'
        if not os.path.exists(headers):
            raise unittest.SkipTest(
                f'{headers} is not there: install linux-headers-'
                f'{version(kernel)} to build a module')
        folder = self.path('module')
        os.mkdir(folder)
        shutil.copy(SOURCE, folder)
        with open(folder + '/Kbuild', 'w', encoding='ascii') as f:
            f.write('obj-m := uaf.o\n')
        subprocess.run(['make', '-C', headers, f'M={folder}', 'modules'],
                       check=True, capture_output=True)
        return folder + '/uaf.ko'

    def machine(self, mode, initrd, *args):
        kernel, _ = self.kernel(FLAVOUR)
        return self.start(
            '-m', '256', '-smp', '4', '-no-reboot', '-kernel', kernel,
            '-initrd', initrd, '-append', APPEND + ' oops=panic', '-icount',
            f'shift=1,sleep=off,rr={mode},rrfile={self.path("run.rr")}',
            *args)

    def record(self, action, *files):
        _, busybox = self.kernel(FLAVOUR)
        initrd = self.path('initrd-oops')
        make_initrd(initrd, busybox, INIT.replace('ACTION', action), files)
        vm = self.machine('record', initrd)
        self.assertEqual(vm.wait_busy(BOOT_SECONDS), 0, vm.output())
        said = vm.serial.seen.decode(errors='replace')
        self.assertIn('Kernel panic - not syncing', said)
        return initrd, said

    def replay(self, initrd):
        """Waits for debuggers, at its first instruction."""
        socket = self.path('gdb.sock')
        self.machine('replay', initrd, '-S', '-gdb',
                     f'unix:{socket},server=on,wait=off')
        return socket

    def debug(self, socket, script, *files, **env):
        done = subprocess.run(
            ['gdb', '-nx', '-q', '-batch', *files, '-x',
             os.path.join(HERE, script)],
            env=dict(os.environ, RSP=socket, **env), capture_output=True,
            text=True, timeout=PATIENCE, check=False)
        print(''.join(re.findall('TIME .*\n', done.stdout)))
        self.assertIn('SCENARIO OK', done.stdout,
                      done.stdout[-2000:] + done.stderr[-3000:])

    def test_use_after_free(self):
        module = self.module()
        initrd, said = self.record(MODULE, module)
        sections = ' '.join(f'-s {name} {address}' for name, address in
                            re.findall('section (\\S+) (0x[0-9a-f]+)', said))
        panic = re.search(r'([0-9a-f]{16}) [tT] panic', said)[1]
        socket = self.replay(initrd)
        self.debug(socket, 'gdb_oops.py', MODULE=module, SECTIONS=sections,
                   PANIC='0x' + panic)
        with self.subTest('the scripts of the kernel'):
            self.need_symbols()
            self.debug(socket, 'gdb_lx.py', VMLINUX, '-x',
                       SYMBOLS + '/vmlinux-gdb.py',
                       MODULES=os.path.dirname(module))

    def need_symbols(self):
        if not os.path.exists(VMLINUX):
            raise unittest.SkipTest(f'{VMLINUX} is not there; '
                                    'scripts/linux-debug.sh gets it')


if __name__ == '__main__':
    reprise.main()
