#!/usr/bin/env python3
"""Records and replays a small guest under valgrind's memcheck: no decision, no
digest and no byte of the log may come from memory that nobody wrote.

usage: memcheck.py BUILD

The portable back end runs, because valgrind cannot know what generated code
wrote. glib and the other libraries are watched, too, which a MemorySanitizer
that only our objects are built for could not do. Exit status 1 on any error."""
import os
import pathlib
import subprocess
import sys
import tempfile

ERROR = 42
LIMIT_S = 1500


def run(build, folder, mode, *more):
    argv = ['valgrind', '--quiet', f'--error-exitcode={ERROR}',
            '--leak-check=no', '--track-origins=yes', '--num-callers=20',
            str(build / 'reprise-system-x86_64'), '-nodefaults', '-m', '2',
            '-display', 'none', '-serial', 'null',
            '-accel', 'tcg,backend=interp', '-seed', '1',
            '-rtc', 'base=2006-06-17T16:01:21',
            '-bios', str(folder / 'rom'), '-device', 'isa-debug-exit',
            '-drive', f'file={folder}/disk.qcow2,if=ide',
            '-icount', f'shift=7,sleep=off,rr={mode},rrfile={folder}/run.rr,'
            'rrsnapshot=init,rrdigest=20000', *more]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                          capture_output=True, timeout=LIMIT_S, check=False)
    print(f'{mode}: exit {done.returncode}')
    if done.returncode == ERROR or 'uninitialised' in done.stderr:
        print(done.stderr[-8000:])
    return done


def rom():
    """64 KiB that start at the reset vector: timer, memory, ports, the end."""
    code = bytes.fromhex(
        'b034e643b0a9e640b004e640'      # counter 0: a rate
        '31c08ed8bb0010b9204e'          # ds = 0; bx, cx = 20000
        '010743e440300743e2f7'          # memory and the counter's value
        'ba0105b003ee'                  # isa-debug-exit
        'ebfe')
    image = bytearray(65536)
    image[:len(code)] = code
    image[0xfff0:0xfff5] = bytes.fromhex('ea000000f0')
    return bytes(image)


def main(build):
    build = pathlib.Path(build).resolve()
    with tempfile.TemporaryDirectory() as tmp:
        folder = pathlib.Path(tmp)
        (folder / 'rom').write_bytes(rom())
        subprocess.run([build / 'reprise-img', 'create', '-q', '-f', 'qcow2',
                        folder / 'disk.qcow2', '1M'], check=True)
        recorded = run(build, folder, 'record')
        # The guest ends it with a status of its own: (3 << 1) | 1.
        bad = recorded.returncode != 7
        for more in ((), ('-replay-verify',)):
            done = run(build, folder, 'replay', *more)
            bad |= done.returncode != (0 if more else 7)
            bad |= 'diverged' in done.stderr
    print('memcheck: ' + ('FAIL' if bad else 'OK'))
    if bad:
        print(recorded.stderr[-3000:], done.stderr[-3000:])
    return bad


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
