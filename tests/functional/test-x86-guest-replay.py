"""The x86 self-check guests recorded, and replayed in every way."""
import reprise
from x86_guest import GuestCase


class X86GuestReplay(GuestCase):
    def check_replay(self, guest, recorder):
        log = f'{guest}-{recorder}'
        rr = f'rrfile={self.path(log)},rrdigest=100000'
        printed = self.run_guest(guest, '-icount', f'shift=7,rr=record,{rr}',
                                 '-accel', f'tcg,backend={recorder}')
        for accel in ('tcg,backend=x86_64', 'tcg,backend=interp',
                      'tcg,one-insn-per-tb=on', 'tcg,flush-at-random=4',
                      'tcg,plain-host=on',
                      'tcg,backend=interp,flush-at-random=5'):
            with self.subTest(accel=accel, guest=guest):
                self.assertEqual(
                    self.run_guest(guest, '-icount',
                                   f'shift=7,rr=replay,{rr}', '-accel',
                                   accel), printed)

    def test_replay(self):
        for guest in ('sys32', 'sys64'):
            for recorder in ('x86_64', 'interp'):
                self.check_replay(guest, recorder)
        self.check_replay('cpu32', 'x86_64')
        self.check_replay('debug32', 'interp')
        self.check_replay('spaces', 'x86_64')
        self.check_replay('vec32', 'x86_64')
        self.check_replay('xstate', 'interp')
        self.check_replay('cpu64', 'x86_64')
        self.check_replay('board', 'interp')
        self.check_replay('smp', 'x86_64')


if __name__ == '__main__':
    reprise.main()
