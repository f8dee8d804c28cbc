"""Snapshots taken while recording (rrsnapshot-period): they change nothing of
the run, share what did not change, lead into its middle, and survive whatever
happens to the recorder."""
import os
import re
import shutil
import struct
import subprocess

import reprise
from rr_log import DIGEST, MARK, chunks

MILLION = 1000000


def marks(path):
    """icount and name of each mark."""
    return [(c.last, c.data[9:].decode()) for c in chunks(path)
            if c.kind == MARK]


def digests(path):
    return {c.last: c.data for c in chunks(path) if c.kind == DIGEST}


def vm_clusters(path, tables=True):
    """By snapshot: the clusters of the file that its VM state refers to."""
    with open(path, 'rb') as f:
        image = f.read()

    def u64s(at, count):
        return struct.unpack_from(f'>{count}Q', image, at)

    bits, = struct.unpack_from('>I', image, 20)
    count, table = struct.unpack_from('>IQ', image, 60)
    mask, found = 0x00fffffffffffe00, {}
    for _ in range(count):
        l1, entries, id_len, name_len = struct.unpack_from('>QIHH', image,
                                                           table)
        extra, = struct.unpack_from('>I', image, table + 36)
        disk, = u64s(table + 48, 1)
        at = table + 40 + extra + id_len
        name = image[at:at + name_len].decode()
        table = (at + name_len + 7) & ~7
        first = -(-disk // (1 << (2 * bits - 3)))
        l2s = {e & mask for e in u64s(l1, entries)[first:] if e}
        used = set(l2s) if tables else set()
        for l2 in l2s:
            used |= {e & mask for e in u64s(l2, (1 << bits) // 8) if e & mask}
        found[name] = used
    return found


class Persistent(reprise.TestCase):
    def setUp(self):
        super().setUp()
        self.disk, self.log = self.path('disk.qcow2'), self.path('run.rr')
        self.fresh()

    def fresh(self, *more):
        """The guest on an image that knows no snapshots."""
        self.img('convert', '-f', 'raw', '-O', 'qcow2', *more,
                 reprise.guest('rounds'), self.disk)
        self.img('resize', self.disk, '2M')

    def img(self, *args, check=True):
        return subprocess.run([reprise.program('reprise-img'), *args],
                              capture_output=True, text=True, check=check)

    def args(self, mode, *accel, log=None, more='', snapshot='init'):
        accel = ('-accel', *accel) if accel else ()
        return ('-m', '64', '-net', 'none', '-device', 'isa-debug-exit',
                '-drive', f'file={self.disk},if=ide', *accel,
                '-rtc', 'base=2020-01-01', '-seed', '7',
                '-icount', f'shift=7,sleep=off,rr={mode},'
                f'rrfile={log or self.log},rrsnapshot={snapshot}{more}')

    def record(self, more, *accel, log=None):
        """Records the whole run; what the guest printed."""
        vm = self.start(*self.args('record', *accel, log=log,
                                   more=',rrdigest=1000000' + more))
        self.assertEqual(vm.wait(), 1, vm.output())
        self.assertRegex(vm.serial.seen, rb'round 39 .*\s+done')
        self.messages = vm.output()
        return vm.serial.seen

    def replay(self, printed, snapshot, *accel):
        """Replays from a snapshot to the end of a whole recording."""
        vm = self.start(*self.args('replay', *accel, snapshot=snapshot))
        self.assertEqual(vm.wait(), 1, vm.output())
        self.assertTrue(vm.serial.seen, vm.output())
        self.assertTrue(printed.endswith(vm.serial.seen), vm.output())
        self.assertNotIn('diverged', vm.output())

    def listing(self):
        """name -> icount, from reprise-img."""
        text = self.img('snapshot', '-l', self.disk).stdout
        return {name: int(count) for name, count in re.findall(
            r'^\d+\s+(\S+) .* (\d+)$', text, re.M)}

    def judge(self):
        """Nothing is wrong with the image, whoever looks."""
        self.img('check', self.disk)
        if shutil.which('qemu-img'):
            subprocess.run(['qemu-img', 'check', self.disk], check=True,
                           capture_output=True)
            theirs = subprocess.run(['qemu-img', 'snapshot', '-l', self.disk],
                                    check=True, capture_output=True,
                                    text=True).stdout
            for name, icount in self.listing().items():
                self.assertRegex(theirs, rf'\s{name}\s.*\s{icount}\s')

    # --- the run is the same ---------------------------------------------

    def test_nothing_depends_on_them(self):
        """With the same inputs all digests are equal; and each log replays on
        either back end."""
        plain, shared = self.path('plain.rr'), self.log
        for accel in ('tcg', 'tcg,backend=interp'):
            with self.subTest(accel=accel):
                self.fresh()
                printed = self.record('', accel, log=plain)
                self.fresh()
                self.assertEqual(
                    self.record(',rrsnapshot-period=3M', accel), printed)
                ours = digests(shared)
                self.assertGreater(len(ours), 30)
                self.assertEqual(digests(plain), ours)
                for other in ('tcg', 'tcg,backend=interp'):
                    self.replay(printed, 'init', other)

    def test_with_inputs(self):
        """A user types while snapshots are taken: each knows its place in the
        log."""
        self.img('convert', '-f', 'raw', '-O', 'qcow2', reprise.guest('io'),
                 self.disk)
        vm = self.start(*self.args('record', more=',rrdigest=100000,'
                                   'rrsnapshot-period=200k'))
        for word in ('one', 'two', 'three'):
            vm.serial.expect('> ')
            vm.serial.send(f'write {word}\r')
            vm.serial.expect('wrote sector [0-9]+ ok')
            vm.serial.send('date\rspin\r')
            vm.serial.expect('spun')
        vm.serial.send('quit\r')
        vm.serial.expect('hash [0-9a-f]{8}')
        self.assertEqual(vm.wait(), 1, vm.output())
        names = list(self.listing())
        self.assertGreater(len(names), 12)
        for name in names[::5] + names[-2:]:
            for accel in ('tcg', 'tcg,backend=interp',
                          'tcg,flush-at-random=3'):
                with self.subTest(snapshot=name, accel=accel):
                    self.replay(vm.serial.seen, name, accel)

    # --- what is in the image --------------------------------------------

    def test_list_and_sharing(self):
        self.record(',rrsnapshot-period=5M')
        icounts = self.listing()
        self.assertEqual(icounts.pop('init'), 0)
        self.assertGreaterEqual(len(icounts), 8)
        for n, (name, icount) in enumerate(icounts.items()):
            self.assertEqual(icount, (n + 1) * 5 * MILLION)
            self.assertEqual(name, f'init-{icount:012}')
        self.assertEqual([(icount, name) for name, icount in
                          self.listing().items()], marks(self.log))
        self.judge()
        used = list(vm_clusters(self.disk).values())
        # The first holds all that the guest filled; later ones a few pages.
        largest = max(len(u) for u in used)
        self.assertGreater(largest, 128)
        for older, newer in zip(used[3:], used[4:]):
            self.assertLess(len(newer - older), largest // 4)
            self.assertGreater(len(newer - older), 1)

    def test_info_snapshots(self):
        """The monitor lists them; loadvm of one, without the recording, goes
        there."""
        printed = self.record(',rrsnapshot-period=5M')
        icounts = self.listing()
        vm = self.start(*self.args('none')[:-2], '-icount', 'shift=7,sleep=off',
                        '-loadvm', 'init-000040000000', '-S', hmp=True)
        text = vm.hmp.cmd('info snapshots')
        for name, icount in icounts.items():
            self.assertRegex(text, rf'-- +{name} .* {icount}\b')
        vm.hmp.send('cont\n')
        self.assertEqual(vm.wait(), 1, vm.output())
        self.assertTrue(printed.endswith(vm.serial.seen))
        self.assertTrue(vm.serial.seen)

    def test_replay_from_each(self):
        printed = self.record(',rrsnapshot-period=6M')
        with open(self.disk, 'rb') as f:
            image = f.read()
        for n, name in enumerate(self.listing()):
            for accel in ('tcg', 'tcg,backend=interp'):
                with self.subTest(snapshot=name, accel=accel):
                    self.replay(printed, name, accel)
        with open(self.disk, 'rb') as f:
            self.assertEqual(f.read(), image, 'a replay changed the image')

    def test_any_can_be_deleted(self):
        """Each is whole: the others replay, and the image is good."""
        printed = self.record(',rrsnapshot-period=5M')
        names = list(self.listing())[1:]
        while len(names) > 1:
            self.img('snapshot', '-d', names.pop(len(names) // 2), self.disk)
            self.judge()
            self.replay(printed, names[-1])
        self.replay(printed, names[0])

    # --- going to the middle ---------------------------------------------

    def state_at(self, vm, icount):
        self.assertIn(f'= {icount}', vm.hmp.cmd('info replay'))
        return (vm.hmp.cmd('info registers'),
                *(vm.hmp.cmd(f'xp /32xw {0x1000000 + page * 0x1000:#x}')
                  for page in range(37, 1480, 74)))

    def seeks(self, places):
        vm = self.start(*self.args('replay'), '-S', hmp=True)
        states = []
        for icount in places:
            self.assertEqual(vm.hmp.journey(f'replay_seek {icount}').strip(),
                             '')
            states.append(self.state_at(vm, icount))
        vm.hmp.send('cont\n')
        self.assertEqual(vm.wait(), 1, vm.output())
        return states

    def test_seek(self):
        """Where a seek arrives by way of a snapshot is where running arrives.
        So it is when snapshots are gone."""
        self.record(',rrsnapshot-period=4M')
        places = (42123457, 21000003, 36000000, 35999999)
        plain = []
        for icount in places:
            vm = self.start(*self.args('replay'), '-S', hmp=True, qmp=True)
            vm.hmp.cmd(f'replay_break {icount}')
            vm.qmp.cmd('cont')
            vm.qmp.event('STOP')
            plain.append(self.state_at(vm, icount))
            vm.close()
        self.assertEqual(len(set(plain)), len(places))
        self.assertEqual(self.seeks(places), plain)
        names = list(self.listing())[1:]
        for gone in (names[4::2], names[1:4] + names[5::2], names[:1]):
            for name in gone:
                self.img('snapshot', '-d', name, self.disk)
            self.assertEqual(self.seeks(places), plain)
        self.assertEqual(list(self.listing()), ['init'])

    # --- limits ------------------------------------------------------------

    def evenly(self, most):
        """They are the multiples of one period; which."""
        icounts = list(self.listing().values())
        self.assertEqual(icounts.pop(0), 0)
        self.assertLessEqual(len(icounts), most)
        self.assertGreaterEqual(len(icounts), most // 2)
        period = icounts[0]
        self.assertEqual(icounts, [period * (n + 1)
                                   for n in range(len(icounts))])
        return period

    def test_count(self):
        for most in (1, 2, 5, 8):
            with self.subTest(most=most):
                self.fresh()
                printed = self.record(',rrsnapshot-period=700k,'
                                      f'rrsnapshot-max={most}')
                period = self.evenly(most)
                while period > 700000:
                    period /= 2
                self.assertEqual(period, 700000)
                self.judge()
                self.assertGreater(len(marks(self.log)), most + 1)
                self.replay(printed, 'init')
                self.replay(printed, list(self.listing())[-1])
                self.seeks((44000000, 30000000, 39000000))

    def test_size(self):
        """VM state takes 8 MiB and more; each snapshot adds some clusters."""
        limit = 13 << 20
        printed = self.record(',rrsnapshot-period=500k,'
                              f'rrsnapshot-size={limit >> 10}k')
        used = set().union(*vm_clusters(self.disk).values())
        self.assertLess(len(used) * 65536, limit + (2 << 20))
        self.assertGreater(len(used) * 65536, limit // 2)
        self.evenly(len(self.listing()) - 1)
        self.judge()
        self.replay(printed, list(self.listing())[-1])

    def test_users_names(self):
        """The user's own snapshots are not touched, whatever their names; those
        of an older recording go with its first one."""
        self.img('snapshot', '-c', 'init-000010000000', self.disk)
        self.img('snapshot', '-c', 'init-other', self.disk)
        for period in ('5M', '10M', '20M'):
            printed = self.record(f',rrsnapshot-period={period}')
            names = self.listing_names()
            self.assertIn('init-000010000000', names)
            self.assertIn('init-other', names)
            if period != '20M':
                self.replay(printed, 'init-000010000000.2')
            self.assertEqual('init-000005000000' in names, period == '5M')
            # On the next round the disk is not what it was, but ours.
        self.judge()

    def listing_names(self):
        text = self.img('snapshot', '-l', self.disk).stdout
        return [line.split()[1] for line in text.splitlines()[2:]]

    def test_deleted_by_user(self):
        """delvm of the snapshot that the next one would share with, and savevm
        of another one of that name, which is the user's from then on."""
        vm = self.start(*self.args('record', more=',rrsnapshot-period=700k,'
                                   'rrsnapshot-max=4,rrdigest=1000000'),
                        '-S', hmp=True)
        saved = set()
        for _ in range(12):
            vm.hmp.cmd('cont')
            vm.serial.expect('round')
            vm.hmp.cmd('stop')
            listing = vm.hmp.cmd('info snapshots')
            ours = set(re.findall(r'init-\d{12}', listing)) - saved
            for newest in sorted(ours)[-1:]:
                self.assertEqual(vm.hmp.cmd(f'delvm {newest}').strip(), '')
                if len(saved) < 2:
                    self.assertEqual(vm.hmp.cmd(f'savevm {newest}').strip(),
                                     '')
                    saved.add(newest)
        vm.hmp.cmd('cont')
        self.assertEqual(vm.wait(), 1, vm.output())
        printed = vm.serial.seen
        self.judge()
        names = set(self.listing())
        self.assertEqual(len(saved), 2)
        self.assertLessEqual(saved, names)
        self.assertLessEqual(len(names), 4 + 1 + len(saved))
        for name in names:
            self.replay(printed, name)

    # --- what goes wrong ---------------------------------------------------

    def count_marks(self, tape):
        """Marks in the log from where tape stands; whole chunks only."""
        found, head = 0, tape.read(64)
        while len(head) == 64 and head[:4] == b'CHNK':
            kind, size = struct.unpack_from('<II', head, 4)
            found += kind == MARK
            tape.seek(size, os.SEEK_CUR)
            head = tape.read(64)
        tape.seek(-len(head), os.SEEK_CUR)
        return found

    def killed_after(self, count, most):
        """Kills the recorder when so many marks are in the log. Where the
        guest was at its end before that, it is tried again."""
        for _ in range(5):
            vm = self.kill_one(count, most)
            if vm.process.returncode == -9:
                return
        self.assertEqual(vm.process.returncode, -9, vm.output())

    def kill_one(self, count, most):
        self.fresh()
        if os.path.exists(self.log):
            os.unlink(self.log)
        vm = self.start(*self.args('record', more=',rrsnapshot-period=1M,'
                                   f'rrsnapshot-max={most},rrdigest=1000000'))
        while not (os.path.exists(self.log) and os.path.getsize(self.log)):
            self.assertIsNone(vm.process.poll(), vm.output())
        # Unbuffered: what follows the chunks changes.
        with open(self.log, 'rb', buffering=0) as tape:
            tape.seek(32 + struct.unpack('<I', tape.read(16)[12:])[0])
            while count > 0 and vm.process.poll() is None:
                count -= self.count_marks(tape)
        vm.process.kill()
        vm.process.wait()
        return vm

    def repaired(self):
        """A recorder killed while it changed the image leaves it marked as
        dirty, which any writer sets right; else nothing but leaks."""
        info = self.img('info', self.disk).stdout
        if 'cleanly shut down: no' in info:
            self.img('check', '-r', 'all', self.disk)
            self.judge()
            return True
        self.assertIn(self.img('check', self.disk, check=False).returncode,
                      (0, 3))
        return False

    def replay_what_is_there(self, snapshot):
        vm = self.start(*self.args('replay', snapshot=snapshot), '-S',
                        qmp=True)
        vm.qmp.cmd('cont')
        vm.qmp.event('STOP')
        self.assertRegex(vm.output(), r'ends at icount \d+ \(cut off\)')
        self.assertNotIn('diverged', vm.output())
        icount = vm.qmp.cmd('query-replay')['icount']
        vm.close()
        return icount

    def test_killed(self):
        for count in (2, 3, 5, 8, 11, 14, 17, 22, 29, 33, 38):
            with self.subTest(marks=count):
                most = 6 if count < 12 else 64
                self.killed_after(count, most)
                end = self.replay_what_is_there('init')
                self.assertGreaterEqual(end, marks(self.log)[-1][0])
                self.repaired()
                names = self.listing()
                self.assertLess(len(names), most + 3)
                for name in names:
                    self.assertEqual(self.replay_what_is_there(name), end)

    def test_full_disk(self):
        """No room for more: a warning, and the recording goes on."""
        blocks = os.path.getsize(self.disk) // 512 + 6000
        argv = [reprise.program(), '-nodefaults', '-display', 'none',
                *self.args('record', more=',rrsnapshot-period=5M')]
        result = subprocess.run(
            ['sh', '-c', f'trap "" XFSZ; ulimit -f {blocks}; exec "$@"', 'sh',
             *argv], capture_output=True, text=True, check=False,
            timeout=reprise.TIMEOUT)
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertEqual(result.stderr.count('no more snapshots'), 1,
                         result.stderr)
        self.assertRegex(result.stderr, 'disk.qcow2.*: File too large')
        self.assertIn('init', self.listing())
        self.assertIn(self.img('check', self.disk, check=False).returncode,
                      (0, 3))
        vm = self.start(*self.args('replay'))
        self.assertEqual(vm.wait(), 1, vm.output())

    def refused(self, message, more, mode='record', snapshot=',rrsnapshot=s'):
        result = reprise.run(
            '-nodefaults', '-display', 'none', '-icount',
            f'shift=7,rr={mode},rrfile={self.log}{snapshot}{more}')
        self.assertEqual(result.returncode, 1)
        self.assertRegex(result.stderr, message)
        self.assertFalse(os.path.exists(self.log))

    def test_bad_options(self):
        period = ',rrsnapshot-period='
        for text in ('0', '12x', '', '-5', '1.5M', 'M', '5MM', '0k',
                     '99999999999999999999', '99999999999G', '0x10'):
            with self.subTest(text=text):
                self.refused(f"rrsnapshot-period.*'{text}'", period + text)
        self.refused('rrsnapshot-period needs rrsnapshot', period + '5M',
                     snapshot='')
        self.refused('rrsnapshot-period needs rr=record', period + '5M',
                     mode='replay')
        self.refused('rrsnapshot-period needs rr=record', period + '5M',
                     mode='none')
        self.refused('rrsnapshot-max needs rrsnapshot-period',
                     ',rrsnapshot-max=5')
        self.refused('rrsnapshot-size needs rrsnapshot-period',
                     ',rrsnapshot-size=5G')
        self.refused('rrsnapshot-max', period + '5M,rrsnapshot-max=0')
        self.refused('rrsnapshot-size', period + '5M,rrsnapshot-size=0')
        self.refused('rrsnapshot-size', period + '5M,rrsnapshot-size=x')
        self.refused('rrsnapshot=s: No block device', period + '5M')

    def damage(self, newest, is_victim):
        """Changes bytes in clusters that only one snapshot's VM state has."""
        used = vm_clusters(self.disk, tables=False)
        only = used.pop(newest) - set().union(*used.values())
        done = 0
        with open(self.disk, 'r+b') as f:
            for at in only:
                f.seek(at)
                if is_victim(f.read(65536)):
                    f.seek(at + 60)
                    f.write(b'\xff\xfe\xfd\xfc')
                    done += 1
        self.assertGreater(done, 0)

    def test_damaged_snapshot(self):
        """A snapshot that is not what was recorded, in its head or (where no
        checksum is) in its RAM: a seek takes another one, and to start at it
        is an error."""
        for what, message in ((True, "'{}'.*disk.qcow2.*damaged"),
                              (False, "'{}' is not what was recorded")):
            self.fresh()
            self.record(',rrsnapshot-period=10M')
            newest = list(self.listing())[-1]
            self.damage(newest, lambda data, head=what:
                        data.startswith(b'RPRSSNAP') == head)
            result = reprise.run('-nodefaults', '-display', 'none', '-serial',
                                 'null', *self.args('replay',
                                                    snapshot=newest))
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, message.format(newest))
            self.seeks((int(newest[5:]) + 1000, ))
            self.loadvm_refused(newest)

    def loadvm_refused(self, newest):
        vm = self.start(*self.args('replay'), '-S', hmp=True)
        vm.hmp.cmd('replay_seek 1234567')
        before = self.state_at(vm, 1234567)
        self.assertIn(newest, vm.hmp.cmd(f'loadvm {newest}'))
        self.assertEqual(self.state_at(vm, 1234567), before)
        vm.hmp.send('cont\n')
        self.assertEqual(vm.wait(), 1, vm.output())
        self.assertNotIn('diverged', vm.output())


if __name__ == '__main__':
    reprise.main()
