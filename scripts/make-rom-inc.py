#!/usr/bin/env python3
"""Assembles hw/boot/*-rom.S into hw/boot/*-rom.inc.

Needs an x86 assembler (CC, default gcc, and objcopy). With --check it only
compares; without an x86 assembler --check is skipped (exit code 77).
"""
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent / 'hw' / 'boot'
HEAD = '/* Made from {} by scripts/make-rom-inc.py. */\n'


def assemble(source):
    with tempfile.TemporaryDirectory() as tmp:
        obj, flat = f'{tmp}/rom.o', f'{tmp}/rom.bin'
        cc = os.environ.get('CC', 'gcc').split()
        subprocess.run([*cc, '-m32', '-c', '-o', obj, str(source)],
                       check=True)
        subprocess.run(['objcopy', '-O', 'binary', '-j', '.text', obj, flat],
                       check=True)
        return pathlib.Path(flat).read_bytes()


def text(source):
    rom = assemble(source)
    rows = [rom[i:i + 12] for i in range(0, len(rom), 12)]
    return HEAD.format(source.name) + ''.join(
        ' '.join(f'0x{b:02x},' for b in row) + '\n' for row in rows)


def main():
    sources = sorted(HERE.glob('*-rom.S'))
    assert sources
    try:
        texts = {source.with_suffix('.inc'): text(source)
                 for source in sources}
    except (OSError, subprocess.CalledProcessError) as err:
        print(f'no x86 assembler: {err}')
        return 77 if '--check' in sys.argv else 1
    status = 0
    for target, new in texts.items():
        if '--check' not in sys.argv:
            target.write_text(new)
        elif not target.exists() or target.read_text() != new:
            print(f'{target} is not what its source assembles to')
            status = 1
    return status


if __name__ == '__main__':
    sys.exit(main())
