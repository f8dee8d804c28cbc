"""Runs inside gdb (gdb -x) on the replay of a kernel that panics over a use after
free (tests/guests/linux/uaf.c): from the end to the panic, to the function that
freed, to who overwrote what it freed. Prints how long each way took, and
"SCENARIO OK" at the end. In the environment: RSP, MODULE, SECTIONS (where its
sections are), PANIC (the address of panic())."""
import os
import time
import traceback

import gdb

CPUS = 4


def execute(command):
    return gdb.execute(command, to_string=True)


def timed(what, command):
    begin = time.monotonic()
    said = execute(command)
    print(f'TIME {what}: {time.monotonic() - begin:.2f} s')
    return said


def expect(got, want, what):
    if got != want:
        raise AssertionError(f'{what}: got {got!r}, expected {want!r}')


def value(expression):
    return int(gdb.parse_and_eval(expression))


def function():
    return gdb.selected_frame().name()


def connect():
    execute('set pagination off')
    execute('set confirm off')
    execute(f"target remote {os.environ['RSP']}")
    expect(len(gdb.selected_inferior().threads()), CPUS, 'threads at reset')
    expect(value('$pc'), 0xfff0, 'offset of the first instruction')
    # In early boot, and later, without another connection.
    execute('stepi 50')
    timed('to the end', 'continue')
    execute(f"add-symbol-file {os.environ['MODULE']} "
            f"{os.environ['SECTIONS']}")


def to_the_panic():
    execute(f"hbreak *{os.environ['PANIC']}")
    timed('back to panic()', 'reverse-continue')
    expect(value('$pc'), int(os.environ['PANIC'], 16), 'the pc')
    execute('delete')
    # Who called the stale pointer is on this processor's stack.
    expect(gdb.selected_thread().num, 2, 'the thread of processor 1')


def to_who_freed():
    """The address of what is freed; the function is left by its call."""
    execute('hbreak session_drop')
    timed('back to the function that freed', 'reverse-continue')
    expect(function(), 'session_drop', 'stopped in')
    expect(gdb.selected_thread().num, 3, 'the thread of processor 2')
    freed = value('$rdi') if value('$pc') == value('(long)session_drop') \
        else value('(long)s')
    expect(value(f'((struct session *){freed})->id'), 7, 'its id')
    timed('back to its caller', 'reverse-finish')
    expect(function(), 'dropper_thread', 'the caller')
    execute('delete')
    return freed


def to_who_wrote(freed):
    """Backwards from the end to the last write of a field."""
    execute('continue')
    field = f'((struct session *){freed})->check'
    expect(value(f'(long){field}') & 0xff, 0x42, 'its last value')
    execute(f'watch -l {field}')
    timed('back to who overwrote it', 'reverse-continue')
    expect(function(), 'newer_fill', 'who overwrote it')
    # Debian's kernels zero what they allocate.
    expect(value(f'(long){field}'), 0, 'what it was before')
    execute('delete')


def scenario():
    connect()
    to_the_panic()
    freed = to_who_freed()
    to_who_wrote(freed)
    execute('disconnect')


try:
    scenario()
    print('SCENARIO OK')
except Exception:
    traceback.print_exc()
    print(gdb.execute('info registers', to_string=True))
