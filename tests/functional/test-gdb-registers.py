"""The registers that a debugger sees: x87, SSE, AVX, segments and system, of
any width, in the layout of the program, whatever mode the CPU is in."""
import os
import subprocess
import xml.etree.ElementTree as xml

import reprise
import rsp

SSE = 'qemu64'
AVX = 'max'
# A client's buffer.
KIB = 1024


class Case(reprise.TestCase):
    def machine(self, cpu):
        return ('-m', '16', '-net', 'none', '-device', 'isa-debug-exit',
                '-cpu', cpu, '-drive', f'file={reprise.guest("units")},'
                'format=raw,if=ide,snapshot=on')

    def icount(self, mode, name='run'):
        return ('-icount', f'shift=7,rr={mode},rrdigest=20000,rrfile=' +
                self.path(f'{name}.rr'))

    def stub(self, cpu, *args, arch='x86_64'):
        """A machine that stands at its first instruction, and its door."""
        door = self.path(f'gdb-{len(os.listdir(self.dir))}')
        vm = self.start(*self.machine(cpu), '-S', '-gdb',
                        f'unix:{door},server=on,wait=off', *args, arch=arch,
                        qmp=True, hmp=True)
        return vm, door

    def gdb(self, door, *scenarios, elf=None):
        labels = rsp.symbols(self.elf())
        env = dict(os.environ, RSP=door, SCENARIO=' '.join(scenarios),
                   LABELS=' '.join(f'{name}={at:x}' for name, at in
                                   labels.items() if name.endswith('ed')))
        script = os.path.join(reprise.HERE, 'gdb_units.py')
        done = subprocess.run(
            ['gdb', '-nx', '-q', '-batch', *([elf] if elf else []), '-x',
             script],
            env=env, capture_output=True, text=True, timeout=280, check=False)
        self.assertIn('SCENARIO OK', done.stdout,
                      done.stdout[-2000:] + done.stderr[-3000:])

    def elf(self):
        return reprise.guest('units').replace('.img', '.elf')


class RealGdb(Case):
    def walk(self, cpu, arch, *scenarios):
        """Through a replay, forwards and backwards."""
        name = f'{arch}-{len(os.listdir(self.dir))}'
        vm = self.start(*self.machine(cpu), *self.icount('record', name),
                        arch=arch)
        vm.serial.expect('units used')
        vm.wait()
        _, door = self.stub(cpu, *self.icount('replay', name), arch=arch)
        self.gdb(door, *scenarios)

    def test_x87_alone(self):
        self.walk('qemu64,-sse,-sse2', 'x86_64', 'x87', 'long')

    def test_sse(self):
        self.walk(SSE, 'x86_64', 'x87', 'sse', 'long')

    def test_avx(self):
        self.walk(AVX, 'x86_64', 'x87', 'sse', 'avx', 'watch_wide', 'long')

    def test_i386(self):
        self.walk(AVX, 'i386', 'x87', 'sse', 'avx', 'watch_wide')

    def test_writes_are_diverted(self):
        for arch, cpu in (('x86_64', AVX), ('i386', AVX), ('i386', '486')):
            with self.subTest(arch=arch, cpu=cpu):
                self.walk(cpu, arch, 'writes')

    def test_writes_are_recorded(self):
        for arch in ('x86_64', 'i386'):
            with self.subTest(arch=arch):
                vm, door = self.stub(AVX, *self.icount('record', arch),
                                     arch=arch)
                self.gdb(door, 'recorded_writes')
                # gdb has gone, and the guest runs to its end.
                vm.wait()
                done = reprise.run(
                    '-nodefaults', '-display', 'none', *self.machine(AVX),
                    '-serial', 'null', *self.icount('replay', arch),
                    '-replay-verify', arch=arch)
                self.assertEqual(done.returncode, 0,
                                 done.stdout + done.stderr)
                self.assertIn('result     good', done.stdout)

    def test_at_reset_with_a_program(self):
        """gdb knows a 64-bit program, and the CPU is in real mode."""
        elf = self.path('units64.elf')
        subprocess.run(['objcopy', '-O', 'elf64-x86-64', self.elf(), elf],
                       check=True, capture_output=True)
        _, door = self.stub(SSE)
        self.gdb(door, 'at_reset', elf=elf)
        _, door = self.stub('qemu32', arch='i386')
        self.gdb(door, 'at_reset', elf=self.elf())


class Packets(Case):
    """By hand."""

    def client(self, cpu, arch='x86_64'):
        vm, door = self.stub(cpu, arch=arch)
        gdb = rsp.Rsp(door)
        self.addCleanup(gdb.close)
        return vm, gdb

    def describe(self, gdb):
        """feature -> registers, by a client with little room."""
        first = gdb.cmd(f'qXfer:features:read:target.xml:0,{KIB - 5:x}')
        self.assertEqual(first[0], 'l', 'target.xml comes in one piece')
        target = xml.fromstring(first[1:])
        features = {}
        for include in target.findall(
                '{http://www.w3.org/2001/XInclude}include'):
            text = ''
            while True:
                piece = gdb.cmd(
                    f"qXfer:features:read:{include.get('href')}:"
                    f'{len(text):x},{KIB - 5:x}')
                self.assertLessEqual(len(piece) + 4, KIB)
                text += piece[1:]
                if piece[0] == 'l':
                    break
            feature = xml.fromstring(text)
            features[feature.get('name')] = feature.findall('reg')
        return target.findtext('architecture'), features

    def check_layout(self, gdb, features):
        """Numbers are dense, and packets hold what the description says."""
        regs = sorted((int(r.get('regnum')), int(r.get('bitsize')))
                      for f in features.values() for r in f)
        self.assertEqual([n for n, _ in regs], list(range(len(regs))))
        whole = gdb.cmd('g')
        parts = [gdb.cmd(f'p{n:x}') for n, _ in regs]
        self.assertEqual(''.join(parts), whole)
        self.assertEqual([len(p) * 4 for p in parts], [b for _, b in regs])
        self.assertEqual(gdb.cmd(f'p{len(regs):x}'), 'E22')
        # Beyond a file's end, and files that are not there.
        for bad, answer in (('target.xml:ffff,10', 'E22'),
                            ('target.xml:0', 'E22'), ('target.xml', 'E22'),
                            ('other.xml:0,10', 'E00'), (':0,10', 'E00')):
            self.assertEqual(gdb.cmd('qXfer:features:read:' + bad), answer)

    def test_descriptions(self):
        core = {'org.gnu.gdb.i386.core', 'org.reprise.i386.system'}
        wide = core | {'org.gnu.gdb.i386.segments'}
        sse, avx = 'org.gnu.gdb.i386.sse', 'org.gnu.gdb.i386.avx'
        for arch, cpu, want, vectors in (
                ('x86_64', 'qemu64,-sse,-sse2', wide, 0),
                ('x86_64', SSE, wide | {sse}, 16),
                ('x86_64', AVX, wide | {sse, avx}, 16),
                ('i386', '486', core, 0), ('i386', 'qemu32', core | {sse}, 8),
                ('i386', AVX, core | {sse, avx}, 8)):
            with self.subTest(arch=arch, cpu=cpu):
                _, gdb = self.client(cpu, arch)
                name, features = self.describe(gdb)
                self.assertEqual(name, 'i386' if arch == 'i386' else
                                 'i386:x86-64')
                self.assertEqual(set(features), want)
                self.check_layout(gdb, features)
                if sse in want:
                    self.assertEqual(len(features[sse]), vectors + 1)
                if avx in want:
                    self.assertEqual(len(features[avx]), vectors)

    def test_values_of_any_width(self):
        _, gdb = self.client(AVX)
        _, features = self.describe(gdb)
        numbers = {r.get('name'): int(r.get('regnum'))
                   for f in features.values() for r in f}
        for name, size in (('st3', 10), ('xmm9', 16), ('ymm9h', 16),
                           ('fs_base', 8), ('ftag', 4)):
            n, value = numbers[name], bytes(range(1, size + 1)).hex()
            if name == 'ftag':
                value = 'ffff0000'
            self.assertEqual(gdb.cmd(f'P{n:x}={value}'), 'OK')
            self.assertEqual(gdb.cmd(f'p{n:x}'), value, name)
            for bad in (value[2:], value + '00', value[:-1] + 'g', ''):
                self.assertEqual(gdb.cmd(f'P{n:x}={bad}'), 'E22')
            self.assertEqual(gdb.cmd(f'p{n:x}'), value, name)

    def test_not_while_running(self):
        vm, gdb = self.client(SSE)
        gdb.put('c')
        vm.serial.expect('SeaBIOS')
        self.assertEqual(gdb.cmd('p28'), 'E16')
        self.assertRegex(gdb.cmd('P28=' + '00' * 10), '^E.*running')


class Monitor(Case):
    def test_info_registers(self):
        vm, _ = self.stub(SSE)
        text = vm.hmp.cmd('info registers')
        for line in (r'CPU#0', r'EIP=0000fff0 EFL=00000002 \[-------\] CPL=0 '
                     'II=0 A20=1 SMM=0 HLT=0',
                     r'CS =f000 ffff0000 0000ffff 00009b00',
                     r'CR0=60000010 CR2=00000000 CR3=00000000 CR4=00000000',
                     r'FCW=0040 FSW=0000 \[ST=0\] FTW=ff MXCSR=00001f80',
                     r'FPR6=0{16} 0000 FPR7=0{16} 0000',
                     r'XMM06=0{16} 0{16} XMM07=0{16} 0{16}'):
            self.assertRegex(text, f'(?m)^{line}\\s*$')
        self.assertEqual(vm.hmp.cmd('info registers -a'), text)
        self.assertEqual(vm.hmp.cmd('info registers 0'), text)
        for bad in ('1', '-1', 'x'):
            self.assertEqual(vm.hmp.cmd(f'info registers {bad}').strip(),
                             f'CPU#{bad} not available')

    def test_of_all_processors(self):
        vm, _ = self.stub(SSE, '-smp', '3')
        both = vm.hmp.cmd('info registers -a')
        parts = [vm.hmp.cmd(f'info registers {n}') for n in range(3)]
        self.assertEqual([p.split()[0] for p in parts],
                         ['CPU#0', 'CPU#1', 'CPU#2'])
        self.assertEqual(both, ''.join(parts))
        self.assertIn('CPU#3 not', vm.hmp.cmd('info registers 3'))

    def test_expressions(self):
        vm, _ = self.stub(SSE)
        for name, value in (('rip', '0xfff0'), ('eip', '0xfff0'),
                            ('cs.base', '0xffff0000'), ('cs.limit', '0xffff'),
                            ('mxcsr', '0x1f80'), ('cr0', '0x60000010'),
                            ('fctrl', '0x40'), ('rdx', '0x'), ('edx', '0x')):
            self.assertTrue(
                vm.hmp.cmd(f'print ${name}').strip().startswith(value), name)
        self.assertEqual(vm.hmp.cmd('p $edx'), vm.hmp.cmd('p $rdx'))
        self.assertIn('80 bits', vm.hmp.cmd('print $st0'))
        self.assertIn('128 bits', vm.hmp.cmd('print $xmm0'))
        for name in ('zorg', 'cs.', 'ymm0h', 'xmm16'):
            self.assertIn('unknown register', vm.hmp.cmd(f'print ${name}'))

    def test_protected_mode_segments(self):
        """As QEMU's monitor shows them."""
        vm, door = self.stub('qemu64')
        gdb = rsp.Rsp(door)
        at = rsp.symbols(self.elf())
        for label, shown in (
                ('x87_loaded', r'CS =0008 00000000 ffffffff 00cf9b00 DPL=0 '
                 r'CS32 \[-RA\]'),
                ('long_loaded', r'CS =0018 0{16} ffffffff 00af9b00 DPL=0 '
                 r'CS64 \[-RA\]')):
            gdb.cmd(f'Z1,{at[label]:x},1')
            gdb.cmd('c')
            text = vm.hmp.cmd('info registers')
            self.assertRegex(text, f'(?m)^{shown}$')
            self.assertRegex(text, r'(?m)^DS =0010 0+ ffffffff 00cf9300 '
                             r'DPL=0 DS   \[-WA\]$')
            self.assertRegex(text, r'(?m)^TR =.* DPL=0 TSS\d\d-busy$')
        self.assertIn('R15=111122223333000f\n', text)
        gdb.close()


if __name__ == '__main__':
    reprise.main()
