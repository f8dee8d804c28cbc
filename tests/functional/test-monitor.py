"""QMP and HMP on a live machine, a recording and a replay."""
import os
import pathlib
import re
import shutil
import subprocess
import time

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
        vm.qmp.send("{'execute': 'query-status', 'id': 'it\\'s \"}'}")
        self.assertEqual(vm.qmp.message()['id'], 'it\'s "}')
        vm.qmp.send('{"execute": }\n')
        self.assertEqual(vm.qmp.message()['error']['class'], 'GenericError')
        vm.qmp.send('[1]')
        self.assertIn('object', vm.qmp.message()['error']['desc'])

    def test_schema(self):
        """It describes itself: each name that an entity uses is another's."""
        vm = self.start('-m', '64', '-S', qmp=True)
        schema = {e['name']: e for e in vm.qmp.cmd('query-qmp-schema')}
        commands = {c['name'] for c in vm.qmp.cmd('query-commands')}
        self.assertEqual(commands, {n for n, e in schema.items()
                                    if e['meta-type'] == 'command'})
        for entity in schema.values():
            used = [entity.get(k) for k in ('arg-type', 'ret-type',
                                            'element-type')]
            if entity['meta-type'] == 'object':
                used += [m['type'] for m in entity['members']]
            for name in filter(None, used):
                self.assertIn(name, schema, entity)
        self.assertEqual(schema['STOP']['meta-type'], 'event')

    def test_what_it_is(self):
        vm = self.start('-m', '64', '-S', '-smp', '4,sockets=2,cores=2',
                        qmp=True)
        ask = vm.qmp.cmd
        self.assertEqual(ask('query-target'), {'arch': 'x86_64'})
        self.assertEqual(ask('query-kvm'), {'enabled': False,
                                            'present': False})
        self.assertEqual(ask('query-memory-size-summary')['base-memory'],
                         64 << 20)
        places = [(c['props']['socket-id'], c['props']['core-id'])
                  for c in ask('query-cpus-fast')]
        self.assertEqual(places, [(0, 0), (0, 1), (1, 0), (1, 1)])
        slots = ask('query-hotpluggable-cpus')
        self.assertEqual(len(slots), 4)
        self.assertEqual(slots[0]['type'], 'qemu64-x86_64-cpu')
        pc = next(m for m in ask('query-machines') if m.get('is-default'))
        self.assertEqual(pc['alias'], 'pc')
        self.assertEqual(pc['cpu-max'], 64)
        options = {o['option']: [p['name'] for p in o['parameters']]
                   for o in ask('query-command-line-options')}
        self.assertIn('rrfile', options['icount'])
        self.assertEqual(ask('query-command-line-options', option='smp')[0]
                         ['parameters'][0], {'name': 'cpus', 'type': 'string'})
        self.fails(vm, 'query-command-line-options', 'invalid option name',
                   option='nonsense')

    def test_cpu_models(self):
        vm = self.start('-m', '64', '-S', qmp=True)
        names = [m['name'] for m in vm.qmp.cmd('query-cpu-definitions')]
        self.assertIn('Skylake-Client', names)
        self.assertIn('pentium', names)

        def props(how, **model):
            answer = vm.qmp.cmd('query-cpu-model-expansion', type=how,
                                model=model)
            return answer['model']['name'], answer['model']['props']
        name, full = props('full', name='Haswell', props={'avx2': False})
        self.assertEqual((name, full['avx2'], full['avx']),
                         ('Haswell', False, True))
        name, static = props('static', name='Haswell')
        self.assertEqual((name, static['avx2']), ('base', True))
        self.assertNotIn(False, static.values())
        self.fails(vm, 'query-cpu-model-expansion', 'unable to find CPU model',
                   type='full', model={'name': 'Nonsense'})
        self.fails(vm, 'query-cpu-model-expansion', 'takes an object',
                   type='full', model=3)

    def test_disks(self):
        base, disk = self.path('base.img'), self.path('disk.qcow2')
        with open(base, 'wb') as f:
            f.truncate(1 << 20)
        subprocess.run([reprise.program('reprise-img'), 'create', '-f', 'qcow2',
                        '-b', base, '-F', 'raw', disk], check=True,
                       stdout=subprocess.DEVNULL)
        vm = self.start('-m', '64', '-S', '-drive',
                        f'file={disk},if=none,id=d,cache=unsafe,'
                        'detect-zeroes=on', '-device', 'ide-hd,drive=d,id=hd', '-drive',
                        'if=ide,index=2,media=cdrom,id=cd', qmp=True)
        drives = {d['device']: d for d in vm.qmp.cmd('query-block')}
        self.assertNotIn('inserted', drives['cd'])
        self.assertTrue(drives['cd']['removable'])
        self.assertEqual(drives['d']['qdev'], '/machine/peripheral/hd')
        medium = drives['d']['inserted']
        self.assertEqual((medium['file'], medium['drv'],
                          medium['backing_file_depth'], medium['ro']),
                         (disk, 'qcow2', 1, False))
        self.assertEqual(medium['image']['virtual-size'], 1 << 20)
        self.assertEqual((medium['detect_zeroes'], medium['cache']['no-flush']),
                         ('on', True))
        self.assertEqual([n['node-name'] for n in
                          vm.qmp.cmd('query-named-block-nodes')], ['d'])

        def job(command, **args):
            vm.qmp.cmd(command, **{'job-id': 'j', 'tag': 't', **args})
            states = [vm.qmp.event('JOB_STATUS_CHANGE')['data']['status']]
            while states[-1] != 'concluded':
                event = vm.qmp.event('JOB_STATUS_CHANGE')
                states.append(event['data']['status'])
            info = vm.qmp.cmd('query-jobs')
            vm.qmp.cmd('job-dismiss', id='j')
            self.assertEqual(vm.qmp.event('JOB_STATUS_CHANGE')['data'],
                             {'id': 'j', 'status': 'null'})
            return info[0]
        self.assertNotIn('error', job('snapshot-save', vmstate='d',
                                      devices=['d']))
        image = vm.qmp.cmd('query-block')[0]['inserted']['image']
        self.assertEqual([s['name'] for s in image['snapshots']], ['t'])
        self.assertNotIn('error', job('snapshot-load', vmstate='d',
                                      devices=['d']))
        self.assertNotIn('error', job('snapshot-delete', devices=['d']))
        self.assertIn('t', job('snapshot-load', vmstate='d',
                               devices=['d'])['error'])
        self.fails(vm, 'snapshot-save', "lacks 'd'", tag='t', vmstate='d',
                   devices=[], **{'job-id': 'j'})
        self.fails(vm, 'snapshot-delete', "No block device node 'x'", tag='t',
                   devices=['x'], **{'job-id': 'j'})

    def test_as_libvirt_starts_it(self):
        """The command line that libvirt 9.0 makes for a domain with a disk and
        a serial port in a file, and what it asks before it begins."""
        disk, serial = self.path('disk.img'), self.path('serial')
        shutil.copy(reprise.guest('io'), disk)
        fd = os.open(serial, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.addCleanup(os.close, fd)
        vm = self.start(
            '-name', 'guest=r1,debug-threads=on', '-S', '-object',
            'secret,id=masterKey0,format=raw,file=/nowhere', '-machine',
            'pc-i440fx-7.2,usb=off,dump-guest-core=off', '-accel', 'tcg',
            '-cpu', 'qemu64', '-m', '64', '-overcommit', 'mem-lock=off', '-smp',
            '1,sockets=1,cores=1,threads=1', '-display', 'none',
            '-no-user-config', '-nodefaults', '-rtc', 'base=utc',
            '-no-shutdown', '-no-acpi', '-boot', 'strict=on', '-blockdev',
            f'{{"driver":"file","filename":"{disk}","node-name":"s",'
            '"auto-read-only":true,"discard":"unmap"}', '-blockdev',
            '{"node-name":"f","read-only":false,"driver":"raw","file":"s"}',
            '-device', 'ide-hd,bus=ide.0,unit=0,drive=f,id=ide0-0-0,bootindex=1',
            '-add-fd', f'set=0,fd={fd},opaque=serial0-source', '-chardev',
            'file,id=charserial0,path=/dev/fdset/0,append=on', '-device',
            'isa-serial,chardev=charserial0,id=serial0,index=0', '-audiodev',
            '{"id":"audio1","driver":"none"}', '-msg', 'timestamp=on',
            qmp=True, serial=False, pass_fds=(fd,), defaults=())
        ask = vm.qmp.cmd
        ask('migrate-set-capabilities',
            capabilities=[{'capability': 'events', 'state': True}])
        self.fails(vm, 'migrate-set-capabilities', 'no migration',
                   capabilities=[{'capability': 'rdma-pin-all',
                                  'state': True}])
        for name in ('tpm-models', 'tpm-types', 'tpm', 'fdsets'):
            self.assertEqual(ask(f'query-{name}'), [])
        types = {t['name'] for t in ask('qom-list-types')}
        self.assertIn('tcg-accel', types)
        for name in ('memory-backend-file', 'memory-backend-memfd',
                     'max-x86_64-cpu', 'pc-i440fx-7.2-machine'):
            self.assertTrue(ask('qom-list-properties', typename=name), name)
        ask('cont')
        ask('send-key', keys=[{'type': 'number', 'data': 0x1e}])
        self.fails(vm, 'send-key', 'does not accept value 4096',
                   keys=[{'type': 'number', 'data': 4096}])
        vm.qmp.event('RESUME')
        end = time.monotonic() + reprise.TIMEOUT
        while b'io guest' not in pathlib.Path(serial).read_bytes():
            self.assertLess(time.monotonic(), end)
            ask('query-status')
        [stats] = ask('query-blockstats')
        self.assertGreaterEqual(stats['stats']['rd_operations'], 1)
        self.assertEqual(stats['stats']['rd_bytes'] % 512, 0)
        self.assertEqual(stats['qdev'], '/machine/peripheral/ide0-0-0')

    def test_objects(self):
        vm = self.start('-m', '64', '-S', '-chardev', 'null,id=nowhere',
                        '-device', 'isa-debug-exit,id=e,iobase=0x501',
                        qmp=True)
        ask = vm.qmp.cmd

        def names(path):
            return {p['name']: p['type'] for p in ask('qom-list', path=path)}
        self.assertEqual(names('/machine/peripheral')['e'],
                         'child<isa-debug-exit>')
        self.assertIn('cpu[0]', names('/machine/unattached'))
        self.assertIn('nowhere', names('/chardevs'))
        self.assertEqual(ask('qom-get', path='/machine/peripheral/e',
                             property='iobase'), 0x501)
        self.assertEqual(ask('qom-get', path='e', property='type'),
                         'isa-debug-exit')
        self.fails(vm, 'qom-get', "'/machine/nothing' not found",
                   path='/machine/nothing', property='x')
        self.fails(vm, 'qom-set', 'cannot be changed', path='e',
                   property='iobase', value=3)
        types = {t['name'] for t in ask('qom-list-types', implements='device')}
        self.assertLessEqual({'virtio-blk-pci', 'isa-serial',
                              'max-x86_64-cpu'}, types)
        self.assertNotIn('pc-i440fx-7.2-machine', types)
        props = {p['name']: p for p in ask('device-list-properties',
                                           typename='isa-debug-exit')}
        self.assertEqual(props['iobase']['default-value'], 0x501)
        self.fails(vm, 'device-list-properties', 'not found', typename='x')
        chardevs = {c['label']: c for c in ask('query-chardev')}
        self.assertIn('nowhere', chardevs)
        self.assertIn('socket', [b['name'] for b in
                                 ask('query-chardev-backends')])

    def test_memory_to_files(self):
        disk = self.path('disk.img')
        with open(disk, 'wb') as f:
            f.truncate(1 << 20)
        vm = self.start('-m', '64', '-S', '-drive',
                        f'file={disk},format=raw,if=ide', qmp=True, hmp=True)
        out = self.path('out')
        vm.qmp.cmd('pmemsave', val=0xffff0, size=16, filename=out)
        with open(out, 'rb') as f:
            self.assertEqual(f.read(1), b'\xea')     # the reset vector's jump
        vm.qmp.cmd('memsave', val=0xfff00, size=0x100, filename=out)
        self.assertEqual(os.path.getsize(out), 0x100)
        self.fails(vm, 'pmemsave', 'there is no memory at 0x80000000',
                   val=0x80000000, size=1, filename=out)
        self.fails(vm, 'pmemsave', 'is the file of', val=0, size=1,
                   filename=disk)
        self.fails(vm, 'memsave', 'expects a CPU number', val=0, size=1,
                   filename=out, **{'cpu-index': 1})
        self.assertEqual(os.path.getsize(disk), 1 << 20)

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

    def test_hmp_asks(self):
        log = self.path('log')
        vm = self.start('-m', '64', '-S', '-chardev', 'null,id=nowhere',
                        hmp=True)
        ask = vm.hmp.cmd
        self.assertIn('gpa: 0xfff0', ask('gva2gpa 0xfff0'))
        self.assertIn('/unattached', ask('info qom-tree'))
        self.assertIn('peripheral (child<container>)',
                      ask('qom-list /machine'))
        self.assertIn('"pc-i440fx-7.2-machine"',
                      ask('qom-get /machine type'))
        self.assertIn('not found', ask('qom-get /nothing type'))
        self.assertIn('nowhere: filename=null', ask('info chardev'))
        self.assertIn('base memory: 67108864', ask('info memory_size_summary'))
        self.assertIn('expected', ask('memsave 0 1'))
        self.assertEqual(ask(f'pmemsave 0xffff0 0x10 {self.path("out")}'), '')
        self.assertEqual(os.path.getsize(self.path('out')), 16)
        self.assertEqual(ask(f'logfile {log}'), '')
        self.assertIn("unknown log item 'x'", ask('log x'))
        self.assertEqual(ask('log in_asm'), '')
        ask('cont')
        vm.serial.expect('No bootable device')
        self.assertEqual(ask('log none'), '')
        self.assertIn('ljmp', pathlib.Path(log).read_text())

    def test_completion(self):
        vm = self.start('-m', '64', '-S', hmp=True)
        for typed, completed in (('system_r', 'system_reset '),
                                 ('info regis', 'info registers '),
                                 ('sendkey ctrl-alt-del', '-delete '),
                                 ('log guest_', 'guest_errors '),
                                 ('cpu ', '0 ')):
            vm.hmp.send(typed + '\t')
            vm.hmp.expect(re.escape(completed))
            vm.hmp.send('\x15')            # Ctrl-U
        vm.hmp.send('replay_l\t\t')       # what is certain, then what there is
        vm.hmp.expect('replay_last_')
        vm.hmp.expect('replay_last_exec +replay_last_write')

    def test_the_end_of_a_replay_may_end_the_program(self):
        log = self.path('run.rr')
        vm = self.start(*DRIVE, '-icount', f'shift=7,rr=record,rrfile={log}',
                        qmp=True)
        vm.serial.expect('> ')
        vm.qmp.cmd('quit')
        vm.wait()

        def replay(*args):
            return self.start(*DRIVE, '-icount',
                              f'shift=7,rr=replay,rrfile={log}', *args,
                              qmp=True)
        self.assertEqual(replay('-replay-end', 'exit').wait(), 0)
        self.assertEqual(replay('-replay-end', 'shutdown').wait(), 0)
        for args in ((), ('-no-shutdown', '-replay-end', 'shutdown')):
            vm = replay(*args)
            vm.qmp.event('STOP')
            self.assertEqual(vm.qmp.cmd('query-status')['status'], 'paused')
            vm.qmp.cmd('quit')
        refused = reprise.run('-replay-end', 'exit')
        self.assertIn('-replay-end needs', refused.stderr)
        self.assertEqual(refused.returncode, 1)

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
