"""One run of one guest on one emulator: started, timed, and its output,
memory and log looked at."""
import dataclasses
import os
import re
import struct
import subprocess

MODES = ('plain', 'icount', 'record', 'replay')
# Both get exactly this. sleep=off: an idle machine does not wait.
BOARD = ('-M', 'pc', '-nodefaults', '-display', 'none', '-vga', 'none',
         '-net', 'none', '-device', 'isa-debug-exit')
MACHINE = (*BOARD, '-m', '64')
ICOUNT = 'shift=7,sleep=off'
EXIT_STATUS = 1            # isa-debug-exit: 0 << 1 | 1
SAID = re.compile(rb'bench: ([\w-]+) ([0-9a-f]{8})\r?\n')


@dataclasses.dataclass
class Run:
    """What came of a run; error is None if it did what it should."""
    error: str = None
    wall_s: float = None
    cpu_s: float = None
    peak_kib: int = None
    checksum: str = None
    log_bytes: int = None


class Emulator:
    """A program with QEMU's command line, and a folder for its files.
    measure is the program of measure.c."""

    def __init__(self, name, path, folder, measure, accel=''):
        self.name = name
        self.path = path
        self.measure = measure
        self.accel = 'tcg' + (f',{accel}' if accel else '')
        self.log = os.path.join(folder, name + '.rr')
        self.serial = os.path.join(folder, name + '.serial')
        self.messages = os.path.join(folder, name + '.messages')

    def version(self):
        """The first line that -version prints."""
        said = subprocess.run([self.path, '-version'], capture_output=True,
                              text=True, check=False)
        if said.returncode or not said.stdout:
            raise ValueError(f'{self.path} -version fails: {said.stderr}')
        return said.stdout.splitlines()[0]

    def command(self, image, mode):
        """The command line for a guest in a mode."""
        argv = [self.path, *MACHINE, '-accel', self.accel,
                '-serial', f'file:{self.serial}', '-kernel', image]
        if mode == 'icount':
            argv += ['-icount', ICOUNT]
        elif mode != 'plain':
            argv += ['-icount', f'{ICOUNT},rr={mode},rrfile={self.log}']
        return argv

    def run(self, guest, image, mode, timeout_s):
        """Runs a guest to its end; a Run."""
        if mode == 'record' and os.path.exists(self.log):
            os.unlink(self.log)
        run, status = self._process(self.command(image, mode), timeout_s)
        with open(self.messages, 'rb') as f:
            messages = f.read().decode(errors='replace').strip()
        said = self._said()
        if run.error is None and status != EXIT_STATUS:
            run.error = f'exit status {status}'
        elif run.error is None and said is None:
            run.error = 'nothing on the serial port'
        elif run.error is None and said[0] != guest:
            run.error = f'it ran {said[0]}'
        if run.error and messages:
            run.error += f' ({messages.splitlines()[-1]})'
        run.checksum = said[1] if said else None
        if mode == 'record' and os.path.exists(self.log):
            run.log_bytes = os.path.getsize(self.log)
        return run

    def _process(self, argv, timeout_s):
        """Runs to the end; a Run with times, and the exit status."""
        if os.path.exists(self.serial):
            os.unlink(self.serial)
        with open(self.messages, 'wb') as out:
            done = subprocess.run([self.measure, str(timeout_s), *argv],
                                  stdin=subprocess.DEVNULL, stderr=out,
                                  stdout=subprocess.PIPE, check=True)
        status, wall_ns, cpu_us, peak_kib = map(int, done.stdout.split())
        run = Run(wall_s=wall_ns / 1e9, cpu_s=cpu_us / 1e6,
                  peak_kib=peak_kib)
        if status == -1:
            run.error = f'still running after {timeout_s} s'
            return run, None
        return run, os.waitstatus_to_exitcode(status)

    def _said(self):
        """The guest's name and checksum, or None."""
        try:
            with open(self.serial, 'rb') as f:
                match = SAID.search(f.read())
        except FileNotFoundError:
            return None
        return (match[1].decode(), match[2].decode()) if match else None


def log_icount(path):
    """The last icount of a recording of Reprise's
    (docs/devel/log-format.md): that of its end chunk."""
    with open(path, 'rb') as f:
        header = f.read(32)
        if header[:8] != b'RPRSELOG':
            raise ValueError(f'{path} is no log of Reprise')
        at = 32 + struct.unpack_from('<I', header, 12)[0]
        kind = last = None
        while True:
            f.seek(at)
            chunk = f.read(64)
            if len(chunk) < 64:
                break
            kind, stored = struct.unpack_from('<II', chunk, 4)
            last = struct.unpack_from('<Q', chunk, 32)[0]
            at += 64 + stored
    if kind != 4:
        raise ValueError(f'{path} has no end')
    return last
