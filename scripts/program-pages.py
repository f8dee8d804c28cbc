#!/usr/bin/env python3
"""Writes a program's manual page or its shell completion from the tables that
the program itself uses.

usage: program-pages.py man|bash|zsh|fish NAME VERSION SOURCE... OUTPUT

SOURCE is the program, if it is one of the tools: it is asked what it takes
(--describe, or --help); or cli/options.def, and for the manual page
cli/options-refused.def, monitor/hmp.def and monitor/hmp-info.def."""
import importlib.util
import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))


def load(name):
    """Another script of this folder as a module."""
    spec = importlib.util.spec_from_file_location(
        name.replace('-', '_'), os.path.join(HERE, name + '.py'))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path):
    with open(path, encoding='utf-8') as f:
        return f.read()


class Option:
    def __init__(self, names, arg, text):
        self.names, self.arg, self.text = names, arg, text

    @property
    def brief(self):
        """The first line of the help, without what means something to a
        shell."""
        return re.sub(r"[\[\]:'\"`\\$]", '', self.text.split('\n')[0])

    @property
    def words(self):
        """What the argument can be, if it says so: "human|json"."""
        return (self.arg.split('|')
                if self.arg and re.fullmatch(r'[a-z]+(\|[a-z]+)+', self.arg)
                else [])


class Command:
    def __init__(self, name, operands, summary, options):
        self.name, self.operands = name, operands
        self.summary, self.options = summary, options


class Program:
    def __init__(self, name):
        self.name, self.summary = name, ''
        self.options, self.commands, self.more = [], [], []


# --- sources -----------------------------------------------------------------

def from_describe(program, told):
    def option(row):
        names = [f'-{row["letter"]}'] if 'letter' in row else []
        names += [f'--{row["name"]}'] if 'name' in row else []
        return Option(names, row.get('arg'), row['help'])
    program.summary = told['summary']
    commands = [
        Command(c['name'], c['operands'], c['summary'],
                [option(o) for o in c['options']]) for c in told['commands']]
    if any(c.options for c in commands):
        program.commands = commands
    else: # words of a language of its own, which follow -c
        program.more.append(('COMMANDS', [
            (f'{c.name} {c.operands}'.strip(), c.summary)
            for c in commands]))


def options_from_help(program, text):
    """Lines "  -c, --cmd STRING     what it does", as they are printed."""
    for names, what in re.findall(r'^  (-\S.*?) {2,}(\S.*)$', text, re.M):
        words = names.replace(',', ' ').replace('=', ' ').split()
        flags = [w for w in words if w.startswith('-')]
        arg = next((w for w in words if w.isupper() and w[0] != '-'), None)
        program.options.append(Option(flags, arg, what))


def from_help(program, text):
    """A usage line a command, then lines "  NAME  what it does"."""
    program.summary = 'recordings described, printed, checked and packed'
    usage, _, rest = text.partition('Commands:\n')[2].partition('\n\n')
    what = dict(re.findall(r'^  (\S+) {2,}(\S.*)$', rest, re.M))
    for line in re.sub(r'\n {4,}', ' ', usage).splitlines():
        name, _, tail = line.strip().partition(' ')
        options = []
        for bracket in re.findall(r'\[(-[^]]*)\]', tail):
            flag, _, arg = bracket.replace('=', ' ').partition(' ')
            options.append(Option([flag], arg or None, what.get(flag, '')))
        program.commands.append(Command(
            name, re.sub(r'\[-[^]]*\](\.\.\.)? *', '', tail),
            what.get(name, ''), options))


def from_tables(program, paths):
    rows = load('options-doc').rows
    program.summary = 'a PC that records what happens and is debugged backwards'
    tables = {os.path.basename(p): list(rows(read(p))) for p in paths}
    for macro, args in tables['options.def']:
        if macro == 'OPTION':
            names = ['-' + n for n in args[:2] if n != 'NULL']
            program.options.append(Option(
                names, None if args[2] == 'NULL' else args[2], args[5]))
    for title, table, macro, name, text in (
            ('OPTIONS OF QEMU THAT ARE REFUSED', 'options-refused.def',
             'REFUSED', lambda a: '-' + a[0], lambda a: a[2]),
            ('COMMANDS OF THE MONITOR', 'hmp.def', 'HMP',
             lambda a: f'{a[0]} {a[2]}'.strip(), lambda a: a[4]),
            ('WHAT INFO SHOWS', 'hmp-info.def', 'HMP_INFO',
             lambda a: f'info {a[0]} {a[1]}'.strip(), lambda a: a[3])):
        program.more.append((title, [
            (name(args), text(args)) for m, args in tables.get(table, ())
            if m == macro]))


def load_program(name, sources):
    program = Program(name)
    if sources[0].endswith('.def'):
        from_tables(program, sources)
        return program
    ask = [os.path.abspath(sources[0])]
    told = subprocess.run(ask + ['--describe'], text=True, check=False,
                          capture_output=True)
    help_text = subprocess.run(ask + ['--help'], text=True, check=True,
                               capture_output=True).stdout
    if told.returncode == 0:
        from_describe(program, json.loads(told.stdout))
        if not program.commands:
            options_from_help(program, help_text)
    else:
        from_help(program, help_text)
    return program


# --- the manual page ---------------------------------------------------------

def roff(text):
    """Text as it stands: no line is a request."""
    text = text.replace('\\', '\\e').replace('-', '\\-')
    return '\n'.join('\\&' + line if line[:1] in ".'" else line
                     for line in text.split('\n'))


def man_options(options):
    for o in options:
        arg = f' {o.arg}' if o.arg else ''
        yield '.TP'
        yield '.B "' + roff(', '.join(n + arg for n in o.names)).replace(
            '"', '\\(dq') + '"'
        first, *others = o.text.split('\n')
        yield roff(first or ' ')
        if others:
            yield '.nf'
            yield from (roff(line) for line in others)
            yield '.fi'


def man(p, version):
    yield f'.TH {p.name.upper()} 1 "" "Reprise {version}" "User Commands"'
    yield '.SH NAME'
    yield f'{roff(p.name)} \\- {roff(p.summary)}'
    yield '.SH SYNOPSIS'
    yield f'.B {roff(p.name)}'
    yield ('.I COMMAND\n[\\fIOPTION\\fR...]' if p.commands
           else '[\\fIOPTION\\fR...] [\\fIDISK\\fR]')
    if p.options:
        yield '.SH OPTIONS'
        yield from man_options(p.options)
    if p.commands:
        yield '.SH COMMANDS'
    for c in p.commands:
        yield '.SS "' + roff(f'{c.name} {c.operands}'.strip()) + '"'
        yield roff(c.summary or c.name)
        yield from man_options(c.options)
    for title, rows in p.more:
        if rows:
            yield f'.SH "{title}"'
        for name, text in rows:
            yield from man_options([Option([name], None, text)])
    yield '.SH SEE ALSO'
    others = ('reprise-system-x86_64', 'reprise-img', 'reprise-io',
              'reprise-replay')
    yield ',\n'.join(f'.BR {roff(o)} (1)' for o in others if o != p.name)


# --- completion --------------------------------------------------------------

def all_names(options):
    return [n for o in options for n in o.names]


def function(name):
    return '_' + re.sub(r'\W', '_', name)


def bash_case(options):
    for o in options:
        if o.words:
            yield (f'        {"|".join(o.names)}) COMPREPLY=($(compgen -W '
                   f"'{' '.join(o.words)}' -- \"$cur\")); return;;")


def bash(p, _version):
    f = function(p.name)
    yield f'# Completion of {p.name} for bash; made from its own tables.'
    yield f'{f}() {{'
    yield '    local cur prev words= i'
    yield '    cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}'
    yield '    COMPREPLY=()'
    yield '    # "=" is a word of its own here.'
    yield '    [ "$prev" = = ] && prev=${COMP_WORDS[COMP_CWORD-2]}'
    yield '    [ "$cur" = = ] && cur= '
    everything = p.options + [o for c in p.commands for o in c.options]
    cases = list(dict.fromkeys(bash_case(everything)))
    if cases:
        yield '    case $prev in'
        yield from cases
        yield '    esac'
    if p.commands:
        yield '    if [ "$COMP_CWORD" -eq 1 ]; then'
        yield f"        words='{' '.join(c.name for c in p.commands)}'"
        yield "        words+=' --help --version'"
        yield '    else'
        yield '        case ${COMP_WORDS[1]} in'
        for c in p.commands:
            yield (f"        {re.escape(c.name)}) words='"
                   f"{' '.join(all_names(c.options))} --help';;")
        yield '        esac'
        yield '    fi'
        yield '    if [[ $cur == -* || $COMP_CWORD -eq 1 ]]; then'
    else:
        yield f"    words='{' '.join(all_names(p.options))}'"
        yield '    if [[ $cur == -* ]]; then'
    yield '        COMPREPLY=($(compgen -W "$words" -- "$cur"))'
    yield '    else'
    yield '        COMPREPLY=($(compgen -f -- "$cur"))'
    yield '    fi'
    yield '}'
    yield f'complete -o filenames -F {f} {p.name}'


def zsh_rows(options):
    for o in options:
        for n in o.names:
            tail = ''
            if o.arg:
                tail = (f':value:({" ".join(o.words)})' if o.words
                        else ':value:_files')
            sign = '=' if o.arg and n.startswith('--') else ''
            yield f"'{n}{sign}[{o.brief}]{tail}'"


def zsh(p, _version):
    yield f'#compdef {p.name}'
    yield '# Made from the tables of the program itself.'
    if not p.commands:
        yield '_arguments \\'
        yield from (f'  {row} \\' for row in zsh_rows(p.options))
        yield "  '*:file:_files'"
        return
    yield 'local -a commands'
    yield 'commands=('
    for c in p.commands:
        brief = Option([], None, c.summary).brief
        yield f"  '{c.name}:{brief}'"
    yield ')'
    yield 'if (( CURRENT == 2 )); then'
    yield '  _describe command commands'
    yield '  return'
    yield 'fi'
    yield 'local command=$words[2]'
    yield 'shift words; (( CURRENT-- ))'
    yield 'case $command in'
    for c in p.commands:
        yield f"  '{c.name}') _arguments \\"
        yield from (f'    {row} \\' for row in zsh_rows(c.options))
        yield "    '*:file:_files';;"
    yield 'esac'


def fish_rows(name, condition, options):
    for o in options:
        for n in o.names:
            kind = ('-l ' + n[2:] if n.startswith('--') else
                    '-s ' + n[1:] if len(n) == 2 else '-o ' + n[1:])
            tail = (f" -x -a '{' '.join(o.words)}'" if o.words else
                    ' -r' if o.arg else '')
            yield f"complete -c {name}{condition} {kind}{tail} -d '{o.brief}'"


def fish(p, _version):
    yield f'# Completion of {p.name} for fish; made from its own tables.'
    yield from fish_rows(p.name, '', p.options)
    for c in p.commands:
        brief = Option([], None, c.summary).brief
        yield (f"complete -c {p.name} -n __fish_use_subcommand -f -a "
               f"'{c.name}' -d '{brief}'")
        yield from fish_rows(p.name,
                             f" -n '__fish_seen_subcommand_from {c.name}'",
                             c.options)


def main(kind, name, version, *paths):
    *sources, output = paths
    writer = {'man': man, 'bash': bash, 'zsh': zsh, 'fish': fish}[kind]
    lines = writer(load_program(name, sources), version)
    with open(output, 'w', encoding='utf-8') as f:
        f.write('\n'.join(lines) + '\n')


if __name__ == '__main__':
    if len(sys.argv) < 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
