#!/usr/bin/env python3
"""The same random programs, run in many ways, must come out the same.

usage: backends.py TEST-BACKENDS

REPRISE_CASES=N (default 1500) and REPRISE_SEED=N choose more and others."""
import os
import shlex
import subprocess
import sys

# The first is the oracle: the portable back end.
WAYS = [
    ('--accel=backend=interp',),
    ('--accel=backend=x86_64',),
    ('--accel=backend=x86_64', '--accel=plain-host=on'),
    ('--accel=backend=x86_64', '--accel=one-insn-per-tb=on'),
    ('--accel=backend=x86_64', '--accel=flush-at-random=11'),
    ('--accel=backend=x86_64', '--slice=1'),
    ('--accel=backend=x86_64', '--slice=2'),
    ('--accel=backend=x86_64', '--slice=3'),
    ('--accel=backend=x86_64', '--accel=interpret=once', '--slice=5'),
    ('--accel=backend=interp', '--slice=2'),
    ('--accel=backend=x86_64', '--accel=interpret=always'),
]
VARIANTS = [(), ('--segmented',), ('--segmented', '--code16')]


# Set by Meson where programs of the host run under an emulator.
WRAPPER = shlex.split(os.environ.get('MESON_EXE_WRAPPER', ''))


def has_native(program):
    """False on hosts that native code is not made for."""
    done = subprocess.run([*WRAPPER, program, '--count=0',
                           '--accel=backend=x86_64'], capture_output=True,
                          check=False)
    return done.returncode == 0


def run(program, *args):
    done = subprocess.run([*WRAPPER, program, *args], capture_output=True,
                          text=True, check=False)
    if done.returncode:
        print(f'{" ".join(args)}: exit {done.returncode}\n{done.stderr}')
    return done.stdout.splitlines()


def tell(program, case, oracle, way):
    """The first case that differs, both ways."""
    for args in (oracle, way):
        print('\n'.join([' '.join(args),
                         *run(program, *args, f'--case={case}'), '']))


def main(program):
    failed = 0
    native = has_native(program)
    if not native:
        print('no native code on this host: the portable back end against '
              'itself')
    cases = os.environ.get('REPRISE_CASES', '1500')
    seed = os.environ.get('REPRISE_SEED', '1')
    for variant in VARIANTS:
        common = (*variant, f'--count={cases}', f'--seed={seed}')
        oracle = (*WAYS[0], *common)
        want = run(program, *oracle)
        if len(want) != int(cases):
            print(f'{" ".join(oracle)}: {len(want)} cases ran')
            return 1
        for way in WAYS[1:]:
            if not native:
                way = [w.replace('x86_64', 'interp') for w in way]
            args = (*way, *common)
            got = run(program, *args)
            differ = [n for n, line in enumerate(want)
                      if n >= len(got) or got[n] != line]
            if differ:
                print(f'{" ".join(args)}: {len(differ)} cases differ')
                tell(program, differ[0], oracle, args)
                failed += 1
    print(f'{cases} programs in {len(VARIANTS)} variants, {len(WAYS)} ways, '
          f'{failed} failed')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
