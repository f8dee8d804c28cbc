"""The benchmark of time travel: what going back costs in a long recording.

One guest (guests/timeline.c) is recorded in several lengths, with its disk,
and its replays are travelled in through QMP and the gdb protocol. What the
rows mean is in docs/devel/benchmarks.md. Exit status 1: something failed.
"""
import argparse
import dataclasses
import json
import os
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile

import report
import timeline_report
from runs import BOARD, Emulator, log_icount
from session import Failed, Late, Session

LENGTHS = ('1e7', '1e8', '1e9', '5e9')
SECTIONS = ('travel', 'curve', 'gdb', 'replay', 'peer')
POSITIONS = (10 ** 9, 10 ** 8, 10 ** 6)
RAM_MIB = 1024
STEPS, SEED = 50, 1
PEER_STEPS, PEER_SEEKS, PEER_TRIES = 10, 10, 2
BREAK, WATCH = 1, 2
TARGETS = (('landmark', BREAK), ('landmark_hot', BREAK),
           ('quiet_value', WATCH), ('landmark_value', WATCH),
           ('never_called', BREAK), ('never_called_hot', BREAK),
           ('never_value', WATCH), ('never_value_hot', WATCH))
SHARED_PAGES = (('landmark_hot', 'workload'), ('never_called_hot', 'workload'),
                ('landmark_value', 'hot_words'),
                ('never_value_hot', 'hot_words'))


def parse_args():
    """The command line."""
    p = argparse.ArgumentParser(description='benchmark of time travel')
    p.add_argument('--build', default='build', help='the build folder')
    p.add_argument('--length', choices=LENGTHS, default=LENGTHS[-1],
                   help='the longest recording, in instructions')
    p.add_argument('--rounds', type=int, default=3,
                   help='of whole replays, in turn with and without timeline')
    p.add_argument('--seeks', type=int, default=40,
                   help='to random places, of section travel')
    p.add_argument('--only', metavar='SECTION,…', default=','.join(SECTIONS),
                   help='some of ' + ', '.join(SECTIONS))
    p.add_argument('--no-qemu', action='store_true')
    p.add_argument('--qemu', metavar='PATH', default='qemu-system-x86_64')
    p.add_argument('--reprise', metavar='PATH',
                   help='default: the one in the build folder')
    p.add_argument('--limit', type=int, default=300, metavar='S',
                   help='what one request to Reprise may take')
    p.add_argument('--search-limit', type=int, default=120, metavar='S',
                   help='what one search in the longest recording may take')
    p.add_argument('--qemu-limit', type=int, default=120, metavar='S',
                   help='what one request to QEMU may take')
    p.add_argument('--peer-length', choices=LENGTHS, default='1e8',
                   help='the recording that QEMU makes too')
    p.add_argument('--json', metavar='FILE',
                   help='default: timeline.json in the build folder')
    args = p.parse_args()
    args.only = args.only.split(',')
    if set(args.only) - set(SECTIONS) or min(args.rounds, args.seeks) < 1:
        p.error(f'sections are {", ".join(SECTIONS)}; one '
                'round and one seek at least')
    return args


class Recorder(Emulator):
    """An emulator with the guest of one length and its disk."""

    def __init__(self, name, path, build, folder, length):
        self.folder = os.path.join(folder, f'{name}-{length}')
        os.makedirs(self.folder)
        tests = os.path.abspath(os.path.join(build, 'tests', 'bench'))
        super().__init__(name, path, self.folder,
                         os.path.join(tests, 'bench-measure'))
        self.tool = os.path.join(build, 'reprise-img')
        self.disk = os.path.join(self.folder, 'disk.qcow2')
        self.guest = 'timeline' + length
        self.image = os.path.join(tests, f'timeline-{length}.bin')
        self.elf = os.path.join(tests, f'timeline-{length}.elf')

    def command(self, image, mode):
        """mode: record, replay, or replay-off (without the timeline)."""
        rr = mode.split('-', maxsplit=1)[0]
        argv = [self.path, *BOARD, '-m', str(RAM_MIB), '-accel', self.accel,
                '-serial', f'file:{self.serial}', '-kernel', image,
                '-drive', f'file={self.disk},if=none,id=disk',
                '-drive', 'driver=blkreplay,if=none,image=disk,id=tape',
                '-device', 'ide-hd,drive=tape,bus=ide.0', '-icount',
                f'shift=7,rr={rr},rrfile={self.log},rrsnapshot=init']
        if mode == 'replay-off':
            argv += ['-replay-timeline', 'off']
        return argv

    def whole(self, mode, timeout_s):
        """Runs the guest from start to end; a Run."""
        if mode == 'record':
            if os.path.exists(self.disk):
                os.unlink(self.disk)
            subprocess.run([self.tool, 'create', '-q', '-f', 'qcow2',
                            self.disk, '64M'], check=True)
        return self.run(self.guest, self.image, mode, timeout_s)

    def session(self, limit_s):
        """A replay under a debugger."""
        return Session(self.command(self.image, 'replay'), self.folder,
                       limit_s)

    def symbols(self):
        """Name: address."""
        said = subprocess.run(['nm', self.elf], capture_output=True, text=True,
                              check=True)
        rows = [line.split() for line in said.stdout.splitlines()]
        return {row[2]: int(row[0], 16) for row in rows}


def timeline_option(path):
    """Whether there is -replay-timeline."""
    said = subprocess.run([path, '-replay-timeline', 'off', '-version'],
                          capture_output=True, text=True, check=False)
    return said.returncode == 0


class Bench:
    """The sections, each a method run_NAME, and their results."""

    def __init__(self, args, folder):
        self.args = args
        self.folder = folder
        self.reprise = os.path.abspath(args.reprise or os.path.join(
            args.build, 'reprise-system-x86_64'))
        self.qemu = None if args.no_qemu else shutil.which(args.qemu)
        self.recorders = {}
        self.data = {'recordings': {}, 'errors': [], 'notes': []}

    def recorder(self, length, name='reprise'):
        """The emulator with a recording of that length."""
        if (name, length) not in self.recorders:
            path = self.reprise if name == 'reprise' else self.qemu
            new = Recorder(name, path, self.args.build, self.folder, length)
            self.progress(f'recording {length} on {name}')
            run = new.whole('record', self.args.limit)
            if run.error:
                raise Failed(f'recording {length} on {name}: {run.error}')
            entry = dataclasses.asdict(run)
            if name == 'reprise':
                entry['icount'] = log_icount(new.log)
            self.data['recordings'][f'{name} {length}'] = entry
            self.recorders[name, length] = new
        return self.recorders[name, length]

    def end(self, length):
        """The last icount of Reprise's recording."""
        return self.data['recordings'][f'reprise {length}']['icount']

    def session(self, length):
        """Of Reprise, replayed to its end, and what that took."""
        session = self.recorder(length).session(self.args.limit)
        try:
            session.attach()
            took = session.run()
            if took.icount != self.end(length):
                raise Failed(f'the replay stops at {took.icount}')
        except Failed:
            session.close()
            raise
        return session, dataclasses.asdict(took)

    # --- travel: positions, searches and seeks in the longest recording ------

    def run_travel(self):
        """Steps and seeks in one session, which went through to the end once;
        searches in another."""
        length = self.args.length
        session, through = self.session(length)
        out = self.data['travel'] = {'length': length, 'through': through}
        with session:
            out['steps'] = {str(self.end(length)): steps(session, STEPS)}
            out['seeks'] = self.seeks(session, length)
            for at in POSITIONS:
                if at < self.end(length):
                    self.progress(f'reverse-stepi at {at}')
                    session.seek(self.end(length))
                    out['steps'][str(at)] = steps(session, STEPS, at)
            out['peak_kib'] = session.peak_kib()
        out['searches'] = {}
        self.searches(length, out['searches'])

    def searches(self, length, out):
        """All of them from the end. Where one takes too long, the next has a
        new process."""
        symbols = self.recorder(length).symbols()
        check_pages(symbols)
        session = None
        try:
            for name, kind in TARGETS:
                self.progress(f'reverse-continue to {name}')
                if not session:
                    session, _ = self.session(length)
                out[name] = self.search(session, name, kind, symbols[name])
                if any('error' in row for row in out[name].values()):
                    session.close()
                    session = None
        finally:
            if session:
                session.close()

    def search(self, session, name, kind, address):
        """reverse-continue from the end, twice: the second time the emulator
        may remember."""
        out = {}
        end = self.end(self.args.length)
        for which in ('first', 'again'):
            out['seek'] = dataclasses.asdict(session.seek(end))
            session.insert(kind, address)
            try:
                took = session.run_back(self.args.search_limit)
            except Late as late:
                out[which] = {'error': str(late)}
                break
            session.remove(kind, address)
            begin = 'replaylog:begin' in took.answer
            if took.icount >= end or begin != name.startswith('never'):
                raise Failed(f'the search for {name} ends at {took.icount}')
            out[which] = dataclasses.asdict(took)
        return out

    def seeks(self, session, length):
        """To random places, from wherever the one before went."""
        dice = random.Random(SEED)
        tooks = []
        for number in range(self.args.seeks):
            self.progress(f'seek {number + 1} of {self.args.seeks}')
            tooks.append(session.seek(dice.randrange(self.end(length))))
        return several(tooks)

    # --- curve: steps back at the ends of recordings of all lengths ----------

    def run_curve(self):
        """Going back at the end, by the length of what lies behind it."""
        out = self.data['curve'] = {}
        for length in LENGTHS[:LENGTHS.index(self.args.length) + 1]:
            self.progress(f'reverse-stepi at the end of {length}')
            session, through = self.session(length)
            with session:
                out[length] = {'through': through,
                               'icount': self.end(length),
                               **steps(session, STEPS)}

    # --- gdb: the same through a real one ------------------------------------

    def run_gdb(self):
        """timeline_gdb.py in gdb, at the end of the longest recording."""
        if not shutil.which('gdb'):
            self.note('no gdb: section gdb skipped')
            return
        recorder = self.recorder(self.args.length)
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                              'timeline_gdb.py')
        # gdb learns the register layout when it connects: in 64-bit code.
        session, through = self.session(self.args.length)
        with session:
            session.detach()
            self.progress('a real gdb')
            try:
                said = subprocess.run(
                    ['gdb', '-nx', '-q', '-batch', recorder.elf, '-x', script],
                    env={**os.environ, 'TIMELINE_GDB': session.gdb_path},
                    capture_output=True, text=True, check=False,
                    timeout=3 * self.args.limit)
            except subprocess.TimeoutExpired:
                raise Failed('gdb does not come to an end') from None
        rows = [line[len('TIMELINE '):] for line in said.stdout.splitlines()
                if line.startswith('TIMELINE ')]
        if not rows:
            raise Failed(f'gdb fails: {said.stderr[-300:]}')
        self.data['gdb'] = {'through': through, **json.loads(rows[0])}

    # --- replay: what the timeline costs while nobody travels ----------------

    def run_replay(self):
        """Whole replays, with the timeline and without in turn."""
        recorder = self.recorder(self.args.length)
        modes = ['replay', 'replay-off']
        if not timeline_option(self.reprise):
            self.note('no -replay-timeline in this build: replays without '
                      'the timeline are skipped')
            modes.pop()
        runs = {mode: [] for mode in modes}
        for number in range(self.args.rounds):
            for mode in modes[::-1 if number % 2 else 1]:
                self.progress(f'round {number + 1}: {mode}')
                run = recorder.whole(mode, self.args.limit)
                if run.error:
                    raise Failed(f'{mode}: {run.error}')
                runs[mode].append(dataclasses.asdict(run))
        self.data['replay'] = {'length': self.args.length, **runs}

    # --- peer: what QEMU can do too, in a small recording --------------------

    def run_peer(self):
        """Each measurement in a process of its own: QEMU does not get over
        those that it cannot do."""
        self.recorder(self.args.peer_length)
        out = self.data['peer'] = {'length': self.args.peer_length}
        out['reprise'] = self.peer('reprise', self.args.limit)
        if self.qemu:
            out['qemu'] = self.peer('qemu', self.args.qemu_limit)
        elif not self.args.no_qemu:
            self.note('no QEMU: Reprise alone is measured')

    def peer(self, name, limit_s):
        """One emulator's part. The places are a little before the end, which
        is not at the same icount on both."""
        last = self.end(self.args.peer_length) * 9 // 10
        recorder = self.recorder(self.args.peer_length, name)
        symbols = recorder.symbols()
        out = {'steps': {}, 'searches': {}}

        def one(what, at, work):
            for number in range(PEER_TRIES):
                self.progress(f'{name}: {what}, try {number + 1}')
                try:
                    with recorder.session(limit_s) as session:
                        there = session.seek(at)
                        return {'seek': dataclasses.asdict(there),
                                'try': number + 1, **work(session)}
                except Failed as failure:
                    error = {'error': str(failure)}
            return error

        for at in sorted({min(at, last) for at in (10 ** 6, 10 ** 7, last)}):
            out['steps'][str(at)] = one(f'steps at {at}', at, lambda s:
                                        steps(s, PEER_STEPS))
        for target, kind in TARGETS:
            out['searches'][target] = one(
                f'search for {target}', last, lambda s, k=kind, t=target:
                one_search(s, k, symbols[t]))
        dice = random.Random(SEED)
        places = [dice.randrange(10 ** 6, last) for _ in range(PEER_SEEKS)]
        out['seeks'] = one('seeks', last, lambda s: several(
            [s.seek(place) for place in places]))
        return out

    # --- all -----------------------------------------------------------------

    def all(self):
        """What was asked for; a section that fails does not stop the rest.
        SIGINT and SIGTERM do, but not the report."""
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        for section in self.args.only:
            try:
                getattr(self, 'run_' + section)()
            except Failed as failure:
                self.data['errors'].append(f'{section}: {failure}')
            except KeyboardInterrupt:
                self.data['errors'].append(f'{section}: interrupted')
                break
        self.progress('')

    def note(self, text):
        """Something the reader should know."""
        self.data['notes'].append(text)

    @staticmethod
    def progress(text):
        """Says on a terminal what is being done."""
        if sys.stderr.isatty():
            print(f'\r\x1b[K{text}', end='', file=sys.stderr, flush=True)


def several(tooks):
    """Statistics of a number of the same."""
    out = {'count': len(tooks), 'all': [dataclasses.asdict(t) for t in tooks]}
    for clock in ('wall_s', 'cpu_s'):
        values = sorted(getattr(t, clock) for t in tooks)
        out[clock] = {'median': statistics.median(values),
                      'p90': values[min(len(values) * 9 // 10,
                                        len(values) - 1)],
                      'max': values[-1]}
    return out


def steps(session, count, at=None):
    """reverse-stepi: the first one, and the next ones; to `at` first."""
    seek = dataclasses.asdict(session.seek(at)) if at is not None else None
    session.attach()
    here = session.icount()
    tooks = [session.step_back() for _ in range(count + 1)]
    for number, took in enumerate(tooks):
        if took.icount != here - number - 1:
            raise Failed(f'reverse-stepi at {here - number} arrives at '
                         f'{took.icount}')
    return {'there': seek, 'first': dataclasses.asdict(tooks[0]),
            'next': several(tooks[1:])}


def one_search(session, kind, address):
    """reverse-continue from here."""
    session.attach()
    here = session.icount()
    session.insert(kind, address)
    took = session.run_back()
    if took.icount >= here:
        raise Failed(f'reverse-continue arrives at {took.icount}')
    return {'first': dataclasses.asdict(took)}


def check_pages(symbols):
    """The guest must be what the rows say."""
    for name, busy in SHARED_PAGES:
        if symbols[name] >> 12 != symbols[busy] >> 12:
            raise Failed(f'{name} is not on the page of {busy}')


def main():
    """Runs everything and reports."""
    args = parse_args()
    with tempfile.TemporaryDirectory(prefix='reprise-timeline-') as folder:
        bench = Bench(args, folder)
        needed = [bench.reprise,
                  os.path.join(args.build, 'reprise-img'),
                  os.path.join(args.build, 'tests', 'bench',
                               'bench-measure')]
        for path in needed:
            if not os.access(path, os.X_OK):
                sys.exit(f'{path} is not there: ninja -C {args.build} '
                         'timeline-guests reprise-system-x86_64 reprise-img')
        bench.data['host'] = report.host()
        bench.all()
    bench.data['host']['load_after'] = os.getloadavg()
    print(timeline_report.text(bench.data, RAM_MIB))
    path = args.json or os.path.join(args.build, 'timeline.json')
    with open(path, 'w', encoding='utf-8') as f:
        json.dump(bench.data, f, indent=1)
    print(f'\nWritten to {path}.')
    return 1 if bench.data['errors'] else 0


if __name__ == '__main__':
    sys.exit(main())
