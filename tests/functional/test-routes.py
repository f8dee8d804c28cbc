"""Random positions of a firmware's run, reached in any order: digests on the
way are checked by the replay, registers at the places here.

REPRISE_ROUTES says how many positions (default 300), REPRISE_SEED which."""
import os
import random
import unittest

import reprise

COUNT = int(os.environ.get('REPRISE_ROUTES', '300'))
SEED = int(os.environ.get('REPRISE_SEED', '5'))
MACHINE = ('-m', '64', '-net', 'none')
WAYS = (
    (),
    ('-replay-timeline', 'size=1M,interval=20k'),
    ('-accel', 'tcg,one-insn-per-tb=on'),
    ('-accel', 'tcg,backend=interp'),
    ('-accel', 'tcg,flush-at-random=7'),
)


class Routes(reprise.TestCase):
    def record(self):
        log = self.path('run.rr')
        vm = self.start(*MACHINE, '-icount',
                        f'shift=7,rr=record,rrfile={log},rrdigest=5000',
                        qmp=True)
        vm.serial.expect('No bootable device')
        vm.qmp.cmd('stop')
        end = vm.qmp.cmd('query-replay')['icount']
        vm.qmp.cmd('quit')
        vm.wait()
        return log, end

    def test_random_positions(self):
        log, end = self.record()
        places = random.Random(SEED)
        positions = [places.randrange(end) for _ in range(COUNT)]
        seen = {}
        for way in WAYS:
            vm = self.start(*MACHINE, '-icount',
                            f'shift=7,rr=replay,rrfile={log}', '-S', *way,
                            qmp=True, hmp=True)
            for at in positions:
                vm.qmp.cmd('replay-seek', icount=at)
                registers = vm.hmp.cmd('info registers')
                self.assertEqual(seen.setdefault(at, registers), registers,
                                 (way, at))
            vm.qmp.cmd('quit')
            vm.wait()


if __name__ == '__main__':
    unittest.main(verbosity=2)
