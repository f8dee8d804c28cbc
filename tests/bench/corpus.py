"""The corpus of floating point and vectors on Reprise, on QEMU and on the host.

The same code runs on all three (tests/bench/corpus); how to read the table is in
docs/devel/benchmarks.md. Exit status 1: a run failed, or its digest is not the
host's.
"""
import argparse
import json
import math
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile

from runs import Emulator

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM = re.compile(r'^PROGRAM\((\w+), (\d+), "(.*)"\)', re.M)


def programs():
    """Name: size, of the corpus."""
    with open(os.path.join(HERE, 'corpus', 'programs.def'),
              encoding='utf-8') as f:
        return {name: int(size) for name, size, _ in PROGRAM.findall(f.read())}


def parse_args():
    """The command line."""
    p = argparse.ArgumentParser(description='the corpus beside QEMU and native')
    p.add_argument('--build', default='build', help='the build folder')
    p.add_argument('--only', metavar='PROGRAM,…', default='')
    p.add_argument('--images', metavar='COMPILER-LEVEL,…',
                   default='gcc-v1,gcc-v3')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--modes', default='icount',
                   help='some of plain, icount; QEMU runs in the same')
    p.add_argument('--reprise', metavar='PATH')
    p.add_argument('--against', metavar='PATH',
                   help='another Reprise instead of QEMU')
    p.add_argument('--qemu', metavar='PATH', default='qemu-system-x86_64',
                   help='"none" leaves it out')
    p.add_argument('--accel', metavar='OPTS', default='')
    p.add_argument('--scale', type=float, default=1,
                   help='by which sizes are multiplied')
    p.add_argument('--timeout', type=int, default=120, metavar='S')
    p.add_argument('--json', metavar='FILE')
    return p.parse_args()


class Guests(Emulator):
    """An emulator that runs programs of the corpus."""

    def __init__(self, *args):
        super().__init__(*args)
        self.line = ''

    def command(self, image, mode):
        argv = super().command(image, mode)
        return argv + ['-cpu', 'max', '-append', self.line]


class Host:
    """The host's own processor, with the same programs."""

    def __init__(self, measure):
        self.measure = measure

    def run(self, program, name, size, timeout_s):
        """CPU seconds and the digest."""
        done = subprocess.run([self.measure, str(timeout_s), program, name,
                               str(size)], capture_output=True, text=True,
                              check=True)
        return int(done.stdout.split()[-2]) / 1e6

    @staticmethod
    def digest(program, name, size):
        """What it prints."""
        done = subprocess.run([program, name, str(size)], text=True,
                              capture_output=True, check=False)
        return done.stdout.split()[-1] if done.returncode == 0 else None


class Bench:
    """All runs; self.seconds[(image, program)][who] is a list."""

    def __init__(self, args, folder):
        self.args = args
        self.seconds = {}
        self.errors = []
        self.folder = os.path.join(args.build, 'tests', 'bench')
        measure = os.path.abspath(os.path.join(self.folder, 'bench-measure'))
        self.host = Host(measure)
        self.emulators = {}
        ours = args.reprise or os.path.join(args.build,
                                            'reprise-system-x86_64')
        self.add('reprise', os.path.abspath(ours), folder, measure)
        other = args.against or shutil.which(args.qemu)
        if other:
            self.add('other', other, folder, measure)

    def add(self, name, path, folder, measure):
        """Another emulator."""
        accel = self.args.accel if name == 'reprise' else ''
        self.emulators[name] = Guests(name, path, folder, measure, accel)

    def path(self, image):
        """Of the host's program; the guest has .bin behind it."""
        return os.path.abspath(os.path.join(self.folder, 'corpus',
                                            'corpus-' + image))

    def guest(self, who, image, mode, line, name):
        """CPU seconds of one run, start-up included, and its digest."""
        emulator = self.emulators[who]
        emulator.line = line
        run = emulator.run(name, self.path(image) + '.bin', mode,
                           self.args.timeout)
        if run.error and name:
            self.errors.append(f'{image} {name} on {who}, {mode}: {run.error}')
            return None, None
        return run.cpu_s, run.checksum

    def one(self, image, name, size):
        """A program everywhere, one after the other."""
        into = self.seconds.setdefault((image, name), {})
        right = self.host.digest(self.path(image), name, size)
        into.setdefault('native', []).append(
            self.host.run(self.path(image), name, size, self.args.timeout))
        for mode in self.args.modes.split(','):
            for who in self.emulators:
                empty, _ = self.guest(who, image, mode, '', None)
                cpu_s, digest = self.guest(who, image, mode, f'{name} {size}',
                                           name)
                if cpu_s is None:
                    continue
                if digest != right:
                    self.errors.append(f'{image} {name} on {who}, {mode}: '
                                       f'{digest}, the host has {right}')
                into.setdefault((who, mode), []).append(
                    max(cpu_s - empty, 0.001))

    def median(self, key, who):
        """Of the rounds; None if there is none."""
        values = self.seconds[key].get(who)
        return statistics.median(values) if values else None

    def row(self, key):
        """The cells of a table's row."""
        native = self.median(key, 'native')
        cells = [f'{key[1]} {key[0]}', f'{native:.3f}']
        for mode in self.args.modes.split(','):
            ours = self.median(key, ('reprise', mode))
            other = self.median(key, ('other', mode))
            cells += [f'{ours:.3f}' if ours else '-',
                      f'{ours / native:.2f}' if ours else '-',
                      f'{other:.3f}' if other else '-',
                      f'{other / ours:.2f}' if other and ours else '-']
        return cells

    def means(self, image):
        """Geometric means of the two ratios, for each mode."""
        lines = []
        for mode in self.args.modes.split(','):
            keys = [k for k in self.seconds if k[0] == image]
            for title, above, below in (
                    ('Reprise/native', ('reprise', mode), 'native'),
                    ('other/Reprise', ('other', mode), ('reprise', mode))):
                values = [self.median(k, above) / self.median(k, below)
                          for k in keys
                          if self.median(k, above) and self.median(k, below)]
                if values:
                    mean = math.exp(sum(map(math.log, values)) / len(values))
                    lines.append(f'{image} {mode:<7} {title:<15} {mean:7.2f}  '
                                 f'({len(values)})')
        return lines


def table(bench):
    """Everything, for people."""
    head = ['program', 'native s']
    for mode in bench.args.modes.split(','):
        head += [f'{mode} s', 'R/N', 'other s', 'O/R']
    rows = [head] + [bench.row(key) for key in bench.seconds]
    widths = [max(len(r[i]) for r in rows) for i in range(len(head))]
    lines = ['  '.join([r[0].ljust(widths[0])] +
                       [c.rjust(w) for c, w in zip(r[1:], widths[1:])])
             for r in rows]
    for image in bench.args.images.split(','):
        lines += bench.means(image)
    return '\n'.join(lines + bench.errors)


def main():
    """Runs everything and prints."""
    args = parse_args()
    sizes = programs()
    names = [n for n in args.only.split(',') if n] or list(sizes)
    with tempfile.TemporaryDirectory(prefix='reprise-corpus-') as folder:
        bench = Bench(args, folder)
        for number in range(args.rounds):
            for image in args.images.split(','):
                for name in names:
                    if sys.stderr.isatty():
                        print(f'\r\x1b[K{number + 1}: {image} {name}', end='',
                              file=sys.stderr, flush=True)
                    bench.one(image, name,
                              max(1, int(sizes[name] * args.scale)))
    print(table(bench))
    if args.json:
        with open(args.json, 'w', encoding='utf-8') as f:
            json.dump({' '.join(k): {' '.join(w) if isinstance(w, tuple) else w:
                                     s for w, s in v.items()}
                       for k, v in bench.seconds.items()}, f, indent=1)
    return 1 if bench.errors else 0


if __name__ == '__main__':
    sys.exit(main())
