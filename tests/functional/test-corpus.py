"""Programs of floating point and vectors (tests/bench/corpus) compiled for each
level of x86-64, and with long doubles for the x87: a guest computes what the host computes with the same code,
whatever runs it; recordings replay, and are travelled in, with other extensions
of the host and other back ends."""
import glob
import os
import re
import subprocess

import reprise

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(reprise.BUILD, 'tests', 'bench', 'corpus')

# What the x87 has most of.
X87 = ['nbody', 'linpack', 'mandel', 'paranoia']

with open('/proc/cpuinfo', encoding='utf-8') as cpuinfo:
    HOST_HAS_AVX = ' avx ' in cpuinfo.read()


def programs():
    """The names of all."""
    path = os.path.join(HERE, '..', 'bench', 'corpus', 'programs.def')
    with open(path, encoding='utf-8') as f:
        return re.findall(r'^PROGRAM\((\w+),', f.read(), re.M)


def images():
    """"gcc-v1", "clang-x87" and so on: those that were built."""
    found = glob.glob(os.path.join(FOLDER, 'corpus-*.bin'))
    return sorted(os.path.basename(p)[len('corpus-'):-len('.bin')]
                  for p in found)


def on_host(image, names):
    """What the host prints, or None if it lacks instructions."""
    line = [word for name in names for word in (name, '1')]
    done = subprocess.run([os.path.join(FOLDER, f'corpus-{image}'), *line],
                          capture_output=True, text=True, check=False)
    return None if done.returncode == 2 else done.stdout.split('\n')[:-1]


class Corpus(reprise.TestCase):
    def boot(self, image, names, *args, **kwargs):
        line = ' '.join(f'{name} 1' for name in names)
        return self.start('-cpu', 'max', '-m', '64', '-device',
                          'isa-debug-exit', '-kernel',
                          os.path.join(FOLDER, f'corpus-{image}.bin'),
                          '-append', line, *args, **kwargs)

    def digests(self, image, names, *args):
        """What a guest prints that runs those programs."""
        vm = self.boot(image, names, *args)
        self.assertEqual(vm.wait(), 1, vm.output())
        return self.said(vm)

    @staticmethod
    def said(vm):
        return re.findall(r'bench: \w+ [0-9a-f]{8}',
                          vm.serial.seen.decode(errors='replace'))

    def check(self, image, names, *accel):
        right = on_host(image, names)
        if right is None:
            return
        self.assertEqual(len(right), len(names))
        for options in accel:
            with self.subTest(image=image, accel=options):
                self.assertEqual(
                    self.digests(image, names, '-accel', f'tcg,{options}'),
                    right)

    def test_there_are_images(self):
        self.assertGreaterEqual({image.split('-')[1] for image in images()},
                                {'v1', 'v2', 'v3', 'x87'})

    def test_native_code(self):
        for image in images():
            self.check(image, programs(), 'backend=x86_64')

    def test_portable_back_end(self):
        self.check('gcc-v1', programs(), 'backend=interp')
        self.check('gcc-v3', programs(), 'backend=interp')
        self.check('gcc-x87', X87, 'backend=interp')

    def test_older_hosts(self):
        for image in images():
            level = image.split('-')[1]
            self.check(image, programs(), {
                'v1': 'host-features=sse2',
                'v2': 'host-features=max-avx',
                'v3': 'host-features=-avx2-fma-lahf',
                'x87': 'host-features=max-lahf'}[level])

    def test_features_are_left_alone(self):
        """Without AVX no generated instruction has three operands."""
        log = self.path('log')
        for features, has_avx in (('sse2', False), ('-avx', False),
                                  ('sse2+avx', HOST_HAS_AVX)):
            self.digests('gcc-v1', ['nbody'], '-accel',
                         f'tcg,backend=x86_64,host-features={features}', '-d',
                         'out_asm', '-D', log)
            with open(log, encoding='utf-8', errors='replace') as f:
                found = re.search(r'\sv(mul|add|sub)sd\s', f.read())
            self.assertEqual(bool(found), has_avx, features)

    def test_torture(self):
        small = ['nbody', 'lanes', 'extensions', 'strings', 'script']
        for image in ('gcc-v1', 'gcc-v3'):
            self.check(image, small, 'one-insn-per-tb=on', 'flush-at-random=3',
                       'backend=interp,flush-at-random=4')
        self.check('gcc-x87', X87, 'one-insn-per-tb=on', 'flush-at-random=5')

    def rr(self, mode, log):
        return ('-icount', f'shift=7,sleep=off,rr={mode},rrfile={log},'
                'rrdigest=100000')

    def recorded(self, image, names, accel):
        log = self.path(f'{image}.rr')
        printed = self.digests(image, names, *self.rr('record', log),
                               '-accel', f'tcg,{accel}')
        self.assertEqual(len(printed), len(names))
        return log, printed

    def check_replays(self, image, recorder, *players):
        """Digests of the whole machine are compared all along."""
        names = X87 if image.endswith('x87') else [
            'mandel8', 'nbody', 'lanes', 'extensions', 'paranoia']
        log, printed = self.recorded(image, names, recorder)
        for accel in players:
            with self.subTest(image=image, recorder=recorder, player=accel):
                self.assertEqual(
                    self.digests(image, names, *self.rr('replay', log),
                                 '-accel', f'tcg,{accel}'), printed)

    def test_replay_on_another_host(self):
        self.check_replays('gcc-v3', 'backend=x86_64', 'host-features=-avx',
                           'host-features=sse2', 'backend=interp',
                           'flush-at-random=7')
        self.check_replays('gcc-v1', 'host-features=sse2', 'backend=x86_64',
                           'host-features=max-avx2', 'one-insn-per-tb=on')
        self.check_replays('gcc-v2', 'backend=interp', 'backend=x86_64')
        self.check_replays('gcc-x87', 'backend=x86_64', 'backend=interp',
                           'flush-at-random=8', 'host-features=sse2')

    def test_reverse(self):
        """Back and forth through a recording made with AVX2, without it."""
        names = ['nbody', 'lanes', 'matmul', 'strings']
        log, printed = self.recorded('gcc-v3', names, 'backend=x86_64')
        for accel in ('host-features=sse2', 'backend=x86_64'):
            vm = self.boot('gcc-v3', names, *self.rr('replay', log),
                           '-accel', f'tcg,{accel}', '-no-shutdown', '-S', qmp=True,
                           hmp=True)
            end = self.run_to_end(vm)
            vm.serial.expect(printed[-1])
            self.assertEqual(self.said(vm), printed)
            places = [end - 1000, end // 2, end - 50000, end // 3]
            seen = {}
            for place in places * 2:
                vm.qmp.cmd('replay-seek', icount=place)
                state = vm.hmp.cmd('info registers')
                self.assertEqual(seen.setdefault(place, state), state)
            self.assertEqual(self.run_to_end(vm), end)
            vm.close()

    @staticmethod
    def run_to_end(vm):
        """Where the recording ends."""
        vm.qmp.events.clear()
        vm.qmp.cmd('cont')
        vm.qmp.event('STOP')
        return vm.qmp.cmd('query-replay')['icount']


if __name__ == '__main__':
    reprise.main()
