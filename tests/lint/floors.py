#!/usr/bin/env python3
"""Fails on an include that docs/devel/map.md does not allow, and on a target's
name where all targets are served.

usage: floors.py SOURCE-ROOT"""
import os
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
CONTRACTS = ('base', 'vm', 'io', 'pins', 'hw', 'svc')

# Every target is served by these; a host's back end may name its host.
NEUTRAL = ('qapi', 'softmmu', 'accel', 'migration', 'replay', 'gdbstub',
           'monitor', 'include/vm', 'include/io', 'include/svc')
TARGET = re.compile(r'\b((?:i386|x86(?!_64\b)|aarch64|arm64|riscv)\w*)', re.I)
COMMENT = re.compile(r'/\*.*?\*/', re.S)


def rows(text):
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip().strip('|').split('|')]
        if line.startswith('|') and len(cells) == 3 and '---' not in line:
            yield cells


def read_map(root):
    """(folder -> allowed words, file -> further words)"""
    with open(os.path.join(root, 'docs/devel/map.md'), encoding='utf-8') as f:
        text = f.read()
    floors, extra = {}, {}
    for first, second, third in rows(text):
        if re.match(r'\d ', first):
            for folder in re.findall(r'`([^`]+)`', second):
                floors[folder] = third.split()
        elif first.startswith('`') and second != 'also includes':
            extra[first.strip('`')] = second.split()
    return floors, extra


def sources(root):
    for top, dirs, files in os.walk(root):
        rel = os.path.relpath(top, root)
        dirs[:] = [d for d in dirs if not d.startswith(('.', 'build'))]
        if rel.split(os.sep)[0] in ('tests', 'include'):
            dirs[:] = []
            continue
        for name in files:
            if name.endswith(('.c', '.h')):
                yield os.path.normpath(os.path.join(rel, name))


def allowed(include, words):
    head = include.split('/')[0]
    if head == 'qapi' or include.startswith(('qapi-',)):
        return 'qapi' in words
    return head in words or include in words


def is_own_room(root, path, include):
    """True for a header of a room beside or above the file, in its folder."""
    top = os.path.dirname(path)
    while top:
        if os.path.exists(os.path.join(root, top, include)):
            return True
        top = os.path.dirname(top)
    return False


def check_file(root, path, floors, extra):
    """Yields what is wrong with a file."""
    folder = path.split(os.sep)[0]
    if folder not in floors:
        yield f'{path}: docs/devel/map.md does not know {folder}'
        return
    words = floors[folder] + extra.get(path, [])
    with open(os.path.join(root, path), encoding='utf-8') as f:
        text = f.read()
    for include in INCLUDE.findall(text):
        if '../' in include:
            yield f'{path}: "{include}" goes sideways'
        elif is_own_room(root, path, include):
            continue
        elif '/' in include or include.startswith('qapi-'):
            head = include.split('/')[0]
            known = head in CONTRACTS + ('qapi',) or '/' not in include
            if known and not allowed(include, words):
                yield f'{path}: may not include "{include}"'
            elif not known:
                yield f'{path}: "{include}" is private to {head}/'


def named_targets(root):
    """Yields where neutral code (not its comments) names a target."""
    for folder in NEUTRAL:
        for top, _, files in os.walk(os.path.join(root, folder)):
            for name in files:
                if not name.endswith(('.c', '.h', '.def', '.json')):
                    continue
                path = os.path.join(top, name)
                with open(path, encoding='utf-8') as f:
                    code = COMMENT.sub('', f.read())
                for word in sorted(set(TARGET.findall(code))):
                    yield f'{os.path.relpath(path, root)}: names {word}'


def include_cycles(root):
    """Contract headers must not include each other in circles."""
    graph = {}
    base = os.path.join(root, 'include')
    for top, _, files in os.walk(base):
        for name in files:
            path = os.path.relpath(os.path.join(top, name), base)
            with open(os.path.join(top, name), encoding='utf-8') as f:
                graph[path] = [i for i in INCLUDE.findall(f.read())
                               if not i.endswith('.def')]
    done = set()

    def visit(node, trail):
        if node in trail:
            yield 'include cycle: ' + ' -> '.join(trail + [node])
            return
        if node in done:
            return
        for nxt in graph.get(node, []):
            yield from visit(nxt, trail + [node])
        done.add(node)

    for node in sorted(graph):
        yield from visit(node, [])


def main(root):
    floors, extra = read_map(root)
    wrong, count = [], 0
    for path in sources(root):
        count += 1
        wrong += check_file(root, path, floors, extra)
    wrong += include_cycles(root)
    wrong += named_targets(root)
    if not count or not floors:
        wrong.append('nothing was checked')
    print('\n'.join(wrong) or f'{count} files keep to their floors')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1]))
