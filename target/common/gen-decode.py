#!/usr/bin/env python3
"""Turns insn.decode, rows of bit fields as a manual draws them, into a decoder,
argument structs, prototypes of the translators, the rows' table and a page of
instructions.

usage: gen-decode.py insn.decode OUT.h OUT.c OUT.md

A file says first what it is, then one row an instruction:

    %prefix a64            what generated names begin with
    %context A64Trans      what a translator is given
    NAME BITS... [FLAGS] ["OPERANDS"]

NAME      the mnemonic; behind a dot what tells it from its namesakes
BITS      from the highest: 0, 1 and x (any); FIELD:N, N bits; FIELD:sN, signed;
          FIELD[HI:LO] or FIELD[BIT], a piece of a field, whose other bits are
          other pieces or 0, with an s behind it if the whole is signed. FIELD:N!=BITS: never these
FLAGS     words with commas: io, end, priv, fp, or others that the target knows; FIELD=NUMBER:
          a constant among the arguments; fn=NAME: translated by trans_NAME; bare: it wants
          no arguments
OPERANDS  text with {FIELD} or {KIND:FIELD,...}, for the disassembler
"""
import re
import sys

TOKEN = re.compile(
    r'(?P<bits>[01x]+)$|'
    r'(?P<name>[a-z]\w*):(?P<signed>s?)(?P<width>\d+)(!=(?P<never>[01x]+))?$|'
    r'(?P<pname>[a-z]\w*)\[(?P<hi>\d+)(:(?P<lo>\d+))?\](?P<psigned>s?)$')


class Field:
    """A field of a row: pieces are (position in the word, bits, at)."""

    def __init__(self, name):
        self.name, self.signed, self.pieces, self.never = name, False, [], None

    def bits(self):
        return max(at + n for _, n, at in self.pieces)


class Row:
    def __init__(self, where, line):
        self.where = where
        m = re.fullmatch(r'([^"]*)("(.*)")?\s*', line)
        words = m[1].split()
        self.name, self.operands = words.pop(0), m[3] or ''
        self.mnemonic = self.name.split('.')[0]
        self.id = self.name.replace('.', '_')
        self.fields, self.constants, self.flags = {}, {}, []
        self.fn, self.bare = self.id, False
        flags = words.pop() if not TOKEN.match(words[-1]) else ''
        self.parse_bits(words)
        self.parse_flags(flags)

    def fail(self, why):
        sys.exit(f'{self.where}: {self.name}: {why}')

    def field(self, name):
        return self.fields.setdefault(name, Field(name))

    def parse_bits(self, words):
        tokens = [TOKEN.match(w) or self.fail(f'what is {w}?') for w in words]
        self.width = sum(self.token_bits(t) for t in tokens)
        if self.width not in (16, 32):
            self.fail(f'{self.width} bits')
        self.mask = self.value = 0
        pos = self.width
        for t in tokens:
            n = self.token_bits(t)
            pos -= n
            if t['bits']:
                self.add_fixed(t['bits'], pos)
            else:
                self.add_piece(t, pos, n)

    @staticmethod
    def token_bits(t):
        if t['bits']:
            return len(t['bits'])
        if t['name']:
            return int(t['width'])
        return int(t['hi']) - int(t['lo'] or t['hi']) + 1

    def add_fixed(self, bits, pos):
        for i, bit in enumerate(reversed(bits)):
            self.mask |= (bit != 'x') << (pos + i)
            self.value |= (bit == '1') << (pos + i)

    def add_piece(self, t, pos, n):
        field = self.field(t['name'] or t['pname'])
        at = 0 if t['name'] else int(t['lo'] or t['hi'])
        field.pieces.append((pos, n, at))
        field.signed |= bool(t['signed'] or t['psigned'])
        if t['never']:
            if len(t['never']) != n:
                self.fail(f'{t["never"]} is not of {n} bits')
            field.never = (pos, t['never'])

    def parse_flags(self, text):
        for word in filter(None, text.split(',')):
            name, eq, value = word.partition('=')
            if name == 'fn':
                self.fn = value
            elif eq:
                self.constants[name] = int(value, 0)
            elif word == 'bare':
                self.bare = True
            elif word != '-':
                self.flags.append(word)
        if set(self.constants) & set(self.fields):
            self.fail('a constant has the name of a field')

    def arguments(self):
        names = set(self.fields) | set(self.constants)
        return () if self.bare else tuple(sorted(names))

    def never(self):
        """(mask, value) pairs that a word of this row does not have."""
        for f in self.fields.values():
            if f.never:
                pos, bits = f.never
                mask = sum(1 << (pos + i) for i, b in enumerate(reversed(bits))
                           if b != 'x')
                yield mask, int(bits.replace('x', '0'), 2) << pos

    def excludes(self, other):
        """True if the other's fixed bits are what this row never has."""
        return any(other.mask & mask == mask and other.value & mask == value
                   for mask, value in self.never())

    def overlaps(self, other):
        return (self.width == other.width and
                not (self.value ^ other.value) & self.mask & other.mask and
                not self.excludes(other) and not other.excludes(self))


def read_rows(path):
    rows, settings = [], {}
    with open(path, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            line = line.strip()
            if line.startswith('#'):
                continue
            if line.startswith('%'):
                name, value = line[1:].split()
                settings[name] = value
            elif line:
                rows.append(Row(f'{path}:{number}', line))
    for i, a in enumerate(rows):
        for b in rows[i + 1:]:
            if a.id == b.id:
                b.fail(f'there is one already, {a.where}')
            if a.overlaps(b):
                b.fail(f'overlaps {a.name}, {a.where}')
    return rows, settings


# --- C -----------------------------------------------------------------------

BANNER = '/* Generated from insn.decode by gen-decode.py. */\n'


def write_header(out, rows, prefix, context):
    guard = prefix.upper() + '_DECODE_H'
    out.write(f'{BANNER}#ifndef {guard}\n#define {guard}\n\n'
              f'#include "insn.h"\n\n#define {prefix.upper()}_ROWS '
              f'{len(rows)}\n\nstruct {context};\n\n')
    out.write(f'typedef enum {prefix.capitalize()}Row {{\n' +
              ''.join(f'    {prefix.upper()}_{r.id},\n' for r in rows) +
              f'}} {prefix.capitalize()}Row;\n\n')
    for arguments in sorted({r.arguments() for r in rows}):
        members = ' '.join(f'int64_t {a};' for a in arguments)
        out.write(f'typedef struct {{ {members} }} '
                  f'{struct_name(prefix, arguments)};\n')
    out.write('\n')
    for fn, arguments in sorted({(r.fn, r.arguments()) for r in rows}):
        out.write(f'void trans_{fn}(struct {context} *t, '
                  f'const {struct_name(prefix, arguments)} *a);\n')
    out.write(f'\n/* The row of a word of code, -1: none. */\n')
    for width in sorted({r.width for r in rows}):
        out.write(f'int {prefix}_decode{width}(uint32_t word);\n')
    out.write(f'extern const InsnRow {prefix}_rows[];\n'
              '/* Extracts the arguments and calls the translator. */\n'
              f'void {prefix}_translate(struct {context} *t, int row, '
              'uint32_t word);\n\n#endif\n')


def struct_name(prefix, arguments):
    return f'{prefix.capitalize()}_{"_".join(arguments) or "nothing"}'


def extract(field):
    terms = []
    for pos, n, at in field.pieces:
        part = f'(int64_t)(word >> {pos} & {(1 << n) - 1:#x}u)'
        terms.append(f'({part} << {at})' if at else part)
    value = ' | '.join(terms)
    if field.signed:
        return f'insn_sext({value}, {field.bits()})'
    return value


def write_translate(out, rows, prefix, context):
    out.write(f'void {prefix}_translate(struct {context} *t, int row, '
              'uint32_t word)\n{\n    switch (row) {\n')
    for r in rows:
        out.write(f'    case {prefix.upper()}_{r.id}:\n        '
                  f'trans_{r.fn}(t, &(const '
                  f'{struct_name(prefix, r.arguments())}) {{\n')
        for name in r.arguments():
            value = (extract(r.fields[name]) if name in r.fields
                     else str(r.constants[name]))
            out.write(f'            .{name} = {value},\n')
        out.write('        });\n        break;\n')
    out.write('    }\n}\n\n')


def condition(row):
    terms = [f'(word & {row.mask:#010x}u) == {row.value:#010x}u']
    terms += [f'(word & {m:#x}u) != {v:#x}u' for m, v in row.never()]
    return ' && '.join(terms)


def write_tree(out, rows, prefix, tested, indent):
    """A switch over the bits that all these rows fix, or one row each."""
    pad = '    ' * indent
    common = -1
    for r in rows:
        common &= r.mask
    common &= ~tested
    if len(rows) < 3 or not common:
        split_rows(out, rows, prefix, tested, indent)
        return
    groups = {}
    for r in rows:
        groups.setdefault(r.value & common, []).append(r)
    if len(groups) == 1:
        write_tree(out, rows, prefix, tested | common, indent)
        return
    out.write(f'{pad}switch (word & {common:#x}u) {{\n')
    for value, group in sorted(groups.items()):
        out.write(f'{pad}case {value:#x}u:\n')
        write_tree(out, group, prefix, tested | common, indent + 1)
        out.write(f'{pad}    return -1;\n')
    out.write(f'{pad}}}\n')


def split_rows(out, rows, prefix, tested, indent):
    """By the bit that most of them fix, as long as there are many."""
    pad = '    ' * indent
    counts = [(sum(r.mask >> b & 1 for r in rows), b) for b in range(32)
              if not tested >> b & 1]
    most, bit = max(counts, default=(0, 0))
    if len(rows) < 6 or most * 2 < len(rows):
        for r in rows:
            out.write(f'{pad}if ({condition(r)}) {{\n{pad}    return '
                      f'{prefix.upper()}_{r.id};\n{pad}}}\n')
        return
    for value in (0, 1):
        some = [r for r in rows if not r.mask >> bit & 1 or
                r.value >> bit & 1 == value]
        test = 'word' if value else '~word'
        out.write(f'{pad}if ({test} & {1 << bit:#x}u) {{\n')
        write_tree(out, some, prefix, tested | 1 << bit, indent + 1)
        out.write(f'{pad}    return -1;\n{pad}}}\n')


def write_rows(out, rows, prefix):
    for r in rows:
        fields = ', '.join(
            f'{{ "{f.name}", {int(f.signed)}, {len(f.pieces)}, {{ ' +
            ', '.join(f'{{ {p}, {n}, {at} }}' for p, n, at in f.pieces) +
            ' } }' for f in r.fields.values())
        out.write(f'static const InsnField fields_{r.id}[] = '
                  f'{{ {fields or "{ 0 }"} }};\n')
    out.write(f'\nconst InsnRow {prefix}_rows[] = {{\n')
    for r in rows:
        flags = ' | '.join(f'INSN_{f.upper()}' for f in r.flags) or '0'
        never = list(r.never()) + [(0, 1)] * 2
        out.write(f'    {{ "{r.name}", "{r.mnemonic}", "{r.operands}", '
                  f'{r.mask:#x}u, {r.value:#x}u, {{ ' +
                  ', '.join(f'{{ {m:#x}u, {v:#x}u }}' for m, v in never[:2]) +
                  f' }}, {r.width}, {len(r.fields)}, {flags}, '
                  f'fields_{r.id} }},\n')
    out.write('};\n')


def write_code(out, header, rows, prefix, context):
    out.write(f'{BANNER}#include "{header}"\n\n')
    for width in sorted({r.width for r in rows}):
        out.write(f'int {prefix}_decode{width}(uint32_t word)\n{{\n')
        write_tree(out, [r for r in rows if r.width == width], prefix, 0, 1)
        out.write('    return -1;\n}\n\n')
    write_translate(out, rows, prefix, context)
    write_rows(out, rows, prefix)


def write_page(out, rows, prefix):
    out.write(f'# {prefix.upper()} instructions\n\nGenerated from '
              '`insn.decode`.\n\n| instruction | bits | notes |\n|---|---|---|\n')
    for r in rows:
        bits = ['x'] * r.width
        for i in range(r.width):
            if r.mask >> i & 1:
                bits[r.width - 1 - i] = str(r.value >> i & 1)
        out.write(f'| `{(r.mnemonic + " " + r.operands).strip()}` | '
                  f'`{"".join(bits)}` | {" ".join(r.flags)} |\n')


def main():
    source, header, code, page = sys.argv[1:]
    rows, settings = read_rows(source)
    prefix, context = settings['prefix'], settings['context']
    with open(header, 'w', encoding='utf-8') as f:
        write_header(f, rows, prefix, context)
    with open(code, 'w', encoding='utf-8') as f:
        write_code(f, header.rsplit('/', maxsplit=1)[-1], rows, prefix, context)
    with open(page, 'w', encoding='utf-8') as f:
        write_page(f, rows, prefix)


main()
