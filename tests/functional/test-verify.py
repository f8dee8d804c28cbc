"""-replay-verify, -replay-state: a replay for the sake of its states."""
import json
import re
import struct
import subprocess
import zlib

import reprise

EVENTS, DIGEST, MARK, END = 1, 2, 3, 4
CHUNK = 64


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


class Log:
    """A log's bytes, taken apart as docs/devel/log-format.md says."""

    def __init__(self, path):
        with open(path, 'rb') as f:
            self.bytes = bytearray(f.read())
        at = 32 + struct.unpack_from('<I', self.bytes, 12)[0]
        self.chunks = []       # (type, first icount, offset)
        while at < len(self.bytes):
            _, kind, stored = struct.unpack_from('<4sII', self.bytes, at)
            first = struct.unpack_from('<Q', self.bytes, at + 24)[0]
            self.chunks.append((kind, first, at))
            at += CHUNK + stored

    def of(self, kind):
        return [c for c in self.chunks if c[0] == kind]

    def raw(self, at):
        """The inflated bytes of the chunk."""
        stored = struct.unpack_from('<I', self.bytes, at + 8)[0]
        return bytearray(zlib.decompress(
            self.bytes[at + CHUNK:at + CHUNK + stored]))

    def replace(self, at, change):
        """Changes the inflated bytes of the chunk, checksums included."""
        stored = struct.unpack_from('<I', self.bytes, at + 8)[0]
        raw = self.raw(at)
        change(raw)
        packed = zlib.compress(bytes(raw))
        struct.pack_into('<II', self.bytes, at + 8, len(packed), len(raw))
        struct.pack_into('<I', self.bytes, at + 20, crc32c(packed))
        struct.pack_into('<I', self.bytes, at + 60,
                         crc32c(self.bytes[at:at + 60]))
        self.bytes[at + CHUNK:at + CHUNK + stored] = packed

    def save(self, path, length=None):
        with open(path, 'wb') as f:
            f.write(self.bytes[:length])
        return path


class Base(reprise.TestCase):
    def machine(self, *args):
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={reprise.guest("io")},format=raw,if=ide,'
                'snapshot=on', *args)

    def record(self, name='io.rr', word='hello there', args=()):
        log = self.path(name)
        vm = self.start(*self.machine(*args), '-icount', 'shift=7,rr=record,'
                        f'rrfile={log},rrdigest=1000000')
        vm.serial.expect('> ')
        vm.serial.send(word + '\r')
        vm.serial.expect('you said: ')
        vm.serial.send('spin\rquit\r')
        self.assertEqual(vm.wait(), 1)
        return log

    def other_input(self, path):
        """The same log but for one byte of serial input; its icount."""
        log = Log(path)
        chunk = next(c for c in log.of(EVENTS) if b'h' in log.raw(c[2]))

        def change(raw):
            raw[raw.index(b'h')] = ord('j')
        log.replace(chunk[2], change)
        return log.save(self.path('other.rr')), chunk[1]

    def run_replay(self, log, *args, more=''):
        return reprise.run('-nodefaults', *self.machine('-serial', 'stdio'),
                           '-icount', f'shift=7,rr=replay,rrfile={log}{more}',
                           *args)


class Verify(Base):
    def verify(self, log, *args, more=''):
        """The result, and the report for programs."""
        report = self.path('report.json')
        result = self.run_replay(log, '-replay-verify', '-replay-report',
                                 report, *args, more=more)
        with open(report, encoding='utf-8') as f:
            return result, json.load(f)

    def test_good(self):
        log = self.record()
        result, report = self.verify(log)
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(result.stderr, '')
        self.assertNotIn('you said', result.stdout)   # no door is open
        end = Log(log).of(END)[0][1]
        digests = len(Log(log).of(DIGEST))
        self.assertEqual(report['verdict'], 'good')
        self.assertEqual((report['start'], report['stop']), (0, end))
        self.assertEqual(report['last-agreement'], end)
        self.assertEqual(report['digests'],
                         {'agree': digests, 'recorded': digests,
                          'longest-interval': 1000000})
        self.assertGreater(digests, 5)
        self.assertEqual(report['events']['delivered'],
                         report['events']['recorded'])
        self.assertIn(f'digests    {digests} of {digests} agree',
                      result.stdout)

    def test_other_ways(self):
        log = self.record()
        for accel in ('backend=interp', 'one-insn-per-tb=on',
                      'flush-at-random=3'):
            result, _ = self.verify(log, '-accel', f'tcg,{accel}')
            self.assertEqual(result.returncode, 0, result)

    def damage(self, change):
        """A log whose fourth digest is another; that and the one before."""
        log = Log(self.record())
        before, bad = log.of(DIGEST)[2:4]
        log.replace(bad[2], change)
        return log.save(self.path('bad.rr')), before[1], bad[1]

    def test_wrong_digest(self):
        def change(raw):
            raw[0] ^= 1                    # the total
            raw[8 + 64 * 8] ^= 0x10        # the first table's
        path, before, at = self.damage(change)
        result, report = self.verify(path)
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(report['verdict'], 'diverged')
        self.assertEqual(report['divergence']['after'], before)
        self.assertEqual(report['divergence']['at'], at)
        self.assertIn('machine', report['divergence']['what'])
        self.assertIn(f'DIVERGED between icount {before}', result.stdout)
        self.assertIn(f'icount {at}', result.stdout)

    def test_wrong_ram_digest(self):
        def change(raw):
            raw[0] ^= 1
            raw[8] ^= 1                    # the first range
        path, before, at = self.damage(change)
        result, report = self.verify(path)
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(report['divergence']['after'], before)
        self.assertIn('RAM', report['divergence']['what'])

    def test_other_input(self):
        """Another byte of serial input: the next digest says so."""
        path, at = self.other_input(self.record())
        after = [first for _, first, _ in Log(path).of(DIGEST) if first > at]
        result, report = self.verify(path)
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(report['verdict'], 'diverged')
        self.assertEqual(report['divergence']['at'], after[0])

    def test_cut_off(self):
        log = Log(self.record())
        cut = log.of(DIGEST)[-2]
        path = log.save(self.path('cut.rr'), cut[2] + 10)
        result, report = self.verify(path)
        self.assertEqual(result.returncode, 2, result)
        self.assertEqual(report['verdict'], 'cut-off')
        self.assertFalse(report['log']['complete'])
        self.assertEqual(report['stop'], report['log']['end'])
        self.assertIn(f'good until icount {report["stop"]}', result.stdout)

    def test_damaged_or_other(self):
        log = self.record()
        result, report = self.verify(log, '-m', '32')
        self.assertEqual(result.returncode, 1)
        self.assertEqual(report['verdict'], 'failed')
        self.assertIn('recorded with', report['error'])
        bad = Log(log)
        bad.bytes[bad.of(DIGEST)[3][2] + 70] ^= 1
        result, report = self.verify(bad.save(self.path('bad.rr')))
        self.assertEqual((result.returncode, report['verdict']),
                         (1, 'failed'))

    def test_refused(self):
        log = self.record()
        for args, words in (
                (('-replay-verify', '-loadvm', 'x'), '-loadvm'),
                (('-replay-report', 'x'), 'needs -replay-verify')):
            result = self.run_replay(log, *args)
            self.assertEqual(result.returncode, 1)
            self.assertIn(words, result.stderr)
        result = reprise.run('-nodefaults', '-replay-verify')
        self.assertIn('needs -icount rr=replay', result.stderr)


class Snapshots(Base):
    """Marks of the log are compared too, and any of them is a start."""

    def machine(self, *args):
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={self.path("disk.qcow2")},if=ide', *args)

    def record(self, name='snap.rr', word='hello there', args=()):
        subprocess.run([reprise.program('reprise-img'), 'convert', '-f', 'raw',
                        '-O', 'qcow2', reprise.guest('io'),
                        self.path('disk.qcow2')], check=True)
        log = self.path(name)
        vm = self.start(*self.machine(), '-icount', f'shift=7,rr=record,'
                        f'rrfile={log},rrdigest=1000000,rrsnapshot=init,'
                        'rrsnapshot-period=2M', *args)
        vm.serial.expect('> ')
        vm.serial.send(f'{word}\rspin\rquit\r')
        self.assertEqual(vm.wait(), 1)
        return log

    verify = Verify.verify

    def test_marks(self):
        log = self.record()
        marks = Log(log).of(MARK)
        self.assertGreater(len(marks), 2)
        result, report = self.verify(log, more=',rrsnapshot=init')
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(report['snapshots']['agree'], len(marks))
        result, report = self.verify(
            log, more=f',rrsnapshot=init-{marks[1][1]:012}')
        self.assertEqual(result.returncode, 0, result)
        self.assertEqual(report['start'], marks[1][1])
        self.assertEqual(report['snapshots']['agree'], len(marks) - 1)

    def test_wrong_mark(self):
        log = Log(self.record())
        mark = log.of(MARK)[2]

        def change(raw):
            raw[1] ^= 1
        log.replace(mark[2], change)
        result, report = self.verify(log.save(self.path('bad.rr')),
                                     more=',rrsnapshot=init')
        self.assertEqual(result.returncode, 1, result)
        self.assertEqual(report['divergence']['at'], mark[1])
        self.assertIn('snapshot', report['divergence']['what'])


class State(Base):
    def states(self, log, what, *args):
        result = self.run_replay(log, '-replay-state', what, *args)
        self.assertEqual(result.returncode, 0, result)
        return result.stdout.splitlines()

    def test_every_way_the_same(self):
        log = self.record()
        what = 'from=1500000,to=2500000,step=100000'
        lines = self.states(log, what)
        self.assertEqual(len([l for l in lines if l.startswith('state ')]),
                         11)
        self.assertEqual(len(set(lines)), len(lines))
        for args in (('-accel', 'tcg,backend=interp'),
                     ('-accel', 'tcg,one-insn-per-tb=on')):
            self.assertEqual(self.states(log, what, *args), lines)
        self.assertEqual(self.states(log, what + ',via=checkpoint'), lines)

    def test_whole(self):
        log = self.record()
        lines = self.states(log, '2000000,whole=on,page=pc.ram+0x6000')
        for pattern in (r'cpu\.0\.rip = 0x', r'cpu\.0\.gpr\[0\] = 0x',
                        r'ram pc\.ram\+0x6000 = [0-9a-f]{16}$',
                        r'bytes pc\.ram\+0x6ff8 =( [0-9a-f]{2}){8}$',
                        r'insn 0x', r'machine\.icount = 0x1e8480$'):
            self.assertTrue([l for l in lines if re.match(pattern, l)],
                            pattern)


class Bisect(Base):
    def bisect(self, log, what, more=()):
        result = self.run_replay(log, *more, '-replay-bisect', what)
        return result.returncode, result.stdout + result.stderr

    def test_other_log(self):
        """Down to the instruction before which the other byte came."""
        log = self.record()
        other, at = self.other_input(log)
        status, text = self.bisect(log, f'with={other}')
        self.assertEqual(status, 1, text)
        self.assertIn(f'the first input that differs, at icount {at}:', text)
        self.assertIn(f'the same until icount {at} and differ at icount '
                      f'{at + 1}\n', text)
        self.assertIn('isa-serial.0.rx[0]: 0x68 | 0x6a', text)
        self.assertRegex(text, r'the instruction between .*: 0x[0-9a-f]+: ')

    def test_other_run(self):
        """Two recordings of the same steps: where they part is where a user
        was quicker."""
        args = ('-seed', '5', '-rtc', 'base=2020-02-02')
        log = self.record(args=args)
        again = self.record('again.rr', word='hello you', args=args)
        status, text = self.bisect(log, f'with={again}', args)
        self.assertEqual(status, 1, text)
        match = re.search(r'until icount (\d+) and differ at icount (\d+)\n',
                          text)
        same, differ = int(match[1]), int(match[2])
        self.assertEqual(differ, same + 1)
        digests = []
        for path in (log, again):
            result = self.run_replay(path, *args, '-replay-state',
                                     f'from={same},to={differ},step=1')
            digests.append(re.findall(r'state \d+ (\w+)', result.stdout))
        self.assertEqual(digests[0][0], digests[1][0])
        self.assertNotEqual(digests[0][1], digests[1][1])

    def test_other_seed(self):
        """Nothing is the same, from the start."""
        log, again = self.record(), self.record('again.rr')
        status, text = self.bisect(log, f'with={again}')
        self.assertEqual(status, 1, text)
        self.assertIn('differ from the start\n', text)
        self.assertRegex(text, r'machine.random: 0x\w+ \| 0x\w+\n')

    def test_same_log(self):
        log = self.record()
        status, text = self.bisect(log, f'with={log}')
        self.assertEqual(status, 0, text)
        self.assertIn('the inputs are the same', text)

    def test_ways_agree(self):
        status, text = self.bisect(self.record(), 'ways')
        self.assertEqual(status, 0, text)
        self.assertEqual(text.count('the same states'), 4, text)
        self.assertIn('nothing differs', text)

    def test_wrong_recording(self):
        log = Log(self.record())
        before, bad = log.of(DIGEST)[2:4]

        def change(raw):
            raw[0] ^= 1
        log.replace(bad[2], change)
        status, text = self.bisect(log.save(self.path('bad.rr')), 'ways')
        self.assertEqual(status, 1, text)
        self.assertEqual(text.count('the same states'), 4, text)
        self.assertIn(f'between icount {before[1]} and icount {bad[1]} the '
                      'recording had another input', text)

    def test_other_machine(self):
        log = self.record()
        small = self.path('small.rr')
        vm = self.start(*self.machine(), '-m', '32', '-icount', 'shift=7,'
                        f'rr=record,rrfile={small}')
        vm.serial.expect('> ')
        vm.serial.send('quit\r')
        vm.wait()
        status, text = self.bisect(log, f'with={small}')
        self.assertEqual(status, 1)
        self.assertIn('-m=64M\n', text)
        self.assertIn('+m=32M\n', text)
        self.assertIn('recorded with', text)

    def test_refused(self):
        log = self.record()
        for what, words in (('sideways', 'ways or with=FILE'),
                            (f'ways,with={log}', 'ways or with=FILE'),
                            ('with=/none.rr', '/none.rr')):
            status, text = self.bisect(log, what)
            self.assertEqual(status, 1)
            self.assertIn(words, text)


if __name__ == '__main__':
    reprise.main()
