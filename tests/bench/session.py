"""A replay under a debugger: the emulator's process with its QMP monitor and
its gdb stub, and what each request to them takes.

Works on anything that has QEMU's doors. Nothing is timed inside the emulator:
wall time is from request to answer on the socket, CPU time that of all threads
of the process as the kernel counts it.
"""
import ctypes
import dataclasses
import glob
import json
import os
import re
import select
import signal
import socket
import subprocess
import time


class Failed(Exception):
    """A request that was refused, or an emulator that is gone."""


PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def die_with_parent():
    """In a child, before exec: no emulator is left behind."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Late(Failed):
    """A request that was not answered in time; the emulator is still at it."""


@dataclasses.dataclass
class Took:
    """What a request took; where it ended, if somebody asked."""
    wall_s: float
    cpu_s: float
    icount: int = None
    answer: str = None


class Wire:
    """A unix socket and the bytes that came."""

    def __init__(self, path, process, deadline):
        self.sock = socket.socket(socket.AF_UNIX)
        self.data = b''
        while True:
            try:
                self.sock.connect(path)
                return
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise Failed('it does not start') from None
                time.sleep(0.005)

    def take(self, pattern, deadline):
        """The match of a pattern at the start of what comes, which is
        removed. None if it is too late; Failed if the other side is gone."""
        while True:
            match = re.match(pattern, self.data, re.S)
            if match:
                self.data = self.data[match.end():]
                return match
            left = deadline - time.monotonic()
            if not select.select([self.sock], [], [], max(left, 0))[0]:
                return None
            try:
                more = self.sock.recv(65536)
            except ConnectionResetError:
                more = b''
            if not more:
                raise Failed('the emulator ended')
            self.data += more


class Session:
    """limit_s is what one request may take."""

    def __init__(self, argv, folder, limit_s):
        self.limit_s = limit_s
        paths = {door: os.path.join(folder, door) for door in ('qmp', 'gdb')}
        self.gdb_path = paths['gdb']
        for path in paths.values():
            if os.path.exists(path):
                os.unlink(path)
        self.errors = open(os.path.join(folder, 'session.messages'), 'w+b')
        options = ('server=on', 'wait=off')
        self.process = subprocess.Popen(
            [*argv, '-S', '-qmp', ','.join(('unix:' + paths['qmp'], *options)),
             '-gdb', ','.join(('unix:' + paths['gdb'], *options))],
            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors,
            preexec_fn=die_with_parent)
        self.qmp_wire = self.gdb_wire = None
        try:
            self.qmp_wire = Wire(paths['qmp'], self.process, self._deadline())
            self._message(self._deadline())
            self.qmp('qmp_capabilities')
        except Failed as failure:
            said = self.said()
            self.close()
            raise Failed(f'{failure}: {said}') from None

    def attach(self):
        """Connects to the gdb stub (one client at a time: a real gdb cannot
        come while this one is there)."""
        if self.gdb_wire is None:
            self.gdb_wire = Wire(self.gdb_path, self.process,
                                 self._deadline())
            self.rsp('qSupported:swbreak+;hwbreak+')
            self.rsp('?')

    def detach(self):
        """Leaves the stub to another client; the replay stays where it
        is."""
        if self.gdb_wire:
            self.gdb_wire.sock.close()
            self.gdb_wire = None

    def close(self):
        """Ends the process."""
        for wire in (self.qmp_wire, self.gdb_wire):
            if wire:
                wire.sock.close()
        self.process.kill()
        self.process.wait()
        self.errors.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def said(self):
        """The last line that it printed."""
        self.errors.seek(0)
        lines = self.errors.read().decode(errors='replace').splitlines()
        return lines[-1] if lines else 'without a word'

    def _deadline(self):
        return time.monotonic() + self.limit_s

    def _late(self, what):
        return Late(f'{what} not finished in {self.limit_s} s')

    # --- the monitor ---------------------------------------------------------

    def _message(self, deadline):
        match = self.qmp_wire.take(rb'[^\n]*\n', deadline)
        return json.loads(match[0]) if match else None

    def qmp(self, name, **arguments):
        """A command's result."""
        deadline = self._deadline()
        self.qmp_wire.sock.sendall(json.dumps(
            {'execute': name, 'arguments': arguments}).encode() + b'\n')
        while True:
            answer = self._message(deadline)
            if answer is None:
                raise self._late(name)
            if 'error' in answer:
                raise Failed(answer['error']['desc'])
            if 'return' in answer:
                return answer['return']

    def icount(self):
        """Where the replay is."""
        return self.qmp('query-replay')['icount']

    def _seek(self, icount):
        """QEMU's command answers at once and travels afterwards."""
        deadline = self._deadline()
        self.qmp('replay-seek', icount=icount)
        while self.icount() != icount or self.qmp('query-status')['running']:
            if time.monotonic() > deadline:
                raise self._late('seek')
            self._message(time.monotonic() + 0.05)     # an event, perhaps

    # --- the stub ------------------------------------------------------------

    def rsp(self, packet, limit_s=None):
        """A packet's answer. Stops that nobody asked for are passed over."""
        limit_s = limit_s or self.limit_s
        while self.gdb_wire.take(rb'.+', time.monotonic()):
            pass
        data = packet.encode()
        self.gdb_wire.sock.sendall(b'$%s#%02x' % (data, sum(data) & 255))
        deadline, answer = time.monotonic() + limit_s, 'O'
        while re.match('O[0-9a-f]*$', answer): # how far it got
            match = self.gdb_wire.take(rb'[^$]*\$([^#]*)#..', deadline)
            if match is None:
                raise Late(f'{packet} not finished in {limit_s} s')
            self.gdb_wire.sock.sendall(b'+')
            answer = match[1].decode()
        return answer

    def _go(self, packet, limit_s=None):
        """For packets that are answered by a stop."""
        answer = self.rsp(packet, limit_s)
        if answer[:1] not in ('T', 'S'):
            raise Failed(f'{packet} is answered by "{answer}"')
        return answer

    def insert(self, kind, address):
        """kind: 1 breakpoint, 2 watchpoint (of 4 bytes)."""
        self._point('Z', kind, address)

    def remove(self, kind, address):
        """What insert() did."""
        self._point('z', kind, address)

    def _point(self, letter, kind, address):
        size = 1 if kind == 1 else 4
        answer = self.rsp(f'{letter}{kind},{address:x},{size}')
        if answer != 'OK':
            raise Failed(f'{letter}{kind} is answered by "{answer}"')

    # --- what is measured ----------------------------------------------------

    def seek(self, icount):
        """Took of going there."""
        return self._timed(self._seek, icount)

    def step_back(self):
        """Took of reverse-stepi."""
        return self._timed(self._go, 'bs')

    def run_back(self, limit_s=None):
        """Took of reverse-continue."""
        return self._timed(self._go, 'bc', limit_s)

    def run(self):
        """Took of continue."""
        return self._timed(self._go, 'c')

    def _timed(self, what, *args):
        cpu, start = self.cpu_s(), time.perf_counter()
        answer = what(*args)
        wall = time.perf_counter() - start
        # Whatever it does after its answer is over when this one comes.
        icount = self.icount()
        return Took(wall, self.cpu_s() - cpu, icount, answer)

    def cpu_s(self):
        """User and system time so far, of the threads that there are."""
        total = 0
        for path in glob.glob(f'/proc/{self.process.pid}/task/*/schedstat'):
            with open(path, encoding='ascii') as f:
                total += int(f.read().split()[0])
        return total / 1e9

    def peak_kib(self):
        """The most memory that it ever had."""
        with open(f'/proc/{self.process.pid}/status', encoding='ascii') as f:
            return int(re.search(r'VmHWM:\s*(\d+)', f.read())[1])
