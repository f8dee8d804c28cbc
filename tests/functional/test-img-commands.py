#!/usr/bin/env python3
"""reprise-img's commands that change chains and formats, and reprise-io; where
qemu-img is installed, it judges what they leave.

usage: test-img-commands.py [BUILD-FOLDER] [unittest arguments]"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get('REPRISE_BUILD',
                                       os.path.join(HERE, '..', '..',
                                                    'build')))
QEMU_IMG = shutil.which('qemu-img')
KIB = 1024
MIB = 1 << 20


class CommandsTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='reprise-img-')
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def execute(self, program, args, status):
        r = subprocess.run([program, *args], cwd=self.dir, text=True,
                           capture_output=True, timeout=60, check=False)
        self.assertEqual(r.returncode, status, (args, r.stdout, r.stderr))
        return r.stdout + r.stderr

    def img(self, *args, status=0):
        return self.execute(os.path.join(BUILD, 'reprise-img'), args, status)

    def io(self, image, *commands, status=0, options=()):
        words = [w for c in commands for w in ('-c', c)]
        return self.execute(os.path.join(BUILD, 'reprise-io'),
                            [*options, *words, image], status)

    def json(self, *args):
        return json.loads(self.img(*args, '--output=json'))

    def judge(self, *names):
        """Nothing is wrong with images, in our eyes or qemu-img's."""
        for name in names:
            self.assertIn('No errors were found', self.img('check', name))
            if QEMU_IMG:
                self.execute(QEMU_IMG, ['check', name], 0)

    def same(self, a, b):
        self.assertIn('identical', self.img('compare', a, b))
        if QEMU_IMG:
            self.execute(QEMU_IMG, ['compare', a, b], 0)

    def new(self, name, *options, size='4M'):
        self.img('create', '-q', '-f', 'qcow2', *options, name, size)

    def over(self, name, backing):
        self.img('create', '-q', '-f', 'qcow2', '-b', backing, '-F', 'qcow2',
                 name)

    def chain(self):
        """base, mid and top with a MiB each, and what top reads as."""
        self.new('base')
        self.io('base', 'write -P 1 0 1M')
        self.over('mid', 'base')
        self.io('mid', 'write -P 2 1M 1M')
        self.over('top', 'mid')
        self.io('top', 'write -P 3 2M 1M', 'write -z 64k 64k',
                'write -P 4 3000k 10k')
        self.img('convert', '-O', 'raw', 'top', 'expected')

    def read(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()

    def write(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)


class Chains(CommandsTest):
    def test_convert_leaves_what_the_backing_file_has(self):
        self.chain()
        for backing, least in (('mid', 1 * MIB), ('base', 2 * MIB)):
            self.img('convert', '-O', 'qcow2', '-B', backing, '-F', 'qcow2',
                     'top', 'out')
            own = sum(p['length'] for p in self.json('map', 'out')
                      if p['data'] and p['depth'] == 0)
            self.assertGreaterEqual(own, least)
            self.assertLess(own, least + 128 * KIB)
            self.same('out', 'expected')
            self.judge('out')

    def test_commit(self):
        self.chain()
        self.assertIn('does not have a backing file',
                      self.img('commit', 'base', status=1))
        self.assertIn("Did not find 'no' in the backing chain of 'top'",
                      self.img('commit', '-b', 'no', 'top', status=1))
        self.assertEqual(self.img('commit', 'top'), 'Image committed.\n')
        self.same('mid', 'expected')
        self.assertTrue(all(p['depth'] > 0 or not p['present']
                            for p in self.json('map', 'top')))
        self.same('top', 'expected')
        self.img('commit', '-d', '-b', 'base', 'top')
        self.same('base', 'expected')
        self.judge('base', 'mid', 'top')

    def test_commit_grows_the_backing_file(self):
        self.new('small', size='1M')
        self.over('large', 'small')
        self.img('resize', 'large', '3M')
        self.io('large', 'write -P 9 2M 64k')
        self.img('commit', 'large')
        self.io('small', 'read -P 9 2M 64k', 'read -P 0 0 1M')

    def test_rebase(self):
        self.chain()
        self.img('rebase', '-b', 'base', '-F', 'qcow2', 'top')
        self.same('top', 'expected')
        self.assertEqual(self.json('info', 'top')['backing-filename'], 'base')
        self.new('other')
        self.io('other', 'write -P 77 0 4M')
        self.img('rebase', '-b', 'other', '-F', 'qcow2', 'top')
        self.same('top', 'expected')
        self.img('rebase', '-b', '', 'top')
        os.unlink(self.path('other'))
        self.same('top', 'expected')
        self.assertNotIn('backing-filename', self.json('info', 'top'))
        self.judge('top')
        self.img('rebase', '-u', '-b', 'gone', '-F', 'qcow2', 'top')
        self.assertIn('gone', self.img('info', 'top'))
        self.img('rebase', '-b', 'gone', '-F', 'qcow2', 'top', status=1)
        self.img('rebase', 'top', status=1)

    def test_backing_chain(self):
        self.chain()
        names = [i['filename'] for i in self.json('info', '--backing-chain',
                                                  'top')]
        self.assertEqual(names, ['top', 'mid', 'base'])
        self.img('rebase', '-u', '-b', 'top', '-F', 'qcow2', 'base')
        self.assertIn('infinite loop', self.img('info', '--backing-chain',
                                                'top', status=1))

    def test_map(self):
        self.chain()
        parts = self.json('map', 'top')
        joined = []
        for p in parts: # wherever in the file the clusters lie
            if joined and joined[-1][2:] == [p['depth'], p['data']]:
                joined[-1][1] += p['length'] // KIB
            else:
                joined.append([p['start'] // KIB, p['length'] // KIB,
                               p['depth'], p['data']])
        self.assertEqual([tuple(j) for j in joined],
                         [(0, 64, 2, True), (64, 64, 0, False),
                          (128, 896, 2, True), (1024, 1024, 1, True),
                          (2048, 1024, 0, True), (3072, 1024, 2, False)])
        self.assertIn('0x20000         0xe0000 ', self.img('map', 'top'))
        self.assertEqual(self.json('map', '-s', '2M', '-l', '4k', 'top'),
                         [dict(next(p for p in parts if p['start'] == 2 * MIB),
                               length=4096)])

    def test_measure(self):
        for size, options, required, full in (
                ('1G', 'size=1G', 393216, 1074135040),
                ('1T', 'cluster_size=4k,refcount_bits=64', 4311805952,
                 1103823433728),
                ('1T', 'cluster_size=2M,extended_l2=on', 16777216,
                 1099528404992)):
            m = self.json('measure', '-O', 'qcow2', '--size', size, '-o',
                          options)
            self.assertEqual((m['required'], m['fully-allocated']),
                             (required, full))
        self.chain()
        needs = self.json('measure', '-O', 'qcow2', 'top')['required']
        self.img('convert', '-O', 'qcow2', 'top', 'out')
        self.assertGreaterEqual(needs, os.stat(self.path('out')).st_size)

    def test_dd(self):
        self.chain()
        self.img('dd', 'if=top', 'of=part', 'bs=64k', 'count=3', 'skip=1')
        self.assertEqual(self.read('part'),
                         self.read('expected')[64 * KIB:256 * KIB][:192 * KIB])
        for bad in (['if=top'], ['if=top', 'of=y', 'bs=0'],
                    ['if=top', 'of=y', 'frob=1'], ['if=top', 'of=y', 'x']):
            self.img('dd', *bad, status=1)


class Formats(CommandsTest):
    def fill(self, name):
        self.io(name, 'write -P 1 0 100k', 'write -P 2 130k 3k',
                'write -z 2k 30k', 'write -P 3 1M 513', 'discard 64k 64k',
                'write -P 4 4095k 1k')
        self.io(name, 'read -P 1 0 2k', 'read -P 0 2k 30k',
                'read -P 1 32k 32k', 'read -P 0 64k 66k', 'read -P 2 130k 3k',
                'read -P 0 133k 100k', 'read -P 3 1M 513',
                'read -P 0 1049089 100k', 'read -P 4 4095k 1k')

    def test_options_of_new_images(self):
        self.write('ground', bytes([5]) * 4 * MIB)
        for options in ('extended_l2=on', 'extended_l2=on,cluster_size=16k',
                        'extended_l2=on,cluster_size=2M',
                        'compression_type=zstd', 'lazy_refcounts=on',
                        'preallocation=metadata', 'preallocation=falloc',
                        'preallocation=full', 'data_file=data',
                        'data_file=raw,data_file_raw=on',
                        'extended_l2=on,preallocation=metadata'):
            with self.subTest(options=options):
                self.new('x', '-o', options)
                self.fill('x')
                self.judge('x')
                self.img('convert', '-O', 'raw', 'x', 'out')
                self.same('x', 'out')
                if 'data_file' not in options:
                    self.img('snapshot', '-c', 's', 'x')
                    self.io('x', 'write -P 8 0 4M')
                    self.img('snapshot', '-a', 's', 'x')
                    self.judge('x')
                    self.same('x', 'out')
        self.assertEqual(self.read('raw'), self.read('out'))

    def test_subclusters_are_what_is_allocated(self):
        self.new('base')
        self.io('base', 'write -P 1 0 4M')
        self.img('create', '-q', '-f', 'qcow2', '-b', 'base', '-F', 'qcow2',
                 '-o', 'extended_l2=on,cluster_size=64k', 'top')
        self.io('top', 'write -P 2 3k 1k', 'write -z 64k 4k')
        self.assertEqual(
            [(p['start'], p['length'], p['zero'])
             for p in self.json('map', 'top') if p['depth'] == 0],
            [(2048, 2048, False), (65536, 4096, True)])
        self.io('top', 'read -P 1 0 3k', 'read -P 2 3k 1k', 'read -P 1 4k 60k',
                'read -P 0 64k 4k', 'read -P 1 68k 1M')
        self.judge('top')

    def test_compressed(self):
        self.write('a', bytes(range(256)) * 4096 + os.urandom(MIB) +
                   bytes(2 * MIB))
        for options in ('cluster_size=64k', 'cluster_size=512',
                        'cluster_size=2M', 'compression_type=zstd',
                        'extended_l2=on'):
            with self.subTest(options=options):
                self.img('convert', '-c', '-O', 'qcow2', '-o', options, 'a',
                         'b')
                self.same('a', 'b')
                self.judge('b')
                if '2M' not in options: # there the tables take more
                    self.assertLess(os.stat(self.path('b')).st_size,
                                    os.stat(self.path('a')).st_size * 3 // 4)
                if '2M' in options:
                    continue # what is compressed is a whole cluster
                # What is compressed shares clusters of the file.
                self.io('b', 'write -P 6 64k 64k', 'write -c -P 7 128k 128k',
                        'write -P 9 1000k 1k')
                self.io('b', 'read -P 6 64k 64k', 'read -P 7 128k 128k',
                        'read -P 9 1000k 1k')
                self.judge('b')

    def test_amend(self):
        self.new('x')
        self.fill('x')
        self.img('convert', '-O', 'raw', 'x', 'was')
        for options in ('refcount_bits=64', 'refcount_bits=1',
                        'lazy_refcounts=on', 'refcount_bits=16',
                        'compat=0.10', 'compat=1.1', 'size=5M'):
            self.img('amend', '-o', options, 'x')
            self.judge('x')
        self.img('resize', '-q', '--shrink', 'x', '4M')
        self.same('x', 'was')
        for bad in ('cluster_size=4k', 'refcount_bits=3', 'frob=1',
                    'data_file_raw=on', 'compat=0.10,refcount_bits=8'):
            self.img('amend', '-o', bad, 'x', status=1)
        self.img('snapshot', '-c', 's', 'x')
        self.assertIn('refcount of 2', self.img('amend', '-o',
                                                'refcount_bits=1', 'x',
                                                status=1))
        self.judge('x')

    def test_bitmaps_note_what_is_written(self):
        self.new('x')
        self.img('bitmap', '--add', '-g', '64k', 'x', 'b')
        self.img('bitmap', '--add', '--disable', 'x', 'off')
        self.io('x', 'write -P 1 100k 1k', 'write -P 2 1M 64k',
                'discard 2M 64k')
        self.judge('x')
        self.img('bitmap', '--merge', 'b', 'x', 'off')
        self.img('resize', '-q', 'x', '8M')
        self.io('x', 'write 7M 1k')
        self.img('convert', '-O', 'qcow2', '--bitmaps', 'x', 'y')
        self.judge('x', 'y')
        bitmaps = self.json('info', 'y')['format-specific']['data']['bitmaps']
        self.assertEqual([(b['name'], b['flags'], b['granularity'])
                          for b in bitmaps],
                         [('b', ['auto'], 65536), ('off', [], 65536)])
        self.assertEqual(self.dirty_bits('x', 'b'), {1, 16, 32, 112})
        self.assertEqual(self.dirty_bits('x', 'off'), {1, 16, 32})
        for bad in (['--add'], ['--remove', '--remove'], ['--frob'], [],
                    ['--merge', 'no'], ['--clear', '-g', '64k']):
            self.img('bitmap', *bad, 'x', 'b', status=1)
        self.img('bitmap', '--clear', 'x', 'off')
        self.img('bitmap', '--remove', 'x', 'off')
        self.judge('x')

    def dirty_bits(self, name, bitmap):
        """The bits that are set, read from the file."""
        d = self.read(name)
        at = 112
        while struct.unpack_from('>I', d, at)[0] != 0x23852875:
            at += 8 + (struct.unpack_from('>I', d, at + 4)[0] + 7) // 8 * 8
        count, _, _, row = struct.unpack_from('>IIQQ', d, at + 8)
        for _ in range(count):
            table, entries, flags, _, _, name_len, extra = struct.unpack_from(
                '>QIIBBHI', d, row)
            start = row + 24 + extra
            if d[start:start + name_len].decode() == bitmap:
                break
            row += (24 + extra + name_len + 7) // 8 * 8
        self.assertEqual(flags & 1, 0, 'in use')
        bits = set()
        for i, offset in enumerate(struct.unpack_from(f'>{entries}Q', d,
                                                      table)):
            for k, byte in enumerate(d[offset:offset + 65536] if offset
                                     else b''):
                bits |= {(i * 65536 + k) * 8 + n for n in range(8)
                         if byte >> n & 1}
        return bits

    def test_vm_state_comes_with_its_snapshot(self):
        for options in ('cluster_size=64k', 'extended_l2=on'):
            self.new('x', '-o', options)
            self.io('x', 'write -b -P 7 0 100k', 'read -b -P 7 0 100k')
            self.img('snapshot', '-c', 's', 'x')
            self.io('x', 'write -b -P 8 0 100k')
            self.img('snapshot', '-a', 's', 'x')
            self.io('x', 'read -b -P 7 0 100k', 'read -P 0 0 4M')
            self.judge('x')
            # It is not seen in a disk that grows over its place.
            self.img('resize', '-q', 'x', '3G')
            self.assertFalse(any(p['data'] for p in self.json('map', 'x')))
            self.judge('x')

    def test_incomplete_rows_of_snapshots_are_repaired(self):
        self.new('x')
        for name in ('a', 'b', 'c'):
            self.img('snapshot', '-c', name, 'x')
        d = bytearray(self.read('x'))
        count, at = struct.unpack_from('>IQ', d, 60)
        rows = b''
        end = at
        for i in range(count):
            ids, names = struct.unpack_from('>HH', d, end + 12)
            extra, = struct.unpack_from('>I', d, end + 36)
            row = bytearray(d[end:end + 40])
            strings = d[end + 40 + extra:end + 40 + extra + ids + names]
            keep = 0 if i % 2 == 0 else extra
            struct.pack_into('>I', row, 36, keep)
            rows += row + d[end + 40:end + 40 + keep] + strings
            rows += bytes(-len(rows) % 8)
            end += (40 + extra + ids + names + 7) // 8 * 8
        d[at:end] = rows + bytes(end - at - len(rows))
        self.write('x', d)
        self.assertIn('snapshot table entry 2 is incomplete',
                      self.img('check', 'x', status=2))
        self.img('check', '-r', 'leaks', 'x', status=2)
        self.assertIn('Repairing snapshot table entry 0 is incomplete',
                      self.img('check', '-r', 'all', 'x'))
        self.judge('x')


class Names(CommandsTest):
    def test_json_and_options(self):
        self.chain()
        name = json.dumps({'driver': 'qcow2', 'file': {'driver': 'file',
                                                       'filename': 'top'}})
        self.same('json:' + name, 'expected')
        self.assertIn('qcow2', self.img('info', '--image-opts',
                                        'driver=qcow2,file.filename=top'))
        alone = 'json:{"driver":"qcow2","file.filename":"top","backing":null}'
        self.assertIn('Content mismatch', self.img('compare', alone,
                                                   'expected', status=1))
        part = ('json:{"driver":"raw","offset":1048576,"size":4096,'
                '"file":{"driver":"file","filename":"expected"}}')
        self.img('convert', part, 'part')
        self.assertEqual(self.read('part'), bytes([2]) * 4096)
        self.img('rebase', '-u', '-b', 'json:{"driver":"qcow2",'
                 '"file.filename":"%s"}' % self.path('mid'), '-F', 'qcow2',
                 'top')
        self.same('top', 'expected')

    def test_refused_by_name(self):
        self.new('x')
        for name, word in (('nbd://host/', 'nbd'), ('nbd:host', 'nbd'),
                           ('http://host/x', 'http'), ('ssh://h/x', 'ssh'),
                           ('foo:bar', "Unknown protocol 'foo'"),
                           ('json:{"driver":"nbd","host":"h"}', 'nbd'),
                           ('json:{"driver":"qcow2"}', 'block device'),
                           ('json:{"driver":"qcow2","file.filename":"x",'
                            '"frob":1}', 'frob'),
                           ('json:{', 'JSON'), ('json:[]', 'JSON')):
            self.assertIn(word, self.img('info', name, status=1))
        for args, word in ((['--object', 'secret,id=s', 'x'], 'secret'),
                           (['--image-opts', 'frob', 'x'], 'one image'),
                           (['-f', 'luks', 'x'], 'luks')):
            self.assertIn(word, self.img('info', *args, status=1))
        self.assertIn('luks', self.img('create', '-f', 'luks', 'y', '1M',
                                       status=1))

    def test_help_of_options(self):
        text = self.img('create', '-f', 'qcow2', '-o', 'help', 'x')
        for key in ('extended_l2', 'data_file_raw', 'preallocation'):
            self.assertIn(key + '=<', text)
        self.assertNotIn('extended_l2', self.img('create', '-o', 'help', 'x'))
        self.assertIn('refcount_bits', self.img('amend', '-o', 'help', 'x'))


class Io(CommandsTest):
    def test_texts(self):
        self.new('x')
        self.assertRegex(
            self.io('x', 'write -P 7 0 1536'),
            r'^wrote 1536/1536 bytes at offset 0\n1\.500 KiB, 1 ops; '
            r'\d\d\.\d\d sec \(.*/sec and [\d.]+ ops/sec\)\n$')
        self.assertEqual(self.io('x', 'read -q -P 7 0 1536'), '')
        self.assertEqual(
            self.io('x', 'read -qP 8 0 512', status=1),
            'Pattern verification failed at offset 0, 512 bytes\n')
        self.assertEqual(self.io('x', 'read 4M 512', status=1),
                         'read failed: Input/output error\n')
        self.assertEqual(self.io('x', 'alloc 0 1M', 'length'),
                         '65536/1048576 bytes allocated at offset 0 bytes\n'
                         '4 MiB\n')
        self.assertEqual(
            self.io('x', 'map'),
            '64 KiB (0x10000) bytes     allocated at offset 0 bytes (0x0)\n'
            '3.938 MiB (0x3f0000) bytes not allocated at offset 64 KiB '
            '(0x10000)\n')
        self.assertIn('00000000:  07 07', self.io('x', 'read -v 0 16'))
        self.assertEqual(self.io('x', 'frob', status=1),
                         'command "frob" not found\n')

    def test_commands(self):
        self.new('x')
        self.new('y')
        self.write('source', b'abc')
        self.io('x', 'aio_write -P 3 0 4k', 'aio_read -P 3 0 4k', 'aio_flush',
                'writev -P 5 4k 512 1k', 'readv -P 5 4k 512 1k', 'flush',
                'write -s %s 8k 9' % self.path('source'), 'truncate 5M',
                'reopen -r', 'reopen -w', 'close', 'open y', 'length',
                'sleep 1', 'sigraise 0')
        self.assertEqual(
            self.read_bytes('x', 8 * KIB, 9), b'abcabcabc')
        for bad in ('read', 'read 0', 'read x 1', 'write -n 0 512',
                    'write -z -P 1 0 1k', 'write -c -z 0 64k', 'read -l 1 0 1',
                    'write -P 300 0 1', 'open', 'open y', 'truncate',
                    'break read a', 'wait_break a', 'reopen -o x=y',
                    'write -c 0 10', 'alloc 9M'):
            self.io('x', bad, status=1)
        self.io('x', 'write 0 512', status=1, options=['-r'])
        self.io('no', 'length', status=1)

    def read_bytes(self, name, offset, count):
        self.img('convert', '-O', 'raw', name, 'raw')
        return self.read('raw')[offset:offset + count]

    def test_lines(self):
        self.new('x')
        r = subprocess.run([os.path.join(BUILD, 'reprise-io'), self.path('x')],
                           input='length\nquit\n', text=True, timeout=60,
                           capture_output=True, check=True)
        self.assertEqual(r.stdout, 'qemu-io> 4 MiB\nqemu-io> ')
        self.assertIn('no file open', self.execute(
            os.path.join(BUILD, 'reprise-io'), ['-c', 'length'], 1))


if __name__ == '__main__':
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
