"""compile.py OBJECT COMPILER FLAG… -- SOURCE…: compiles the sources and links
them into one object that is still to be linked."""
import os
import subprocess
import sys
import tempfile


def main():
    """As said above; a compiler's failure is ours."""
    split = sys.argv.index('--')
    target, command = sys.argv[1], sys.argv[2:split]
    sources = sys.argv[split + 1:]
    with tempfile.TemporaryDirectory(prefix='reprise-corpus-') as folder:
        parts = []
        for source in sources:
            part = os.path.join(folder, os.path.basename(source) + '.o')
            done = subprocess.run([*command, '-c', '-o', part, source],
                                  check=False)
            if done.returncode:
                return done.returncode
            parts.append(part)
        return subprocess.run([command[0], '-r', '-nostdlib', '-o', target,
                               *parts], check=False).returncode


if __name__ == '__main__':
    sys.exit(main())
