"""Commands for gdb attached to Reprise: positions, questions, bookmarks.

    (gdb) source /usr/share/reprise/gdb.py
    (gdb) target remote :1234
    (gdb) help reprise

What they do is what the emulator's monitor can (`monitor help`). They take what
gdb knows: expressions, functions, lines; and they see to it that gdb forgets what
it remembers of another place, which it cannot know by itself. So does `monitor`
once this file is read.
"""
import os
import re
import shutil
import subprocess

import gdb

WATCHPOINTS = (gdb.BP_WATCHPOINT, gdb.BP_HARDWARE_WATCHPOINT,
               gdb.BP_READ_WATCHPOINT, gdb.BP_ACCESS_WATCHPOINT)
# Instructions before and after the present one of which `events` tells.
EVENTS_AROUND = 1000000


# --- talking to the emulator -------------------------------------------------

class Session:
    """What gdb and the emulator think of each other."""

    def __init__(self):
        self.asking = False
        self.before = None     # position before the user's monitor command

    def monitor(self, line):
        """What the monitor prints; a GdbError without an emulator."""
        self.asking = True
        try:
            return gdb.execute('monitor ' + line, to_string=True)
        except gdb.error as e:
            raise gdb.GdbError(f'no emulator is attached: {e}') from None
        finally:
            self.asking = False

    def position(self):
        """icount, file and mode; GdbError if nothing is recorded."""
        text = self.monitor('info replay')
        m = re.search(r"(\w+) execution '(.*)': instruction count = (\d+)",
                      text)
        if not m:
            raise gdb.GdbError(text.strip() or 'this is no Reprise')
        return int(m.group(3)), m.group(2), m.group(1).lower()

    def icount(self):
        """The position, or None if nothing is recorded."""
        try:
            return self.position()[0]
        except gdb.GdbError:
            return None

    def forget(self):
        """Drops gdb's copies of registers and memory. Watchpoints remember
        the value that they saw last, and would not tell of one that is the
        same at another time: they look again."""
        for command in ('maintenance flush register-cache',
                        'maintenance flush dcache'):
            try:
                gdb.execute(command, to_string=True)
            except gdb.error:
                pass           # an older gdb has no such cache
        for point in gdb.breakpoints() or ():
            if point.type in WATCHPOINTS and point.enabled:
                point.enabled = False
                point.enabled = True

    def before_monitor(self):
        """For the hook before the user's own monitor commands."""
        if not self.asking and gdb.selected_thread():
            self.before = self.icount()

    def after_monitor(self):
        """And behind them: they may have gone anywhere."""
        if not self.asking and gdb.selected_thread():
            now = self.icount()
            if now is None or now != self.before:
                self.forget()


session = Session()


def words(argument):
    return gdb.string_to_argv(argument or '')


def number(text):
    """A position: an expression of gdb's."""
    try:
        return int(gdb.parse_and_eval(text))
    except (gdb.error, ValueError, TypeError):
        raise gdb.GdbError(f"'{text}' is no position") from None


def where(pc):
    """An address as a person would say it: function, file and line."""
    symbol = gdb.execute(f'info symbol {pc:#x}', to_string=True).strip()
    found = re.match(r'(\S+)(?: \+ (\d+))? in section', symbol)
    text = f' <{found.group(1)}+{found.group(2) or 0}>' if found else ''
    line = gdb.find_pc_line(pc)
    if line.symtab:
        text += f' at {line.symtab.filename}:{line.line}'
    return text


def bookmarks():
    """name -> icount"""
    text = session.monitor('info replay_bookmarks')
    return {m.group(1): int(m.group(2))
            for m in re.finditer(r'(?m)^(\S+)\s+icount = (\d+)', text)}


def remember(icount):
    """For the next command: reprise seek $reprise_icount"""
    gdb.set_convenience_variable('reprise_icount', icount)


def seek(target):
    """Goes there, and shows where that is."""
    answer = session.monitor(f'replay_seek {target}').strip()
    session.forget()
    if answer:
        raise gdb.GdbError(answer)
    gdb.execute('frame')


class Command(gdb.Command):
    """A subcommand of `reprise`, with the class's text as its help."""

    NAME = None
    COMPLETE = gdb.COMPLETE_NONE

    def __init__(self):
        if hasattr(self, 'complete'):
            super().__init__('reprise ' + self.NAME, gdb.COMMAND_RUNNING)
        else:
            super().__init__('reprise ' + self.NAME, gdb.COMMAND_RUNNING,
                             self.COMPLETE)

    def invoke(self, argument, from_tty):
        self.dont_repeat()
        self.run(argument.strip())


# --- positions -----------------------------------------------------------------

class Seek(Command):
    """Go to another position of the recording.
Usage: reprise seek ICOUNT | +COUNT | -COUNT | BOOKMARK

ICOUNT is an expression: the number of instructions retired since power-on, as
`reprise when` tells it. With a sign it counts from here."""
    NAME = 'seek'

    def run(self, argument):
        if not argument:
            raise gdb.GdbError('reprise seek: to which position?')
        if argument in bookmarks():
            seek(argument)
        elif argument[0] in '+-':
            target = session.position()[0] + number(argument)
            if target < 0:
                raise gdb.GdbError('that is before the beginning')
            seek(target)
        else:
            seek(number(argument))

    def complete(self, text, word):
        try:
            return [name for name in sorted(bookmarks())
                    if name.startswith(word)]
        except gdb.GdbError:
            return []


class When(Command):
    """Tell the present position: an icount, which `reprise seek` takes.
It is in $reprise_icount then, and $_icount() in expressions."""
    NAME = 'when'

    def run(self, argument):
        icount, name, mode = session.position()
        remember(icount)
        print(f'icount {icount} ({mode} {name})')


class Icount(gdb.Function):
    """$_icount(): instructions retired since power-on."""

    def __init__(self):
        super().__init__('_icount')

    def invoke(self):
        return session.position()[0]


class Bookmark(Command):
    """Give the present position a name, or list or forget such names.
Usage: reprise bookmark            lists them
       reprise bookmark NAME       `reprise seek NAME` leads here
       reprise bookmark -d NAME    forgets it"""
    NAME = 'bookmark'

    def run(self, argument):
        args = words(argument)
        if not args:
            answer = session.monitor('info replay_bookmarks')
            print(answer.rstrip())
            return
        if args[0] == '-d' and len(args) == 2:
            answer = session.monitor('replay_delete_bookmark ' + args[1])
        elif len(args) == 1 and args[0] != '-d':
            answer = session.monitor('replay_bookmark ' + args[0])
        else:
            raise gdb.GdbError('reprise bookmark: [-d] NAME expected')
        if answer.strip():
            raise gdb.GdbError(answer.strip())

    def complete(self, text, word):
        try:
            return [name for name in sorted(bookmarks())
                    if name.startswith(word)]
        except gdb.GdbError:
            return []


# --- questions -------------------------------------------------------------------

def options(argument, known):
    """Leading -OPTIONs, and the rest as it is."""
    found = set()
    while True:
        m = re.match(r'(-[a-z]+)(?:\s+|$)', argument)
        if not m or m.group(1) not in known:
            return found, argument
        found.add(m.group(1))
        argument = argument[m.end():]


def place(expression, physical):
    """Address and size of what an expression names; of a number, a byte."""
    if not expression:
        raise gdb.GdbError('an expression is expected: what was written?')
    try:
        value = gdb.parse_and_eval(expression)
        if value.address is not None and not physical:
            return int(value.address), value.type.sizeof
        return int(value) & (1 << 64) - 1, 1
    except (gdb.error, TypeError, ValueError) as e:
        raise gdb.GdbError(str(e)) from None


def tell(answer):
    """Prints the monitor's answer with names of code; the icounts in it."""
    found = []
    for line in answer.splitlines():
        m = re.match(r'icount (\d+): (?:CPU#\d+ pc (0x[0-9a-f]+)|.*)', line)
        if m:
            found.append(int(m.group(1)))
            line += where(int(m.group(2), 16)) if m.group(2) else ''
        print(line)
    return found


def answer_and_go(answer, go):
    found = tell(answer)
    if found:
        remember(found[0])
        if go:
            seek(found[0])


def question(command, expression, physical, more=''):
    address, size = place(expression, physical)
    phys = ',phys' if physical else ''
    return session.monitor(f'{command} {address:#x},{size}{phys}{more}')


class LastWrite(Command):
    """Find the last store to a variable before now: who wrote it, and what.
Usage: reprise last-write [-go] [-phys] EXPRESSION

EXPRESSION names a place (`x`, `p->next`, `*(int *)0x7000`) or is an address.
The icount found is in $reprise_icount; with -go the machine goes there, and
stands before the store. With -phys EXPRESSION is a physical address, and stores
by all address spaces and devices count."""
    NAME = 'last-write'
    COMPLETE = gdb.COMPLETE_EXPRESSION

    def run(self, argument):
        flags, rest = options(argument, ('-go', '-phys'))
        answer = question('replay_last_write', rest, '-phys' in flags)
        answer_and_go(answer, '-go' in flags)


class History(Command):
    """List the last stores to a variable before now, the latest first.
Usage: reprise history [-N] [-phys] EXPRESSION

N, 10 by default, says how many. EXPRESSION as in `reprise last-write`."""
    NAME = 'history'
    COMPLETE = gdb.COMPLETE_EXPRESSION

    def run(self, argument):
        count = 10
        m = re.match(r'-(\d+)\s+', argument)
        if m:
            count, argument = int(m.group(1)), argument[m.end():]
        flags, rest = options(argument, ('-phys',))
        answer = question('replay_history', rest, '-phys' in flags,
                          f' {count}')
        answer_and_go(answer, False)


class LastExec(Command):
    """Find when a place in the code was executed last before now.
Usage: reprise last-exec [-go] LOCATION

LOCATION is a function, FILE:LINE or *ADDRESS. The icount found is in
$reprise_icount; with -go the machine goes there."""
    NAME = 'last-exec'
    COMPLETE = gdb.COMPLETE_LOCATION

    def run(self, argument):
        flags, rest = options(argument, ('-go',))
        if not rest:
            raise gdb.GdbError('reprise last-exec: which place?')
        try:
            lines = gdb.decode_line(rest)[1]
        except gdb.error as e:
            raise gdb.GdbError(str(e)) from None
        if not lines:
            raise gdb.GdbError(f"there is no code at '{rest}'")
        answer = session.monitor(f'replay_last_exec {lines[0].pc:#x}')
        answer_and_go(answer, '-go' in flags)


# --- what else there is --------------------------------------------------------------

def tool():
    """The program that prints recordings."""
    here = os.path.dirname(os.path.abspath(__file__))
    for path in (os.environ.get('REPRISE_REPLAY'),
                 os.path.join(here, '..', '..', 'bin', 'reprise-replay'),
                 shutil.which('reprise-replay')):
        if path and os.access(path, os.X_OK):
            return path
    raise gdb.GdbError('the program reprise-replay was not found: set '
                       'REPRISE_REPLAY to its path')


def event_lines(dump):
    """The events of a dump, with the names of their ports."""
    ports = dict(re.findall(r'(?m)^port (\d+)=(.*)$', dump))
    return [f"{m.group(1)} {ports.get(m.group(3), '?')} {m.group(4)}"
            for m in re.finditer(r'(?m)^  (\d+) (pull|post|rare) port (\d+) '
                                 r'(.*)$', dump)]


class Events(Command):
    """List what reached the machine from outside: inputs in the recording.
Usage: reprise events [FROM [TO]]

FROM and TO are positions; by default those around the present one. The
recording is read as a file, so gdb must run where the emulator does."""
    NAME = 'events'

    def run(self, argument):
        now, name, _ = session.position()
        args = words(argument)
        if len(args) > 2:
            raise gdb.GdbError('reprise events: at most two positions')
        first = number(args[0]) if args else max(now - EVENTS_AROUND, 0)
        last = number(args[1]) if len(args) > 1 else now + EVENTS_AROUND
        done = subprocess.run(
            [tool(), 'dump', '--from', str(first), '--to', str(last), name],
            stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False)
        if done.returncode:
            raise gdb.GdbError(done.stderr.strip())
        lines = event_lines(done.stdout)
        print('\n'.join(lines) if lines else
              f'nothing came in from icount {first} to {last}')


class Threads(Command):
    """List the processors: what each does, and where."""
    NAME = 'threads'

    def run(self, argument):
        session.forget()
        gdb.execute('info threads')


class Reprise(gdb.Command):
    """Go to and ask about other times of a recorded machine."""

    def __init__(self):
        super().__init__('reprise', gdb.COMMAND_RUNNING, gdb.COMPLETE_NONE,
                         True)

    def invoke(self, argument, from_tty):
        gdb.execute('help reprise')


def install():
    Reprise()
    for command in (Seek, When, Bookmark, LastWrite, History, LastExec,
                    Events, Threads):
        command()
    Icount()
    gdb.reprise_session = session
    for hook, method in (('hook', 'before'), ('hookpost', 'after')):
        gdb.execute(f'define {hook}-monitor\n'
                    f'python gdb.reprise_session.{method}_monitor()\n'
                    'end')


install()
