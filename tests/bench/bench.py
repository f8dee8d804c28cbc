"""Reprise beside QEMU: speed and memory on bare-metal guests.

Every workload runs on both in each mode, one right after the other, so that
both see the same state of the host; the median of the rounds counts. What it
all means is in docs/devel/benchmarks.md. Exit status 1: a run failed.
"""
import argparse
import glob
import json
import os
import shutil
import sys
import tempfile

import report
from results import Results
from runs import MODES, Emulator, log_icount

# The guest waits for so many ticks of a clock that follows the host's: its
# time without -icount says nothing.
PACED = ('timer',)


def parse_args():
    """The command line."""
    p = argparse.ArgumentParser(description='benchmark against QEMU')
    p.add_argument('--build', default='build', help='the build folder')
    p.add_argument('--only', metavar='NAME,…', default='',
                   help='these workloads ("hash" is hash32 and hash64)')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--modes', metavar='MODE,…', default=','.join(MODES),
                   help='some of ' + ', '.join(MODES))
    p.add_argument('--reprise', metavar='PATH',
                   help='default: the one in the build folder')
    p.add_argument('--qemu', metavar='PATH', default='qemu-system-x86_64',
                   help='"none" leaves it out')
    p.add_argument('--accel', metavar='OPTS', default='',
                   help='more of -accel tcg,… for Reprise')
    p.add_argument('--time', choices=('wall', 'cpu'), default='wall',
                   help='what is compared; cpu is for busy hosts')
    p.add_argument('--timeout', type=int, default=120, metavar='S',
                   help='a run that takes longer is an error')
    p.add_argument('--json', metavar='FILE',
                   help='default: bench.json in the build folder')
    args = p.parse_args()
    asked = set(args.modes.split(','))
    if asked - set(MODES) or args.rounds < 1:
        p.error(f'modes are {", ".join(MODES)}; one round at least')
    if 'replay' in asked:
        asked.add('record')
    args.modes = [m for m in MODES if m in asked]
    return args


def find_guests(args):
    """Name: image, of the workloads to run and of the empty ones."""
    images = {}
    folder = os.path.join(args.build, 'tests', 'bench')
    for path in sorted(glob.glob(os.path.join(folder, 'bench-*.bin'))):
        images[os.path.basename(path)[len('bench-'):-len('.bin')]] = path
    wanted = [w for w in args.only.split(',') if w]
    for word in wanted:
        if not any(word in (name, name[:-2]) for name in images):
            sys.exit(f'no workload {word}: there are {", ".join(images)}')
    names = [name for name in images if not name.startswith('empty')
             and (not wanted or name in wanted or name[:-2] in wanted)]
    if not names:
        sys.exit(f'no guests in {folder}: ninja -C {args.build} bench-guests')
    return names, images


def find_emulators(args, folder):
    """Reprise, and QEMU if there is one."""
    reprise = args.reprise or os.path.join(args.build,
                                           'reprise-system-x86_64')
    if not os.access(reprise, os.X_OK):
        sys.exit(f'{reprise} is not there: build it first')
    measure = os.path.abspath(
        os.path.join(args.build, 'tests', 'bench', 'bench-measure'))
    out = [Emulator('reprise', os.path.abspath(reprise), folder, measure,
                    args.accel)]
    qemu = shutil.which(args.qemu)
    if qemu:
        out.append(Emulator('qemu', qemu, folder, measure))
    elif args.qemu not in ('none', 'qemu-system-x86_64'):
        sys.exit(f'{args.qemu} is not there')
    else:
        print('No QEMU: Reprise alone is measured.')
    return out


class Bench:
    """The rounds."""

    def __init__(self, args, names, images, emulators):
        self.args = args
        self.names = names
        self.images = images
        self.emulators = emulators
        self.results = Results(args.time + '_s')
        empties = {'empty' + name[-2:] for name in names}
        self.order = sorted(empties) + names

    def one(self, guest, mode, emulator):
        """A run that counts."""
        run = emulator.run(guest, self.images[guest], mode,
                           self.args.timeout)
        self.results.add(guest, mode, emulator.name, run)
        if mode == 'record' and emulator.name == 'reprise':
            self.note_icount(guest, emulator)

    def note_icount(self, guest, emulator):
        """Reads the number of instructions from the recording."""
        try:
            self.results.icounts[guest] = log_icount(emulator.log)
        except (OSError, ValueError) as failure:
            self.results.errors.append(
                f'{guest}: instructions not counted: {failure}')

    def count(self):
        """Recordings for the sake of their instruction counts only."""
        for guest in self.order:
            self.progress(f'counting {guest}')
            self.emulators[0].run(guest, self.images[guest], 'record',
                                  self.args.timeout)
            self.note_icount(guest, self.emulators[0])

    def round(self, number):
        """Everything once. Who comes first changes with the rounds."""
        emulators = self.emulators[::-1 if number % 2 else 1]
        for guest in self.order:
            self.progress(f'round {number + 1}: {guest}')
            for mode in self.args.modes:
                if mode == 'plain' and guest[:-2] in PACED:
                    continue
                for emulator in emulators:
                    self.one(guest, mode, emulator)

    def all(self):
        """All rounds."""
        if 'record' not in self.args.modes:
            self.count()
        for number in range(self.args.rounds):
            self.round(number)
        self.progress('')

    @staticmethod
    def progress(text):
        """Says on a terminal what is being done."""
        if sys.stderr.isatty():
            print(f'\r\x1b[K{text}', end='', file=sys.stderr, flush=True)


def write_json(args, data):
    """Where it was asked for."""
    path = args.json or os.path.join(args.build, 'bench.json')
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(data, f, indent=1)
    print(f'\nWritten to {path}.')


def main():
    """Runs everything and reports."""
    args = parse_args()
    names, images = find_guests(args)
    with tempfile.TemporaryDirectory(prefix='reprise-bench-') as folder:
        emulators = find_emulators(args, folder)
        try:
            versions = {e.name: e.version() for e in emulators}
        except (OSError, ValueError) as failure:
            sys.exit(str(failure))
        about = {'host': report.host(), 'rounds': args.rounds,
                 'time': args.time, 'accel': args.accel,
                 'versions': versions}
        bench = Bench(args, names, images, emulators)
        bench.all()
    about['host']['load_after'] = os.getloadavg()
    print('\n'.join(f'{n}: {v}' for n, v in versions.items()) + '\n')
    print(report.text(bench.results, names, args.modes))
    write_json(args, report.as_json(bench.results, names, args.modes, about))
    return 1 if bench.results.errors else 0


if __name__ == '__main__':
    sys.exit(main())
