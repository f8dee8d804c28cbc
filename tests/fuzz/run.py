#!/usr/bin/env python3
"""Lets libFuzzer work on every target, each for some seconds.

usage: run.py BUILD SECONDS [TARGET...]

BUILD is a folder made with -Dfuzz=true. New inputs are kept in BUILD/corpus
and found again by the next run; what crashes is kept in BUILD/crashes. Results
are written to BUILD/meson-logs/fuzzlog.json as Meson writes its own. Exit
status 1 if anything crashed."""
import json
import os
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
TARGETS = sorted(p.name for p in (HERE / 'corpus').iterdir())
# Per input: seconds; for all: MiB. A target that needs more has a defect.
LIMITS = ['-timeout=60', '-rss_limit_mb=3072', '-max_len=65536']


def fuzz(build, target, seconds):
    kept = build / 'corpus' / target
    crashes = build / 'crashes'
    for folder in (kept, crashes):
        folder.mkdir(parents=True, exist_ok=True)
    argv = [str(build / 'tests/fuzz' / f'fuzz-{target}'), *LIMITS,
            f'-max_total_time={seconds}', '-print_final_stats=1',
            f'-artifact_prefix={crashes}/{target}-',
            str(kept), str(HERE / 'corpus' / target)]
    env = {**os.environ, 'ASAN_OPTIONS': 'detect_leaks=0'}
    # Commands that write files do it where nobody minds.
    done = subprocess.run(argv, env=env, cwd=crashes, text=True, check=False,
                          capture_output=True, errors='replace')
    return done.returncode == 0, done.stderr


def tell(target, good, output, took):
    runs = [line for line in output.splitlines()
            if 'number_of_executed_units' in line]
    count = runs[-1].split()[-1] if runs else '?'
    print(f'fuzz-{target}: {"OK" if good else "FAIL"}, {count} inputs in '
          f'{took:.0f} s', flush=True)
    if not good:
        print(output[-6000:])


def main(build, seconds, *targets):
    build = pathlib.Path(build).resolve()
    results = []
    for target in targets or TARGETS:
        start = time.monotonic()
        good, output = fuzz(build, target, seconds)
        tell(target, good, output, time.monotonic() - start)
        results.append({'name': f'fuzz-{target}',
                        'result': 'OK' if good else 'FAIL'})
    log = build / 'meson-logs/fuzzlog.json'
    log.write_text(''.join(json.dumps(r) + '\n' for r in results),
                   encoding='utf-8')
    return 0 if all(r['result'] == 'OK' for r in results) else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
