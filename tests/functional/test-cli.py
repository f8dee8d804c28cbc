"""The command line: help, and errors that say what to do."""
import os
import signal
import subprocess
import time

import reprise


class Help(reprise.TestCase):
    def output(self, *args):
        done = reprise.run(*args)
        self.assertEqual(done.stderr, '')
        self.assertEqual(done.returncode, 0)
        return done.stdout

    def test_version(self):
        self.assertRegex(self.output('-version'),
                         r'^Reprise emulator version \d+\.\d+')
        self.assertEqual(self.output('--version'), self.output('-version'))

    def test_help_is_the_table(self):
        text = self.output('-help')
        for option in ('-machine or -M', '-icount', '-drive', '-gdb',
                       '-help or -h', '-no-reboot'):
            self.assertRegex(text, rf'(?m)^{option}\b')
        self.assertEqual(self.output('-h'), text)

    def test_every_option_of_the_table_is_known(self):
        path = os.path.join(reprise.HERE, '../../cli/options.def')
        with open(path, encoding='utf-8') as f:
            names = [line.split('"')[1] for line in f
                     if line.startswith('OPTION(')]
        text = self.output('-help')
        self.assertGreater(len(names), 50)
        for name in names:
            self.assertRegex(text, rf'(?m)^-{name}( |$)')

    def test_lists(self):
        self.assertIn('pc-i440fx-7.2', self.output('-M', 'help'))
        self.assertIn('qemu64', self.output('-cpu', 'help'))
        self.assertIn('tcg', self.output('-accel', 'help'))
        self.assertIn('isa-serial', self.output('-device', 'help'))
        self.assertIn('chardev', self.output('-device', 'isa-serial,help'))
        self.assertIn('socket', self.output('-chardev', 'help'))
        self.assertIn('guest_errors', self.output('-d', 'help'))
        self.assertIn('/usr/share/seabios', self.output('-L', 'help'))


class Errors(reprise.TestCase):
    def refused(self, want, *args):
        """Status 1 and one line: program, then a pattern."""
        done = reprise.run(*args)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertRegex(done.stderr, rf'^reprise-system-x86_64: {want}\n$')

    def test_unknown(self):
        self.refused('-foo: invalid option; -help lists them', '-foo')
        self.refused('--foo: invalid option; -help lists them', '--foo')
        self.refused('-icuont: invalid option; did you mean -icount.',
                     '-icuont', '3')
        self.refused('-m: requires an argument', '-m')
        self.refused("-drive file=x,fool=1: Invalid parameter 'fool'",
                     '-drive', 'file=x,fool=1')
        self.refused(r"-M pc,wheels=4: Invalid parameter 'wheels'",
                     '-M', 'pc,wheels=4')
        self.refused(r"-chardev null,id=a,path=b: Invalid parameter 'path'",
                     '-chardev', 'null,id=a,path=b')

    def test_refused_by_name(self):
        self.refused('-enable-kvm is not supported: .*recorded.*',
                     '-enable-kvm')
        self.refused('-vnc is not supported: there is no display',
                     '-vnc', ':1')
        self.refused("-object rng-egd,id=r: object type 'rng-egd' is not "
                     'supported; -object help lists.*', '-object',
                     'rng-egd,id=r')
        self.refused('.*guest memory is this.*own.*', '-object',
                     'memory-backend-file,id=m,size=1M,mem-path=/tmp')
        self.refused("-object filter-replay: there is no netdev 'x'",
                     '-object', 'filter-replay,netdev=x,id=f')

    def test_all_at_once(self):
        done = reprise.run('-vnc', ':1', '-foo', 'bar', '-m')
        self.assertEqual(done.returncode, 1)
        self.assertEqual([line.split(': ')[1].split()[0] for line in
                          done.stderr.splitlines()], ['-vnc', '-foo', '-m'])

    def test_memory_backend(self):
        backend = ('-object', 'memory-backend-ram,id=r,size=64M')
        self.refused('-machine memory-backend=q: there is no such object',
                     *backend, '-machine', 'memory-backend=q')
        self.refused('-machine memory-backend=r: it has 67108864 bytes, -m .*',
                     *backend, '-machine', 'memory-backend=r', '-m', '65')

    def test_nodes(self):
        plain = ('-blockdev', 'driver=file,node-name=f,filename=/dev/null')
        self.refused(".*there is no node 'g' of driver 'file' before.*",
                     *plain, '-blockdev', 'driver=raw,node-name=d,file=g')
        self.refused(".*Duplicate nodes with node-name='f'", *plain, *plain)
        self.refused(".*needs driver= and node-name=", '-blockdev', '{}')
        self.refused(".*Unknown driver 'nbd'.*", '-blockdev',
                     '{"driver": "nbd", "node-name": "n"}')
        self.refused(".*Invalid parameter 'wheels'", '-blockdev',
                     'driver=file,node-name=f,filename=x,wheels=4')

    def test_config(self):
        config = self.path('config')

        def written(text):
            with open(config, 'w', encoding='utf-8') as f:
                f.write(text)
            return '-readconfig', config
        self.refused('.*line 2: KEY = "VALUE" is expected',
                     *written('[drive "d"]\n file\n'))
        self.refused('.*there is no section .wheels.*',
                     *written('[wheels]\n n = "4"\n'))
        self.refused('-set drive.e.file=x: there is no -drive with id=e',
                     '-set', 'drive.e.file=x')
        self.refused('-set drive: GROUP.ID.KEY=VALUE is expected',
                     '-set', 'drive')
        vm = self.start(*written('# a machine\n[memory]\n size = "96M"\n'
                                 '[drive "d"]\n if = "none"\n'
                                 f' file = "{config}"\n format = "raw"\n'),
                        '-set', 'drive.d.readonly=on', '-S', qmp=True)
        self.assertEqual(vm.qmp.cmd('query-memory-size-summary')
                         ['base-memory'], 96 << 20)
        self.assertTrue(vm.qmp.cmd('query-block')[0]['inserted']['ro'])

    def test_blockdev(self):
        config = self.path('disk')
        with open(config, 'wb') as f:
            f.truncate(1 << 20)
        vm = self.start('-S', '-blockdev', '{"driver": "file", "node-name": '
                        f'"f", "filename": "{config}"}}', '-blockdev',
                        'driver=raw,node-name=d,file=f,read-only=on',
                        '-device', 'virtio-blk-pci,drive=d', qmp=True)
        [disk] = [b for b in vm.qmp.cmd('query-block') if 'inserted' in b]
        self.assertEqual((disk['device'], disk['inserted']['file'],
                          disk['inserted']['ro']), ('d', config, True))

    def test_machine(self):
        self.refused(".*unsupported machine type 'q36'.*", '-M', 'q36')
        self.refused('-smp 65: .*The max CPUs supported is 64', '-smp', '65')
        self.refused(r'-smp 4,cores=3: .*sockets \(1\).* cores \(3\).* '
                     r'!= maxcpus \(4\)', '-smp', '4,cores=3')
        self.refused('-smp 2,maxcpus=4: .*must equal cpus.*',
                     '-smp', '2,maxcpus=4')
        self.refused('-smp 2,quantum=0: .*', '-smp', '2,quantum=0')
        self.refused('-smp 2: -cpu 486 has no local APIC.*', '-smp', '2',
                     '-cpu', '486')
        self.refused('-m 0: memory size.*', '-m', '0')
        self.refused('-m 9999999G: memory size.*', '-m', '9999999G')
        self.refused('-m lots: .*size such as.*', '-m', 'lots')
        self.refused('-accel kvm: invalid accelerator.*', '-accel', 'kvm')
        self.refused('-uuid 1: .*not a UUID.*', '-uuid', '1')
        self.refused('-boot x: .*', '-boot', 'x')
        self.refused("-rtc base=never: invalid date 'never'.*",
                     '-rtc', 'base=never')
        self.refused('-bios none.bin: firmware not found.*',
                     '-bios', 'none.bin')
        self.refused("-kernel: cannot open '/none': No such file.*",
                     '-kernel', '/none')
        self.refused('-dtb a.dtb: a PC has no device tree.*', '-dtb', 'a.dtb')
        self.refused('-append only allowed with -kernel.*', '-append', 'x')
        self.refused('.*unknown log item.*', '-d', 'everything')

    def test_absent_parts(self):
        self.refused('-vga std: only .none. is supported.*', '-vga', 'std')
        self.refused('-display gtk: only .none.*', '-display', 'gtk')
        self.refused('-audiodev alsa: only .none.*', '-audiodev', 'alsa')
        self.refused("-device warp-core: 'warp-core' is not a valid device.*",
                     '-device', 'warp-core')
        self.refused("-object rng: object type 'rng' is not supported.*",
                     '-object', 'rng')
        self.refused("-global a.b=c: there is no device 'a'.*",
                     '-global', 'a.b=c')
        self.refused("-global e1000.x=1: 'e1000' has no property 'x'.*",
                     '-global', 'e1000.x=1')
        self.refused("-global i8042.x=1: .*board's.*", '-global', 'i8042.x=1')
        self.refused('-global e1000: .*', '-global', 'e1000')
        self.refused('-serial vc: .*not supported.*', '-serial', 'vc')
        self.refused('-serial websocket:.*needs server=on.*',
                     '-serial', 'websocket:127.0.0.1:1')

    def test_drives(self):
        image = self.raw_image()
        self.refused('-drive file=/none.img: .*No such file.*',
                     '-drive', 'file=/none.img')
        self.refused(r'-drive .*: drive with bus=0, unit=0 \(index=0\) exists',
                     '-hda', image, '-drive', f'file={image},index=0')
        self.refused("-drive .*: there is another drive 'd'",
                     '-drive', f'file={image},id=d',
                     '-drive', f'file={image},id=d')
        self.refused("-drive .*'if' does not accept 'sd'.*",
                     '-drive', f'file={image},if=sd')
        self.refused("-drive .*Unknown driver 'vdi'.*",
                     '-drive', f'file={image},format=vdi')
        self.refused('-drive .*only 4 IDE drives', *['-drive', image] * 5,
                     '-nodefaults')

    def test_chardevs(self):
        self.refused("-serial chardev:x: chardev 'x' not found",
                     '-serial', 'chardev:x')
        self.refused("-chardev .*'id' is missing", '-chardev', 'null')
        self.refused(".*'warp' is not a valid backend name.*",
                     '-chardev', 'warp,id=a')
        self.refused('.*in use.*', '-chardev', 'null,id=a', '-serial',
                     'chardev:a', '-serial', 'chardev:a')
        self.refused('.*socket needs either path=.*',
                     '-chardev', 'socket,id=a')
        self.refused('-serial tcp:1: .* is not HOST:PORT',
                     '-serial', 'tcp:1')
        self.refused('-serial unix:.*: cannot connect to .*',
                     '-serial', f'unix:{self.path("s")}')
        self.refused('.*only 4 serial ports', *['-serial', 'null'] * 5)
        self.refused('-chardev stdio: .*in use already.*', '-nographic',
                     '-chardev', 'stdio,id=a', '-chardev', 'stdio,id=b')

    def test_icount(self):
        self.refused("-icount 11: .*'shift' must be.*", '-icount', '11')
        self.refused("-icount shift=x: .*'shift' must be.*",
                     '-icount', 'shift=x')
        self.refused('-icount sleep=off: shift=N or shift=auto is needed',
                     '-icount', 'sleep=off')
        self.refused('.*align.*', '-icount', '3,align=on')
        self.refused('.*incompatible.*', '-icount', 'auto,sleep=off')

    def test_record_replay(self):
        log = self.path('log')
        rr = f'shift=3,rrfile={log}'
        self.refused('-icount shift=3,rr=record: rr=record needs '
                     'rrfile=FILE', '-icount', 'shift=3,rr=record')
        self.refused("-icount .*'rr' does not accept 'rewind'.*",
                     '-icount', f'{rr},rr=rewind')
        self.refused('-icount .*: rr=record needs shift=N or shift=auto',
                     '-icount', f'rr=record,rrfile={log}')
        self.refused('-icount .*need rr=record or rr=replay', '-icount', rr)
        self.refused('-accel kvm: record and replay need TCG.*',
                     '-accel', 'kvm', '-icount', f'{rr},rr=record')
        self.refused('-icount rrfile=.*log: cannot open .*: No such '
                     'file or directory', '-icount', f'{rr},rr=replay')
        self.refused('-icount rrsnapshot=s: .*', '-icount',
                     f'{rr},rr=record,rrsnapshot=s')

    def test_record_needs_a_disk_that_can_go_back(self):
        image = self.raw_image()
        rr = f'shift=3,rr=record,rrfile={self.path("log")}'
        self.refused('-drive .*add snapshot=on.*', '-icount', rr,
                     '-drive', f'file={image},format=raw')
        self.refused('-drive .*add snapshot=on.*', '-icount', rr,
                     '-hda', image)


class Process(reprise.TestCase):
    def test_signals_end_it(self):
        for signum in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            vm = self.start('-S', qmp=True)
            vm.process.send_signal(signum)
            self.assertEqual(vm.wait(), 0)

    def test_pidfile_and_daemonize(self):
        pidfile = self.path('pid')
        done = reprise.run('-S', '-nodefaults', '-daemonize',
                           '-pidfile', pidfile)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(pidfile, encoding='ascii') as f:
            pid = int(f.read())
        busy = reprise.run('-S', '-nodefaults', '-pidfile', pidfile)
        self.assertRegex(busy.stderr, '-pidfile .*locked.*')
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + 20
        while os.path.exists(pidfile) and time.monotonic() < end:
            time.sleep(0.02)
        self.assertFalse(os.path.exists(pidfile))

    def test_daemonize_reports_failure(self):
        done = reprise.run('-daemonize', '-S', '-bios', '/none')
        self.assertEqual(done.returncode, 1)
        self.assertIn('firmware not found', done.stderr)

    def test_stdin_at_its_end(self):
        """-nographic with no terminal and no input still runs."""
        argv = [reprise.program(), '-S', '-nographic']
        with subprocess.Popen(argv, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE) as p:
            time.sleep(0.3)
            self.assertIsNone(p.poll())
            p.terminate()
            self.assertEqual(p.wait(20), 0)

    def test_escape_quits(self):
        done = reprise.run('-S', '-nographic', stdin='\x01x')
        self.assertEqual(done.returncode, 0)
        self.assertIn('Terminated', done.stdout)

    def test_escape_reaches_the_monitor(self):
        done = reprise.run('-S', '-nographic',
                           stdin='\x01cinfo status\nquit\n')
        self.assertEqual(done.returncode, 0)
        self.assertIn('VM status: paused (prelaunch)', done.stdout)


if __name__ == '__main__':
    reprise.main()
