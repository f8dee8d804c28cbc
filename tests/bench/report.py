"""The table for people and the JSON for programs."""
import dataclasses
import os

from results import EMULATORS, summary

NOISE = 0.15


def number(value, text):
    """Formatted, or a dash if there is none."""
    return '-' if value is None else format(value, text)


def cells(results, guest, modes):
    """A row of the table."""
    count = results.instructions(guest)
    row = [guest, number(count and count / 1e6, '.0f')]
    for mode in modes:
        ours = results.seconds(guest, mode, 'reprise')
        theirs = results.seconds(guest, mode, 'qemu')
        row += [number(ours, '.3f'), number(theirs, '.3f'),
                number(results.speedup(guest, mode), '.2f'),
                number(ours and count and count / ours / 1e6, '.0f')]
    for emulator in EMULATORS:
        peak = results.peak_kib(guest, emulator)
        row.append(number(peak and peak / 1024, '.0f'))
    for emulator in EMULATORS:
        row.append(number(results.median(guest, 'record', emulator,
                                         'log_bytes'), '.0f'))
    return row


def table(results, guests, modes):
    """The text of the table."""
    top = ['', ''] + [t for m in modes for t in (m, '', '', '')]
    top += ['peak MiB', '', 'log bytes', '']
    head = ['workload', 'Minsn']
    head += ['Rep s', 'QEMU s', 'Q/R', 'R MIPS'] * len(modes)
    head += ['Rep', 'QEMU'] * 2
    rows = [cells(results, guest, modes) for guest in guests]
    widths = [max(len(row[i]) for row in [head, *rows])
              for i in range(len(head))]
    lines = [group_line(top, widths)]
    for row in [head, *rows]:
        first = row[0].ljust(widths[0])
        rest = [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        lines.append('  '.join([first, *rest]))
    return '\n'.join(lines)


def group_line(top, widths):
    """The line above the head: each title at its first column."""
    line = ''
    at = 0
    for title, width in zip(top, widths):
        if title:
            line = line.ljust(at) + title
        at += width + 2
    return line


def text(results, guests, modes):
    """Table, summary, and what went wrong."""
    clock = 'CPU' if results.clock == 'cpu_s' else 'Wall'
    lines = [f'{clock} time, without that of the empty guest', '',
             table(results, guests, modes), '',
             'Geometric means over the workloads that have both numbers:']
    for name, (mean, of) in summary(results, guests).items():
        lines.append(f'  {name:<28} {mean:8.3f}  ({of})')
    noisy = results.noisy(NOISE)
    if noisy:
        lines += ['', f'Runs that differ by more than {NOISE:.0%} '
                  '(largest minus smallest, by the median):']
        lines += [f'  {guest} {mode} on {emulator}: {spread:.0%}'
                  for guest, mode, emulator, spread in noisy]
    if results.errors:
        lines += ['', 'Errors:'] + [f'  {e}' for e in results.errors]
    return '\n'.join(lines)


def of_emulator(results, guest, mode, emulator):
    """One emulator's part of a mode."""
    runs = results.runs.get((guest, mode, emulator))
    if not runs:
        return None
    return {
        'wall_s': results.seconds(guest, mode, emulator, 'wall_s'),
        'cpu_s': results.seconds(guest, mode, emulator, 'cpu_s'),
        'peak_kib': results.median(guest, mode, emulator, 'peak_kib'),
        'log_bytes': results.median(guest, mode, emulator, 'log_bytes'),
        'runs': [dataclasses.asdict(r) for r in runs],
    }


def of_guest(results, guest, modes):
    """One workload."""
    return {
        'instructions': results.instructions(guest),
        'checksum': results.checksums.get(guest, (None,))[0],
        'modes': {mode: {'ratio': results.speedup(guest, mode),
                         **{e: of_emulator(results, guest, mode, e)
                            for e in EMULATORS}} for mode in modes},
    }


def host():
    """Where it was measured."""
    model = 'unknown'
    try:
        with open('/proc/cpuinfo', encoding='utf-8') as f:
            model = next((line.split(':', 1)[1].strip() for line in f
                          if line.startswith('model name')), model)
    except OSError:
        pass
    return {'cpu': model, 'cpus': os.cpu_count(), 'load': os.getloadavg()}


def as_json(results, guests, modes, about):
    """Everything. wall_s and cpu_s are medians without the empty guest's, in
    `runs` they are those of the whole process."""
    empties = sorted({'empty' + g[-2:] for g in guests})
    return {
        **about,
        'workloads': {g: of_guest(results, g, modes) for g in guests},
        'empty': {g: of_guest(results, g, modes) for g in empties},
        'summary': {name: {'geomean': mean, 'workloads': of} for name,
                    (mean, of) in summary(results, guests).items()},
        'errors': results.errors,
    }
