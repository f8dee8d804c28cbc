#!/usr/bin/env python3
"""A boot of Linux with work to do, beside QEMU's, as ratios of one run.

Debian's kernels (scripts/linux-kernels.sh) with busybox, from power-on to a shell
that starts processes, compresses, digests and computes, and switches the
machine off. For each number of processors and round: QEMU plain (once with its
own threads, once with one thread for all), Reprise recording, and the replay of
that recording; one right after the other, in turns. See
docs/devel/benchmarks.md."""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, '..', 'functional'))
import linux_guest  # noqa: E402  (after the path is set)

ICOUNT = 'shift=1,sleep=off'
DONE = b'workload done'


def arguments():
    p = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    p.add_argument('--build', default='build')
    p.add_argument('--kernels', default=linux_guest.FOLDER)
    p.add_argument('--flavours', default='cloud-amd64')
    p.add_argument('--smp', default='1,4')
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--loops', type=int, default=200,
                   help='processes that the shell starts')
    p.add_argument('--time', choices=('wall', 'cpu'), default='cpu')
    p.add_argument('--reprise', help="a folder with Reprise's programs")
    p.add_argument('--qemu', default='qemu-system-',
                   help='the beginning of its path, or "none"')
    p.add_argument('--json', default='linux.json')
    return p.parse_args()


def run(argv, path):
    """Runs it to its end: wall and CPU seconds, peak memory."""
    begin = os.times().elapsed
    with open(path, 'wb') as out:
        child = subprocess.Popen(
            ['/usr/bin/env', *argv], stdin=subprocess.DEVNULL, stdout=out,
            stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    with open(path, 'rb') as f:
        said = f.read()
    if child.returncode or DONE not in said:
        raise RuntimeError(f'{argv[0]} did not get through ({status}): '
                           f'{said[-400:].decode(errors="replace")}')
    return {'wall': os.times().elapsed - begin,
            'cpu': usage.ru_utime + usage.ru_stime,
            'mib': usage.ru_maxrss / 1024}


class Bench:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.log = os.path.join(folder, 'run.rr')

    def common(self, flavour, smp):
        kernels = self.options.kernels
        arch = linux_guest.FLAVOURS[flavour][0]
        initrd = os.path.join(self.folder, f'initrd-{arch}')
        if not os.path.exists(initrd):
            script = linux_guest.WORKLOAD.replace(
                'LOOPS', str(self.options.loops)).replace('EXTRA', 'true')
            linux_guest.make_initrd(initrd, f'{kernels}/busybox-{arch}',
                                    script.replace('END', 'poweroff -f'))
        return ['-M', 'pc', '-m', '512', '-smp', str(smp), '-no-reboot',
                '-nodefaults', '-display', 'none', '-serial', 'stdio',
                '-kernel', f'{kernels}/vmlinuz-{flavour}', '-initrd', initrd,
                '-append', linux_guest.APPEND]

    def ways(self, flavour, smp):
        """Name of each way to run it, and its command line."""
        common = self.common(flavour, smp)
        arch = linux_guest.FLAVOURS[flavour][1]
        folder = self.options.reprise or self.options.build
        ours = os.path.join(folder, f'reprise-system-{arch}')
        ways = {way: [ours, *common, '-icount',
                      f'{ICOUNT},rr={way},rrfile={self.log}']
                for way in ('record', 'replay')}
        if self.options.qemu != 'none':
            theirs = [self.options.qemu + arch, *common, '-accel']
            ways = {'qemu': [*theirs, 'tcg'], **ways}
            if smp > 1:
                ways['qemu-1-thread'] = [*theirs, 'tcg,thread=single']
        return ways

    def measure(self, flavour, smp):
        runs = {}
        for n in range(self.options.rounds):
            for way, argv in self.ways(flavour, smp).items():
                try:
                    seen = run(argv, os.path.join(self.folder, 'output'))
                except RuntimeError as failure:
                    # On a busy host timers of QEMU's plain mode come too late
                    # for the kernel, which panics.
                    print(f'{way}: {failure}', file=sys.stderr)
                    continue
                runs.setdefault(way, []).append(seen)
                print(f'{flavour} -smp {smp} round {n + 1}: {way} '
                      f'{seen["wall"]:.1f} s wall, {seen["cpu"]:.1f} s CPU',
                      file=sys.stderr)
        return {'runs': runs, 'log_bytes': os.path.getsize(self.log)}


def ratio(of, to):
    return f'{of / to:.2f}' if of and to else '-'


def row(flavour, smp, result, time):
    mid = {way: statistics.median(r[time] for r in runs)
           for way, runs in result['runs'].items()}
    get = mid.get
    record = get('record', 0)
    mib = max((r['mib'] for r in result['runs'].get('record', ())), default=0)
    return (f'| {flavour} | {smp} | {ratio(record, get("qemu"))} | '
            f'{ratio(record, get("qemu-1-thread"))} | '
            f'{ratio(get("replay"), record)} | {record:.1f} | '
            f'{result["log_bytes"] / 1000:.0f} KB | {mib:.0f} MiB |')


def main():
    options = arguments()
    results = {}
    print('| kernel | -smp | recording / QEMU plain | / its single thread | '
          'replay / recording | recording, s | log | memory |\n'
          '|---|---|---|---|---|---|---|---|')
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, folder)
        for flavour in options.flavours.split(','):
            for smp in options.smp.split(','):
                result = bench.measure(flavour, int(smp))
                results[f'{flavour} {smp}'] = result
                print(row(flavour, smp, result, options.time), flush=True)
    with open(os.path.join(options.build, options.json), 'w',
              encoding='ascii') as f:
        json.dump(results, f, indent=1)


if __name__ == '__main__':
    main()
