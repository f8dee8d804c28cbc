#!/usr/bin/env python3
"""Fails if a door could change the guest without asking the gate.

usage: gate.py SOURCE-ROOT ARCHIVE...

Runs nm over the static libraries of the doors (gdbstub, monitor) and looks for
functions that write guest state, post inputs or set the machine going; and
greps their sources for what nm cannot see. One file may change the guest: that
of the commands which the schema calls mutating, and it holds nothing else."""
import os
import re
import subprocess
import sys

FOLDERS = ('gdbstub', 'monitor')
MUTATING = 'qmp-mutating.c'
# -accel qtest: a machine without a CPU, whose test is its guest. Nothing of it
# can be recorded.
QTEST = ('qtest.c.o', 'qtest-memory.c.o')
# Changes the guest, or what it will see next. Loading a snapshot is not among
# them: without a recording it changes no run, with one replay_loadvm() decides.
WRITES = re.compile(r'''^(
    cpu_write_debug|cpu_reg_set|cpu_st|cpu_direct|walk_st|tlb_store_slow|
    cpu_raise|cpu_kick|cpu_exec|cpu_new|cpu_exit_retired|
    address_space_(st|write|write_debug|map)\w*|
    ram_(host|blocks|will_write|write)\w*|
    state_(set|load|reset)\w*|machine_(sections|rewire|reset|set_icount|
        power_on|random|event)|
    nondet_(post|post_now|deliver|deliver_late|sink|pull|pull_rare|
        set_source)|
    debug_write_\w+|replay_diversion_begin|diversion_\w+|
    clock_(warp_to|set_shift|run_timers?)|timer_\w+|irq_\w+|
    sched_(run|set_step|skip_breakpoint|idle_end|take_inputs)|
    replay_run_slice|replay_advance|
    runstate_(request_(reset|shutdown)|handle_requests|rewind|drop_shutdown)|
    input_send_\w+|guest_\w+|link_set|balloon_set|device_(?!class_find$)\w+
    )$''', re.X)
# For handlers of mutating commands: what happens at delivery.
AT_DELIVERY = re.compile(r'^(runstate_request_(reset|shutdown)|input_send_\w+|'
                         r'guest_(press|set|write)_\w+|(link|balloon)_set)$')
# A register's set(), a port's sink(), a button's press(); RUNNING is the gate's.
SOURCES = re.compile(r'(->|\.)(set|sink|press)\(|'
                     r'runstate_set\([^;]*RUN_RUNNING')
COMMAND = re.compile(r"'command':\s*'([\w-]+)'([^#]*?)\}\s*(?=#|\{|$)", re.S)


def undefined(archive):
    """(object, name) of what an archive's objects refer to elsewhere."""
    out = subprocess.run(['nm', '-u', '-A', archive], check=True,
                         capture_output=True, text=True).stdout
    for line in out.splitlines():
        where, _, symbol = line.rpartition(' U ')
        if symbol:
            yield where.strip(), symbol.split('@')[0].strip()


def mutating_commands(root):
    names, folder = set(), os.path.join(root, 'qapi')
    for name in sorted(os.listdir(folder)):
        if not name.endswith('.json'):
            continue
        with open(os.path.join(folder, name), encoding='utf-8') as f:
            for command, rest in COMMAND.findall(f.read()):
                if re.search(r"'mutates':\s*true", rest):
                    names.add('qmp_' + command.replace('-', '_'))
    return names


def check_mutating(root, wrong):
    """The file has a handler of each mutating command, and no other."""
    wanted = mutating_commands(root)
    path = os.path.join(root, 'monitor', MUTATING)
    with open(path, encoding='utf-8') as f:
        have = set(re.findall(r'^\w[^;=]*?\b(qmp_\w+)\(', f.read(), re.M))
    if not wanted:
        wrong.append('the schema has no mutating command')
    for name in sorted(wanted - have):
        wrong.append(f'{path}: {name} is mutating and not here')
    for name in sorted(have - wanted):
        wrong.append(f'{path}: {name} is not mutating in the schema')


def check_sources(root, wrong):
    for folder in FOLDERS:
        for name in sorted(os.listdir(os.path.join(root, folder))):
            path = os.path.join(root, folder, name)
            if not name.endswith(('.c', '.h')):
                continue
            with open(path, encoding='utf-8') as f:
                text = f.read()
            for found in SOURCES.finditer(text):
                line = text.count('\n', 0, found.start()) + 1
                wrong.append(f'{path}:{line}: {found.group(0)}')


def main(root, archives):
    wrong, count = [], 0
    for archive in archives:
        for where, symbol in undefined(archive):
            count += 1
            at_delivery = MUTATING in where and AT_DELIVERY.match(symbol)
            qtest = any(name in where for name in QTEST)
            allowed = at_delivery or qtest
            if WRITES.match(symbol) and not allowed:
                wrong.append(f'{where}: {symbol}')
    check_sources(root, wrong)
    check_mutating(root, wrong)
    if not count:
        wrong.append('no symbols were checked')
    print('\n'.join(wrong) or f'{count} references, all through the gate')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:]))
