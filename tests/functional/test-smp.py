"""Several vCPUs: one schedule in a recording and all its replays, and a
debugger that sees each of them."""
import reprise
from gdb_case import GdbCase


class Smp(GdbCase):
    def drive(self):
        return ('-smp', '4,quantum=997', '-drive', 'file='
                f'{reprise.guest("smp")},format=raw,if=ide,snapshot=on',
                '-device', 'isa-debug-exit')

    def test_gdb_sees_them(self):
        log = self.record_all(*self.drive(), arch='i386')
        self.attach(log, 'threads', *self.drive(), arch='i386',
                    elf=reprise.guest('smp').replace('.img', '.elf'))

    def test_quantum_is_part_of_the_machine(self):
        log = self.record_all(*self.drive())
        args = list(self.drive())
        args[1] = '4,quantum=998'
        done = reprise.run('-m', '128', '-net', 'none', '-display', 'none',
                           *args, '-icount',
                           f'shift=7,rr=replay,rrfile={log}')
        self.assertEqual(done.returncode, 1)
        self.assertIn('quantum=997', done.stderr)

    def test_monitor_names_them(self):
        vm = self.start('-m', '64', *self.drive(), '-S', hmp=True)
        shown = vm.hmp.cmd('info cpus')
        self.assertEqual(shown.count('CPU #'), 4, shown)
        vm.hmp.cmd('cpu 2')
        self.assertRegex(vm.hmp.cmd('info cpus'), r'\* CPU #2')
        self.assertIn('invalid CPU index', vm.hmp.cmd('cpu 4'))
        self.assertIn('EIP=', vm.hmp.cmd('info registers'))


if __name__ == '__main__':
    reprise.main()
