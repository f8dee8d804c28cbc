"""A gdb remote session by hand: one packet out, one answer back."""
import socket
import subprocess
import time

import reprise


def connect(path):
    """A unix socket that a program listens on, or soon will."""
    sock = socket.socket(socket.AF_UNIX)
    end = time.monotonic() + reprise.TIMEOUT
    while True:
        try:
            sock.connect(path)
            return sock
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end:
                raise


class Rsp(reprise.Channel):
    """A debugger on a unix socket. Connecting stops the machine."""

    def __init__(self, path):
        super().__init__(connect(path), 'gdb')
        self.shown = []        # texts for the user
        self.send('+')
        self.features = self.cmd('qSupported:swbreak+;hwbreak+')

    def put(self, packet):
        self.send(f'${packet}#{sum(packet.encode()) & 255:02x}')

    def answer(self, timeout=reprise.TIMEOUT):
        """The next packet that is not text to be shown."""
        while True:
            text = self.expect(rb'\$([^#]*)#..', timeout).group(1).decode()
            self.send('+')
            if text == 'OK' or not text.startswith('O'):
                return text
            self.shown.append(bytes.fromhex(text[1:]).decode())

    def cmd(self, packet):
        self.put(packet)
        return self.answer()

    def interrupt(self):
        self.send(b'\x03')

    def stop(self):
        """Stops a running machine."""
        self.interrupt()
        return self.answer()

    def pc(self):
        """eip or rip of the i386 and x86-64 register layouts."""
        regs = bytes.fromhex(self.cmd('g'))
        if self.wide():
            return int.from_bytes(regs[128:136], 'little')
        return int.from_bytes(regs[32:36], 'little')

    def wide(self):
        """Whether registers are laid out as x86-64's."""
        return 'x86-64' in self.xfer('target.xml')

    def xfer(self, name, most=0x3c0):
        """A file of the target description, in pieces."""
        text = ''
        while True:
            piece = self.cmd('qXfer:features:read:'
                             f'{name}:{len(text):x},{most:x}')
            text += piece[1:]
            if piece[0] != 'm':
                return text


def symbols(elf):
    """name -> address"""
    text = subprocess.run(['nm', elf], capture_output=True, text=True,
                          check=True).stdout
    return {line.split()[2]: int(line.split()[0], 16)
            for line in text.splitlines()}
