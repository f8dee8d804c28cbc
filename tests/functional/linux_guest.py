"""Debian's kernels with busybox, for the tests that boot them.

scripts/linux-kernels.sh puts the files into build-kernels, or wherever
REPRISE_KERNELS says. Without them the tests are skipped."""
import os
import re
import stat
import unittest

import reprise

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
FOLDER = os.environ.get('REPRISE_KERNELS', os.path.join(ROOT, 'build-kernels'))
# flavour: the architecture of its busybox, and the program that runs it.
FLAVOURS = {'686': ('i386', 'i386'), '686-pae': ('i386', 'i386'),
            'cloud-amd64': ('amd64', 'x86_64'), 'amd64': ('amd64', 'x86_64')}
APPEND = 'console=ttyS0 panic=-1 nokaslr'
# One boots as on a machine from before ACPI and APICs, which cannot switch
# itself off.
OLD = {'686': ' noapic nolapic acpi=off'}
# Of the processor's time, so that a busy host makes no difference.
BOOT_SECONDS = 900
# Of the host's time, for who may sleep meanwhile: no more than that it ends.
PATIENCE = 3600

# What every boot does: a loop of processes, files, a digest, a compressor that
# must give back what it got, floating point.
WORKLOAD = r'''#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /tmp
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
echo "kernel $(uname -r)"
i=0
while [ $i -lt LOOPS ]; do /bin/true; i=$((i+1)); done
echo "processes $i"
dd if=/dev/zero of=/tmp/zeroes bs=64k count=16 2>/dev/null
echo "digest $(sha256sum /tmp/zeroes | cut -c1-16)"
i=0
while [ $i -lt 1000 ]; do echo "line $i $((i*i))"; i=$((i+1)); done >/tmp/text
gzip -c /tmp/text >/tmp/text.gz
gunzip -c /tmp/text.gz | cmp - /tmp/text && echo "gzip gives it back"
awk 'BEGIN { for (i = 1; i <= 2000; i++) s += (i * 1.5) / (i + 0.25);
             printf "awk %.9f\n", s }'
EXTRA
echo "workload done"
END
'''


def awk_result():
    return f'awk {sum((i * 1.5) / (i + 0.25) for i in range(1, 2001)):.9f}'


def module_files(names, flavour='amd64'):
    """The files of modules and of what they depend on, which comes first."""
    folder = os.path.join(FOLDER, f'modules-{flavour}')
    if not os.path.isdir(folder):
        raise unittest.SkipTest(f'{folder} is not there; '
                                'scripts/linux-kernels.sh gets it')
    known = {f[:-3].replace('-', '_'): f for f in os.listdir(folder)}
    found = []

    def add(name):
        path = os.path.join(folder, known[name.replace('-', '_')])
        if path in found:
            return
        with open(path, 'rb') as f:
            depends = re.search(rb'\0depends=([^\0]*)\0', f.read())[1]
        for other in filter(None, depends.decode().split(',')):
            add(other)
        found.append(path)
    for name in names:
        add(name)
    return found


def cpio_entry(name, mode, data=b'', device=(0, 0)):
    """An entry of the "new ASCII" format (cpio(5), newc)."""
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *device,
              len(name) + 1, 0]
    head = b'070701' + b''.join(b'%08X' % f for f in fields)
    entry = head + name.encode() + b'\0'
    entry += bytes(-len(entry) % 4) + data
    return entry + bytes(-len(entry) % 4)


def make_initrd(path, busybox, script, files=()):
    """A root file system with busybox, an /init, and files in its root."""
    with open(busybox, 'rb') as f:
        program = f.read()
    with open(path, 'wb') as f:
        for folder in ('bin', 'dev'):
            f.write(cpio_entry(folder, stat.S_IFDIR | 0o755))
        f.write(cpio_entry('dev/console', stat.S_IFCHR | 0o600,
                           device=(5, 1)))
        f.write(cpio_entry('dev/null', stat.S_IFCHR | 0o666, device=(1, 3)))
        f.write(cpio_entry('dev/zero', stat.S_IFCHR | 0o666, device=(1, 5)))
        f.write(cpio_entry('bin/busybox', stat.S_IFREG | 0o755, program))
        f.write(cpio_entry('init', stat.S_IFREG | 0o755, script.encode()))
        for path in files:
            with open(path, 'rb') as one:
                f.write(cpio_entry(os.path.basename(path),
                                   stat.S_IFREG | 0o755, one.read()))
        f.write(cpio_entry('TRAILER!!!', 0))


class LinuxCase(reprise.TestCase):
    """Boots a kernel; the machine ends when the guest is done."""

    def kernel(self, flavour):
        busybox = os.path.join(FOLDER, f'busybox-{FLAVOURS[flavour][0]}')
        kernel = os.path.join(FOLDER, f'vmlinuz-{flavour}')
        for path in (kernel, busybox):
            if not os.path.exists(path):
                raise unittest.SkipTest(f'{path} is not there; '
                                        'scripts/linux-kernels.sh gets it')
        return kernel, busybox

    def initrd(self, flavour, loops=20, extra='true', end='poweroff -f'):
        """The path of an initrd with the workload; made once."""
        _, busybox = self.kernel(flavour)
        path = self.path(f'initrd-{flavour}')
        if not os.path.exists(path):
            script = WORKLOAD.replace('LOOPS', str(loops))
            script = script.replace('END', end).replace('EXTRA', extra)
            make_initrd(path, busybox, script)
        return path

    def args(self, flavour, loops, extra):
        kernel, _ = self.kernel(flavour)
        end = 'reboot -f' if flavour in OLD else 'poweroff -f'
        initrd = self.initrd(flavour, loops, extra, end)
        return ['-m', '256', '-no-reboot', '-kernel', kernel, '-initrd',
                initrd, '-append', APPEND + OLD.get(flavour, '')]

    def boot(self, flavour, *args, loops=20, extra='true', **kwargs):
        """Starts it; the caller waits. extra: more of the shell script, of the
        first boot in a test."""
        return self.start(*self.args(flavour, loops, extra), *args,
                          arch=FLAVOURS[flavour][1], **kwargs)

    def finish(self, vm, loops=20):
        """Waits for the end; what the workload printed must be right."""
        self.assertEqual(vm.wait_busy(BOOT_SECONDS), 0, vm.output())
        said = vm.serial.seen.decode(errors='replace')
        for line in (f'processes {loops}', 'digest 30e14955ebf13522',
                     'gzip gives it back', awk_result(), 'workload done'):
            self.assertIn(line, said)
        return said
