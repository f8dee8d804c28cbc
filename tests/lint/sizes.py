#!/usr/bin/env python3
"""Prints the largest files and functions. A report: it never fails.

usage: sizes.py SOURCE-ROOT"""
import os
import re
import sys

START = re.compile(r'^[A-Za-z_].*\)\s*$')


def functions(lines):
    """(name, length) of each function: a line that ends in ')' at the left
    margin, then '{' and '}' at the margin."""
    name = None
    begin = 0
    for n, line in enumerate(lines):
        if line.startswith('{') and n and name is None:
            k = n - 1
            while k > 0 and not re.match(r'^[A-Za-z_]', lines[k]):
                k -= 1
            m = re.search(r'(\w+)\s*\(', lines[k])
            name, begin = (m.group(1) if m else '?'), n
        elif line.startswith('}') and name is not None:
            yield name, n - begin - 1
            name = None


def main(root):
    files, funcs = [], []
    for top, dirs, names in os.walk(root):
        dirs[:] = [d for d in dirs if not d.startswith(('.', 'build'))]
        for name in names:
            if not name.endswith('.c'):
                continue
            path = os.path.join(top, name)
            with open(path, encoding='utf-8') as f:
                lines = f.read().splitlines()
            rel = os.path.relpath(path, root)
            files.append((len(lines), rel))
            funcs += [(length, f'{rel}: {fn}')
                      for fn, length in functions(lines)]
    for title, rows, limit in (('files', files, 400), ('functions', funcs,
                                                       25)):
        over = [r for r in rows if r[0] > limit]
        print(f'{len(rows)} {title}, {len(over)} over {limit} lines')
        for length, what in sorted(rows, reverse=True)[:10]:
            print(f'  {length:5} {what}')


if __name__ == '__main__':
    main(sys.argv[1])
