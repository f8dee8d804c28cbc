"""The translator's doors: back ends, its cache, and what it shows of itself."""
import os
import re

import reprise


class Translator(reprise.TestCase):
    def start_guest(self, *args, **kwargs):
        drive = f'file={reprise.guest("sys32")},format=raw,snapshot=on'
        return self.start('-drive', drive, '-device', 'isa-debug-exit', *args,
                          **kwargs)

    def run_guest(self, *args):
        vm = self.start_guest(*args)
        self.assertEqual(vm.wait(), 1, vm.output())
        return vm

    def logged(self, items, *args):
        path = self.path('log')
        self.run_guest('-d', items, '-D', path, *args)
        with open(path, encoding='utf-8', errors='replace') as f:
            return f.read()

    def test_back_ends(self):
        for options in ('backend=x86_64', 'backend=interp',
                        'backend=x86_64,plain-host=on', 'interpret=never',
                        'interpret=always', 'backend=interp,interpret=always'):
            with self.subTest(options=options):
                self.run_guest('-accel', f'tcg,{options}')

    def test_unknown_back_end(self):
        done = reprise.run('-accel', 'tcg,backend=fortran')
        self.assertEqual(done.returncode, 1)
        self.assertIn("backend=fortran: unknown back end", done.stderr)

    def test_interpret_when(self):
        """Code is compiled when it is entered for the second time, unless the
        user says otherwise."""
        counts = {}
        for when in 'never', 'once', 'always':
            vm = self.start_guest('-accel', f'tcg,interpret={when}',
                                  '-no-shutdown', hmp=True)
            vm.serial.expect(r'sys32: \d+ ok, 0 failed')
            seen = vm.hmp.cmd('info jit')
            counts[when] = [int(re.search(what + r' +(\d+)', seen)[1])
                            for what in ('TBs translated', 'interpreted')]
        self.assertEqual(counts['never'][1], 0)
        self.assertEqual(counts['always'][0], 0)
        self.assertLess(counts['once'][0], counts['never'][0])
        self.assertLess(counts['once'][1], counts['always'][1])
        done = reprise.run('-accel', 'tcg,interpret=twice')
        self.assertEqual(done.returncode, 1)
        self.assertIn("interpret=twice: takes 'never'", done.stderr)

    def test_host_features(self):
        for features in ('max', 'sse2', '-avx2', 'sse2+ssse3', '+avx2',
                         'max-bmi1-bmi2-lzcnt-popcnt'):
            with self.subTest(features=features):
                self.run_guest('-accel', f'tcg,host-features={features}')

    def test_unknown_host_features(self):
        for features, word in (('mmx', 'mmx'), ('sse2+3dnow', '3dnow'),
                               ('-avx-', ''), ('', ''), ('maximal', 'maximal'),
                               ('sse2sse3', 'sse2sse3'), ('avx', 'avx')):
            with self.subTest(features=features):
                done = reprise.run('-accel', f'tcg,host-features={features}')
                self.assertEqual(done.returncode, 1)
                self.assertIn(f"host-features={features}: '{word}' is unknown",
                              done.stderr)

    def test_stages_are_logged(self):
        text = self.logged('in_asm,op,op_opt,out_asm')
        for title in ('IN:', 'OP:', 'OP after optimization:', 'OUT:'):
            self.assertIn(f'\n{title}\n', text)
        # Host code begins with the check of the budget.
        self.assertRegex(text, r'OUT:\n0x[0-9a-f]+:\s+sub\s+r15, ')

    def test_perfmap(self):
        vm = self.start_guest('-perfmap', '-accel', 'tcg,interpret=never')
        path = f'/tmp/perf-{vm.process.pid}.map'
        self.addCleanup(os.unlink, path)
        self.assertEqual(vm.wait(), 1, vm.output())
        with open(path, encoding='utf-8') as f:
            lines = f.read().splitlines()
        self.assertGreater(len(lines), 100)
        for line in lines:
            self.assertRegex(line, r'^[0-9a-f]+ [0-9a-f]+ \w+$')
        self.assertTrue(any('guest_0x7c00' in line for line in lines))

    def test_info_jit(self):
        vm = self.start('-icount', '0,sleep=off', hmp=True)
        seen = vm.hmp.cmd('info jit')
        counts = dict(re.findall(r'(?m)^([A-Za-z /]+?)  +(\d+)', seen))
        for name in ('TB count', 'TBs translated', 'cache flushes',
                     'exits chained', 'TLB fills', 'slow accesses'):
            self.assertIn(name, counts)

    def test_small_cache(self):
        """The smallest cache overflows, and nobody notices."""
        vm = self.start_guest('-accel', 'tcg,tb-size=1,one-insn-per-tb=on',
                              '-no-shutdown', hmp=True)
        vm.serial.expect(r'sys32: \d+ ok, 0 failed')
        flushes = re.search(r'cache flushes +(\d+)', vm.hmp.cmd('info jit'))
        self.assertGreater(int(flushes[1]), 0)


if __name__ == '__main__':
    reprise.main()
