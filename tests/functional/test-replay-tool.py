"""reprise-replay through its command line: what it says of recordings, good,
cut off and damaged."""
import io
import json
import os
import random
import re
import shutil
import socket
import struct
import subprocess
import tarfile
import zlib

import reprise

LOG_HEADER, CHUNK_HEADER = 32, 64


def tool(*args, cwd=None, answer=''):
    """Runs reprise-replay; a CompletedProcess with text."""
    return subprocess.run([reprise.program('reprise-replay'), *args], cwd=cwd,
                          input=answer, capture_output=True, text=True, check=False,
                          errors='replace', timeout=reprise.TIMEOUT)


def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82f63b78 if crc & 1 else 0)
    return crc ^ 0xffffffff


def take_apart(log):
    """A log's header, identity, and (header, inflated payload) of chunks."""
    at = LOG_HEADER + struct.unpack_from('<I', log, 12)[0]
    header, identity, chunks = log[:LOG_HEADER], log[LOG_HEADER:at], []
    while at < len(log):
        head = log[at:at + CHUNK_HEADER]
        at += CHUNK_HEADER + struct.unpack_from('<I', head, 8)[0]
        chunks.append((head, zlib.decompress(
            log[at - struct.unpack_from('<I', head, 8)[0]:at])))
    return header, identity, chunks


def put_together(header, identity, chunks):
    """A log with right lengths and checksums, whatever it says."""
    header = header[:12] + struct.pack('<II', len(identity),
                                       crc32c(identity)) + header[20:28]
    log = header + struct.pack('<I', crc32c(header)) + identity
    for head, raw in chunks:
        stored = zlib.compress(raw, 1)
        head = (head[:8] + struct.pack('<II', len(stored), len(raw)) +
                head[16:20] + struct.pack('<I', crc32c(stored)) + head[24:60])
        log += head + struct.pack('<I', crc32c(head)) + stored
    return log


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
        self.assertEqual(info['version'], 4)
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

    def test_events_and_trace(self):
        log = self.record_calls()
        items = [json.loads(line)
                 for line in self.good('events', '--json', log).splitlines()]
        self.assertEqual({i['kind'] for i in items if i.get('op') == 'pull'},
                         {'rtc-base', 'seed'})
        self.assertEqual([i['name'] for i in items
                          if i['what'] == 'snapshot'], ['init'])
        self.assertEqual(sum(i['what'] == 'digest' for i in items), 7)
        self.assertEqual((items[-1]['what'], items[-1]['name']),
                         ('end', 'guest-shutdown'))
        part = self.good('events', '--json', '--from', '1000000', '--to',
                         '2500000', log).splitlines()
        self.assertEqual([json.loads(line)['what'] for line in part],
                         ['digest', 'digest'])
        self.assertIn('snapshot init', self.good('events', log))
        out = self.path('trace.json')
        self.assertIn('trace.json: ', self.good('trace', '-o', out, log))
        with open(out, encoding='ascii') as f:
            trace = json.load(f)['traceEvents']
        self.assertEqual([(e['ts'], e['args']['what']) for e in trace
                          if e['ph'] == 'i'],
                         [(i['icount'], i['what']) for i in items])
        tracks = {e['tid'] for e in trace if e['name'] == 'thread_name'}
        self.assertEqual({e['tid'] for e in trace if e['ph'] == 'i'}, tracks)
        self.assertEqual(tool('trace', '-o', out, log).returncode, 1)
        self.good('trace', '--force', '-q', '-o', out, log)

    def test_verify(self):
        log = self.record_calls()
        self.assertIn('good', self.good('verify', log))
        self.assertEqual(self.good('verify', '--quiet', log), '')

    def test_inputs(self):
        """Events of every kind that a user can cause are found good, and are
        counted."""
        log = self.path('io.rr')
        vm = self.start('-m', '64', '-device', 'isa-debug-exit', '-drive',
                        f'file={reprise.guest("io")},format=raw,snapshot=on',
                        '-icount', f'shift=auto,rr=record,rrfile={log},'
                        'rrdigest=500000', qmp=True)
        vm.serial.expect('> ')
        vm.serial.send('hello there\r')
        vm.serial.expect('you said: hello there')
        for key in ('a', 'ret'):
            vm.qmp.cmd('send-key', keys=[{'type': 'qcode', 'data': key}])
        vm.serial.send('date\rspin\r')
        vm.serial.expect('spun')
        vm.serial.send('quit\r')
        self.assertEqual(vm.wait(), 1)
        self.good('verify', log)
        stats = json.loads(self.good('stats', '--json', log))
        events = {p['kind']: p for p in stats['ports']}
        self.assertEqual(events['serial']['bytes'],
                         len('hello there\rdate\rspin\rquit\r'))
        self.assertEqual(events['command']['events'], 2)
        self.assertGreater(stats['warps'], 0)
        text = self.good('dump', log)
        self.assertEqual(len([line for line in text.split('\n')
                              if ' warp until ' in line]), stats['warps'])

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

    def test_wrong_under_checksums(self):
        """What no checksum tells: each is found by looking."""
        with open(self.record_calls(), 'rb') as f:
            header, identity, chunks = take_apart(f.read())

        def changed(kind, change):
            """A log in which the first chunk of a type is another."""
            n = [head[4] for head, _ in chunks].index(kind)
            return put_together(header, identity, [
                change(*c) if i == n else c for i, c in enumerate(chunks)])

        self.assertIn('good', self.good('verify', self.put(
            put_together(header, identity, chunks))))
        events, digest, mark, end, command = range(1, 6)
        for what, log in (
                ('port', put_together(header, identity.replace(
                    b'port 0=', b'port 9='), chunks)),
                ('shape', put_together(header, identity.replace(
                    b'=seed ', b'=serial '), chunks)),
                ('state tables', put_together(header, identity.replace(
                    b'section ', b'sector ', 1), chunks)),
                ('length', put_together(header, identity.replace(
                    b'=rtc-base ', b'=icount-shift '), chunks)),
                ('event', changed(events, lambda h, r: (h, r[:-3]))),
                ('holds more', changed(events, lambda h, r: (h, r + b'x'))),
                ('digest', changed(digest, lambda h, r: (h, r[:-3]))),
                ('mark', changed(mark, lambda h, r: (h, b'\7' + r[1:]))),
                ('mark', changed(mark, lambda h, r: (h, r + b'\0'))),
                ('command', changed(command, lambda h, r: (h, r[:-1]))),
                ('command', changed(command, lambda h, r: (h, b''))),
                ('unknown', changed(mark, lambda h, r: (
                    h[:4] + b'\x63' + h[5:], r))),
                ('header', changed(end, lambda h, r: (
                    h[:24] + b'\xff' + h[25:], r)))):
            with self.subTest(what=what):
                path = self.put(log)
                result = tool('verify', path)
                self.assertEqual(result.returncode, 1, result)
                self.assertRegex(result.stderr, rf'{path}.* byte \d+: .*'
                                 rf'{what}')

    def test_dump_stops_there(self):
        """What is before the damage is printed."""
        with open(self.record_calls(), 'rb') as f:
            whole = bytearray(f.read())
        whole[-10] ^= 1
        result = tool('dump', self.put(bytes(whole)))
        self.assertEqual(result.returncode, 1)
        self.assertIn("snapshot 'init'", result.stdout)
        self.assertIn('wrong checksum', result.stderr)


class Replay:
    """A `replay` script that runs; its QMP is ours."""

    def __init__(self, script):
        ours, theirs = socket.socketpair()
        fd = theirs.fileno()
        env = dict(os.environ,
                   REPRISE=reprise.program('reprise-system-x86_64'))
        self.process = subprocess.Popen(
            [script, '-S', '-chardev', f'socket,id=test-fd,fd={fd}', '-mon',
             'test-fd,mode=control'], pass_fds=[fd], env=env,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        theirs.close()
        self.qmp = reprise.Qmp(ours)
        self.qmp.negotiate()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self.qmp.close()


def multiboot_kernel():
    """Prints its command line on the serial port and exits."""
    code = bytes.fromhex('8b7310 ac 84c0 7407 66baf803 ee ebf4'
                         '66ba0105 b000 ee f4 ebfd')
    at = 0x100000
    magic, flags = 0x1badb002, 0x10000
    return struct.pack('<8I', magic, flags, -(magic + flags) & 0xffffffff,
                       at, at, 0, 0, at + 32) + code


class PackCase(ToolCase):
    def end_icount(self, log):
        return json.loads(self.good('info', '--json', log))['end-icount']

    def pack(self, log, name='run.rrpack'):
        out = self.path(name)
        self.good('pack', '--yes', log, '-o', out)
        return out

    def unpack(self, pack, name='elsewhere'):
        folder = self.path(name)
        text = self.good('unpack', '-C', folder, pack)
        return folder, text

    def run_script(self, folder):
        """The exit status, what the guest printed, messages."""
        env = dict(os.environ,
                   REPRISE=reprise.program('reprise-system-x86_64'))
        result = subprocess.run([os.path.join(folder, 'replay')], env=env,
                                stdin=subprocess.DEVNULL, cwd='/',
                                capture_output=True, timeout=reprise.TIMEOUT,
                                check=False)
        return result.returncode, result.stdout, result.stderr.decode()

    def check_end(self, folder, icount):
        """Goes to the end; every digest on the way is checked."""
        vm = Replay(os.path.join(folder, 'replay'))
        self.addCleanup(vm.close)
        vm.qmp.cmd('replay-seek', icount=icount)
        state = vm.qmp.cmd('query-replay')
        self.assertEqual((state['mode'], state['icount']), ('play', icount))
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'prelaunch')


class Pack(PackCase):
    def commands(self, folder):
        """The lines of a script that do something."""
        with open(os.path.join(folder, 'replay'), encoding='utf-8') as f:
            return ''.join(line for line in f if not line.startswith('#'))

    def test_there_and_back(self):
        """A disk on a backing file in another folder, recorded through
        sockets; replayed elsewhere, with the originals gone."""
        os.mkdir(self.path('base'))
        shutil.copy(self.qcow2('b.qcow2', reprise.guest('calls')),
                    self.path('base/disk.qcow2'))
        os.mkdir(self.path('top'))
        disk = self.path('top/disk.qcow2')
        subprocess.run([reprise.program('reprise-img'), 'create', '-q', '-f',
                        'qcow2', '-b', '../base/disk.qcow2', '-F', 'qcow2',
                        disk], check=True, timeout=reprise.TIMEOUT)
        empty = self.raw_image('a,b c.img', 64 << 20)
        doubled = empty.replace(',', ',,')
        log = self.path('run.rr')
        vm = self.start('-m', '16', '-device', 'isa-debug-exit', '-hda', disk,
                        '-drive', f'{doubled},index=1,format=raw,media=cdrom',
                        '-D', self.path('log.txt'), '-icount',
                        f'shift=7,rr=record,rrfile={log},rrsnapshot=init,'
                        'rrdigest=100000,rrsnapshot-period=2000000', qmp=True)
        self.assertEqual(vm.wait(), 1, vm.output())
        end = self.end_icount(log)
        pack = self.pack(log)
        # The 64 MiB of nothing are no bytes of it.
        self.assertLess(os.path.getsize(pack), 4 << 20)
        for name in ('base', 'top', 'run.rr', 'a,b c.img', 'b.qcow2'):
            os.rename(self.path(name), self.path(f'{name}.gone'))
        folder, text = self.unpack(pack)
        self.assertIn('left out: -mon qmp-fd,mode=control', text)
        self.assertRegex(text, r'replaced: -serial chardev:serial-fd by stdio')
        self.assertNotIn(self.dir, self.commands(folder))
        self.assertLess(os.stat(os.path.join(folder, 'files/a,b_c.img'))
                        .st_blocks * 512, 1 << 20)
        self.assertEqual(os.path.getsize(os.path.join(folder,
                                                      'files/a,b_c.img')),
                         64 << 20)
        status, printed, messages = self.run_script(folder)
        self.assertEqual((status, printed), (1, vm.serial.seen), messages)
        self.assertNotIn('warning', messages)
        self.check_end(folder, end)

    def test_snapshot_aside(self):
        """Another recording on the same disk wanted the snapshot's name: a
        pack of the first has its own, and needs no other."""
        log, later = self.record_calls(), self.path('later.rr')
        disk = self.path('disk.qcow2')
        vm = self.start('-m', '16', '-device', 'isa-debug-exit', '-drive',
                        f'file={disk},if=ide', '-icount',
                        f'shift=7,rr=record,rrfile={later},rrsnapshot=init')
        self.assertEqual(vm.wait(), 1, vm.output())
        subprocess.run([reprise.program('reprise-img'), 'snapshot', '-d',
                        'init', disk], check=True, timeout=reprise.TIMEOUT)
        result = tool('pack', '--yes', later, '-o', self.path('no.rrpack'))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("has lost the snapshot 'init'", result.stderr)
        folder, _ = self.unpack(self.pack(log))
        self.check_end(folder, self.end_icount(log))

    def img(self, *args):
        subprocess.run([reprise.program('reprise-img'), *args], check=True,
                       timeout=reprise.TIMEOUT)

    def refuses(self, log, why, *drives):
        """pack does, and so does a replay, for the same reason."""
        result = tool('pack', '--yes', log, '-o', self.path('no.rrpack'))
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(why, result.stderr)
        self.assertFalse(os.path.exists(self.path('no.rrpack')))
        done = reprise.run('-nodefaults', '-serial', 'null', '-m', '16',
                           '-device', 'isa-debug-exit', *drives, '-icount',
                           f'shift=7,rr=replay,rrfile={log},rrsnapshot=init')
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_snapshot_of_another(self):
        """A name is not enough: it must be the recording's own."""
        log, later = self.record_calls(), self.path('later.rr')
        disk = self.path('disk.qcow2')
        drive = ('-drive', f'file={disk},if=ide')
        vm = self.start('-m', '16', '-device', 'isa-debug-exit', *drive,
                        '-icount',
                        f'shift=7,rr=record,rrfile={later},rrsnapshot=init')
        self.assertEqual(vm.wait(), 1, vm.output())
        aside = re.search(r'init@[0-9a-f]{8}', vm.output())[0]
        self.img('snapshot', '-d', aside, disk)
        said = self.refuses(log, "'init' is of another recording", *drive)
        self.assertIn("'init' is of another recording", said)
        self.good('pack', '--yes', later, '-o', self.path('later.rrpack'))
        # one of no recording at all
        self.img('snapshot', '-d', 'init', disk)
        vm = self.start('-m', '16', *drive, '-icount', 'shift=7', '-S',
                        hmp=True)
        vm.hmp.cmd('savevm init')
        vm.hmp.send('quit\n')
        vm.wait()
        said = self.refuses(log, "'init' is of another recording", *drive)
        self.assertIn("'init' is of another recording", said)
        # and one without the machine's state
        self.img('snapshot', '-d', 'init', disk)
        self.img('snapshot', '-c', 'init', disk)
        said = self.refuses(log, "no disk has the machine's state", *drive)
        self.assertIn('This is a disk-only snapshot', said)

    def test_snapshot_of_another_moment(self):
        """The same name in a disk that took the place of another."""
        disk = self.qcow2('disk.qcow2', reprise.guest('calls'))
        more = self.qcow2('more.qcow2', reprise.guest('io'))
        other = self.qcow2('other.qcow2', reprise.guest('io'))
        log = self.path('run.rr')
        drives = ('-drive', f'file={disk},if=ide', '-drive',
                  f'file={more},if=ide')
        vm = self.start('-m', '16', '-device', 'isa-debug-exit', *drives,
                        '-icount',
                        f'shift=7,rr=record,rrfile={log},rrsnapshot=init')
        self.assertEqual(vm.wait(), 1, vm.output())
        self.good('pack', '--yes', log, '-o', self.path('good.rrpack'))
        self.img('snapshot', '-c', 'init', other)
        os.rename(other, more)
        said = self.refuses(log, 'was not made together', *drives)
        self.assertIn('was not made together', said)

    def test_another_disk_is_seen(self):
        """check_end() would notice if the disk were not the recording's."""
        log = self.record_calls()
        folder, _ = self.unpack(self.pack(log))
        self.check_end(folder, self.end_icount(log))
        with open(os.path.join(folder, 'files/disk.qcow2'), 'r+b') as f:
            data = f.read()
            self.assertIn(b'calls guest', data)
            f.seek(data.index(b'calls guest'))
            f.write(b'cells guest')
        with self.assertRaises((AssertionError, reprise.QmpError)):
            self.check_end(folder, self.end_icount(log))

    def replay_kernel(self, log, path, kernel, initrd):
        """Replays with the kernel somewhere else, or called otherwise."""
        shutil.copy(kernel, path)
        return reprise.run('-nodefaults', '-serial', 'stdio', '-m', '16',
                           '-device', 'isa-debug-exit,iobase=0x501',
                           '-kernel', path, '-initrd', initrd, '-append',
                           "it's me", '-icount',
                           f'shift=7,rr=replay,rrfile={log}')

    def test_multiboot_kernel(self):
        """It sees its name, which has to be that of the recording, and not
        where the file is."""
        kernel, initrd = self.path('kernel.bin'), self.path('module.bin')
        with open(kernel, 'wb') as f:
            f.write(multiboot_kernel())
        with open(initrd, 'wb') as f:
            f.write(b'module' * 100)
        log = self.path('run.rr')
        vm = self.start('-m', '16', '-device', 'isa-debug-exit,iobase=0x501',
                        '-kernel', kernel, '-initrd', initrd, '-append',
                        "it's me", '-icount', f'shift=7,rr=record,rrfile={log}'
                        ',rrdigest=100000')
        self.assertEqual(vm.wait(), 1, vm.output())
        self.assertIn(b"ROM..kernel.bin it's me", vm.serial.seen)
        os.mkdir(self.path('x'))
        again = self.replay_kernel(log, self.path('x/kernel.bin'), kernel,
                                   initrd)
        self.assertEqual((again.returncode, again.stdout.split()[-4:]),
                         (1, vm.serial.seen.decode().split()[-4:]),
                         again.stderr)
        again = self.replay_kernel(log, self.path('x/other'), kernel, initrd)
        self.assertRegex(again.stderr, r'recorded with kernel=\S+ kernel.bin, '
                         r'started with kernel=\S+ other')
        pack = self.pack(log)
        for name in ('kernel.bin', 'module.bin', 'run.rr'):
            os.rename(self.path(name), self.path(f'{name}.gone'))
        folder, _ = self.unpack(pack)
        status, printed, messages = self.run_script(folder)
        self.assertEqual((status, printed), (1, vm.serial.seen), messages)

    def test_every_option_is_known(self):
        """An option whose argument is a file or a device must be known to
        pack; it would be left as it is."""
        root = os.path.join(os.path.dirname(__file__), '..', '..')
        with open(os.path.join(root, 'cli/options.def'),
                  encoding='utf-8') as f:
            options = re.findall(r'OPTION\("([^"]+)", [^,]+, (?:"([^"]*)")?',
                                 f.read())
        with open(os.path.join(root, 'tools/replay-argv.c'),
                  encoding='utf-8') as f:
            known = re.findall(r'\{ "([^"]+)", FATE_', f.read())
        named = {name for name, argument in options
                 if re.search('FILE|DEV|DIR|PATH|BACKEND', argument)}
        self.assertLess({'drive', 'serial', 'hda', 'L', 'D'}, named)
        self.assertEqual(named - set(known), set())

    def test_not_all_is_packed(self):
        """A file that the manifest forgets is not looked for elsewhere."""
        pack = self.pack(self.record_calls())
        folder = self.path('tar')
        os.mkdir(folder)
        subprocess.run(['tar', '-xf', pack, '-C', folder], check=True)
        with open(os.path.join(folder, 'manifest.json'),
                  encoding='utf-8') as f:
            manifest = json.load(f)
        for entry in manifest['files']:
            entry['arguments'] = []
        with open(os.path.join(folder, 'manifest.json'), 'w',
                  encoding='utf-8') as f:
            json.dump(manifest, f)
        again = self.path('again.rrpack')
        subprocess.run(['tar', '-czf', again, '-C', folder, 'manifest.json',
                        'recording.rr', 'files/disk.qcow2',
                        'firmware/bios-256k.bin'], check=True)
        result = tool('unpack', '-C', self.path('x'), again)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn('disk.qcow2\' is not in the pack', result.stderr)

    def test_a_pack_is_a_tar(self):
        pack = self.pack(self.record_calls())
        names = subprocess.run(['tar', '-tf', pack], check=True, text=True,
                               capture_output=True).stdout.split()
        self.assertEqual(names, ['manifest.json', 'recording.rr',
                                 'files/disk.qcow2',
                                 'firmware/bios-256k.bin'])

    def test_what_cannot_be_packed(self):
        log = self.record_calls()
        out = self.path('x.rrpack')
        disk = self.path('disk.qcow2')

        def refused(*words):
            result = tool('pack', '--yes', log, '-o', out)
            self.assertEqual(result.returncode, 1, result)
            for word in words:
                self.assertIn(word, result.stderr)
            self.assertEqual([f for f in os.listdir(self.dir)
                              if 'rrpack' in f], [])
        subprocess.run([reprise.program('reprise-img'), 'snapshot', '-d',
                        'init', disk], check=True, timeout=reprise.TIMEOUT)
        refused(disk, "lost the snapshot 'init'")
        os.rename(disk, disk + '.gone')
        refused(disk, 'No such file')
        os.mkfifo(disk)
        refused(disk)
        os.remove(disk)
        os.rename(disk + '.gone', disk)
        with open(self.path('machine.cfg'), 'w', encoding='utf-8') as f:
            f.write(f'[drive]\nfile = "{disk}"\nif = "ide"\n')
        vm = self.start('-m', '16', '-device', 'isa-debug-exit', '-readconfig',
                        self.path('machine.cfg'), '-icount',
                        f'shift=7,rr=record,rrfile={log},rrsnapshot=init')
        self.assertEqual(vm.wait(), 1, vm.output())
        refused('-readconfig')

    def test_asks(self):
        """Without --yes the list is shown, and nothing but yes is yes."""
        log, out = self.record_calls(), self.path('x.rrpack')
        for answer in ('', 'n\n', '\n', 'yesterday\n'):
            result = tool('pack', log, '-o', out, answer=answer)
            self.assertEqual(result.returncode, 1, result)
            self.assertIn('files/disk.qcow2: ' + self.path('disk.qcow2'),
                          result.stdout)
            self.assertIn('nobody said yes', result.stderr)
            self.assertFalse(os.path.exists(out))
        self.good('pack', log, '-o', out, answer='y\n')
        self.assertEqual(self.good('pack', '-q', '--yes', '--force', log, '-o',
                                   out), '')

    def test_other_folders(self):
        """The log says which files; they must lie beside it, or where the
        user says: here it is somebody else's log."""
        log, out = self.record_calls(), self.path('x.rrpack')
        os.mkdir(self.path('theirs'))
        os.rename(log, self.path('theirs/run.rr'))
        log = self.path('theirs/run.rr')
        for more in ((), ('--also', self.path('theirs')),
                     ('--also', self.path('nosuch')), ('--force',)):
            result = tool('pack', '--yes', *more, log, '-o', out)
            self.assertEqual(result.returncode, 1, result)
            self.assertIn(self.path('disk.qcow2'), result.stderr)
            self.assertIn('--also', result.stderr)
            self.assertFalse(os.path.exists(out))
        # Nor does a link among its files lead to others.
        os.symlink(self.path('disk.qcow2'), self.path('theirs/disk.qcow2'))
        self.assertEqual(tool('pack', '--yes', log, '-o', out).returncode, 1)
        self.good('pack', '--yes', '--also', '.', 'theirs/run.rr', '-o', out,
                  cwd=self.dir)
        folder, _ = self.unpack(out)
        self.assertEqual(self.run_script(folder)[0], 1)

    def test_while_recording(self):
        log, disk = self.path('run.rr'), self.qcow2('disk.qcow2',
                                                    reprise.guest('calls'))
        self.start('-m', '16', '-hda', disk, '-S', '-icount',
                   f'shift=7,rr=record,rrfile={log},rrsnapshot=init',
                   qmp=True)
        result = tool('pack', '--yes', log, '-o', self.path('x.rrpack'))
        self.assertEqual(result.returncode, 1)
        self.assertIn('a recording is being written to it', result.stderr)
        self.assertFalse(os.path.exists(self.path('x.rrpack')))

    def test_changed_disk(self):
        """snapshot=on: the disk is what it was, or it is refused."""
        log, disk = self.path('run.rr'), self.path('disk.img')
        shutil.copy(reprise.guest('calls'), disk)
        vm = self.start('-m', '16', '-device', 'isa-debug-exit', '-drive',
                        f'file={disk},format=raw,snapshot=on', '-icount',
                        f'shift=7,rr=record,rrfile={log}')
        self.assertEqual(vm.wait(), 1, vm.output())
        self.pack(log)
        with open(disk, 'r+b') as f:
            f.seek(-1, os.SEEK_END)
            f.write(b'x')
        result = tool('pack', '--yes', log, '-o', self.path('y.rrpack'))
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"'{disk}' is not what was recorded any more",
                      result.stderr)

    def test_nothing_is_overwritten(self):
        log = self.record_calls()
        pack = self.pack(log)
        before = os.stat(pack)
        result = tool('pack', '--yes', log, '-o', pack)
        self.assertEqual(result.returncode, 1)
        self.assertIn(f"'{pack}' exists", result.stderr)
        self.assertEqual(os.stat(pack), before)
        self.good('pack', '--force', '-q', '--yes', log, '-o', pack)
        folder, _ = self.unpack(pack)
        for name in ('recording.rr', 'replay', 'files/disk.qcow2'):
            path = os.path.join(folder, name)
            shutil.rmtree(folder)
            os.makedirs(os.path.dirname(path))
            with open(path, 'w', encoding='utf-8') as f:
                f.write('mine')
            result = tool('unpack', '-C', folder, pack)
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"{name}' exists", result.stderr)
            with open(path, encoding='utf-8') as f:
                self.assertEqual(f.read(), 'mine')
            found = [f for _, _, files in os.walk(folder) for f in files]
            self.assertEqual(found, [os.path.basename(name)])
        self.good('unpack', '--force', '-q', '-C', folder, pack)
        self.assertEqual(self.run_script(folder)[0], 1)


class BadPack(PackCase):
    """Packs of others: damaged, or made to do harm."""

    def refused(self, pack, *words):
        folder = self.path('bad')
        result = tool('unpack', '-C', folder, pack)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn(pack, result.stderr)
        for word in words:
            self.assertIn(word, result.stderr)
        found = [f for _, _, files in os.walk(folder) for f in files]
        self.assertEqual(found, [])

    def make(self, names, entries, **more):
        """A pack whose manifest has names and whose tar has entries."""
        manifest = {'format': 'reprise-pack', 'version': 1, 'files': [
            {'path': n, 'role': 'disk', 'bytes': 4, 'xxh3': '0' * 16,
             'arguments': []} for n in names], **more}
        path = self.path('made.rrpack')
        with tarfile.open(path, 'w:gz') as tar:
            data = json.dumps(manifest).encode()
            head = tarfile.TarInfo('manifest.json')
            head.size = len(data)
            tar.addfile(head, io.BytesIO(data))
            for entry in entries:
                if isinstance(entry, str):
                    entry = tarfile.TarInfo(entry)
                    entry.size = 4
                tar.addfile(entry, io.BytesIO(b'evil'))
        return path

    def test_outside(self):
        for name in ('../evil', '/tmp/reprise-evil', 'files/../../evil',
                     'files//x', './x', '', 'replay', 'manifest.json'):
            with self.subTest(name=name):
                self.refused(self.make(['recording.rr', name],
                                       ['recording.rr', name or 'x']),
                             'below the folder')
        self.assertFalse(os.path.exists(self.path('evil')))
        self.assertFalse(os.path.exists('/tmp/reprise-evil'))

    def test_not_in_manifest(self):
        for name in ('../evil', '/tmp/reprise-evil', 'files/x'):
            self.refused(self.make(['recording.rr'], [name]), name,
                         'no file of its manifest')
        self.assertFalse(os.path.exists('/tmp/reprise-evil'))

    def test_links(self):
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE,
                     tarfile.DIRTYPE):
            entry = tarfile.TarInfo('recording.rr')
            entry.type, entry.linkname = kind, '/etc/passwd'
            self.refused(self.make(['recording.rr'], [entry]),
                         'no file of its manifest')

    def test_names(self):
        for name in ('files/a\nb', 'files/\x1b[2J', 'files/a b', 'files/\xe9'):
            self.refused(self.make(['recording.rr', name], []), 'refused')

    def test_huge_claims(self):
        """More bytes than there are, of which the pack has none."""
        for size in (1 << 41, (1 << 63) - 1):
            self.refused(self.make(['recording.rr'], [], files=[
                {'path': 'recording.rr', 'role': 'log', 'bytes': size,
                 'xxh3': '0', 'arguments': []}]), '--max-size')
        self.refused(self.make(['recording.rr'], [], files=[
            {'path': f'files/{i}', 'role': 'disk', 'bytes': 1 << 39,
             'xxh3': '0', 'arguments': []} for i in range(3)]), '--max-size')

    def test_many_names(self):
        """Not looked through one by one."""
        self.refused(self.make(
            ['recording.rr', *(f'f/{i}' for i in range(60000))], []),
            'missing')

    def test_folders_that_are_links(self):
        """What lies in the target does not lead out of it."""
        pack = self.pack(self.record_calls())
        outside, folder = self.path('outside'), self.path('target')
        os.mkdir(outside)
        for force in ((), ('--force',)):
            for name in ('files', 'firmware'):
                shutil.rmtree(folder, ignore_errors=True)
                os.mkdir(folder)
                os.symlink(outside, os.path.join(folder, name))
                result = tool('unpack', *force, '-C', folder, pack)
                self.assertEqual(result.returncode, 1, result)
                self.assertIn(f'{folder}/{name}/', result.stderr)
                self.assertEqual(os.listdir(outside), [])
                self.assertEqual(os.listdir(folder), [name])

    def test_files_that_are_links(self):
        pack = self.pack(self.record_calls())
        folder, mine = self.path('target'), self.path('mine')
        with open(mine, 'w', encoding='utf-8') as f:
            f.write('mine')
        for name in ('recording.rr', 'replay', 'files/disk.qcow2'):
            for link in (os.symlink, os.link):
                shutil.rmtree(folder, ignore_errors=True)
                os.makedirs(os.path.join(folder, 'files'))
                link(mine, os.path.join(folder, name))
                result = tool('unpack', '-C', folder, pack)
                self.assertEqual(result.returncode, 1, result)
                self.good('unpack', '--force', '-C', folder, pack)
                self.assertFalse(os.path.islink(os.path.join(folder, name)))
                with open(mine, encoding='utf-8') as f:
                    self.assertEqual(f.read(), 'mine')

    def test_modes(self):
        """Bits of the pack's are not taken over."""
        pack = self.pack(self.record_calls())
        folder, _ = self.unpack(pack)
        with open(os.path.join(folder, 'manifest.json'), 'wb') as f:
            f.write(subprocess.run(['tar', '-xOf', pack, 'manifest.json'],
                                   check=True, capture_output=True).stdout)
        again = self.path('again.rrpack')
        subprocess.run(['tar', '-czf', again, '--mode=6777', '-C', folder,
                        'manifest.json', 'recording.rr', 'files/disk.qcow2',
                        'firmware/bios-256k.bin'], check=True)
        folder, _ = self.unpack(again, 'modes')
        for name in ('recording.rr', 'files/disk.qcow2'):
            mode = os.stat(os.path.join(folder, name)).st_mode
            self.assertEqual(mode & 0o7111, 0, name)

    def test_nothing_stays(self):
        """Folders that were made for a bad pack go, too."""
        self.refused(self.make(['recording.rr', 'files/x'],
                               ['files/x', 'recording.rr']))
        self.assertFalse(os.path.exists(self.path('bad')))

    def test_nonsense(self):
        self.refused(self.make([], []), 'recording.rr')
        self.refused(self.make(['recording.rr'], []), 'missing')
        self.refused(self.make(['recording.rr'], ['recording.rr']),
                     'not what was packed')
        self.refused(self.make(['recording.rr'] * 2, []), 'twice')
        self.refused(self.make(['recording.rr'], [], version=9), 'version 9')
        self.refused(self.make(['recording.rr'], [], format='x'), 'manifest')
        self.refused(self.make(['recording.rr'], [], files=[1]), 'manifest')
        self.refused(self.make(['recording.rr'], [], files=7))
        for data in (b'', b'no pack', b'\0' * 2048):
            path = self.path('none.rrpack')
            with open(path, 'wb') as f:
                f.write(data)
            self.refused(path)
        self.refused(self.path('missing.rrpack'))

    def contents(self, folder):
        found = {}
        for top, _, files in os.walk(folder):
            for name in files:
                with open(os.path.join(top, name), 'rb') as f:
                    found[os.path.relpath(f.name, folder)] = f.read()
        return found

    def test_damaged(self):
        """Refused, without a trace; or it was a bit that means nothing."""
        pack = self.pack(self.record_calls())
        good = self.contents(self.unpack(pack)[0])
        with open(pack, 'rb') as f:
            whole = f.read()
        rng = random.Random(3)
        path = self.path('damaged.rrpack')
        for i in range(24):
            data = bytearray(whole)
            at = rng.randrange(len(data))
            if i % 2:
                del data[at:]
            else:
                data[at] ^= 1 << rng.randrange(8)
            with open(path, 'wb') as f:
                f.write(data)
            with self.subTest(at=at, cut=i % 2):
                if tool('unpack', '-C', self.path('bit'), path).returncode:
                    self.refused(path)
                else:
                    self.assertEqual(self.contents(self.path('bit')), good)
                    shutil.rmtree(self.path('bit'))


if __name__ == '__main__':
    reprise.main()
