#!/usr/bin/env python3
"""Prints the closing line of a test run from Meson's log.

usage: test-summary.py testlog.json

Every Meson test is one program; a program that reports its own cases (TAP or
unittest) is still counted once. Exit status 1 if anything failed or nothing
ran."""
import json
import sys

PASSED = {'OK', 'EXPECTEDFAIL'}
SKIPPED = {'SKIP'}


def main(path):
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    with open(path, encoding='utf-8') as f:
        for line in f:
            result = json.loads(line)['result']
            kind = ('passed' if result in PASSED else
                    'skipped' if result in SKIPPED else 'failed')
            counts[kind] += 1
    print('{passed} passed, {failed} failed, {skipped} skipped'.format(
        **counts))
    return 1 if counts['failed'] or not counts['passed'] else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
