"""Recordings that are replayed twenty times in different ways while the host is busy
(replay_often.py): races of four processors, and a boot of Linux with four. While
they are recorded the host is busy, too, and somebody types."""
import os
import subprocess

import reprise
from linux_guest import LinuxCase, PATIENCE
from replay_often import busy, replay_often

REPLAYS = int(os.environ.get('REPRISE_REPLAYS', '20'))
LOAD = 3
# Who types decides how long the guest works, and on what.
TYPED = r'''
for i in 1 2 3 4 5 6; do
  read word
  echo "heard $word: $(echo $word $RANDOM | sha256sum | cut -c1-8)" &
  dd if=/dev/urandom bs=1k count=64 2>/dev/null | sha256sum
done
wait'''


class Often(LinuxCase):
    def setUp(self):
        super().setUp()
        self.others = busy(LOAD)
        self.addCleanup(self.calm)

    def calm(self):
        for process in self.others:
            process.kill()
            process.wait()
        self.others = []

    def icount(self, shift, period, digest):
        return ('-icount', f'shift={shift},rr=record,rrsnapshot=init,'
                f'rrsnapshot-period={period},rrdigest={digest},'
                f'rrfile={self.path("run.rr")}')

    def check(self, vm, part):
        """The recording has ended; the doors that it had are closed."""
        self.calm()
        at = vm.argv.index('-chardev')
        replay_often([*vm.argv[:at], '-display', 'none', '-serial', 'null'],
                     reprise.program('reprise-img'), REPLAYS, LOAD, part)

    def test_races(self):
        disk = self.path('disk.qcow2')
        subprocess.run([reprise.program('reprise-img'), 'convert', '-f', 'raw',
                        '-O', 'qcow2', reprise.guest('race'), disk],
                       check=True)
        vm = self.start('-m', '64', '-smp', '4,quantum=997', '-drive',
                        f'file={disk},if=ide,format=qcow2', '-device',
                        'isa-debug-exit', *self.icount(7, '1M', 100000))
        vm.serial.expect('race\r\n')
        for byte in 'abcdefq':
            vm.serial.send(byte)
            vm.serial.expect(byte + r' [0-9a-f]{8} [0-9a-f]{8}\r\n')
        vm.serial.expect('race: ok')
        vm.wait()
        self.check(vm, 200_000)

    def test_linux(self):
        disk = self.path('disk.qcow2')
        subprocess.run([reprise.program('reprise-img'), 'create', '-q', '-f',
                        'qcow2', disk, '64M'], check=True)
        vm = self.boot('cloud-amd64', '-smp', '4', '-drive',
                       f'file={disk},if=ide,format=qcow2',
                       *self.icount(1, '1G', 2_000_000), extra=TYPED)
        vm.serial.expect('gzip gives it back', PATIENCE)
        for word in ('one', 'two', 'three', 'four', 'five', 'six'):
            vm.serial.send(word + '\n')
            vm.serial.expect(f'heard {word}', PATIENCE)
        self.finish(vm)
        self.check(vm, 3_000_000)


if __name__ == '__main__':
    reprise.main()
