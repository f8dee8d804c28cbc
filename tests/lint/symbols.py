#!/usr/bin/env python3
"""Fails if what the linker sees is not what the map of floors says.

usage: symbols.py SOURCE-ROOT BUILD-ROOT ARCHIVE...

Looks at every object of the static libraries:
 - it may use symbols of its own folder and of lower floors; folders of floor
   4 also those of their neighbours, which include/svc offers;
 - objects of the guest side may use those functions of the host that are
   listed here: none of them tells time, gives randomness, does input or
   starts a thread (docs/devel/boundary.md);
 - it may have no variables: what can change belongs to the machine.
And sources of the guest side may have no inline assembly that does such
things."""
import os
import re
import subprocess
import sys

FLOOR = {'util': 0, 'qapi': 1, 'softmmu': 2, 'hw': 3, 'target': 3, 'accel': 3,
         'block': 3, 'host': 3, 'migration': 4, 'replay': 4, 'gdbstub': 4,
         'monitor': 4, 'cli': 5}
GUEST_SIDE = ('hw', 'target', 'accel', 'softmmu')
ALLOWED_HOST = re.compile(r'''^(
    mem(chr|cmp|cpy|move|set)|str(chr|chrnul|cmp|cspn|len|ncmp|rchr|spn|str)|bcmp|
    __sigsetjmp|siglongjmp|__errno_location|abort|
    mmap(64)?|mprotect|mremap|munmap|madvise| # of memory that nobody shares
    fdt_\w+|                                 # device trees, in memory
    memfd_create|ftruncate(64)?|close|        # the code buffer's two mappings
    __cpu_(model|features2|indicator_init)|   # what native code may use
    cs_(open|close|option|disasm(_iter)?|malloc|free)|  # capstone: text only
    XXH\w+|
    g_(array|byte_array|bytes|ptr_array|hash_table|list|slist|queue|tree|
       string|str|strv)_\w+|
    g_(free|malloc0?(_n)?|realloc(_n)?|try_malloc0?(_n)?|memdup2|
       strdup(_v?printf)?|strndup|strsplit(_set)?|strjoinv?|strfreev|
       strdelimit|strescape|strerror|strlcpy|strcmp0|strstrip|strchug|
       snprintf|int64_equal|int64_hash|log|assertion_message(_expr)?|
       ascii_\w+|path_get_basename)|
    __(u?div|u?mod|u?divmod|mul|popcount|clz|ctz)\w*[sdt]i[234]| # libgcc
    __stack_chk_fail|_GLOBAL_OFFSET_TABLE_|
    __(asan|ubsan|msan|tsan|sanitizer)_\w+|__gcov_\w+
    )$''', re.X)
# Where the process, not a machine, has something once, and why.
ALLOWED_VARIABLES = {
    ('util', 'log_items'): 'what -d asked for, looked at in hot paths',
    ('util', 'log_file'): 'where -D says it goes',
    ('util', 'program_name'): 'for messages',
    ('util', 'timestamps'): '-msg: whether they tell the time',
    ('util', 'crc_table'): 'a table computed once',
    ('util', 'fn'): 'which CRC the host can do',
    ('target', 'opmap_hits'): 'which rows the tests have reached',
    ('host', 'stdio_in_use'): 'a process has one stdin',
    ('host', 'terminal_is_raw'): 'and one terminal',
    ('host', 'terminal_before'): 'and one terminal',
    ('host', 'terminal_raw'): 'and one terminal',
    ('host', 'ready_fd'): '-daemonize: the pipe to who started it',
    ('host', 'pidfile_fd'): 'its lock',
    ('host', 'poll_deadline_ns'): 'GLib hands its poll function no argument',
    ('block', 'lost'): 'the address is a mark; nobody writes to it',
    ('block', 'zeroes'): 'the address is a mark; nobody writes to it',
}
# A guest instruction's name is not a use of it: rows, handlers and comments
# of the target may say "rdtsc". What counts is inline assembly and builtins.
ASM = re.compile(r'(__asm__|\basm\b|__builtin_ia32_rd\w+|_rdrand\w+|__rdtsc)')
VARIABLE = re.compile(r'\s\.(data|bss|tdata|tbss)(\.(?!rel\.ro)[\w.]*)?\s')
CONST_LIKE = re.compile(r'\.data\.rel')  # pointers in tables declared const


class Lib:
    def __init__(self, build, path):
        self.path = path
        rel = os.path.relpath(path, build)
        self.folder = rel.split(os.sep)[0]
        self.defined, self.used = set(), set()
        out = run('nm', '-A', '-P', path)
        for line in out.splitlines():
            where, symbol, kind = line.split()[:3]
            obj = where[where.index('[') + 1:where.index(']')]
            if kind in 'Uw':
                self.used.add((obj, symbol.split('@')[0]))
            elif kind.isupper():
                self.defined.add(symbol)


def run(*args):
    return subprocess.run(args, check=True, capture_output=True,
                          text=True).stdout


def may_call(folder, other):
    if folder == other or FLOOR[other] < FLOOR[folder]:
        return True
    return FLOOR[other] == FLOOR[folder] == 4


def check_calls(libs):
    """Yields calls to the side and upwards, and calls to the world."""
    owner = {s: lib.folder for lib in libs for s in lib.defined}
    for lib in libs:
        for obj, symbol in sorted(lib.used):
            other = owner.get(symbol)
            if other and not may_call(lib.folder, other):
                yield f'{lib.folder}: {obj} uses {symbol}() of {other}'
            pure = 'softfloat' in obj or 'vector' in obj
            blind = lib.folder in GUEST_SIDE or pure
            if not other and blind and not ALLOWED_HOST.match(symbol):
                yield (f'{lib.folder}: {obj} uses {symbol}(), which is not '
                       'known to be blind to the world')


def check_variables(libs):
    """Yields variables; a sanitizer has too many of its own to look."""
    if any(s.startswith('__asan_') for lib in libs for _, s in lib.used):
        return
    for lib in libs:
        for line in run('objdump', '-t', lib.path).splitlines():
            if not VARIABLE.search(line) or CONST_LIKE.search(line):
                continue
            words = line.split()
            # A function's own: gcc says NAME.NUMBER, clang FUNCTION.NAME.
            names = words[-1].split('.')
            if ' d ' in line[:30] or not names[0] or not int(words[-2], 16):
                continue
            if not any((lib.folder, n) in ALLOWED_VARIABLES for n in names):
                yield (f'{lib.folder}: a variable outside any object: '
                       f'{words[-1]}')


def asm_in_sources(root):
    for folder in GUEST_SIDE:
        for top, _, files in os.walk(os.path.join(root, folder)):
            for name in files:
                if not name.endswith(('.c', '.h')):
                    continue
                path = os.path.join(top, name)
                with open(path, encoding='utf-8') as f:
                    for n, line in enumerate(f, 1):
                        if ASM.search(line):
                            yield f'{path}:{n}: {line.strip()}'


def main(root, build, archives):
    libs = [Lib(build, a) for a in archives]
    wrong = list(check_calls(libs)) + list(check_variables(libs))
    wrong += asm_in_sources(root)
    count = sum(len(lib.used) for lib in libs)
    if not count or {lib.folder for lib in libs} != set(FLOOR):
        wrong.append('not every folder was looked at')
    print('\n'.join(wrong) or f'{count} references keep to their floors')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
