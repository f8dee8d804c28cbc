"""Runs inside gdb (gdb -x) on tests/guests/x86/units.c: x87, SSE, AVX and
64-bit registers, read and written, forwards and backwards. Parameters come by
environment: RSP is the stub's address, SCENARIO a function's name, LABELS the
guest's labels as NAME=ADDRESS. Prints "SCENARIO OK" at the end."""
import math
import os
import traceback

import gdb

LABELS = {name: int(address, 16) for name, address in (
    word.split('=') for word in os.environ['LABELS'].split())}


def execute(command):
    return gdb.execute(command, to_string=True)


def value(expression):
    return gdb.parse_and_eval(expression)


def number(expression):
    return int(value(expression)) & (1 << 64) - 1


def has(register):
    return str(value(f'${register}')) != 'void'


def expect(got, want, what):
    if got != want:
        raise AssertionError(f'{what}: got {got}, expected {want}')


def go(label):
    execute(f'hbreak *{LABELS[label]:#x}')
    execute('continue')
    execute('delete')
    expect(number('$pc'), LABELS[label], label)


def names():
    """All registers of which this test knows."""
    found = ['pc', 'sp', 'eflags', 'cs', 'ss', 'fs_base', 'gs_base',
             'k_gs_base', 'cr0', 'cr2', 'cr3', 'cr4', 'cr8', 'efer', 'fctrl',
             'fstat', 'ftag', 'fiseg', 'fioff', 'foseg', 'fooff', 'fop']
    found += [f'st{n}' for n in range(8)]
    vectors = 16 if has('rax') else 8
    for unit in ('xmm', 'ymm'):
        found += [f'{unit}{n}' for n in range(vectors) if has(unit + '0')]
    return found + (['mxcsr'] if has('mxcsr') else [])


def state():
    execute('maintenance flush register-cache')
    return {name: execute(f'print/x ${name}').split(' = ', 1)[1]
            for name in names()}


def there_and_back(steps, look):
    """look(n) tells what is so after n instructions; and all registers are on
    the way back what they were."""
    seen = []
    for n in range(steps + 1):
        look(n)
        seen.append(state())
        if n < steps:
            execute('stepi')
    for n in range(steps - 1, -1, -1):
        execute('reverse-stepi')
        expect(state(), seen[n], f'back at step {n}')
        look(n)


def stack():
    return [float(value(f'$st{n}')) for n in range(4)]


def look_x87(n):
    st = stack()
    log2e, pi = math.log2(math.e), math.pi
    want = [[1, pi, log2e, 0], [-1, pi, log2e, 0], [pi, -1, log2e, 0],
            [2 * pi, -1, log2e, 0], [-1, log2e, 0], None][n]
    if want:
        expect([round(v, 12) for v in st[:len(want)]],
               [round(v, 12) for v in want], f'x87 after {n}')
    else:
        expect(math.isnan(st[0]), True, 'the root of -1')
    expect(number('$fstat') >> 11 & 7, 5 if n > 3 else 4, 'top')
    expect(number('$fstat') & 0x3f, 1 if n == 5 else 0, 'exceptions')
    expect(number('$ftag'), {4: 0x43ff, 5: 0x4bff}.get(n, 0x40ff), 'tags')


def x87():
    go('x87_loaded')
    expect(number('$fctrl'), 0x37f, 'fctrl')
    expect('TOP: 4' in execute('info float'), True, 'info float')
    there_and_back(5, look_x87)


def vector(register, field, count):
    return [float(value(f'${register}.{field}[{i}]')) for i in range(count)]


def look_sse(n):
    ones = [1 + 16 * i for i in range(4)]
    total = [2 * v + 1 for v in ones]
    want = [ones, total, [v * v for v in total], None, [0] * 4][n]
    if want:
        expect(vector('xmm0', 'v4_float', 4), want, f'xmm0 after {n}')
    for r in range(1, 8):
        expect(vector(f'xmm{r}', 'v4_float', 4), [v + r for v in ones],
               f'xmm{r}')
    expect(number('$mxcsr'), 0x1fa0 if n > 2 else 0x1f80, 'mxcsr')


def sse():
    go('sse_loaded')
    expect('PE' in execute('print $cr0'), True, 'cr0')
    expect('OSFXSR' in execute('print $cr4'), True, 'cr4')
    there_and_back(4, look_sse)


def look_avx(n):
    ones = [101 + 16 * i for i in range(4)]
    total = [2 * v + 1 for v in ones]
    want = [ones, total, [v * v for v in total], [0] * 4][n]
    expect(vector('ymm0', 'v4_double', 4), want, f'ymm0 after {n}')
    expect(vector('xmm0', 'v2_double', 2), want[:2], f'xmm0 after {n}')
    for r in range(1, 8):
        expect(vector(f'ymm{r}', 'v4_double', 4), [v + r for v in ones],
               f'ymm{r}')


def avx():
    go('avx_loaded')
    expect('OSXSAVE' in execute('print $cr4'), True, 'cr4')
    expect('YMM01=' in execute('monitor info registers'), True, 'monitor')
    there_and_back(3, look_avx)


def watch_wide():
    """A store of 32 bytes hits whatever part of it is watched, on both of its
    pages; going back, it is not done yet. Where avx() ends."""
    expect(number('$pc'), LABELS['avx_loaded'], 'pc')
    at, register = LABELS['ymm_stored'], 'ymm2'
    for offset, kind in ((0, 'double'), (12, 'int'), (14, 'short'),
                         (24, 'double'), (31, 'char')):
        execute(f'watch *({kind} *){at + offset:#x}')
        execute('continue')
        expect(number('$pc'), LABELS['avx_stored'], f'forwards, {offset}')
        expect(vector(register, 'v4_double', 4),
               [float(value(f'((double *){at:#x})[{i}]')) for i in range(4)],
               'what was stored')
        execute('reverse-continue')
        expect(number('$pc'), LABELS['avx_ended'], f'backwards, {offset}')
        expect(number(f'*(char *){at + 31:#x}'), 0, 'not yet')
        execute('delete')
    execute(f'watch *(char *){at + 32:#x}')
    execute(f'hbreak *{LABELS["avx_stored"]:#x}')
    expect('atchpoint' in execute('continue'), False, 'behind it')
    execute('delete')


def look_long(n):
    gs, kernel = 0x222220000, 0x333330000
    if n:
        gs, kernel = kernel, gs
    expect(number('$fs_base'), 0x111110000, 'fs_base')
    expect(number('$gs_base'), gs, 'gs_base')
    expect(number('$k_gs_base'), kernel, 'k_gs_base')
    for r in range(9, 15):
        expect(number(f'$r{r}'), 0x1111222233330000 + r, f'r{r}')
    r15 = 0x111122223333000f + (n > 1)
    expect(number('$r15'), r15, 'r15')
    expect(number('$r8'), r15 if n > 2 else 0x1111222233330008, 'r8')


def long():
    go('long_loaded')
    expect(execute('print $efer').split('= ')[1].strip(), '[ LMA LME ]',
           'efer')
    expect(number('$cs'), 0x18, 'cs')
    if has('xmm8'):
        for r in range(8, 16):
            expect(vector(f'xmm{r}', 'v4_float', 4),
                   [1 + r + 16 * i for i in range(4)], f'xmm{r}')
    there_and_back(3, look_long)


def write_all_units():
    """Sets registers of all widths; what was written, by name."""
    execute('set $st0 = 2.75')
    execute('set $st7 = -0.5')
    execute('set $ftag = 0x1234')
    execute('set $fctrl = 0x27f')
    execute('set $fop = 0x123')
    execute('set $fioff = 0x12345678')
    execute('set $cr2 = 0x1234567')
    execute('set $k_gs_base = 0x7654321')
    if has('xmm0'):
        execute('set $xmm3.v4_float[2] = 1.5')
        execute('set $xmm7.uint128 = 0x12345678')
        execute('set $mxcsr = 0x9fc0')
    if has('ymm0'):
        execute('set $ymm5.v4_double[3] = 6.25')


def check_written():
    execute('maintenance flush register-cache')
    expect(float(value('$st0')), 2.75, 'st0')
    expect(float(value('$st7')), -0.5, 'st7')
    # Empty or not is what is kept; the rest follows from the values.
    empty = [number('$ftag') >> 2 * r & 3 == 3 for r in range(8)]
    expect(empty, [0x1234 >> 2 * r & 3 == 3 for r in range(8)], 'ftag')
    expect(number('$fctrl'), 0x27f | 0x40, 'fctrl')
    expect(number('$fop'), 0x123, 'fop')
    expect(number('$fioff'), 0x12345678, 'fioff')
    expect(number('$cr2'), 0x1234567, 'cr2')
    expect(number('$k_gs_base'), 0x7654321, 'k_gs_base')
    if has('xmm0'):
        expect(float(value('$xmm3.v4_float[2]')), 1.5, 'xmm3')
        expect(int(value('$xmm7.v2_int64[1]')), 0, 'xmm7, high')
        expect(int(value('$xmm7.v2_int64[0]')), 0x12345678, 'xmm7')
        expect(number('$mxcsr'), 0x9fc0, 'mxcsr')
    if has('ymm0'):
        expect(float(value('$ymm5.v4_double[3]')), 6.25, 'ymm5')


def refused(command):
    try:
        execute(command)
    except gdb.error as e:
        expect('keeps what it has' in str(e), True, f'{command}: {e}')
        return
    raise AssertionError(f'{command} was taken')


def writes():
    """What is written in a replay is a diversion."""
    go('x87_loaded')
    true = state()
    write_all_units()
    check_written()
    expect('FPR4=b000000000000000 4000' in execute('monitor info registers'),
           True, 'the monitor, too')
    # What the processor would not take.
    wide = '(unsigned long long)' if has('rax') else '(unsigned)'
    refused(f'set $cr0 = {wide}0x80000000')
    refused('set $cr8 = 16')
    refused(f'set $cr4 = {wide}0x80000000')
    execute('set $cr8 = 7')
    expect(number('$cr8'), 7, 'cr8')
    execute('stepi')
    execute('reverse-stepi')
    expect(state(), true, 'the recording')


def recorded_writes():
    """And in a recording it is recorded."""
    go('x87_loaded')
    write_all_units()
    check_written()
    execute('stepi')
    expect(float(value('$st0')), -2.75, 'the guest works with it')


def at_reset():
    """Attached before the first instruction, and no other layout later."""
    expect(number('$pc'), 0xfff0, 'pc')
    expect(number('$cs'), 0xf000, 'cs')
    execute('stepi')
    go('x87_loaded')
    expect('PE' in execute('print $cr0'), True, 'cr0')
    if 'use_x87' in execute('info symbol $pc'):
        raise AssertionError('the label has a name of its own')
    expect(execute('info symbol $pc').split()[0], 'x87_loaded', 'symbols')


def main():
    execute('set pagination off')
    execute('set confirm off')
    execute(f"target remote {os.environ['RSP']}")
    for scenario in os.environ['SCENARIO'].split():
        globals()[scenario]()
    print('SCENARIO OK')


try:
    main()
except BaseException:  # gdb would go on and exit with 0
    traceback.print_exc()
    gdb.execute('quit 1')
gdb.execute('quit 0')
