#!/usr/bin/env python3
"""Prints the closing line of a test run from Meson's logs.

usage: test-summary.py testlog.json...

Every Meson test is one program; a program that reports its own cases (TAP or
unittest) is still counted once. A log that is not there counts as a failure.
Exit status 1 if anything failed or nothing ran."""
import json
import sys

PASSED = {'OK', 'EXPECTEDFAIL'}
SKIPPED = {'SKIP'}


def results(path):
    try:
        with open(path, encoding='utf-8') as f:
            return [json.loads(line)['result'] for line in f]
    except FileNotFoundError:
        print(f'{path}: no tests ran')
        return ['MISSING']


def main(*paths):
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    for path in paths:
        for result in results(path):
            kind = ('passed' if result in PASSED else
                    'skipped' if result in SKIPPED else 'failed')
            counts[kind] += 1
    print('{passed} passed, {failed} failed, {skipped} skipped'.format(
        **counts))
    return 1 if counts['failed'] or not counts['passed'] else 0


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
