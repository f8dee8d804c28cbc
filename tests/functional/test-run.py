"""A guest that talks: run in every kind of time, recorded, and replayed."""
import os
import socket

import reprise

EXIT = ('-device', 'isa-debug-exit')


def disk(extra=''):
    return ('-drive', f'file={reprise.guest("io")},format=raw,snapshot=on'
            + extra)


class Run(reprise.TestCase):
    def talk(self, vm):
        """A conversation that ends the guest; all that it said."""
        vm.serial.expect('io guest')
        for word in ('hello', 'there'):
            vm.serial.expect('> ')
            vm.serial.send(f'{word}\n')
            vm.serial.expect(f'you said: {word}')
        vm.serial.expect('> ')
        vm.serial.send('quit\n')
        vm.serial.expect('hash [0-9a-f]+')
        self.assertEqual(vm.wait(), 1)
        return vm.serial.seen

    def test_times(self):
        for time in ((), ('-icount', '0'), ('-icount', '5'),
                     ('-icount', 'shift=auto'), ('-icount', '3,sleep=off')):
            with self.subTest(time=time):
                self.talk(self.start(*time, *disk(), *EXIT))

    def test_i386(self):
        self.talk(self.start(*disk(), *EXIT, arch='i386'))

    def test_interp(self):
        self.talk(self.start('-accel', 'tcg,backend=interp', *disk(), *EXIT))

    def record_and_replay(self, shift):
        log = self.path('log')
        rr = f'shift={shift},rrfile={log}'
        vm = self.start('-icount', f'{rr},rr=record', *disk(), *EXIT)
        said = self.talk(vm)
        vm.close()
        for _ in range(2):
            vm = self.start('-icount', f'{rr},rr=replay', *disk(), *EXIT)
            # What is typed during a replay reaches nobody.
            vm.serial.send('quit\n')
            vm.serial.expect('hash [0-9a-f]+')
            self.assertEqual(vm.wait(), 1)
            self.assertEqual(vm.serial.seen, said)
            vm.close()

    def test_record_replay(self):
        self.record_and_replay('4')

    def test_record_replay_auto(self):
        self.record_and_replay('auto')

    def test_replay_of_another_machine(self):
        log = self.path('log')
        rr = f'shift=4,rrfile={log}'
        self.talk(self.start('-icount', f'{rr},rr=record', *disk(), *EXIT))
        done = reprise.run('-nodefaults', '-m', '64', '-serial', 'null',
                           '-icount', f'{rr},rr=replay', *disk(), *EXIT)
        self.assertEqual(done.returncode, 1)
        self.assertIn('recorded with m=128M, started with m=64M',
                      done.stderr)

    def test_signal_ends_a_recording(self):
        log = self.path('log')
        rr = f'shift=4,rrfile={log}'
        vm = self.start('-icount', f'{rr},rr=record', *disk(), *EXIT)
        vm.serial.expect('> ')
        self.assertEqual(vm.terminate(), 0)
        vm = self.start('-icount', f'{rr},rr=replay', *disk(), *EXIT)
        vm.serial.expect('> ')
        self.assertEqual(vm.terminate(), 0)
        self.assertIn('(host-signal)', vm.output())

    def test_serial_peer_comes_back(self):
        path = self.path('serial')
        vm = self.start(*disk(), *EXIT, '-serial',
                        f'unix:{path},server=on,wait=on', serial=False)
        for turn in ('first', 'second'):
            sock = socket.socket(socket.AF_UNIX)
            while not os.path.exists(path):
                self.assertIsNone(vm.process.poll(), vm.output())
            sock.connect(path)
            peer = reprise.Channel(sock, turn)
            self.addCleanup(peer.close)
            if turn == 'first':
                peer.expect('> ')      # the firmware eats what comes before
            peer.send(f'{turn}\n')
            peer.expect(f'you said: {turn}.*> ')
            peer.close()
        vm.terminate()

    def test_two_users_of_a_terminal(self):
        vm = self.start(*disk(), *EXIT, '-chardev', 'null,id=n,mux=on',
                        '-serial', 'chardev:n', '-mon', 'n', qmp=True,
                        serial=False)
        self.assertEqual(vm.qmp.cmd('query-status')['status'], 'running')
        vm.qmp.cmd('quit')
        self.assertEqual(vm.wait(), 0)


if __name__ == '__main__':
    reprise.main()
