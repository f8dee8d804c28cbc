#!/usr/bin/env python3
"""Turns insn.opmap into the decoder's tables, the translators' prototypes,
the mnemonics and the page of instructions.

usage: gen-opmap.py insn.opmap OUT.h OUT.c OUT.md
"""
import copy
import re
import sys

PREFIX = {'NP': 1, '66': 2, 'F3': 4, 'F2': 8, 'NR': 3}
MAPS = {(): 0, ('0F',): 1, ('0F', '38'): 2, ('0F', '3A'): 3}
VEX_MAPS = 4               # added to the map of a row with VEX
VEX_MAP_NAMES = {'0F': 1, '0F38': 2, '0F3A': 3}
VEX_LENGTHS = {'128': 1, '256': 2, '128/256': 3, 'LIG': 3}
VEX_WIDTHS = {'W0': 1, 'W1': 2, 'WIG': 3}
SIZES = ['0', 'b', 'w', 'd', 'q', 'v', 'z', 'y', 'vw', 'n', 'p', 'a', 's',
         'x', 'dq', 'qq', 'h', 'f', 'e', 'db', 'dw', 'yb']
SIZE_NAMES = {'ps': 'x', 'pd': 'x', 'ss': 'd', 'sd': 'q'}
METHODS = 'EGMIJOASCDZRXYVWUHLPQNB'
FIXED = {'AL': ('REG', 'b', 0), 'CL': ('REG', 'b', 1), 'DX': ('REG', 'w', 2),
         'rAX': ('REG', 'v', 0), 'eAX': ('REG', 'z', 0), '1': ('ONE', 'b', 0),
         'ES': ('SEG', 'w', 0), 'CS': ('SEG', 'w', 1), 'SS': ('SEG', 'w', 2),
         'DS': ('SEG', 'w', 3), 'FS': ('SEG', 'w', 4), 'GS': ('SEG', 'w', 5),
         'XMM0': ('XMM', 'dq', 0)}
FLAGS = ['lock', 'io', 'end', 'priv', 'prot', 'd64', 'f64', 'sse', 'align', 'unal',
         'mmx', 'vsib']
# CPUID feature: word of ORDER x86-feat, bit
FEATURES = {
    'FPU': ('FEAT_1_EDX', 0),
    'TSC': ('FEAT_1_EDX', 4), 'MSR': ('FEAT_1_EDX', 5),
    'CX8': ('FEAT_1_EDX', 8), 'SEP': ('FEAT_1_EDX', 11),
    'CMOV': ('FEAT_1_EDX', 15), 'CLFSH': ('FEAT_1_EDX', 19),
    'SSE': ('FEAT_1_EDX', 25), 'SSE2': ('FEAT_1_EDX', 26),
    'MONITOR': ('FEAT_1_ECX', 3), 'SSE42': ('FEAT_1_ECX', 20),
    'MOVBE': ('FEAT_1_ECX', 22), 'POPCNT': ('FEAT_1_ECX', 23),
    'RDRAND': ('FEAT_1_ECX', 30), 'FSGSBASE': ('FEAT_7_EBX', 0),
    'BMI1': ('FEAT_7_EBX', 3), 'RDSEED': ('FEAT_7_EBX', 18),
    'ADX': ('FEAT_7_EBX', 19), 'SMAP': ('FEAT_7_EBX', 20),
    'SYSCALL': ('FEAT_80000001_EDX', 11), 'RDTSCP': ('FEAT_80000001_EDX', 27),
    'MMX': ('FEAT_1_EDX', 23), 'SSE3': ('FEAT_1_ECX', 0),
    'PCLMULQDQ': ('FEAT_1_ECX', 1), 'SSSE3': ('FEAT_1_ECX', 9),
    'FMA': ('FEAT_1_ECX', 12), 'SSE41': ('FEAT_1_ECX', 19),
    'AES': ('FEAT_1_ECX', 25), 'AVX': ('FEAT_1_ECX', 28),
    'F16C': ('FEAT_1_ECX', 29), 'AVX2': ('FEAT_7_EBX', 5),
    'BMI2': ('FEAT_7_EBX', 8), 'CLFLUSHOPT': ('FEAT_7_EBX', 23),
    'FXSR': ('FEAT_1_EDX', 24), 'XSAVE': ('FEAT_1_ECX', 26),
    'XSAVEOPT': ('FEAT_D_1_EAX', 0), 'XSAVEC': ('FEAT_D_1_EAX', 1),
    'XSAVES': ('FEAT_D_1_EAX', 3),
    'PKU': ('FEAT_7_ECX', 3), 'CLWB': ('FEAT_7_EBX', 24), 'RDPID': ('FEAT_7_ECX', 22),
    'SERIALIZE': ('FEAT_7_EDX', 14), 'CLZERO': ('FEAT_80000008_EBX', 0),
    'INVPCID': ('FEAT_7_EBX', 10),
    'SHA': ('FEAT_7_EBX', 29), 'GFNI': ('FEAT_7_ECX', 8),
    'VAES': ('FEAT_7_ECX', 9), 'VPCLMULQDQ': ('FEAT_7_ECX', 10),
    'ABM': ('FEAT_80000001_ECX', 5),
}


class Row:
    def __init__(self, path, number, text):
        self.where = f'{path}:{number}'
        fields = [f.strip() for f in text.split('|')] + ['', '']
        self.text = fields[0]
        self.parse_opcode(fields[0].split())
        words = fields[1].split()
        if not words:
            self.fail('no mnemonic')
        self.mnemonic = words[0]
        self.operand_text = ' '.join(words[1:])
        self.operands = [self.operand(o)
                         for o in ','.join(words[1:]).split(',') if o]
        if len(self.operands) > 4:
            self.fail('more than four operands')
        self.parse_flags(fields[2].split())

    def fail(self, why):
        sys.exit(f'{self.where}: {why}')

    def parse_vex(self, word):
        fields = word.split('.')[1:]
        self.lengths = VEX_LENGTHS.get(fields.pop(0))
        self.widths = VEX_WIDTHS.get(fields.pop())
        self.prefixes = (PREFIX.get(fields.pop(0)) if len(fields) == 2
                         else PREFIX['NP'])
        self.map = VEX_MAP_NAMES.get(fields[0])
        if None in (self.lengths, self.widths, self.prefixes, self.map):
            self.fail('bad VEX')
        self.map += VEX_MAPS

    def parse_opcode(self, words):
        self.prefixes = 15
        self.lengths = self.widths = 3
        self.vex = words[0].startswith('VEX.')
        if self.vex:
            self.parse_vex(words.pop(0))
        if not self.vex and words[0] in PREFIX and len(words) > 1:
            self.prefixes = PREFIX[words.pop(0)]
        self.regs = 255
        self.has_reg = False
        if words[-1].startswith('/'):
            self.regs = 1 << int(words.pop()[1:])
            self.has_reg = True
        m = re.fullmatch(r'([0-9A-F]{2})(\+r|\+cc)?', words.pop())
        if not m:
            self.fail('bad opcode')
        first = int(m[1], 16)
        count = {None: 1, '+r': 8, '+cc': 16}[m[2]]
        self.opcodes = range(first, first + count)
        self.opcode_reg = m[2] == '+r'
        if tuple(words) not in MAPS or self.vex and words:
            self.fail('unknown opcode map')
        if not self.vex:
            self.map = MAPS[tuple(words)]

    def operand(self, text):
        if text in FIXED:
            return FIXED[text]
        if text == 'Ibs':
            return ('IS', 'b', 0)
        m = re.fullmatch(f'([{METHODS}])([a-z]*)', text)
        size = m and SIZE_NAMES.get(m[2], m[2] or '0')
        if not m or size not in SIZES:
            self.fail(f'unknown operand {text}')
        return (m[1], size, 0)

    def parse_flags(self, words):
        self.fn = ('vec' if any(w.startswith('vec=') for w in words)
                   else self.mnemonic)
        self.mods, self.rms, self.modes = 3, 255, 3
        self.flags = []
        self.feature = None
        self.wide_feature = None
        self.vec = ['AND', 'AND']
        self.arg = 0
        self.over = False
        self.flag_text = []
        for w in words:
            name, _, value = w.partition('=')
            if name == 'fn':
                self.fn = value
            elif name == 'mod' and value in ('m', 'r'):
                self.mods = {'m': 1, 'r': 2}[value]
            elif name == 'rm':
                self.rms = 1 << int(value)
            elif w == 'i64':
                self.modes = 1
            elif w == 'o64':
                self.modes = 2
            elif w == 'over':
                self.over = True
            elif name == 'vec':
                self.vec = (value.split(':') * 2)[:2]
            elif name == 'arg':
                self.arg = int(value, 0)
            elif name == 'cpuid' and set(value.split(':')) <= set(FEATURES):
                self.feature, _, self.wide_feature = value.partition(':')
            elif w in FLAGS:
                self.flags.append(w)
            else:
                self.fail(f'unknown flag {w}')
            if name != 'fn':
                self.flag_text.append(w)
        if self.over and not self.feature:
            self.fail('over needs cpuid=')

    def has_modrm(self):
        return (self.has_reg or self.mods != 3 or self.rms != 255 or
                any(o[0] in 'EGMSCDRVWUPQN' for o in self.operands
                    if len(o[0]) == 1))

    def overlaps(self, other):
        return (self.prefixes & other.prefixes and self.regs & other.regs and
                self.mods & other.mods and self.rms & other.rms and
                self.modes & other.modes and
                self.lengths & other.lengths and self.widths & other.widths)

    def units(self):
        """Flags that follow from what registers it uses."""
        methods = {o[0] for o in self.operands}
        vector = methods & {'V', 'W', 'U', 'H', 'L', 'XMM'}
        flags = []
        if vector and 'sse' not in self.flags:
            flags.append('sse')
        if methods & {'P', 'Q', 'N'} and 'mmx' not in self.flags:
            flags.append('mmx')
        if methods & {'H', 'B'}:
            flags.append('vvvv')
        if self.vex:
            flags.append('vex')
        return flags

    def expand(self):
        """A row whose 256-bit form needs a feature of its own is two."""
        if not self.wide_feature:
            return [self]
        narrow, wide = copy.copy(self), copy.copy(self)
        narrow.lengths, wide.lengths = self.lengths & 1, self.lengths & 2
        wide.feature = self.wide_feature
        return [r for r in (narrow, wide) if r.lengths]


def read_rows(path):
    rows = []
    with open(path, encoding='utf-8') as f:
        for number, line in enumerate(f, 1):
            line = line.split('#')[0].strip()
            if line:
                rows += Row(path, number, line).expand()
    return rows


def index_rows(rows):
    """(map, opcode) -> row numbers, rows that override first."""
    index = {}
    for n, row in enumerate(rows):
        for opcode in row.opcodes:
            index.setdefault((row.map, opcode), []).append(n)
    for numbers in index.values():
        numbers.sort(key=lambda n: not rows[n].over)
        check_overlaps([rows[n] for n in numbers])
    return index


def check_overlaps(rows):
    for i, a in enumerate(rows):
        for b in rows[i + 1:]:
            if a.has_modrm() != b.has_modrm():
                b.fail(f'disagrees with {a.where} about a ModRM byte')
            if a.over == b.over and a.overlaps(b):
                b.fail(f'overlaps {a.where}')


def c_row(row):
    ops = ', '.join('{ OPM_%s, OPS_%s, %d }' % o for o in row.operands)
    flags = ' | '.join('ROW_' + f.upper() for f in row.flags + row.units() +
                       (['opcode_reg'] if row.opcode_reg else [])) or '0'
    word, bit = FEATURES.get(row.feature, ('0', None))
    mask = '0' if bit is None else f'1u << {bit}'
    return (f'    {{ trans_{row.fn}, "{row.mnemonic}", "{row.text}",\n'
            f'      {{ {ops or "{ 0 }"} }}, {flags}, {row.prefixes}, '
            f'{row.regs}, {row.mods}, {row.rms}, {row.modes}, '
            f'{row.lengths}, {row.widths}, {row.map}, {word}, {mask},\n'
            f'      VEC_{row.vec[0]}, VEC_{row.vec[1]}, {row.arg} }},\n')


BANNER = '/* Generated from insn.opmap by gen-opmap.py. */\n'


def write_header(path, rows):
    with open(path, 'w', encoding='utf-8') as f:
        f.write(BANNER + '#ifndef OPMAP_GEN_H\n#define OPMAP_GEN_H\n\n')
        f.write(f'#define OPMAP_ROWS {len(rows)}\n\nstruct X86Trans;\n')
        for fn in sorted({r.fn for r in rows}):
            f.write(f'void trans_{fn}(struct X86Trans *t);\n')
        f.write('\n#endif\n')


def write_tables(path, rows, index):
    listed = []
    with open(path, 'w', encoding='utf-8') as f:
        f.write(BANNER + '#include "decode.h"\n#include "opmap-gen.h"\n\n')
        f.write('const OpRow opmap_rows[OPMAP_ROWS] = {\n')
        f.writelines(c_row(r) for r in rows)
        f.write('};\n\nconst OpSlot opmap_slots[8][256] = {\n')
        for m in range(8):
            f.write('    {\n')
            for opcode in range(256):
                numbers = index.get((m, opcode), [])
                if numbers:
                    modrm = int(rows[numbers[0]].has_modrm())
                    f.write(f'        [0x{opcode:02x}] = {{ {len(listed)}, '
                            f'{len(numbers)}, {modrm} }},\n')
                    listed += numbers
            f.write('    },\n')
        f.write('};\n\nconst uint16_t opmap_list[] = {\n')
        for i in range(0, len(listed), 12):
            f.write('    ' + ' '.join(f'{n},' for n in listed[i:i + 12]) +
                    '\n')
        f.write('};\n')


def write_page(path, rows):
    with open(path, 'w', encoding='utf-8') as f:
        f.write('# x86 instructions\n\nGenerated from '
                '`target/i386/insn.opmap`, which explains the columns.\n\n'
                '| opcode | instruction | notes |\n|---|---|---|\n')
        for r in rows:
            f.write(f'| `{r.text}` | `{(r.mnemonic + " " + r.operand_text).strip()}` '
                    f'| {" ".join(r.flag_text)} |\n')


def main():
    source, header, tables, page = sys.argv[1:]
    rows = read_rows(source)
    index = index_rows(rows)
    write_header(header, rows)
    write_tables(tables, rows, index)
    write_page(page, rows)


main()
