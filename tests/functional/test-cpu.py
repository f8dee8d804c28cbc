"""-cpu: models, properties, and what a guest's CPUID says of them."""
import re
import struct

import reprise

# (leaf, subleaf, register a b c d, bit) of what tests look at.
BITS = {
    'fpu': (1, 0, 3, 0), 'fxsr': (1, 0, 3, 24), 'sse': (1, 0, 3, 25),
    'sse2': (1, 0, 3, 26), 'sse3': (1, 0, 2, 0), 'ssse3': (1, 0, 2, 9),
    'fma': (1, 0, 2, 12), 'cx16': (1, 0, 2, 13), 'sse4.1': (1, 0, 2, 19),
    'sse4.2': (1, 0, 2, 20), 'movbe': (1, 0, 2, 22), 'popcnt': (1, 0, 2, 23),
    'xsave': (1, 0, 2, 26), 'avx': (1, 0, 2, 28), 'f16c': (1, 0, 2, 29),
    'hypervisor': (1, 0, 2, 31), 'bmi1': (7, 0, 1, 3), 'avx2': (7, 0, 1, 5),
    'bmi2': (7, 0, 1, 8), 'avx512f': (7, 0, 1, 16), 'vaes': (7, 0, 2, 9),
    'xsaveopt': (0xd, 1, 0, 0), 'lm': (0x80000001, 0, 3, 29),
    'nx': (0x80000001, 0, 3, 20), 'syscall': (0x80000001, 0, 3, 11),
    'lahf-lm': (0x80000001, 0, 2, 0), 'abm': (0x80000001, 0, 2, 5),
}
# What Linux for x86-64 looks for before it enters long mode.
LINUX = ['fpu', 'fxsr', 'sse', 'sse2', 'lm', 'nx', 'syscall']
V2 = LINUX + ['cx16', 'lahf-lm', 'popcnt', 'sse3', 'ssse3', 'sse4.1', 'sse4.2']
V3 = V2 + ['avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'abm', 'movbe', 'xsave']


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class Cpuid:
    def __init__(self, text):
        self.leaves = {}
        for line in re.findall(r'^((?:[0-9a-f]{8} ){5}[0-9a-f]{8})\r?$', text,
                               re.M):
            words = [int(w, 16) for w in line.split()]
            self.leaves[words[0], words[1]] = words[2:]

    def leaf(self, leaf, sub=0):
        return self.leaves.get((leaf, sub), [0, 0, 0, 0])

    def has(self, name):
        leaf, sub, reg, bit = BITS[name]
        return bool(self.leaf(leaf, sub)[reg] >> bit & 1)

    def vendor(self):
        words = self.leaf(0)
        return b''.join(words[i].to_bytes(4, 'little')
                        for i in (1, 3, 2)).decode()

    def brand(self):
        return b''.join(w.to_bytes(4, 'little')
                        for n in (0x80000002, 0x80000003, 0x80000004)
                        for w in self.leaf(n)).rstrip(b'\0').decode()


class CpuModels(reprise.TestCase):
    def cpuid(self, *args, arch='x86_64'):
        drive = f'file={reprise.guest("cpuid")},format=raw,if=ide,snapshot=on'
        vm = self.start('-m', '32', '-drive', drive, '-device',
                        'isa-debug-exit', *args, arch=arch)
        vm.serial.expect('cpuid: done')
        vm.wait()
        return Cpuid(vm.serial.seen.decode())

    def names(self, arch='x86_64'):
        done = reprise.run('-cpu', 'help', arch=arch)
        return re.findall(r'^x86 (\S+)', done.stdout, re.M)

    def check(self, model):
        """What a start with that model says: an error with exit status 1, or
        warnings."""
        done = reprise.run('-cpu', model, '-display', 'none', '-S', '-monitor',
                           'stdio', stdin='quit\n')
        errors = [line for line in done.stderr.splitlines()
                  if 'warning: ' not in line]
        self.assertEqual(done.returncode, 1 if errors else 0, done.stderr)
        return done.stderr

    def test_default(self):
        """qemu64: what 64-bit kernels check, and no more than everybody has."""
        cpu = self.cpuid()
        for name in LINUX + ['sse3', 'cx16', 'lahf-lm', 'hypervisor']:
            self.assertTrue(cpu.has(name), name)
        for name in ('xsave', 'avx', 'ssse3'):
            self.assertFalse(cpu.has(name), name)
        self.assertEqual(cpu.vendor(), 'AuthenticAMD')
        self.assertEqual(cpu.leaf(0xd), [0, 0, 0, 0])

    def test_default_of_i386(self):
        cpu = self.cpuid(arch='i386')
        for name in ('fpu', 'fxsr', 'sse', 'sse2', 'sse3'):
            self.assertTrue(cpu.has(name), name)
        self.assertFalse(cpu.has('lm'))

    def test_max(self):
        cpu = self.cpuid('-cpu', 'max')
        for name in V3 + ['vaes', 'xsaveopt']:
            self.assertTrue(cpu.has(name), name)
        self.assertFalse(cpu.has('avx512f'))
        # at reset XCR0 = 1; AVX and PKRU make 840 of all
        self.assertEqual(cpu.leaf(0xd, 0), [0x207, 576, 840, 0])
        self.assertEqual(cpu.leaf(0xd, 2), [256, 576, 0, 0])

    def test_levels(self):
        for name, has in (('x86-64-v1', LINUX), ('x86-64-v2', V2),
                          ('x86-64-v3', V3)):
            cpu = self.cpuid('-cpu', name)
            missing = [f for f in has if not cpu.has(f)]
            more = [f for f in V3 if f not in has and cpu.has(f)]
            self.assertEqual((missing, more), ([], []), name)
        self.assertIn('no model has AVX-512', self.check('x86-64-v4'))

    def test_identity(self):
        cpu = self.cpuid('-cpu', 'Haswell,check=off')
        self.assertEqual(cpu.vendor(), 'GenuineIntel')
        self.assertEqual(cpu.leaf(1)[0], 0x306c4)
        self.assertEqual(cpu.brand(), 'Intel Core Processor (Haswell)')
        cpu = self.cpuid('-cpu', 'EPYC-Milan,check=off')
        self.assertEqual(cpu.leaf(1)[0], 0xa00f11)

    def test_variants(self):
        """Versions and the like are the model, with changes."""
        cpu = self.cpuid('-cpu', 'Haswell-v4,check=off')
        self.assertEqual(cpu.leaf(1)[0], 0x306c1)
        self.assertEqual(cpu.leaf(7)[3] >> 26 & 1, 1) # spec-ctrl
        self.assertEqual(cpu.brand(), 'Intel Core Processor (Haswell, no TSX)')
        self.assertEqual(self.cpuid('-cpu', 'qemu64-v1').leaves,
                         self.cpuid().leaves)

    def test_caches(self):
        """Leaf 4 of Intel's, 80000005h and 80000006h of AMD's, as sizes."""
        cpu = self.cpuid('-cpu', 'Nehalem,check=off', '-smp',
                         '4,cores=2,threads=2')
        def size(words):
            return (((words[1] >> 22) + 1) * ((words[1] & 0xfff) + 1) *
                    (words[2] + 1))
        levels = [cpu.leaf(4, n) for n in range(5)]
        self.assertEqual([w[0] & 0xff for w in levels],
                         [0x21, 0x22, 0x43, 0x63, 0])
        self.assertEqual([size(w) >> 10 for w in levels[:4]],
                         [32, 32, 1024, 16384])
        # two threads share level 2, four level 3, of two cores
        self.assertEqual([(w[0] >> 14 & 0xfff, w[0] >> 26)
                          for w in levels[:4]],
                         [(1, 1), (1, 1), (1, 1), (3, 1)])
        self.assertEqual(cpu.leaf(2)[0] & 0xff, 1)
        self.assertEqual(cpu.leaf(0x80000005), [0, 0, 0, 0])
        cpu = self.cpuid('-cpu', 'qemu64')
        self.assertEqual(cpu.leaf(4), [0, 0, 0, 0])
        self.assertEqual(cpu.leaf(0x80000005)[2] >> 24, 64)
        self.assertEqual(cpu.leaf(0x80000006)[2] >> 16, 512)

    def test_properties(self):
        cpu = self.cpuid('-cpu', 'max,family=23,model=0x31,stepping=2,'
                         'vendor=HygonGenuine,model-id=A processor,level=7,'
                         'xlevel=0x80000008,phys-bits=46')
        self.assertEqual(cpu.leaf(1)[0], 0x830f12)
        self.assertEqual(cpu.leaf(1)[0], cpu.leaf(0x80000001)[0])
        self.assertEqual(cpu.vendor(), 'HygonGenuine')
        self.assertEqual(cpu.brand(), 'A processor')
        self.assertEqual(cpu.leaf(0)[0], 7)
        self.assertEqual(cpu.leaf(0x80000000)[0], 0x80000008)
        self.assertEqual(cpu.leaf(0x80000008)[0], 0x392e)

    def test_features(self):
        """On, off, other spellings; the last word counts."""
        cpu = self.cpuid('-cpu', 'qemu64,+ssse3,sse4_1=on,popcnt,-lahf_lm,'
                         'xd=off,+abm,abm=off,hypervisor=off,-pni,pni=on')
        for name in ('ssse3', 'sse4.1', 'popcnt', 'sse3'):
            self.assertTrue(cpu.has(name), name)
        for name in ('lahf-lm', 'nx', 'abm', 'hypervisor'):
            self.assertFalse(cpu.has(name), name)

    def test_needs(self):
        """Nothing stays without what it needs; who asked for it is told."""
        cpu = self.cpuid('-cpu', 'max,-xsave')
        for name in ('avx', 'avx2', 'fma', 'f16c', 'vaes', 'xsaveopt'):
            self.assertFalse(cpu.has(name), name)
        self.assertTrue(cpu.has('sse4.2'))
        said = self.check('max,-xsave')
        self.assertNotIn('warning', said)
        self.assertIn("This feature depends on other features that were not "
                      "requested: CPUID.01H:ECX.avx [bit 28]",
                      self.check('qemu64,+avx'))

    def test_missing(self):
        said = self.check('Skylake-Server')
        self.assertIn("warning: TCG doesn't support requested feature: "
                      "CPUID.07H:EBX.avx512f [bit 16]", said)
        self.assertNotIn('warning', self.check('Skylake-Server,check=off'))
        self.assertIn("TCG doesn't support requested features",
                      self.check('Skylake-Server,enforce'))
        self.assertFalse(self.cpuid('-cpu', 'max,+avx512f').has('avx512f'))

    def change_identity(self, path, old, new):
        """As if another program had recorded it: docs/devel/log-format.md."""
        with open(path, 'r+b') as f:
            log = bytearray(f.read())
            end = 32 + struct.unpack_from('<I', log, 12)[0]
            text = bytes(log[32:end])
            self.assertIn(old, text)
            log[32:end] = text.replace(old, new)
            struct.pack_into('<I', log, 16, crc32c(log[32:end]))
            struct.pack_into('<I', log, 28, crc32c(log[:28]))
            f.seek(0)
            f.write(log)

    def test_recorded(self):
        """A recording knows what its model was, not only its name."""
        log = self.path('log')
        drive = f'file={reprise.guest("cpuid")},format=raw,if=ide,snapshot=on'
        args = ('-m', '32', '-display', 'none', '-drive', drive, '-device',
                'isa-debug-exit', '-serial', 'null', '-icount')
        reprise.run(*args, f'shift=7,rr=record,rrfile={log}')
        done = reprise.run(*args, f'shift=7,rr=replay,rrfile={log}')
        self.assertNotIn('recorded with', done.stderr)
        self.change_identity(log, b'cpu-offers=AuthenticAMD 60fb1 d ',
                             b'cpu-offers=AuthenticAMD 60fb1 b ')
        done = reprise.run(*args, f'shift=7,rr=replay,rrfile={log}')
        self.assertEqual(done.returncode, 1)
        self.assertIn('recorded with cpu-offers=AuthenticAMD 60fb1 b ',
                      done.stderr)

    def test_every_model(self):
        """Each is accepted; those that are nobody's lack nothing."""
        names = self.names()
        for name in ('qemu64', 'kvm64', 'n270', 'Nehalem', 'EPYC-Rome'):
            self.assertIn(name, names)
        for name in names:
            said = self.check(name)
            self.assertNotIn('unable', said, name)
            if re.match('qemu|kvm|x86-64|max|base', name):
                self.assertNotIn('warning', said, name)

    def test_wrong(self):
        for model, said in (
                ('host', "models are the same on every host"),
                ('nonesuch', "unable to find CPU model 'nonesuch'"),
                ('', "unable to find CPU model ''"),
                ('max,+nonesuch', "unknown or unsupported feature 'nonesuch'"),
                ('max,avx=7', "'avx' takes on or off"),
                ('max,family=300', "'family' takes a number from 0 to 270"),
                ('max,stepping=-1', "'stepping' takes a number from 0 to 15"),
                ('max,level=x', "'level' takes a number"),
                ('max,vendor=short', "'vendor' takes 12 characters"),
                ('max,model-id=' + 'x' * 48, 'up to 47 characters'),
                ('max,phys-bits=60', "from 32 to 52"),
                ('max,check=maybe', "'check' takes on or off")):
            self.assertIn(said, self.check(model), model)

    def test_long_mode_of_i386(self):
        done = reprise.run('-cpu', 'Nehalem', arch='i386')
        self.assertEqual(done.returncode, 1)
        self.assertIn('it is 64-bit', done.stderr)
        self.assertFalse(self.cpuid('-cpu', 'max', arch='i386').has('lm'))


if __name__ == '__main__':
    reprise.main()
