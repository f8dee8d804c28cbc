"""What the functional tests share: start the program, talk to it with
deadlines, and clean up.

The programs are looked for in the build folder, $REPRISE_BUILD (or "build"
beside the sources). Character devices are socket pairs handed to the program
with -chardev socket,fd=N, so that nothing has to wait for a path to appear.
"""
import json
import os
import re
import select
import shutil
import socket
import subprocess
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get('REPRISE_BUILD',
                       os.path.join(HERE, '..', '..', 'build'))
TIMEOUT = float(os.environ.get('REPRISE_TIMEOUT', '180'))


def program(name='reprise-system-x86_64'):
    """The path of a built program."""
    return os.path.abspath(os.path.join(BUILD, name))


def guest(name):
    """The path of a bare-metal guest image ("io")."""
    return os.path.abspath(
        os.path.join(BUILD, 'tests', 'guests', f'guest-{name}.img'))


def run(*args, arch='x86_64', timeout=TIMEOUT, stdin=''):
    """Runs the program to its end; a CompletedProcess with text."""
    return subprocess.run([program(f'reprise-system-{arch}'), *args],
                          input=stdin, capture_output=True, text=True,
                          timeout=timeout, check=False)


class Channel:
    """One end of a character device: a socket, and what came so far."""

    def __init__(self, sock, what):
        self.sock = sock
        self.what = what
        self.seen = b''        # everything that ever came
        self.rest = b''        # what no expect() has passed yet
        self.closed = False
        sock.setblocking(False)

    def poll(self, timeout):
        """Reads what is there, waiting at most so long for something."""
        if self.closed:
            return False
        if not select.select([self.sock], [], [], max(timeout, 0))[0]:
            return False
        try:
            data = self.sock.recv(65536)
        except ConnectionResetError:
            data = b''
        self.closed = not data
        self.seen += data
        self.rest += data
        return bool(data)

    def send(self, data):
        if isinstance(data, str):
            data = data.encode()
        self.sock.setblocking(True)
        self.sock.sendall(data)
        self.sock.setblocking(False)

    def expect(self, pattern, timeout=TIMEOUT):
        """Waits for a regular expression (str or bytes); the match. What came
        before and with it is passed."""
        if isinstance(pattern, str):
            pattern = pattern.encode()
        regex = re.compile(pattern, re.S)
        end = time.monotonic() + timeout
        while True:
            match = regex.search(self.rest)
            if match:
                self.rest = self.rest[match.end():]
                return match
            left = end - time.monotonic()
            if left <= 0 or (self.closed and not self.poll(0)):
                how = 'the end' if self.closed else f'{timeout} s'
                raise AssertionError(
                    f'{self.what}: {pattern!r} did not come before {how}; '
                    f'last came {self.seen[-800:]!r}')
            self.poll(min(left, 1))

    def so_far(self, length, timeout=TIMEOUT):
        """All that ever came, once that is so many bytes: what the program has
        said may still be on its way when another channel tells of the end."""
        end = time.monotonic() + timeout
        while len(self.seen) < length and time.monotonic() < end:
            if not self.poll(1) and self.closed:
                break
        return self.quiet(0)

    def quiet(self, seconds=0.3):
        """Reads until nothing has come for so long."""
        while self.poll(seconds):
            pass
        return self.seen

    def close(self):
        self.sock.close()
        self.closed = True


class QmpError(Exception):
    """The error member of a QMP answer."""

    def __init__(self, error):
        super().__init__(f"{error['class']}: {error['desc']}")
        self.cls, self.desc = error['class'], error['desc']


class Qmp(Channel):
    """A QMP session; negotiated at once."""

    def __init__(self, sock, what='qmp'):
        super().__init__(sock, what)
        self.events = []
        self.greeting = None

    def negotiate(self):
        self.greeting = self.message()
        self.cmd('qmp_capabilities')

    def message(self, timeout=TIMEOUT):
        """The next message, whatever it is."""
        line = self.expect(rb'[^\r\n]+\r?\n', timeout).group(0)
        return json.loads(line)

    def cmd(self, name, /, **args):
        """A command's return value; raises QmpError."""
        request = {'execute': name}
        if args:
            request['arguments'] = {k.replace('_', '-'): v
                                    for k, v in args.items()}
        self.send(json.dumps(request) + '\n')
        while True:
            answer = self.message()
            if 'event' in answer:
                self.events.append(answer)
            elif 'error' in answer:
                raise QmpError(answer['error'])
            else:
                return answer['return']

    def event(self, name, timeout=TIMEOUT):
        """Waits for an event (one that came earlier counts)."""
        end = time.monotonic() + timeout
        while True:
            for i, event in enumerate(self.events):
                if event['event'] == name:
                    del self.events[:i + 1]
                    return event
            answer = self.message(end - time.monotonic())
            if 'event' in answer:
                self.events.append(answer)


class Hmp(Channel):
    """A human monitor; every answer ends at the next prompt."""

    PROMPT = rb'\((?:qemu|reprise)\) '
    # What a journey tells of itself when it takes long, as on a busy host.
    PROGRESS = rb'(?:seek|search): at icount \d+, from \d+ [^\n]*\n'

    def cmd(self, line, timeout=TIMEOUT):
        """What a command printed, without the progress of journeys."""
        self.send(line + '\n')
        text = self.expect(rb'(.*?)' + self.PROMPT, timeout).group(1)
        text = re.sub(rb'\x1b\[[0-9;]*[A-Za-z]', b'', text)
        text = re.sub(self.PROGRESS, b'', text).decode()
        return '\n'.join(text.replace('\r', '').split('\n')[1:])

    def journey(self, line, timeout=TIMEOUT):
        """The same of a command that travels, without the lines that tell how
        far it got: how many there are is up to the host."""
        said = self.cmd(line, timeout)
        return re.sub(r"^(seek|search): at icount .*\n?", '', said, flags=re.M)


class Qtest(Channel):
    """The door of -accel qtest: a device's registers, and the clock."""

    def __init__(self, sock, what='qtest'):
        super().__init__(sock, what)
        self.irqs = {}         # number -> level, as told

    def ask(self, request):
        """The line that answers; IRQ lines before it are noted."""
        self.send(request + '\n')
        while True:
            line = self.expect(rb'([^\n]*)\n').group(1).decode()
            if not line.startswith('IRQ '):
                return line
            _, what, number = line.split()
            self.irqs[int(number)] = what == 'raise'

    def cmd(self, request):
        """What stands behind OK; anything else is a failure."""
        answer = self.ask(request)
        if answer.split()[0] != 'OK':
            raise AssertionError(f'{request}: {answer}')
        return answer[3:]

    def inp(self, port, size='b'):
        return int(self.cmd(f'in{size} {port:#x}'), 16)

    def out(self, port, value, size='b'):
        self.cmd(f'out{size} {port:#x} {value:#x}')

    def step(self, ns=None):
        """Moves the clock (to the next timer); the time then, ns."""
        return int(self.cmd('clock_step' if ns is None
                            else f'clock_step {ns}'))

    def read(self, addr, size):
        return bytes.fromhex(self.cmd(f'read {addr:#x} {size:#x}')[2:])

    def write(self, addr, data):
        self.cmd(f'write {addr:#x} {len(data):#x} 0x{data.hex()}')


class Reprise:
    """A running program. serial, qmp, … qtest ask for those doors."""

    def __init__(self, *args, arch='x86_64', serial=True, qmp=False,
                 hmp=False, gdb=False, qtest=False, pass_fds=(),
                 defaults=('-nodefaults',)):
        self.channels, self.theirs = [], []
        argv = [program(f'reprise-system-{arch}'), *defaults, *args]
        self.serial = self.add(argv, serial, Channel, 'serial', '-serial')
        self.qmp = self.add(argv, qmp, Qmp, 'qmp', '-mon')
        self.hmp = self.add(argv, hmp, Hmp, 'hmp', '-mon')
        self.gdb = self.add(argv, gdb, Channel, 'gdb', '-gdb')
        self.qtest = self.add(argv, qtest, Qtest, 'qtest', '-qtest')
        self.errors = tempfile.TemporaryFile()
        self.argv = argv
        self.process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=self.errors,
            stderr=self.errors,
            pass_fds=[*pass_fds, *(sock.fileno() for sock in self.theirs)])
        for sock in self.theirs:
            sock.close()
        try:
            self.greet()
        except AssertionError as failure:
            text = self.output()
            self.close()
            raise AssertionError(f'{failure}; it printed {text!r}') from None

    def greet(self):
        if self.qmp:
            self.qmp.negotiate()
        if self.hmp:
            self.hmp.expect(Hmp.PROMPT)

    def add(self, argv, wanted, kind, name, option):
        if not wanted:
            return None
        ours, theirs = socket.socketpair()
        fd = theirs.fileno()
        argv += ['-chardev', f'socket,id={name}-fd,fd={fd}']
        mode = ',mode=control' if kind is Qmp else ''
        argv += [option, f'{name}-fd{mode}' if option == '-mon'
                 else f'chardev:{name}-fd']
        self.theirs.append(theirs)
        channel = kind(ours, name)
        self.channels.append(channel)
        return channel

    def output(self):
        """What it printed on stdout and stderr so far."""
        self.errors.seek(0)
        return self.errors.read().decode(errors='replace')

    def wait(self, timeout=TIMEOUT):
        """Waits for the program to end by itself; its exit status."""
        end = time.monotonic() + timeout
        return self.wait_until(lambda: time.monotonic() > end,
                               f'after {timeout} s')

    def wait_busy(self, cpu_seconds):
        """The same for one that always computes: it may take so much of the
        processor's time, on a busy host for as long as that takes."""
        return self.wait_until(lambda: self.cpu_seconds() > cpu_seconds,
                               f'after {cpu_seconds} s of CPU time')

    def cpu_seconds(self):
        """What the program has had of the processor's time so far."""
        with open(f'/proc/{self.process.pid}/stat', encoding='ascii') as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def wait_until(self, is_late, when):
        while self.process.poll() is None:
            if is_late():
                raise AssertionError(
                    f'still running {when}: {self.output()}')
            for channel in self.channels:
                channel.poll(0)
            time.sleep(0.01)
        for channel in self.channels:
            channel.quiet(0)
        return self.process.returncode

    def terminate(self):
        """SIGTERM, which ends it properly; its exit status."""
        self.process.terminate()
        return self.wait()

    def close(self):
        """Ends it whatever happens; for clean-up."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for channel in self.channels:
            channel.close()
        self.errors.close()


class TestCase(unittest.TestCase):
    """A test with a folder of its own and programs that do not outlive it."""

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='reprise-')
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def path(self, name):
        return os.path.join(self.dir, name)

    def start(self, *args, **kwargs):
        vm = Reprise(*args, **kwargs)
        self.addCleanup(vm.close)
        return vm

    def raw_image(self, name='disk.img', size=1 << 20):
        path = self.path(name)
        with open(path, 'wb') as f:
            f.truncate(size)
        return path


def main():
    unittest.main(verbosity=2)
