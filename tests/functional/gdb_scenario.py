"""Runs inside gdb (gdb -x): walks a replay forwards and backwards and compares
everything it sees at each place. Parameters come by environment: RSP is the
stub's address, SCENARIO names the function to run. Prints "SCENARIO OK" at the
end; any exception is a failure."""
import os
import traceback

import gdb

REGISTERS = ('eax ebx ecx edx esi edi ebp esp pc eflags '
             'cs ss ds es fs gs cr0 cr2 cr3 cr4 fctrl fstat ftag').split()
STACK_BYTES = 64


def execute(command):
    return gdb.execute(command, to_string=True)


def icount():
    text = execute('monitor info replay')
    return int(text.rsplit('=', 1)[1])


def state():
    """What is compared at every stop: icount, registers, memory at the stack
    and at the instruction (linear addresses)."""
    frame = gdb.newest_frame()
    regs = {r: int(frame.read_register(r)) & 0xffffffff for r in REGISTERS}
    inferior = gdb.selected_inferior()
    linear = (regs['cs'] * 16 + regs['pc']) & 0xffffffff
    stack = (regs['ss'] * 16 + regs['esp']) & 0xffffff
    memory = []
    for address in (linear, stack, 0x400):
        try:
            memory.append(bytes(inferior.read_memory(address, STACK_BYTES)))
        except gdb.MemoryError:
            memory.append(None)
    return icount(), regs, memory


def expect(got, want, what):
    if got != want:
        raise AssertionError(f'{what}: got {got}, expected {want}')


def compare(want, what):
    got = state()
    expect(got[0], want[0], f'{what}: icount')
    for r in REGISTERS:
        expect(got[1][r], want[1][r], f'{what}: {r}')
    expect(got[2], want[2], f'{what}: memory')


def steps(count):
    """Single steps forwards, remembering every place; then all of them back,
    and forwards again."""
    places = [state()]
    for _ in range(count):
        execute('stepi')
        places.append(state())
    expect(places[-1][0] - places[0][0], count, 'instructions stepped')
    for n in range(count - 1, -1, -1):
        execute('reverse-stepi')
        compare(places[n], f'back at step {n}')
    for n in range(1, count + 1):
        execute('stepi')
        compare(places[n], f'forward again at step {n}')
    return places


def walk():
    """The scenario that reverse debugging is measured by."""
    start = state()
    places = steps(10)
    execute('reverse-stepi 10')
    compare(start, 'the start')
    for place in places[:10]:
        execute(f"break *{place[1]['pc']:#x}")
    last = int(os.environ['LAST_ICOUNT'])
    execute(f'monitor replay_break {last - 1}')
    # Each breakpoint but the one we stand on is met on the way.
    while icount() < last - 1:
        execute('continue')
        if icount() <= 10:
            compare(places[icount()], 'breakpoint on the way')
    expect(icount(), last - 1, 'replay_break')
    execute('reverse-continue')
    while icount() > 9:
        execute('reverse-continue')
    compare(places[9], 'reverse-continue to the tenth breakpoint')
    execute('delete')
    # gdb says "No more reverse-execution history" each time; test-gdb.py
    # counts that, since a stop's text cannot be caught in here.
    execute('reverse-continue')
    compare(start, 'the start again')
    execute('reverse-stepi')
    compare(start, 'still at the start')


def thousand():
    steps(1000)


def forms():
    """In real mode both the offset, which is gdb's $pc, and the linear
    address stop."""
    execute('stepi 5')
    here = state()
    pc, cs = here[1]['pc'], here[1]['cs']
    for address in ('$pc', f'{cs * 16 + pc:#x}'):
        execute(f'break *{address}')
        execute('reverse-stepi 3')
        execute('continue')
        compare(here, f'break *{address}')
        execute('stepi')
        execute('reverse-continue')
        compare(here, f'back to break *{address}')
        execute('delete')


def symbols():
    """Source-level commands on a guest with symbols."""
    execute('hbreak corrupt')
    execute('continue')
    expect(gdb.selected_frame().name(), 'corrupt', 'stopped in')
    execute('delete')
    calls = int(gdb.parse_and_eval('counter'))
    execute('watch culprit')
    execute('continue')
    expect(int(gdb.parse_and_eval('culprit')), 0xbad, 'after the store')
    after = icount()
    execute('reverse-continue')
    expect(int(gdb.parse_and_eval('culprit')), 0, 'before the store')
    expect(icount(), after - 1, 'one instruction before')
    expect(gdb.selected_frame().name(), 'corrupt', 'writer')
    execute('delete')
    execute('watch counter')
    execute('reverse-continue')
    expect(int(gdb.parse_and_eval('counter')), calls - 1, 'last increment')
    expect(gdb.selected_frame().name(), 'square', 'incremented in')
    execute('delete')
    execute('reverse-finish')
    expect(gdb.selected_frame().name(), 'sum_of_squares', 'reverse-finish')
    place = icount()
    execute('reverse-step')
    if icount() >= place:
        raise AssertionError('reverse-step did not go back')
    place = icount()
    execute('reverse-next')
    if icount() >= place:
        raise AssertionError('reverse-next did not go back')
    execute('next')
    execute('delete')


def conditions():
    """A condition is evaluated by the stub, in both directions."""
    execute('set breakpoint condition-evaluation target')
    execute('hbreak square if n == 9')
    execute('continue')
    expect(int(gdb.parse_and_eval('n')), 9, 'n at the first stop')
    first = icount()
    execute('continue')
    expect(int(gdb.parse_and_eval('n')), 9, 'n at the second stop')
    execute('reverse-continue')
    expect(icount(), first, 'back at the first stop')
    execute('delete')
    execute('hbreak square if counter == 50')
    execute('continue')
    expect(int(gdb.parse_and_eval('counter')), 50, 'counter')


def place():
    """Where the machine stands, and which vCPU gdb says it is."""
    return (icount(), gdb.selected_thread().num,
            int(gdb.selected_frame().pc()) & 0xffffffff)


def hits(count, command):
    """Where it stops when it goes on so often."""
    found = []
    for _ in range(count):
        execute(command)
        found.append(place())
    return found


def thread_steps(thread, count):
    """A vCPU is stepped alone, as gdb sees it; the others run as they would.
    The same places come backwards."""
    execute(f'thread {thread}')
    seen = [place()]
    for _ in range(count):
        execute('stepi')
        expect(gdb.selected_thread().num, thread, 'the thread that is stepped')
        seen.append(place())
    for before in reversed(seen[:-1]):
        execute('reverse-stepi')
        expect(place()[1:], before[1:], 'the same thread and place, back')
    return seen


def threads():
    """Breakpoints, watchpoints and steps on a guest with four vCPUs."""
    execute('set architecture i386')
    expect(len(gdb.selected_inferior().threads()), 4, 'threads')
    execute('hbreak pass_through')
    forwards = hits(4, 'continue')
    expect(sorted(h[1] for h in forwards), [1, 2, 3, 4], 'who came by')
    for h in reversed(forwards[:-1]):
        execute('reverse-continue')
        expect(place(), h, 'the same breakpoint hit, backwards')
    execute('delete')
    execute('watch queue_put')
    execute('continue')
    written = hits(30, 'continue')
    if len({h[1] for h in written}) < 2:
        raise AssertionError('only one vCPU wrote')
    values = []
    for h in reversed(written): # each stop lies before the write
        execute('reverse-continue')
        values.append(int(gdb.parse_and_eval('queue_put')))
        expect(place()[1], h[1], 'the writer, backwards')
    expect(values, sorted(values, reverse=True), 'the counter, backwards')
    execute('delete')
    for thread in (1, 2, 3, 4):
        thread_steps(thread, 40)


def main():
    execute('set pagination off')
    execute('set confirm off')
    execute('set tcp connect-timeout 30')
    execute(f"target remote {os.environ['RSP']}")
    globals()[os.environ['SCENARIO']]()
    print('SCENARIO OK')


try:
    main()
except BaseException:  # gdb would go on and exit with 0
    traceback.print_exc()
    gdb.execute('quit 1')
gdb.execute('quit 0')
