#!/usr/bin/env python3
"""reprise-img through its command line; where qemu-img is installed, it judges
our images and we read its.

usage: test-img.py [BUILD-FOLDER] [unittest arguments]   (or $REPRISE_BUILD)"""
import json
import os
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ.get('REPRISE_BUILD',
                       os.path.join(HERE, '..', '..', 'build'))
QEMU_IMG = shutil.which('qemu-img')
MIB = 1 << 20


def execute(program, args, folder):
    return subprocess.run([program, *args], cwd=folder, text=True,
                          capture_output=True, timeout=60, check=False)


def noise(seed, size):
    """Data with holes: half of the 4 KiB blocks are zero, some repeat."""
    rng = random.Random(seed)
    blocks = []
    for _ in range(size // 4096):
        kind = rng.randrange(4)
        blocks.append(bytes(4096) if kind < 2 else
                      rng.randbytes(4096) if kind == 2 else
                      bytes([rng.randrange(256)]) * 4096)
    return b''.join(blocks)


class ImgTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='reprise-img-')
        self.addCleanup(shutil.rmtree, self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def img(self, *args, status=0):
        """Output of reprise-img; its exit status must be `status`."""
        r = execute(os.path.join(os.path.abspath(BUILD), 'reprise-img'),
                    args, self.dir)
        self.assertEqual(r.returncode, status, (args, r.stdout, r.stderr))
        if status == 1 and args[:1] != ('compare',):
            self.assertTrue(r.stderr.startswith('reprise-img: '), r.stderr)
        return r.stderr if status else r.stdout

    def qemu(self, *args, status=0):
        if not QEMU_IMG:
            self.skipTest('qemu-img is not installed')
        r = execute(QEMU_IMG, args, self.dir)
        self.assertEqual(r.returncode, status, (args, r.stdout, r.stderr))
        return r.stdout

    def judge(self, *names):
        """Nothing is wrong with images, in our eyes or qemu-img's."""
        for name in names:
            self.assertIn('No errors were found', self.img('check', name))
            if QEMU_IMG:
                self.assertIn('No errors', self.qemu('check', name))

    def write(self, name, data):
        with open(self.path(name), 'wb') as f:
            f.write(data)

    def read(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()


class CommandLine(ImgTest):
    def test_help(self):
        for args in (['--help'], ['-h'], ['info', '--help']):
            text = self.img(*args)
            for command in ('amend', 'bench', 'bitmap', 'check', 'commit',
                            'compare', 'convert', 'create', 'dd', 'info',
                            'map', 'measure', 'rebase', 'resize',
                            'snapshot'):
                self.assertRegex(text, rf'(?m)^  {command} ')
        self.assertRegex(self.img('--version'), r'^reprise-img version \d')

    def test_bad_arguments(self):
        self.img('create', 'x.raw', '1M')
        for args in ([], ['frob'], ['info'], ['info', '--frob', 'x.raw'],
                     ['info', 'nosuch'], ['info', '--output=xml', 'x.raw'],
                     ['info', 'x.raw', 'x.raw'], ['check', '-r', 'x', 'x.raw'],
                     ['create'], ['create', 'y'], ['create', 'y', '1Q'],
                     ['create', 'y', '-1'], ['create', 'y', '1M', '2M'],
                     ['create', '-f', 'vmdk', 'y', '1M'],
                     ['create', '-f', 'qcow2', 'y', '10E'],
                     ['create', '-f', 'qcow2', '-b', 'x.raw', 'y', '1M'],
                     ['create', '-f', 'qcow2', '-b', 'nosuch', '-F', 'raw',
                      'y'],
                     ['create', '-f', 'raw', '-b', 'x.raw', '-F', 'raw', 'y'],
                     ['convert', 'x.raw'], ['convert', 'nosuch', 'y'],
                     ['resize', 'x.raw'], ['resize', 'x.raw', 'big'],
                     ['resize', 'x.raw', '-2M'], ['resize', 'x.raw', '1k'],
                     ['snapshot', '-c', 's', 'x.raw'],
                     ['snapshot', '-l', '-d', 's', 'x.raw'],
                     ['snapshot', '-a', 's'],
                     *(['create', '-f', 'qcow2', '-o', o, 'y', '1M']
                       for o in ('frob=1', 'cluster_size=3k', 'compat=7',
                                 'cluster_size=256', 'cluster_size=4M',
                                 'refcount_bits=3', 'refcount_bits=128',
                                 'refcount_bits=8,compat=0.10',
                                 'extended_l2=on,cluster_size=8k',
                                 'preallocation=some', 'encryption=on',
                                 'encrypt.format=luks', 'data_file_raw=on',
                                 'lazy_refcounts=on,compat=0.10'))):
            with self.subTest(args=args):
                self.img(*args, status=1)
                self.assertFalse(os.path.exists(self.path('y')))

    def test_compare_status(self):
        self.img('create', 'x', '1M')
        self.write('y', bytes(MIB - 1) + b'x')
        self.img('create', 'long', '2M')
        self.assertEqual(self.img('compare', 'x', 'x'),
                         'Images are identical.\n')
        self.assertEqual(self.img('compare', '-q', 'x', 'x'), '')
        self.img('compare', 'x', 'y', status=1)
        self.img('compare', 'x', 'nosuch', status=2)
        self.img('compare', 'x', status=2)
        self.assertIn('size mismatch', self.img('compare', 'x', 'long'))
        self.img('compare', '-s', 'x', 'long', status=1)

    def test_sizes(self):
        for text, size in (('1', 512), ('4096', 4096), ('1k', 1024),
                           ('1.5M', 3 * MIB // 2), ('2G', 2 << 30),
                           ('1T', 1 << 40)):
            self.img('create', 'x', text)
            info = json.loads(self.img('info', '--output=json', 'x'))
            self.assertEqual(info['virtual-size'], size)


class Create(ImgTest):
    def test_output(self):
        self.assertEqual(self.img('create', 'a.raw', '1M'),
                         "Formatting 'a.raw', fmt=raw size=1048576\n")
        self.assertEqual(
            self.img('create', '-f', 'qcow2', 'a.qcow2', '100M'),
            "Formatting 'a.qcow2', fmt=qcow2 cluster_size=65536 "
            "extended_l2=off compression_type=zlib size=104857600 "
            "lazy_refcounts=off refcount_bits=16\n")
        self.assertEqual(
            self.img('create', '-f', 'qcow2', '-b', 'a.qcow2', '-F', 'qcow2',
                     'b.qcow2'),
            "Formatting 'b.qcow2', fmt=qcow2 cluster_size=65536 "
            "extended_l2=off compression_type=zlib size=104857600 "
            "backing_file=a.qcow2 backing_fmt=qcow2 "
            "lazy_refcounts=off refcount_bits=16\n")
        self.assertEqual(self.img('create', '-q', 'c.raw', '1M'), '')
        self.judge('a.qcow2', 'b.qcow2')

    def test_same_words_as_qemu(self):
        for args in (['-f', 'qcow2', 'x', '7M'],
                     ['-f', 'raw', 'x', '12345'],
                     ['-f', 'qcow2', '-o', 'cluster_size=4k,refcount_bits=64',
                      'x', '1G'],
                     ['-f', 'qcow2', '-o', 'compat=0.10', 'x', '1M']):
            theirs = self.qemu('create', *args)
            self.assertEqual(self.img('create', *args), theirs)
            their_info = json.loads(self.qemu('info', '--output=json', 'x'))
            info = json.loads(self.img('info', '--output=json', 'x'))
            self.assertEqual(info, their_info)
            self.assertEqual(self.img('info', 'x'), self.qemu('info', 'x'))

    def test_shapes(self):
        for cluster in ('512', '4k', '64k', '2M'):
            for bits in (1, 2, 4, 8, 16, 32, 64):
                with self.subTest(cluster=cluster, bits=bits):
                    self.img('create', '-f', 'qcow2', '-o',
                             f'cluster_size={cluster},refcount_bits={bits}',
                             'x', '300M')
                    self.judge('x')

    def test_huge(self):
        self.img('create', '-f', 'qcow2', 'x', '64T')
        self.judge('x')
        self.assertLess(os.stat(self.path('x')).st_blocks * 512, 4 * MIB)


class Info(ImgTest):
    def test_backing(self):
        os.mkdir(self.path('sub'))
        self.img('create', 'sub/base', '1M')
        self.img('create', '-f', 'qcow2', '-b', 'base', '-F', 'raw', 'sub/x')
        text = self.img('info', 'sub/x')
        self.assertIn('backing file: base (actual path: sub/base)\n', text)
        self.assertIn('backing file format: raw\n', text)
        info = json.loads(self.img('info', '--output=json', 'sub/x'))
        self.assertEqual(info['backing-filename'], 'base')
        self.assertEqual(info['full-backing-filename'], 'sub/base')

    def test_probe(self):
        self.img('create', '-f', 'qcow2', 'x', '1M')
        self.assertIn('file format: qcow2', self.img('info', 'x'))
        self.assertIn('file format: raw', self.img('info', '-f', 'raw', 'x'))
        self.img('create', 'y', '1M')
        self.assertIn('file format: raw', self.img('info', 'y'))
        self.img('info', '-f', 'qcow2', 'y', status=1)


class Convert(ImgTest):
    def test_round_trip(self):
        data = noise(1, 3 * MIB)
        self.write('a', data)
        self.img('convert', '-O', 'qcow2', 'a', 'b')
        self.judge('b')
        self.img('convert', '-f', 'qcow2', '-O', 'raw', 'b', 'c')
        self.assertEqual(self.read('c'), data)
        self.assertLess(os.stat(self.path('c')).st_blocks * 512, len(data))
        self.img('convert', '-O', 'qcow2', '-o', 'cluster_size=512', 'b', 'd')
        self.judge('d')
        for name in 'bcd':
            self.img('compare', 'a', name)
            if QEMU_IMG:
                self.qemu('compare', 'a', name)

    def test_sparse(self):
        self.img('create', 'a', '4G')
        self.img('convert', '-O', 'qcow2', 'a', 'b')
        self.img('convert', 'b', 'c')
        self.assertLess(os.stat(self.path('b')).st_blocks * 512, MIB)
        self.assertEqual(os.stat(self.path('c')).st_blocks, 0)

    def test_no_create(self):
        """What is in the target already is overwritten by zeroes, too."""
        self.write('a', noise(2, MIB))
        self.write('b', noise(3, MIB))
        self.img('convert', '-n', 'a', 'b')
        self.assertEqual(self.read('a'), self.read('b'))

    def test_compressed_by_qemu(self):
        data = noise(4, 2 * MIB)
        self.write('a', data)
        for options in ('cluster_size=64k', 'cluster_size=4k',
                        'cluster_size=512', 'cluster_size=2M'):
            self.qemu('convert', '-c', '-O', 'qcow2', '-o', options, 'a', 'b')
            self.assertIn('No errors', self.img('check', 'b'))
            self.img('compare', 'a', 'b')
            # Clusters around are written; the rest stays compressed.
            self.img('snapshot', '-c', 's', 'b')
            self.img('resize', 'b', '3M')
            self.judge('b')
            self.img('snapshot', '-d', 's', 'b')
            self.judge('b')
        self.qemu('convert', '-c', '-O', 'qcow2', '-o',
                  'compression_type=zstd', 'a', 'b')
        self.assertIn('zstd', self.img('info', 'b'))
        self.img('compare', 'a', 'b')
        self.judge('b')

    def test_onto_itself(self):
        self.img('create', 'a', '1M')
        self.assertIn('lock', self.img('convert', 'a', 'a', status=1))


class Snapshots(ImgTest):
    ROW = (r'(?m)^(\d+) +(\S+) +(\d\S* \S*B) \d{4}-\d\d-\d\d \d\d:\d\d:\d\d '
           r'(\d\d:\d\d:\d\d\.\d{3}) +(\d*)$')

    def rows(self, name):
        text = self.img('snapshot', '-l', name)
        if text:
            self.assertEqual(
                text.splitlines()[:2],
                ['Snapshot list:',
                 'ID        TAG               VM SIZE                DATE'
                 '     VM CLOCK     ICOUNT'])
        return re.findall(self.ROW, text)

    def test_life(self):
        self.write('raw', noise(5, MIB))
        self.img('convert', '-O', 'qcow2', 'raw', 'x')
        self.assertEqual(self.rows('x'), [])
        self.img('snapshot', '-c', 'one', 'x')
        self.img('resize', 'x', '2M')
        self.write('raw2', noise(6, 2 * MIB))
        self.img('convert', '-n', '-O', 'qcow2', 'raw2', 'x')
        self.img('snapshot', '-c', 'two', 'x')
        self.judge('x')
        self.assertEqual([r[:2] for r in self.rows('x')],
                         [('1', 'one'), ('2', 'two')])
        self.img('compare', 'x', 'raw2')
        self.img('snapshot', '-a', 'one', 'x')
        self.judge('x')
        self.img('compare', '-s', 'x', 'raw')
        self.img('snapshot', '-a', '2', 'x')
        self.img('compare', '-s', 'x', 'raw2')
        self.img('snapshot', '-d', 'one', 'x')
        self.judge('x')
        self.img('snapshot', '-a', 'one', 'x', status=1)
        self.img('snapshot', '-d', 'nosuch', 'x', status=1)
        self.img('resize', '--shrink', 'x', '1M', status=1)
        self.img('snapshot', '-d', 'two', 'x')
        self.img('resize', '--shrink', 'x', '1M')
        self.judge('x')

    def test_theirs(self):
        """Snapshots of qemu-img are ours, and the other way round."""
        self.write('raw', noise(7, MIB))
        self.img('convert', '-O', 'qcow2', 'raw', 'x')
        self.qemu('snapshot', '-c', 'theirs', 'x')
        self.write('raw2', noise(8, MIB))
        self.img('convert', '-n', '-O', 'qcow2', 'raw2', 'x')
        self.img('snapshot', '-c', 'ours', 'x')
        self.judge('x')
        self.assertEqual(self.img('snapshot', '-l', 'x'),
                         self.qemu('snapshot', '-l', 'x'))
        self.img('snapshot', '-a', 'theirs', 'x')
        self.qemu('compare', 'x', 'raw')
        self.qemu('snapshot', '-a', 'ours', 'x')
        self.img('compare', 'x', 'raw2')
        self.judge('x')
        self.qemu('snapshot', '-d', 'ours', 'x')
        self.img('snapshot', '-d', 'theirs', 'x')
        self.judge('x')


class Check(ImgTest):
    def damaged(self, cluster, count):
        """An image one of whose reference counts is wrong."""
        self.write('raw', b'x' * MIB)
        self.img('convert', '-O', 'qcow2', 'raw', 'x')
        data = bytearray(self.read('x'))
        table, = struct.unpack_from('>Q', data, 48)
        block, = struct.unpack_from('>Q', data, table)
        struct.pack_into('>H', data, block + 2 * cluster, count)
        self.write('x', data)

    def test_leak(self):
        self.damaged(100, 1)
        self.img('check', 'x', status=3)
        self.assertIn('repaired', self.img('check', '-r', 'leaks', 'x'))
        self.judge('x')
        self.img('compare', 'raw', 'x')

    def test_corruption(self):
        self.damaged(6, 0)
        self.img('check', 'x', status=2)
        self.img('check', '-r', 'leaks', 'x', status=2)
        self.img('check', '-r', 'all', 'x')
        self.judge('x')
        self.img('compare', 'raw', 'x')

    def test_json(self):
        self.damaged(100, 1)
        r = execute(os.path.join(os.path.abspath(BUILD), 'reprise-img'),
                    ['check', '--output=json', 'x'], self.dir)
        result = json.loads(r.stdout)
        self.assertEqual((result['leaks'], result['check-errors'],
                          result['format']), (1, 0, 'qcow2'))

    def test_raw(self):
        self.img('create', 'x', '1M')
        self.img('check', 'x', status=63)
        self.img('check', 'nosuch', status=1)


if __name__ == '__main__':
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        BUILD = sys.argv.pop(1)
    unittest.main()
