#!/usr/bin/env python3
"""Makes C and documentation from the schema.

usage: main.py OUTDIR SCHEMA.json..."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.dont_write_bytecode = True

import check      # noqa: E402
import commands   # noqa: E402
import docs       # noqa: E402
import events     # noqa: E402
import parse      # noqa: E402
import schema     # noqa: E402
from types_ import Types  # noqa: E402


def write(outdir, name, text):
    with open(os.path.join(outdir, name), 'w', encoding='utf-8') as f:
        f.write(text)


def main(outdir, paths):
    files = [parse.parse_file(p) for p in paths]
    entities = [e for _, es in files for e in es]
    check.check(entities)
    types = Types(entities)
    cmds = [e for e in entities if e.kind == 'command']
    evs = [e for e in entities if e.kind == 'event']
    write(outdir, 'qapi-types.h', types.header())
    write(outdir, 'qapi-types.c', types.source())
    write(outdir, 'qapi-commands.h', commands.header(cmds, types))
    write(outdir, 'qapi-commands.c', commands.source(cmds, types))
    write(outdir, 'qapi-events.h', events.header(evs, types))
    write(outdir, 'qapi-events.c', events.source(evs, types))
    write(outdir, 'qapi-schema.c', schema.source(entities))
    write(outdir, 'qmp-reference.md', docs.reference(files))


if __name__ == '__main__':
    try:
        main(sys.argv[1], sys.argv[2:])
    except parse.SchemaError as e:
        sys.exit(str(e))
