"""reprise-replay through its command line: what it says of recordings, good,
cut off and damaged."""
import json
import os
import random
import subprocess

import reprise

LOG_HEADER, CHUNK_HEADER = 32, 64


def tool(*args, cwd=None):
    """Runs reprise-replay; a CompletedProcess with text."""
    return subprocess.run([reprise.program('reprise-replay'), *args], cwd=cwd,
                          capture_output=True, text=True, check=False,
                          errors='replace', timeout=reprise.TIMEOUT)


class ToolCase(reprise.TestCase):
    def good(self, *args, **kwargs):
        """What a command that must succeed printed."""
        result = tool(*args, **kwargs)
        self.assertEqual(result.returncode, 0, (args, result))
        return result.stdout

    def qcow2(self, name, raw, *args):
        path = self.path(name)
        subprocess.run([reprise.program('reprise-img'), 'convert', '-f',
                        'raw', '-O', 'qcow2', *args, raw, path], check=True,
                       timeout=reprise.TIMEOUT)
        return path

    def record_calls(self, name='run.rr'):
        """A run of the calls guest, which ends by itself; its log."""
        log = self.path(name)
        disk = self.qcow2('disk.qcow2', reprise.guest('calls'))
        vm = self.start('-m', '16', '-device', 'isa-debug-exit', '-drive',
                        f'file={disk},if=ide', '-icount',
                        f'shift=7,rr=record,rrfile={log},rrsnapshot=init,'
                        'rrdigest=1000000')
        self.assertEqual(vm.wait(), 1, vm.output())
        return log


class Describe(ToolCase):
    def test_info(self):
        log = self.record_calls()
        info = json.loads(self.good('info', '--output=json', log))
        self.assertEqual(info['version'], 2)
        self.assertIs(info['complete'], True)
        self.assertEqual(info['end-reason'], 'guest-shutdown')
        self.assertEqual(info['file-size'], os.path.getsize(log))
        self.assertEqual([(s['name'], s['icount'])
                          for s in info['snapshots']], [('init', 0)])
        self.assertIn('m=16M', info['identity'])
        self.assertEqual(info['folder'], os.getcwd())
        self.assertIn('isa-debug-exit', info['command'])
        self.assertEqual(info['command'][0],
                         reprise.program('reprise-system-x86_64'))
        text = self.good('info', log)
        self.assertIn(f"end: icount {info['end-icount']} (guest-shutdown)",
                      text)
        self.assertIn('-device isa-debug-exit', text)

    def test_stats(self):
        log = self.record_calls()
        stats = json.loads(self.good('stats', '--json', log))
        events = {p['kind']: (p['events'], p['bytes'])
                  for p in stats['ports']}
        self.assertEqual(events['seed'], (1, 8))
        self.assertEqual(events['rtc-base'], (1, 8))
        self.assertEqual(events['serial'], (0, 0))
        info = json.loads(self.good('info', '--json', log))
        self.assertEqual(sum(c['number'] for c in stats['chunks'].values()),
                         info['chunks'])
        self.assertEqual(sum(c['stored'] for c in stats['chunks'].values())
                         + LOG_HEADER + len('\n'.join(info['identity'])) + 1,
                         os.path.getsize(log))
        quiet = stats['longest-quiet']
        self.assertEqual((quiet['from'], quiet['to']),
                         (0, info['end-icount']))
        self.assertIn('events per million', self.good('stats', log))

    def test_dump(self):
        log = self.record_calls()
        text = self.good('dump', log)
        self.assertIn('target=x86_64', text)
        self.assertIn("snapshot 'init'", text)
        self.assertEqual(text.count('digest at byte'), 7)
        self.assertEqual(text.count('\n  0 pull port'), 2)
        part = self.good('dump', '--from', '1000000', '--to', '2500000', log)
        self.assertEqual(part.count('digest at byte'), 2)
        self.assertNotIn('pull', part)
        self.assertNotIn('target=', part)

    def test_verify(self):
        log = self.record_calls()
        self.assertIn('good', self.good('verify', log))
        self.assertEqual(self.good('verify', '--quiet', log), '')

    def test_cut_off(self):
        log = self.record_calls()
        with open(log, 'rb') as f:
            whole = f.read()
        cut = self.path('cut.rr')
        with open(cut, 'wb') as f:
            f.write(whole[:-100])
        result = tool('verify', cut)
        self.assertEqual(result.returncode, 2, result)
        self.assertRegex(result.stderr,
                         r"cut\.rr' was cut off at byte \d+: it is good until "
                         r'icount \d+')
        info = json.loads(self.good('info', '--json', cut))
        self.assertIs(info['complete'], False)
        self.assertNotIn('end-reason', info)
        self.assertIn(f"at byte {info['good-bytes']}", result.stderr)
        self.assertIn('cut off after icount', self.good('dump', cut))

    def test_bad_usage(self):
        for args in ((), ('info',), ('nonsense', 'x'), ('info', '-o', 'x', 'y'),
                     ('dump', '--from', 'x', 'y'), ('verify', 'a', 'b')):
            result = tool(*args)
            self.assertEqual(result.returncode, 1, args)
            self.assertIn('--help', result.stderr)
        self.assertIn('verify', self.good('--help'))


class Damage(ToolCase):
    COMMANDS = ('info', 'dump', 'verify', 'stats')

    def refused(self, path, offset=True):
        for command in self.COMMANDS:
            result = tool(command, path)
            self.assertEqual(result.returncode, 1, (command, result))
            self.assertIn(path, result.stderr)
            if offset:
                self.assertRegex(result.stderr, r'byte \d+', command)

    def put(self, data):
        path = self.path('bad.rr')
        with open(path, 'wb') as f:
            f.write(data)
        return path

    def test_no_log(self):
        self.refused(self.path('missing.rr'), offset=False)
        self.refused(self.put(b''))
        self.refused(self.put(b'no log' * 100))
        self.refused(self.put(b'RPRSELOG' + b'\xff' * 100))

    def test_flips(self):
        """Every damaged byte is found by verify, at or before that byte."""
        with open(self.record_calls(), 'rb') as f:
            whole = f.read()
        rng = random.Random(7)
        for at in [*rng.sample(range(len(whole)), 12), 8, 12, 20]:
            data = bytearray(whole)
            data[at] ^= 1 << rng.randrange(8)
            with self.subTest(at=at):
                self.assertLessEqual(self.offset_said(bytes(data)), at)

    def offset_said(self, data):
        path = self.put(data)
        result = tool('verify', path)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(path, result.stderr)
        return int(result.stderr.split(' byte ')[1].split()[0].rstrip(':'))

    def test_huge_lengths(self):
        with open(self.record_calls(), 'rb') as f:
            whole = f.read()
        for at in (12, LOG_HEADER + int.from_bytes(whole[12:16], 'little') + 8):
            data = bytearray(whole)
            data[at:at + 4] = b'\xff\xff\xff\x7f'
            self.refused(self.put(bytes(data)))

    def test_dump_stops_there(self):
        """What is before the damage is printed."""
        with open(self.record_calls(), 'rb') as f:
            whole = bytearray(f.read())
        whole[-10] ^= 1
        result = tool('dump', self.put(bytes(whole)))
        self.assertEqual(result.returncode, 1)
        self.assertIn("snapshot 'init'", result.stdout)
        self.assertIn('wrong checksum', result.stderr)


if __name__ == '__main__':
    reprise.main()
