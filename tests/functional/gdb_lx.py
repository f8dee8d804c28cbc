"""Runs inside gdb (gdb -x) with a kernel's vmlinux and its vmlinux-gdb.py, on the
replay of a kernel that panicked over the module of gdb_oops.py, at its end: the
kernel's own commands (scripts/gdb of its source) at the end and in the past, and
its symbols over the whole boot. Prints how long each way took, and "SCENARIO OK"
at the end. In the environment: RSP, MODULES (a folder with modules)."""
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


def in_the_module():
    """Its symbols are loaded, where it lies."""
    timed('lx-symbols', f"lx-symbols {os.environ['MODULES']}")
    execute('hbreak session_drop')
    timed('back to the module', 'reverse-continue')
    said = execute('bt')
    for name in ('session_drop', 'dropper_thread', 'kthread',
                 'ret_from_fork'):
        expect_in(name, said, 'bt')
    expect_in('uaf-dropper', execute('p $lx_current().comm'), '$lx_current')
    if 'Kernel panic' in execute('lx-dmesg'):
        raise AssertionError('lx-dmesg in the past knows what comes')
    execute('delete')


def to_early_boot():
    """Who wrote a pointer that all of the boot left alone."""
    execute('continue')
    execute('watch -l saved_command_line')
    timed('back over the whole boot', 'reverse-continue')
    expect_in('start_kernel', execute('bt'), 'bt')
    expect_in('0x0', execute('p saved_command_line'), 'before the write')
    execute('delete')
    timed('back to the caller', 'reverse-finish')
    expect_in('start_kernel', execute('bt 1'), 'bt')
    expect_in('swapper', execute('p $lx_current().comm'), '$lx_current')


try:
    connect()
    at_the_end()
    in_the_module()
    to_early_boot()
    execute('disconnect')
    print('SCENARIO OK')
except Exception:
    traceback.print_exc()
