"""Disks and CDs on AHCI through the firmware's driver: booted, recorded, replayed;
the properties that users give."""
import os
import shutil
import subprocess
import unittest

import reprise

CONTROLLER = ('-device', 'ich9-ahci,id=ahci0')


def disk(name, node='d'):
    return ('-drive', f'file={reprise.guest(name)},format=raw,if=none,'
            f'id={node},snapshot=on')


class Ahci(reprise.TestCase):
    def test_boot_index_chooses_among_ports(self):
        for first, expected in ((0, 'sum 1240'), (1, 'io guest')):
            vm = self.start(
                '-m', '32', *disk('calls', 'a'), *disk('io', 'b'),
                *CONTROLLER, '-device', 'isa-debug-exit', '-device',
                f'ide-hd,drive=a,bus=ahci0.1,bootindex={first}', '-device',
                f'ide-hd,drive=b,bus=ahci0.5,bootindex={1 - first}')
            vm.serial.expect(expected)
            vm.close()

    @unittest.skipUnless(shutil.which('xorriso'), 'needs xorriso')
    def test_guest_from_a_cd(self):
        os.mkdir(self.path('cd'))
        with open(reprise.guest('calls'), 'rb') as f:
            image = f.read(32768)
        with open(self.path('cd/boot.img'), 'wb') as f:
            f.write(image)
        iso = self.path('cd.iso')
        subprocess.run(['xorriso', '-as', 'mkisofs', '-quiet', '-o', iso,
                        '-b', 'boot.img', '-no-emul-boot', '-boot-load-size',
                        '64', self.path('cd')], check=True,
                       capture_output=True)
        vm = self.start('-m', '32', '-drive',
                        f'file={iso},media=cdrom,if=none,id=c', *CONTROLLER,
                        '-device', 'ide-cd,drive=c,bus=ahci0.2', '-boot', 'd',
                        '-device', 'isa-debug-exit')
        vm.serial.expect('sum 1240 calls 120')
        self.assertEqual(vm.wait(), 1)

    def test_torture(self):
        """Firmware and guest, with digests all the way, in odd ways."""
        log = self.path('calls.rr')

        def run(mode, accel):
            # Without an id the ports come after those of the board.
            vm = self.start(
                '-m', '32', *disk('calls'), '-device', 'ich9-ahci', '-device',
                'ide-hd,drive=d,bus=ide.2', '-device', 'isa-debug-exit',
                '-accel', f'tcg,{accel}', '-icount',
                f'shift=7,rr={mode},rrfile={log},rrdigest=50000')
            self.assertEqual(vm.wait(), 1, vm.output())
            return vm.serial.seen

        printed = run('record', 'backend=x86_64')
        self.assertIn(b'sum 1240 calls 120', printed)
        for accel in ('backend=interp', 'flush-at-random=3',
                      'one-insn-per-tb=on'):
            with self.subTest(accel=accel):
                self.assertEqual(run('replay', accel), printed)

    def refused(self, *args):
        done = reprise.run('-nodefaults', *args)
        self.assertEqual(done.returncode, 1)
        return done.stderr

    def test_wrong_properties_are_named(self):
        drive = disk('calls')
        for device, words in (
                ('ide-hd,drive=d,bus=ahci0.6', "Bus 'ahci0.6' not found"),
                ('ide-hd,drive=d,bus=ahci0.0,unit=1', 'supports only 1'),
                ('ide-hd,drive=d,bus=ahci0.0,discard_granularity=4096',
                 'discard_granularity=4096'),
                ('ide-hd,drive=d,bus=ahci0.0,rotation_rate=99999',
                 'rotation_rate=99999'),
                ('ide-hd,drive=d,bus=ahci0.0,wwn=x', 'wwn')):
            with self.subTest(device=device):
                self.assertIn(words, self.refused(
                    *drive, *CONTROLLER, '-device', device))
        self.assertIn('is in use', self.refused(
            *drive, *disk('io', 'b'), *CONTROLLER, '-device',
            'ide-hd,drive=d,bus=ahci0.0', '-device',
            'ide-hd,drive=b,bus=ahci0.0'))

    def test_how_the_host_treats_an_image_is_said_or_refused(self):
        drive = (f'file={reprise.guest("calls")},format=raw,if=none,'
                 'readonly=on')
        for option in ('throttling.iops-total=10', 'werror=stop',
                       'cache=fast', 'aio=posix', 'discard=maybe',
                       'detect-zeroes=yes', 'cache.direct=perhaps'):
            with self.subTest(option=option):
                words = option.split('=')
                said = self.refused('-drive', f'{drive},{option}')
                self.assertIn(f"'{words[0]}'", said)
        for option in ('cache=none', 'aio=native'):
            vm = self.start('-nodefaults', '-S', '-drive',
                            f'{drive},{option}', qmp=True)
            vm.qmp.cmd('quit')
            vm.wait()
            self.assertIn('warning: -drive', vm.output())

    def test_what_is_discarded_is_part_of_the_identity(self):
        log = self.path('run.rr')

        def run(mode, discard):
            vm = self.start(
                '-m', '16', *disk('calls')[:1],
                f'{disk("calls")[1]},discard={discard}', *CONTROLLER,
                '-device', 'ide-hd,drive=d,bus=ahci0.0', '-device',
                'isa-debug-exit', '-icount',
                f'shift=7,rr={mode},rrfile={log}')
            self.assertEqual(vm.wait(), 1, vm.output())
            return vm.output()

        run('record', 'ignore')
        self.assertIn('keeps all', run('replay', 'unmap'))


if __name__ == '__main__':
    reprise.main()
