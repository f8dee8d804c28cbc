"""Floppy disks: programs that boot from them, recorded and replayed; formats,
write protection, wrong images."""
import os
import random
import struct

import reprise

# The sizes of DOS, in KiB, and what the BIOS says of each.
FORMATS = {360: '270109', 1200: '4f010f', 1440: '4f0112', 2880: '4f0124'}


class Floppy(reprise.TestCase):
    def disk(self, kib, name='disk.img', tracks=None):
        """An image with the guest, which reads so many tracks, and what their
        words add up to."""
        with open(reprise.guest('floppy'), 'rb') as f:
            content = f.read()
        if tracks:
            content = content[:509] + bytes([tracks - 1]) + content[510:]
        content += random.Random(kib).randbytes(kib * 1024 - len(content))
        with open(self.path(name), 'wb') as f:
            f.write(content)
        if tracks:
            content = content[:tracks * 2 * 9 * 512]
        words = struct.unpack(f'<{len(content) // 2}H', content)
        return self.path(name), f'{sum(words) & 0xffffffff:08x}'

    def boot(self, *args):
        vm = self.start('-m', '16', '-nodefaults', '-boot', 'a', '-device',
                        'isa-debug-exit', *args)
        self.assertEqual(vm.wait(), 1, vm.output())
        return vm.serial.seen.decode()

    def test_real_mode_guest_on_each_format(self):
        for kib, geometry in FORMATS.items():
            with self.subTest(kib=kib):
                disk, total = self.disk(kib)
                said = self.boot('-fda', disk, '-icount', 'shift=7,sleep=off')
                self.assertIn(f'floppy guest: {geometry}', said)
                self.assertIn(f'sum {total} written', said)
                with open(disk, 'rb') as f:
                    self.assertEqual(f.read()[-512:], b'\xa5\x5a' * 256)

    def test_write_protection(self):
        disk, total = self.disk(720, tracks=1)
        self.assertIn(f'sum {total} error 03', self.boot(
            '-drive', f'file={disk},if=floppy,format=raw,readonly=on',
            '-icount', 'shift=7,sleep=off'))

    def test_recorded_in_one_way_and_replayed_in_others(self):
        disk, total = self.disk(360, tracks=1)
        log = self.path('run.rr')

        def run(mode, accel):
            return self.boot(
                '-drive', f'file={disk},if=none,id=f,format=raw,snapshot=on',
                '-device', 'isa-fdc,id=fdc0', '-device',
                'floppy,drive=f,bus=fdc0.0', '-accel', f'tcg,{accel}',
                '-icount', f'shift=7,sleep=off,rr={mode},rrfile={log},'
                'rrdigest=100000')

        said = run('record', 'backend=x86_64')
        self.assertIn(f'sum {total} written', said)
        for accel in ('backend=interp,flush-at-random=5',
                      'one-insn-per-tb=on'):
            with self.subTest(accel=accel):
                self.assertEqual(run('replay', accel), said)

    def refused(self, *args):
        done = reprise.run('-nodefaults', *args)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_what_is_no_floppy_is_named(self):
        disk, _ = self.disk(360)
        other, _ = self.disk(720, 'other.img')
        odd = self.raw_image('odd.img', 1 << 20)
        for args, words in (
                (('-fda', odd), '1048576 bytes is no floppy disk'),
                (('-drive', f'file={disk},if=floppy,index=2'),
                 'only 2 floppy drives'),
                (('-fda', disk, '-drive', f'file={other},if=floppy,index=0'),
                 'another floppy disk with index=0'),
                (('-fdb', disk, '-device', 'floppy,unit=1'), 'unit 1 is in'),
                (('-device', 'floppy,drive-type=143'), "'143'"),
                (('-device', 'isa-fdc,dma=4'), 'dma=4')):
            with self.subTest(args=args):
                self.assertIn(words, self.refused(*args))
        self.assertTrue(os.path.exists(disk))


if __name__ == '__main__':
    reprise.main()
