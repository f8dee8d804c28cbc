"""Runs inside gdb (gdb -x) on a replay of tests/guests/x86/calls.c, with the
commands that SCRIPT, share/reprise/gdb.py, adds. Prints "SCENARIO OK" at the
end."""
import os
import re
import traceback

import gdb


def execute(command):
    return gdb.execute(command, to_string=True)


def expect(got, want, what):
    if got != want:
        raise AssertionError(f'{what}: got {got!r}, expected {want!r}')


def refused(command, why):
    try:
        text = execute(command)
    except gdb.error as e:
        if not re.search(why, str(e)):
            raise AssertionError(f'{command}: {e}') from None
        return
    raise AssertionError(f'{command} was taken: {text}')


def icount():
    return int(re.search(r'icount (\d+) ', execute('reprise when')).group(1))


def number(expression):
    return int(gdb.parse_and_eval(expression))


def run_to(function):
    execute(f'hbreak {function}')
    execute('continue')
    execute('delete')
    expect(gdb.selected_frame().name(), function, 'stopped in')


def positions():
    """when, seek in every form, bookmarks."""
    run_to('corrupt')
    here = icount()
    expect(number('$_icount()'), here, '$_icount()')
    expect(number('$reprise_icount'), here, '$reprise_icount')
    pc = number('$pc')
    shown = execute('reprise seek -5')
    expect(icount(), here - 5, 'seek -5')
    expect('#0' in shown, True, 'the frame is shown')
    if number('$pc') == pc:
        raise AssertionError('gdb shows old registers')
    execute('reprise seek +5')
    expect((icount(), number('$pc')), (here, pc), 'seek +5')
    execute('reprise bookmark bad_call')
    execute('reprise seek 1000')
    expect(icount(), 1000, 'seek 1000')
    execute('reprise seek $reprise_icount - 10')
    expect(icount(), 990, 'an expression')
    execute('reprise seek bad_call')
    expect((icount(), number('$pc')), (here, pc), 'seek to a bookmark')
    expect(f'bad_call         icount = {here}' in execute('reprise bookmark'),
           True, 'the list')
    for line in ('reprise seek bad', 'reprise bookmark -d b'):
        expect(execute(f'complete {line}').split('\n')[0].split()[-1],
               'bad_call', f'complete {line}')
    execute('reprise bookmark -d bad_call')
    expect('bad_call' in execute('reprise bookmark'), False, 'forgotten')
    refused('reprise seek bad_call', 'no position')
    refused('reprise seek', 'to which')
    refused('reprise seek -99999999999', 'before the beginning')
    refused('reprise seek 99999999999', 'icount|end')
    refused('reprise bookmark -d bad_call', 'bookmark')
    refused('reprise bookmark a b', 'NAME')
    expect((icount(), number('$pc')), (here, pc), 'nobody moved')


def monitor():
    """A monitor's own journey: gdb does not show the old place."""
    run_to('corrupt')
    here, pc = icount(), number('$pc')
    value = number('counter')
    execute('watch culprit')
    execute('continue')
    expect(number('culprit'), 0xbad, 'written')
    execute('monitor replay_seek 5000000')
    if number('$pc') == pc or number('counter') == value:
        raise AssertionError('gdb shows old registers or memory')
    # The value that the watchpoint saw is of another time: the store of
    # the same is news.
    execute('continue')
    expect(number('culprit'), 0xbad, 'met again')
    expect(gdb.selected_frame().name(), 'corrupt', 'in')
    expect(icount() > here, True, 'behind it')


def questions():
    run_to('guest_exit')
    end = icount()
    text = execute('reprise last-write culprit')
    m = re.search(r'icount (\d+): CPU#0 pc 0x[0-9a-f]+: 0x00000000 -> '
                  r'0x00000bad <corrupt\+\d+> at .*calls\.c:\d+', text)
    expect(bool(m), True, text)
    store = int(m.group(1))
    expect(number('$reprise_icount'), store, '$reprise_icount')
    expect(icount(), end, 'a question moves nothing')
    execute('reprise last-write -go culprit')
    expect((icount(), gdb.selected_frame().name()), (store, 'corrupt'), 'go')
    expect(number('culprit'), 0, 'before it')
    execute(f'reprise seek {end}')
    text = execute('reprise history -3 counter')
    expect(len(re.findall(r'<square\+\d+> at .*calls\.c', text)), 3, text)
    expect('-> 0x00000078' in text.split('\n')[0], True, 'the latest first')
    address = number('(unsigned long)&culprit')
    text = execute(f'reprise last-write -phys {address}')
    expect(f'icount {store}:' in text, True, text)
    text = execute('reprise last-exec corrupt')
    entry = int(re.search(r'icount (\d+): .*<corrupt\+\d+>', text).group(1))
    expect(store - 40 < entry <= store, True, 'entered before')
    execute('reprise last-exec -go *corrupt')
    expect(gdb.selected_frame().name(), 'corrupt', 'last-exec -go')
    refused('reprise last-exec nobody', 'not defined')
    refused('reprise last-write nobody', 'No symbol')
    refused('reprise last-write', 'expected')
    for line, last in (('reprise last-write culp', 'culprit'),
                       ('reprise last-exec sum_of', 'sum_of_squares')):
        expect(execute(f'complete {line}').split()[-1], last, line)


def others():
    """events, threads, help."""
    run_to('guest_main')
    text = execute('reprise events 0 100')
    expect(bool(re.search(r'(?m)^0 rtc-base rtc 8 bytes', text)), True, text)
    expect(execute('reprise events 5 6'),
           'nothing came in from icount 5 to 6\n', 'no events')
    execute('reprise events')
    refused('reprise events 1 2 3', 'at most two')
    expect('CPU#0' in execute('reprise threads'), True, 'threads')
    for name in ('seek', 'when', 'last-write', 'last-exec', 'history',
                 'bookmark', 'events', 'threads'):
        expect(f'reprise {name} --' in execute('help reprise'), True, name)
        expect(len(execute(f'help reprise {name}')) > 40, True, name)
    expect('when' in execute('complete reprise w'), True, 'completion')


def unattached():
    """No emulator: said so, nothing else."""
    for command in ('when', 'seek 5', 'bookmark', 'last-write 5',
                    'history 5', 'last-exec *5', 'events'):
        refused(f'reprise {command}', 'no emulator is attached')


def unrecorded():
    """An emulator that records nothing."""
    refused('reprise when', 'not active')
    refused('reprise seek +5', 'not active')
    execute('monitor info registers')
    execute('stepi')


def main():
    execute('set pagination off')
    execute('set confirm off')
    execute(f"source {os.environ['SCRIPT']}")
    if os.environ.get('RSP'):
        execute(f"target remote {os.environ['RSP']}")
    globals()[os.environ['SCENARIO']]()
    print('SCENARIO OK')


try:
    main()
except BaseException:  # gdb would go on and exit with 0
    traceback.print_exc()
    gdb.execute('quit 1')
gdb.execute('quit 0')
