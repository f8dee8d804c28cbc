"""All runs of a benchmark, and the numbers that come out of them."""
import math
import statistics

from runs import MODES

EMULATORS = ('reprise', 'qemu')


class Results:
    """Runs by (guest, mode, emulator), in the order in which they ran. clock
    says which time is compared: wall_s or cpu_s."""

    def __init__(self, clock='wall_s'):
        self.clock = clock
        self.runs = {}
        self.icounts = {}      # guest: instructions, the firmware's included
        self.checksums = {}    # guest: checksum, emulator and mode that set it
        self.errors = []

    def add(self, guest, mode, emulator, run):
        """Takes in a run after comparing its checksum with the first one."""
        if run.error is None:
            first = self.checksums.setdefault(guest,
                                              (run.checksum, emulator, mode))
            if run.checksum != first[0]:
                run.error = (f'checksum {run.checksum}, but {first[0]} on '
                             f'{first[1]} in mode {first[2]}')
        if run.error:
            self.errors.append(f'{guest} on {emulator}, {mode}: {run.error}')
        self.runs.setdefault((guest, mode, emulator), []).append(run)

    def good(self, guest, mode, emulator):
        """The runs that did what they should."""
        return [r for r in self.runs.get((guest, mode, emulator), [])
                if r.error is None]

    def median(self, guest, mode, emulator, what):
        """The median of a member of Run; None if there is none."""
        values = [getattr(r, what) for r in self.good(guest, mode, emulator)]
        values = [v for v in values if v is not None]
        return statistics.median(values) if values else None

    def seconds(self, guest, mode, emulator, clock=None):
        """The time of the guest's own part: that of the run without that of
        the empty guest. None if there is no telling."""
        clock = clock or self.clock
        whole = self.median(guest, mode, emulator, clock)
        empty = self.median('empty' + guest[-2:], mode, emulator, clock)
        if whole is None or empty is None or whole <= empty:
            return None
        return whole - empty

    def instructions(self, guest):
        """How many the guest's own part retires; None if not counted."""
        empty = self.icounts.get('empty' + guest[-2:])
        if guest not in self.icounts or empty is None:
            return None
        return self.icounts[guest] - empty

    def ratio(self, guest, over, under):
        """Time in (mode, emulator) over that in another; None if unknown."""
        a = self.seconds(guest, *over)
        b = self.seconds(guest, *under)
        return a / b if a and b else None

    def speedup(self, guest, mode):
        """How many times faster than QEMU."""
        return self.ratio(guest, (mode, 'qemu'), (mode, 'reprise'))

    def peak_kib(self, guest, emulator):
        """The most memory of any run in any mode."""
        return max((r.peak_kib for mode in MODES
                    for r in self.good(guest, mode, emulator)), default=None)

    def noisy(self, limit):
        """(guest, mode, emulator, spread) where (max - min) / median of the
        times is more than the limit."""
        out = []
        for (guest, mode, emulator), _ in self.runs.items():
            times = [getattr(r, self.clock)
                     for r in self.good(guest, mode, emulator)]
            if times and not guest.startswith('empty'):
                spread = (max(times) - min(times)) / statistics.median(times)
                if spread > limit:
                    out.append((guest, mode, emulator, spread))
        return out


def geomean(values):
    """Of those that are known; None if none is."""
    known = [v for v in values if v]
    if not known:
        return None
    return math.exp(sum(map(math.log, known)) / len(known))


def summary(results, guests):
    """Name: (geometric mean over the guests, of how many)."""
    pairs = {f'QEMU/Reprise, {mode}': ((mode, 'qemu'), (mode, 'reprise'))
             for mode in MODES}
    pairs['QEMU plain/Reprise icount'] = (('plain', 'qemu'),
                                          ('icount', 'reprise'))
    for emulator in EMULATORS:
        name = 'Reprise' if emulator == 'reprise' else 'QEMU'
        for over, under in (('icount', 'plain'), ('record', 'icount'),
                            ('replay', 'record')):
            pairs[f'{name} {over}/{under}'] = ((over, emulator),
                                               (under, emulator))
    out = {}
    for name, (over, under) in pairs.items():
        ratios = [results.ratio(g, over, under) for g in guests]
        ratios = [r for r in ratios if r]
        if ratios:
            out[name] = (geomean(ratios), len(ratios))
    return out
