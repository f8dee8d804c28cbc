"""Runs inside gdb (gdb -x) with a kernel's vmlinux and its vmlinux-gdb.py, on the
replay of a kernel that panicked over the module of gdb_oops.py, at its end: the
kernel's own commands (scripts/gdb of its source). Prints how long each took, and
"SCENARIO OK" at the end. In the environment: RSP."""
import os
import time
import traceback

import gdb


def execute(command):
    return gdb.execute(command, to_string=True)


def timed(what, command):
    begin = time.monotonic()
    said = execute(command)
    print(f'TIME {what}: {time.monotonic() - begin:.2f} s')
    return said


def expect_in(what, said, command):
    if what not in said:
        raise AssertionError(f'{command}: {what!r} is not in {said[-2000:]!r}')


def connect():
    execute('set pagination off')
    execute('set confirm off')
    execute(f"target remote {os.environ['RSP']}")


def at_the_end():
    execute('continue')
    said = timed('lx-dmesg', 'lx-dmesg')
    for line in ('Linux version', 'uaf: session', 'Kernel panic'):
        expect_in(line, said, 'lx-dmesg')
    said = timed('lx-ps', 'lx-ps')
    for task in ('swapper/0', 'kthreadd', 'uaf-user'):
        expect_in(task, said, 'lx-ps')
    expect_in('uaf', execute('lx-lsmod'), 'lx-lsmod')
    expect_in('Linux version', execute('lx-version'), 'lx-version')


try:
    connect()
    at_the_end()
    execute('disconnect')
    print('SCENARIO OK')
except Exception:
    traceback.print_exc()
