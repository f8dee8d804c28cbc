#!/usr/bin/env python3
"""Manual pages and shell completion: each program has them, they tell all of
its options, and the shells take them.

usage: test-pages.py [BUILD-FOLDER] [unittest arguments]"""
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get('REPRISE_BUILD',
                                       os.path.join(HERE, '..', '..',
                                                    'build')))
TOOLS = ['reprise-img', 'reprise-io', 'reprise-replay']
PROGRAMS = ['reprise-system-x86_64', 'reprise-system-i386', *TOOLS]


def page(name):
    with open(os.path.join(BUILD, 'share', name), encoding='utf-8') as f:
        return f.read()


def run(*args, **kwargs):
    return subprocess.run(args, text=True, capture_output=True, timeout=60,
                          check=False, **kwargs)


class Pages(unittest.TestCase):
    def complete(self, program, *words):
        """What bash offers for the last word."""
        script = page(program) + '\n' + (
            'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
            f'{re.search(r"-F (_[a-z0-9_]+)", page(program))[1]}; '
            'printf "%s\\n" "${COMPREPLY[@]}"')
        r = run('bash', '-c', script, 'bash', program, *words)
        self.assertEqual((r.returncode, r.stderr), (0, ''))
        return r.stdout.split()

    def test_man_tells_all_options(self):
        for name in PROGRAMS:
            text = page(name + '.1').replace('\\', '')
            told = run(os.path.join(BUILD, name), '--help').stdout
            tool = name in TOOLS
            options = set(re.findall(r'(?:[\[|]|^  )(--?[a-z][a-z-]*)' if tool
                                     else r'^(-[a-z][\w-]*)', told, re.M))
            options -= {'--help', '--version'} if tool else set()
            self.assertGreater(len(options), 5, name)
            for option in options:
                self.assertIn(option, text, name)

    def test_man_is_good_roff(self):
        if not shutil.which('groff'):
            self.skipTest('groff is not installed')
        for name in PROGRAMS:
            r = run('groff', '-man', '-ww', '-Tutf8', '-z',
                    os.path.join(BUILD, 'share', name + '.1'))
            bad = [line for line in r.stderr.splitlines()
                   if 'cannot adjust' not in line]
            self.assertEqual((r.returncode, bad), (0, []), name)

    def test_bash_completes(self):
        self.assertIn('rebase', self.complete('reprise-img', 're'))
        self.assertNotIn('commit', self.complete('reprise-img', 're'))
        self.assertIn('--backing-chain',
                      self.complete('reprise-img', 'info', '--b'))
        self.assertEqual(self.complete('reprise-img', 'check', '-r', 'l'),
                         ['leaks'])
        self.assertEqual(self.complete('reprise-img', 'info', '--output', '=',
                                       'j'), ['json'])
        self.assertIn('-icount',
                      self.complete('reprise-system-x86_64', '-ic'))
        self.assertIn('--cmd', self.complete('reprise-io', '--c'))
        self.assertIn('trace', self.complete('reprise-replay', 't'))

    def test_shells_take_it(self):
        for shell, check, names in (
                ('bash', '-n', '{}'), ('zsh', '-n', '_{}'),
                ('fish', '--no-execute', '{}.fish')):
            for name in PROGRAMS if shutil.which(shell) else ():
                r = run(shell, check, os.path.join(BUILD, 'share',
                                                   names.format(name)))
                self.assertEqual((r.returncode, r.stderr), (0, ''), name)
        for name in PROGRAMS:
            self.assertIn('#compdef ' + name, page('_' + name))
            self.assertIn(f'complete -c {name} ', page(name + '.fish'))


if __name__ == '__main__':
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
