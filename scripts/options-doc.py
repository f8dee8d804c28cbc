#!/usr/bin/env python3
"""Writes the user's page about the command line from its table.

usage: options-doc.py cli/options.def cli/options-refused.def OUTPUT.md"""
import re
import sys

TOKEN = re.compile(r'/\*.*?\*/|"(?:[^"\\]|\\.)*"|\w+|[(),]', re.S)


def rows(text):
    """(macro, [argument, ...]) for each row; strings are joined."""
    tokens = [t for t in TOKEN.findall(text) if not t.startswith('/*')]
    i = 0
    while i < len(tokens):
        macro, args, i = tokens[i], [''], i + 2
        while tokens[i] != ')':
            if tokens[i] == ',':
                args.append('')
            elif tokens[i].startswith('"'):
                args[-1] += tokens[i][1:-1].replace('\\n', '\n')
            else:
                args[-1] += tokens[i]
            i += 1
        yield macro, args
        i += 1


def option(args):
    name, alias, argument, _, _, text = args
    names = [f'-{n}' for n in (name, alias) if n != 'NULL']
    tail = '' if argument == 'NULL' else f' {argument}'
    yield ' or '.join(f'`{n}{tail}`' for n in names)
    yield ''
    yield '```text'
    yield text
    yield '```'
    yield ''


def refused(text):
    yield '## Options of QEMU that are refused'
    yield ''
    yield '| option | why |'
    yield '|---|---|'
    for macro, args in rows(text):
        assert macro == 'REFUSED' and len(args) == 3, args
        yield f'| `-{args[0]}` | {args[2]} |'
    yield ''


def page(text):
    yield '# The command line'
    yield ''
    yield ('`reprise-system-x86_64 [options] [disk image]`. The disk image is '
           'the first IDE disk.')
    yield ('`--option` is the same as `-option`. An argument is a list '
           '`key=value,key=value`; a comma that belongs')
    yield 'to a value is doubled. This page is made from `cli/options.def`.'
    yield ''
    for macro, args in rows(text):
        if macro == 'GROUP':
            yield f'## {args[0]}'
            yield ''
        else:
            assert macro == 'OPTION' and len(args) == 6, args
            yield from option(args)


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


def main(source, refusals, target):
    lines = [*page(read(source)), *refused(read(refusals))]
    with open(target, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines))


if __name__ == '__main__':
    main(*sys.argv[1:])
