"""Runs inside gdb (gdb -x), for timeline.py: the end-to-end times of what a
user types at the end of a replay. TIMELINE_GDB is the stub's address. Prints
"TIMELINE {json}" at the end."""
import json
import os
import statistics
import time
import traceback

import gdb

STEPS = 50


def execute(command):
    """What gdb prints, and the seconds."""
    start = time.perf_counter()
    text = gdb.execute(command, to_string=True)
    return text, time.perf_counter() - start


def icount():
    """Where the replay is."""
    return int(execute('monitor info replay')[0].rsplit('=', 1)[1])


def back(expected, command):
    """reverse-continue with one break- or watchpoint; where the stop is
    found out by name."""
    execute(command)
    _, seconds = execute('reverse-continue')
    name = gdb.selected_frame().name()
    if name != expected:
        raise AssertionError(f'{command}: stopped in {name}')
    execute('delete')
    return {'wall_s': seconds, 'icount': icount()}


def main():
    """Steps from the end, where the replay is, then two searches."""
    for setting in ('pagination off', 'confirm off', 'tcp connect-timeout 30',
                    'remotetimeout 600'):
        execute(f'set {setting}')
    execute(f"target remote {os.environ['TIMELINE_GDB']}")
    end = icount()
    out = {}
    times = [execute('reverse-stepi')[1] for _ in range(STEPS + 1)]
    if icount() != end - STEPS - 1:
        raise AssertionError('reverse-stepi went elsewhere')
    out['first'] = times[0]
    out['next'] = {'median': statistics.median(times[1:]),
                   'max': max(times[1:])}
    out['quiet_value'] = back('workload', 'watch quiet_value[0]')
    out['there again'] = execute('continue')[1]
    out['landmark'] = back('landmark', 'hbreak landmark')
    print('TIMELINE ' + json.dumps(out))


try:
    main()
except BaseException:  # gdb would go on and exit with 0
    traceback.print_exc()
    gdb.execute('quit 1')
gdb.execute('quit 0')
