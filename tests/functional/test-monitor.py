"""QMP and HMP on a live machine, a recording and a replay."""
import os

import reprise

DRIVE = ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit', '-drive',
         f'file={reprise.guest("io")},format=raw,if=ide,snapshot=on')


class Monitor(reprise.TestCase):
    def fails(self, vm, command, text, **args):
        with self.assertRaises(reprise.QmpError) as caught:
            vm.qmp.cmd(command, **args)
        self.assertIn(text, caught.exception.desc)

    def test_errors(self):
        vm = self.start('-m', '64', '-S', qmp=True)
        self.fails(vm, 'nonsense', 'The command nonsense has not been found')
        self.fails(vm, 'replay-break', "Parameter 'icount' is missing")
        self.fails(vm, 'stop', "Parameter 'x' is unexpected", x=1)
        self.fails(vm, 'replay-break', 'expected: integer', icount='1')
        self.fails(vm, 'send-key', 'does not accept',
                   keys=[{'type': 'qcode', 'data': 'no-such-key'}])
        self.fails(vm, 'replay-seek', 'only possible in replay', icount=1)
        vm.qmp.send('{"execute": "query-status", "id": {"a": [1, "}"]}}')
        answer = vm.qmp.message()
        self.assertEqual(answer['id'], {'a': [1, '}']})
        self.assertEqual(answer['return']['status'], 'prelaunch')
        vm.qmp.send('{"execute": }\n')
        self.assertEqual(vm.qmp.message()['error']['class'], 'GenericError')
        vm.qmp.send('[1]')
        self.assertIn('object', vm.qmp.message()['error']['desc'])

    def test_run_state(self):
        vm = self.start('-m', '64', qmp=True, hmp=True)
        vm.serial.expect('No bootable device')
        vm.qmp.cmd('stop')
        vm.qmp.event('STOP')
        self.assertIn('paused', vm.hmp.cmd('info status'))
        vm.hmp.cmd('cont')
        vm.qmp.event('RESUME')
        vm.qmp.cmd('system_reset')
        self.assertFalse(vm.qmp.event('RESET')['data']['guest'])
        vm.serial.expect('No bootable device')
        names = [c['name'] for c in vm.qmp.cmd('query-commands')]
        self.assertIn('replay-seek', names)
        vm.qmp.cmd('quit')
        vm.qmp.event('SHUTDOWN')
        self.assertEqual(vm.wait(), 0)

    def test_hmp_shows(self):
        vm = self.start('-m', '64', hmp=True)
        vm.serial.expect('No bootable device')
        vm.hmp.cmd('stop')
        for what, text in (('version', 'Reprise'), ('registers', 'EIP='),
                           ('mtree', 'address-space'), ('mtree -f', 'Flat'),
                           ('qtree', 'serial'), ('pic', 'irr'),
                           ('replay', 'not active'), ('mem', 'PG disabled'),
                           ('jit', 'TB count'), ('cpus', 'CPU #0')):
            self.assertIn(text, vm.hmp.cmd(f'info {what}'), what)
        self.assertIn('0x', vm.hmp.cmd('print 1+2*3'))
        self.assertIn('0x7', vm.hmp.cmd('p/x 1+2*3'))
        self.assertIn('division by zero', vm.hmp.cmd('print 1/0'))
        self.assertIn('ljmp', vm.hmp.cmd('xp/1i 0xffff0'))
        self.assertIn('0xea', vm.hmp.cmd('xp /2xb 0xffff0'))
        self.assertIn('unknown command', vm.hmp.cmd('frobnicate'))
        self.assertIn('No block device can accept snapshots',
                      vm.hmp.cmd('savevm x'))

    def test_replay_positions(self):
        log = self.path('run.rr')
        vm = self.start(*DRIVE, '-icount', f'shift=7,rr=record,rrfile={log}',
                        qmp=True)
        vm.serial.expect('> ')
        vm.qmp.cmd('system_reset')
        vm.serial.expect('io guest.*> ')
        vm.qmp.cmd('stop')
        last = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('quit')
        vm.wait()
        printed = vm.serial.seen

        vm = self.start(*DRIVE, '-icount', f'shift=7,rr=replay,rrfile={log}',
                        '-S', qmp=True, hmp=True)
        at = lambda: vm.qmp.cmd('query-replay')['icount']
        self.assertEqual(vm.qmp.cmd('query-replay')['mode'], 'play')
        vm.qmp.cmd('replay-break', icount=last)
        vm.qmp.cmd('replay-break', icount=1000)
        vm.qmp.cmd('cont')
        vm.qmp.event('STOP')
        self.assertEqual(at(), 1000)
        self.fails(vm, 'replay-break', '', icount=10)
        self.fails(vm, 'replay-break', 'negative', icount=-1)
        vm.qmp.cmd('replay-delete-break')
        vm.qmp.cmd('replay-delete-break')
        for icount in (last - 5, 7, last // 2, 0, last):
            vm.qmp.cmd('replay-seek', icount=icount)
            self.assertEqual(at(), icount)
        self.fails(vm, 'replay-seek', str(last), icount=last + 10**9)
        self.assertEqual(at(), last)
        self.fails(vm, 'system_reset', 'replay')
        vm.hmp.cmd('replay_seek 0')
        self.assertIn('= 0', vm.hmp.cmd('info replay'))
        vm.qmp.cmd('cont')
        vm.qmp.event('STOP')
        self.assertEqual(at(), last)
        vm.qmp.cmd('quit')
        vm.wait()
        # Travelling is silent; what was replayed in the open is a part of
        # what was printed, and the last pass is all of it.
        self.assertTrue(vm.serial.seen.endswith(printed))
        self.assertTrue(os.path.getsize(log))


if __name__ == '__main__':
    reprise.main()
