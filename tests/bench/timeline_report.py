"""The table of the time travel benchmark."""
import statistics

from report import number


def ms(value):
    """Seconds as milliseconds."""
    return '-' if value is None else f'{value * 1000:.2f}'


def took(row):
    """Wall and CPU milliseconds of one measurement."""
    if row is None or 'error' in row:
        return [row['error'] if row else '-', '-']
    return [ms(row['wall_s']), ms(row['cpu_s'])]


def table(head, rows):
    """Columns: the first to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [head, *rows])
              for i in range(len(head))]
    return ['  '.join([row[0].ljust(widths[0])] + [
        cell.rjust(width) for cell, width in zip(row[1:], widths[1:])])
        for row in [head, *rows]]


def steps_row(name, row):
    """A position or a recording and its steps back."""
    after = row['next']
    return [name, *took(row['first']),
            ms(after['wall_s']['median']), ms(after['wall_s']['max']),
            ms(after['cpu_s']['median']), ms(after['cpu_s']['max'])]


STEPS_HEAD = ['first wall', 'cpu', 'next: median wall', 'max wall',
              'median cpu', 'max cpu']


def travel(data):
    """Steps, searches and seeks in the longest recording."""
    through = data['through']
    lines = [f'Recording of {through["icount"] / 1e6:.0f} million '
             f'instructions, replayed through once in '
             f'{through["wall_s"]:.1f} s; times in ms', '',
             'reverse-stepi, after a seek from the end', '']
    lines += table(['at', *STEPS_HEAD],
                   [steps_row(f'{int(at):,}', row)
                    for at, row in data['steps'].items()])
    lines += ['', 'reverse-continue from the end', '']
    lines += table(['to', 'first wall', 'cpu', 'again wall', 'cpu', 'stops at',
                    'seek to the end'],
                   [[name, *took(row['first']), *took(row.get('again')),
                     number(row['first'].get('icount'), ',d'),
                     ms(row['seek']['wall_s'])]
                    for name, row in data['searches'].items()])
    seeks = data['seeks']
    lines += ['', f'{seeks["count"]} seeks to random places', '']
    lines += table(['', 'median', 'p90', 'max'],
                   [[clock[:-2], *(ms(seeks[clock][what]) for what in
                                   ('median', 'p90', 'max'))]
                    for clock in ('wall_s', 'cpu_s')])
    return lines + ['', f'Peak memory {data["peak_kib"] / 1024:.0f} MiB']


def curve(data):
    """Steps by length."""
    return ['reverse-stepi at the end of recordings, in ms', ''] + table(
        ['instructions', *STEPS_HEAD],
        [steps_row(f'{row["icount"]:,}', row) for row in data.values()])


def with_gdb(data):
    """Through a real gdb."""
    return ['Through gdb, in ms', ''] + table(
        ['', 'wall'],
        [['reverse-stepi, first', ms(data['first'])],
         ['reverse-stepi, next, median', ms(data['next']['median'])],
         ['reverse-stepi, next, max', ms(data['next']['max'])],
         ['reverse-continue to watch quiet_value',
          ms(data['quiet_value']['wall_s'])],
         ['continue to the end again', ms(data['there again'])],
         ['reverse-continue to break landmark',
          ms(data['landmark']['wall_s'])]])


def replay(data, ram_mib):
    """Whole replays."""
    medians = {mode: {what: statistics.median(run[what] for run in runs)
                      for what in ('wall_s', 'cpu_s', 'peak_kib')}
               for mode, runs in data.items() if mode != 'length'}
    names = {'replay': 'timeline on', 'replay-off': 'timeline off'}
    rows = [[names[mode], f'{m["wall_s"]:.2f}', f'{m["cpu_s"]:.2f}',
             f'{m["peak_kib"] / 1024:.0f}',
             f'{m["peak_kib"] / 1024 - ram_mib:.0f}']
            for mode, m in medians.items()]
    if len(medians) == 2:
        on, off = medians['replay'], medians['replay-off']
        rows.append(['on/off', *(number(on[w] / off[w], '.3f')
                                 for w in ('wall_s', 'cpu_s', 'peak_kib')),
                     ''])
    return [f'Whole replay of {data["length"]}, medians of '
            f'{len(data["replay"])} rounds', ''] + table(
        ['', 'wall s', 'cpu s', 'peak MiB', f'beyond {ram_mib} MiB RAM'], rows)


def peer_cell(row, key):
    """A time of one emulator, or why there is none."""
    if row is None:
        return '-'
    if 'error' in row:
        return row['error']
    if key == 'next':
        return ms(row['next']['wall_s']['median'])
    if key == 'median':
        return ms(row['wall_s']['median'])
    if key == 'max':
        return ms(row['wall_s']['max'])
    return ms(row[key]['wall_s'])


def peer(data):
    """Both emulators side by side, wall times."""
    ours, theirs = data['reprise'], data.get('qemu')
    rows = []

    def add(name, place, keys):
        mine, other = ours, theirs
        for step in place:
            mine, other = mine[step], other and other[step]
        for key in keys:
            rows.append([f'{name}, {key}' if len(keys) > 1 else name,
                         peer_cell(mine, key), peer_cell(other, key)])

    for at in ours['steps']:
        add(f'reverse-stepi at {int(at):,}', ('steps', at), ('first', 'next'))
    for name in ours['searches']:
        add(f'reverse-continue to {name}', ('searches', name), ('first',))
    add('seeks', ('seeks',), ('median', 'max'))
    return [f'In a recording of {data["length"]}, each in a new process, '
            'wall time in ms', ''] + table(['', 'Reprise', 'QEMU'], rows)


def text(data, ram_mib):
    """All of it."""
    parts = []
    for name, make in (('travel', travel), ('curve', curve),
                       ('gdb', with_gdb),
                       ('replay', lambda d: replay(d, ram_mib)),
                       ('peer', peer)):
        # A section that failed half way is in the JSON only.
        if name in data and not any(e.startswith(name + ':')
                                    for e in data['errors']):
            parts.append('\n'.join(make(data[name])))
    recordings = [[name, number(r.get('icount'), ',d'), f'{r["wall_s"]:.2f}',
                   str(r['log_bytes'])]
                  for name, r in data['recordings'].items()]
    parts.append('\n'.join(table(
        ['recording', 'instructions', 'wall s', 'log bytes'], recordings)))
    for title in ('notes', 'errors'):
        if data[title]:
            parts.append('\n  '.join([title.capitalize() + ':',
                                      *data[title]]))
    return '\n\n\n'.join(parts)
