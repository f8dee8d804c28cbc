"""Replays one recording again and again while the host is busy, each time in another
way: both back ends, caches dropped at random, instruction by instruction, whole or
from a periodic snapshot. Every digest must be the recorded one, and so must the
state at places of which the recording says nothing.

usage: replay_often.py [-n TIMES] [-l LOAD] [-p PART] PROGRAM OPTIONS...

PROGRAM OPTIONS is the command that made the recording (rr=record). LOAD processes
compute beside each replay. PART instructions are replayed in the ways that are
slow."""
import argparse
import re
import subprocess
import sys

# accel: what of the recording. "part": PART instructions from a snapshot on.
WAYS = (('backend=x86_64', 'whole'), ('flush-at-random={n}', 'part'),
        ('backend=interp', 'snapshot'), ('one-insn-per-tb=on', 'part'),
        ('backend=x86_64', 'snapshot'),
        ('backend=interp,flush-at-random={n}', 'part'),
        ('flush-at-random={n}', 'snapshot'), ('backend=interp', 'part'))


def options_of(argv, name):
    """The values that an option has in a command line."""
    return [argv[i + 1] for i, word in enumerate(argv[:-1]) if word == name]


class Often:
    """One recording and how often which part of it was replayed."""

    def __init__(self, argv, img, part):
        self.argv = [word.replace('rr=record', 'rr=replay') for word in argv]
        self.img, self.part = img, part
        self.snapshots = self.list_snapshots()
        self.states = {}       # icount -> the digest of the machine there

    def icount(self):
        return options_of(self.argv, '-icount')[-1]

    def list_snapshots(self):
        """The periodic ones, which have their icount in their names."""
        first = re.search(r'rrsnapshot=([^,]+)', self.icount())
        names = set()
        for drive in options_of(self.argv, '-drive'):
            path = re.search(r'file=([^,]+\.qcow2)', drive)
            if first and path:
                said = subprocess.run(
                    [self.img, 'snapshot', '-l', path[1]], check=True,
                    capture_output=True, text=True).stdout
                names |= set(re.findall(rf'\b{first[1]}-\d+', said))
        return sorted(names)

    def command(self, accel, snapshot, *more):
        """A replay's, from the start or a snapshot on."""
        icount = re.sub(r',rrsnapshot-period=[^,]+', '', self.icount())
        if snapshot:
            icount = re.sub('rrsnapshot=[^,]+', f'rrsnapshot={snapshot}',
                            icount)
        argv = [icount if word == self.icount() else word
                for word in self.argv]
        return [*argv, '-accel', f'tcg,{accel}', *more]

    def run(self, argv):
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, check=False,
                              capture_output=True, text=True)
        if done.returncode:
            raise AssertionError(f'{argv}: exit {done.returncode}: '
                                 f'{done.stdout[-2000:]}{done.stderr[-2000:]}')
        return done.stdout

    def check_part(self, accel, snapshot):
        """The state some way behind the snapshot, and half way there."""
        start = int(snapshot.rsplit('-', 1)[1]) if snapshot else 0
        half = self.part // 2
        said = self.run(self.command(
            accel, snapshot, '-replay-state', f'from={start + half},'
            f'to={start + 2 * half},step={half}'))
        known = self.states.setdefault((snapshot, start), said)
        if said != known:
            raise AssertionError(f'{accel} from {snapshot or "the start"}: '
                                 f'{said!r}, before it was {known!r}')

    def replay(self, n):
        """The n-th replay; what it was."""
        accel, what = WAYS[n % len(WAYS)]
        accel = accel.format(n=n + 1)
        snapshot = None
        if what != 'whole' and self.snapshots:
            snapshot = self.snapshots[n // 2 % len(self.snapshots)]
        if what == 'part':
            self.check_part(accel, snapshot)
        else:
            self.run(self.command(accel, snapshot, '-replay-verify'))
        return f'{what} from {snapshot or "the start"}, {accel}'


def busy(count):
    """So many processes that compute, until they are killed."""
    return [subprocess.Popen([sys.executable, '-c', 'while True: pass'])
            for _ in range(count)]


def replay_often(argv, img, times, load, part):
    """Raises AssertionError at the first replay that is another run."""
    often = Often(argv, img, part)
    # What the slow ways are compared with: the fast one.
    for snapshot in often.snapshots or [None]:
        often.check_part('backend=x86_64', snapshot)
    others = busy(load)
    try:
        for n in range(times):
            print(f'{n + 1}: {often.replay(n)}: the same', flush=True)
    finally:
        for process in others:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('-n', '--times', type=int, default=20)
    parser.add_argument('-l', '--load', type=int, default=4)
    parser.add_argument('-p', '--part', type=int, default=3_000_000)
    parser.add_argument('argv', nargs=argparse.REMAINDER)
    a = parser.parse_args()
    img = a.argv[0].rsplit('reprise-system-', 1)[0] + 'reprise-img'
    replay_often(a.argv, img, a.times, a.load, a.part)


if __name__ == '__main__':
    main()
