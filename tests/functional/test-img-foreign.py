#!/usr/bin/env python3
"""Images of other programs: read as they are, refused by name where they need
what is not there, and never a crash, whatever is in the file.

usage: test-img-foreign.py [BUILD-FOLDER] [unittest arguments]"""
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.path.abspath(os.environ.get('REPRISE_BUILD',
                                       os.path.join(HERE, '..', '..',
                                                    'build')))
QEMU_IMG = shutil.which('qemu-img')
UNIT = 65536


def disk():
    """Five and a half units: data, nothing, data."""
    rng = random.Random(7)
    return b''.join(rng.randbytes(UNIT) if i in (0, 3, 5) else bytes(UNIT)
                    for i in range(6))[:5 * UNIT + UNIT // 2]


def vdi(data, kind=1):
    units = -(-len(data) // UNIT)
    header = bytearray(512)
    header[:39] = b'<<< made by a test, VirtualBox image >>>'[:39]
    struct.pack_into('<IIII', header, 0x40, 0xbeda107f, 0x10001, 400, kind)
    struct.pack_into('<II', header, 0x154, 512, 1024)
    struct.pack_into('<I', header, 0x168, 512) # a sector's bytes
    struct.pack_into('<QIIII', header, 0x170, len(data), UNIT, 0, units,
                     units)
    entries, blocks = [], b''
    for i in range(units):
        block = data[i * UNIT:(i + 1) * UNIT].ljust(UNIT, b'\0')
        used = any(block)
        entries.append(len(blocks) // UNIT if used else 0xffffffff)
        blocks += block if used else b''
    return bytes(header) + struct.pack(f'<{units}I', *entries).ljust(
        512, b'\0') + blocks


def vmdk(data, packed=False, create='monolithicSparse', parent='ffffffff'):
    text = (f'# Disk DescriptorFile\nversion=1\nCID=fffffffe\n'
            f'parentCID={parent}\ncreateType="{create}"\n').encode()
    sectors = len(data) // 512
    units = -(-len(data) // UNIT)

    def header(directory):
        h = bytearray(512)
        struct.pack_into('<4sIIQQQQIQQQ', h, 0, b'KDMV', 3 if packed else 1,
                         0x30001 if packed else 3, sectors, UNIT // 512, 1, 1,
                         512, 0, directory, 128)
        struct.pack_into('<H', h, 77, packed)
        return bytes(h)
    grains, table, at = b'', [], 8 if packed else 16
    for i in range(units):
        grain = data[i * UNIT:(i + 1) * UNIT].ljust(UNIT, b'\0')
        table.append(at + len(grains) // 512 if any(grain) else 0)
        if any(grain) and packed:
            z = zlib.compress(grain)
            grain = struct.pack('<QI', i * UNIT // 512, len(z)) + z
            grain += bytes(-len(grain) % 512)
        grains += grain if table[-1] else b''
    table = struct.pack(f'<{units}I', *table).ljust(2048, b'\0')
    if not packed:
        front = (header(3) + text.ljust(512, b'\0') + bytes(512) +
                 struct.pack('<I', 4).ljust(512, b'\0') + table)
        return front.ljust(16 * 512, b'\0') + grains
    front = (header(2 ** 64 - 1) + text.ljust(512, b'\0')).ljust(8 * 512,
                                                                 b'\0')
    tables = 8 + len(grains) // 512
    return (front + grains + table +
            struct.pack('<I', tables).ljust(512, b'\0') +
            struct.pack('<QII', 1, 0, 3).ljust(512, b'\0') + # the footer
            header(tables + 4) + bytes(512))


class Foreign(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix='reprise-img-')
        self.addCleanup(shutil.rmtree, self.dir)

    def write(self, name, data):
        with open(os.path.join(self.dir, name), 'wb') as f:
            f.write(data)

    def img(self, *args, program=os.path.join(BUILD, 'reprise-img')):
        return subprocess.run([program, *args], cwd=self.dir, text=True,
                              capture_output=True, timeout=60, check=False)

    def images(self):
        return {'vdi': vdi(disk()), 'vdi-static': vdi(disk(), 2),
                'vmdk': vmdk(disk()),
                'vmdk-stream': vmdk(disk(), True, 'streamOptimized')}

    def test_read(self):
        self.write('disk', disk())
        for name, image in self.images().items():
            with self.subTest(name=name):
                self.write('x', image)
                info = self.img('info', 'x').stdout
                self.assertIn('file format: ' + name.split('-')[0], info)
                self.assertIn('virtual size: 352 KiB', info)
                r = self.img('compare', '-f', 'raw', '-F',
                             name.split('-')[0], 'disk', 'x')
                self.assertEqual(r.returncode, 0, r)
                self.img('create', '-q', '-f', 'qcow2', '-b', 'x', '-F',
                         name.split('-')[0], 'over')
                self.assertEqual(self.img('compare', 'over', 'disk')
                                 .returncode, 0)
                r = self.img('resize', 'x', '1M')
                self.assertIn('can be read only', r.stderr)
                if QEMU_IMG and 'vmdk' in name: # (its VDI: 1 MiB units)
                    r = self.img('compare', '-f', 'raw', 'disk', 'x',
                                 program=QEMU_IMG)
                    self.assertEqual(r.returncode, 0, r)

    def test_images_of_qemu(self):
        if not QEMU_IMG:
            self.skipTest('qemu-img is not installed')
        self.write('disk', disk())
        for options in (['vdi'], ['vdi', '-o', 'static=on'], ['vmdk'],
                        ['vmdk', '-o', 'subformat=streamOptimized']):
            self.img('convert', '-f', 'raw', '-O', *options, 'disk', 'x',
                     program=QEMU_IMG)
            r = self.img('compare', 'disk', 'x')
            self.assertEqual(r.returncode, 0, (options, r))

    def test_refused(self):
        for image, why in ((vdi(disk(), 4), 'differencing'),
                           (vmdk(disk(), parent='12345678'), 'parent'),
                           (vmdk(disk(), create='twoGbMaxExtentSparse'),
                            "'twoGbMaxExtentSparse' is not supported"),
                           (vdi(disk())[:520], 'too early'),
                           (vmdk(disk())[:1530], 'too early')):
            self.write('x', image)
            r = self.img('info', 'x')
            self.assertEqual(r.returncode, 1, r)
            self.assertIn(why, r.stderr)
            self.assertIn("'x'", r.stderr)

    def test_damage(self):
        """Each change leads to an error or to other bytes, in no time and
        little memory; never to a crash."""
        rng = random.Random(11)
        for name, image in self.images().items():
            tables = len(image) - 2048 if name == 'vmdk-stream' else 0
            for _ in range(25):
                bad = bytearray(image)
                for _ in range(rng.randrange(1, 4)):
                    at = rng.choice([rng.randrange(0, 512), rng.randrange(
                        tables, tables + 2048)])
                    at = min(at, len(bad) - 8)
                    size = rng.choice([1, 4, 8])
                    bad[at:at + size] = rng.choice([
                        bytes(size), b'\xff' * size, rng.randbytes(size)])
                cut = rng.randrange(64, len(bad)) if rng.random() < .2 else None
                self.write('x', bytes(bad[:cut]))
                r = self.img('measure', '-f', name.split('-')[0], '-O',
                             'qcow2', 'x')
                self.assertIn(r.returncode, (0, 1), (name, r))
                if os.path.getsize(os.path.join(self.dir, 'x')) < 2 ** 20:
                    r = self.img('dd', '-f', name.split('-')[0], 'bs=64k',
                                 'count=8', 'if=x', 'of=y')
                    self.assertIn(r.returncode, (0, 1), (name, r))


if __name__ == '__main__':
    if len(sys.argv) > 1 and os.path.isdir(sys.argv[1]):
        BUILD = os.path.abspath(sys.argv.pop(1))
    unittest.main()
