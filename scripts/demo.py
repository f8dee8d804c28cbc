#!/usr/bin/env python3
"""./bootstrap demo: records a small guest, replays it, and walks it backwards
with gdb to the instruction that wrote a bad value.

usage: demo.py BUILD-FOLDER

Exit status 0 only if every step went as it says."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

WIDTH = 72

GDB_STEPS = r'''
set pagination off
set confirm off
target remote {sock}
echo \n*** The replay waits at its first instruction.\n
monitor info replay
echo \n*** hbreak corrupt, continue: forwards into the guest.\n
hbreak corrupt
continue
delete
echo \n*** On to the end of the recording ...\n
continue
print/x culprit
monitor info replay
echo \n*** ... and back: who wrote that? watch culprit, reverse-continue.\n
watch culprit
reverse-continue
monitor info replay
echo \n*** Found: this instruction is about to do it.\n
backtrace
x/i $pc
print/x culprit
delete
echo \n*** Single steps, backwards and forwards.\n
reverse-stepi
reverse-stepi
stepi
monitor info replay
'''


def say(text):
    print('\n' + '=' * WIDTH + f'\n{text}\n' + '=' * WIDTH, flush=True)


def run(argv, **kwargs):
    print('$ ' + ' '.join(argv), flush=True)
    return subprocess.run(argv, stdin=subprocess.DEVNULL, text=True,
                          timeout=120, check=False, **kwargs)


def need(condition, what):
    if not condition:
        sys.exit(f'demo: {what}')


class Demo:
    def __init__(self, build, folder):
        self.build = os.path.abspath(build)
        self.at = folder
        self.guest = os.path.join(self.build, 'tests/guests/guest-calls')
        self.disk = os.path.join(folder, 'disk.qcow2')

    def program(self, name):
        return os.path.join(self.build, name)

    def machine(self, mode):
        return [self.program('reprise-system-x86_64'), '-nodefaults', '-M',
                'pc', '-m', '64', '-display', 'none', '-drive',
                f'file={self.disk},if=ide', '-device', 'isa-debug-exit',
                '-icount', f'shift=7,rr={mode},'
                f'rrfile={self.at}/run.rr,rrsnapshot=init']

    def make_disk(self):
        say('A disk with a small bare-metal guest on it')
        made = run([self.program('reprise-img'), 'convert', '-f', 'raw', '-O',
                    'qcow2', self.guest + '.img', self.disk])
        need(made.returncode == 0, 'cannot make the disk image')

    def talk(self, mode):
        result = run([*self.machine(mode), '-serial', 'stdio'],
                     capture_output=True)
        print(result.stdout.replace('\x1b', '^['), end='')
        print(result.stderr, end='')
        return result

    def record(self):
        say('Record: SeaBIOS boots, the guest runs and ends')
        result = self.talk('record')
        need('sum 1240 calls 120' in result.stdout, 'the guest did not run')
        size = os.path.getsize(os.path.join(self.at, 'run.rr'))
        print(f'The recording is {size} bytes long.')
        return result.stdout

    def replay(self, printed):
        say('Replay: the same, from the log alone')
        result = self.talk('replay')
        need(result.stdout == printed, 'the replay printed something else')
        print('The replay printed exactly the same.')

    def debug(self):
        say('Debug it backwards with gdb')
        sock = os.path.join(self.at, 'gdb')
        script = os.path.join(self.at, 'steps.gdb')
        with open(script, 'w', encoding='ascii') as f:
            f.write(GDB_STEPS.format(sock=sock))
        vm = subprocess.Popen([*self.machine('replay'), '-serial', 'null',
                               '-S', '-gdb', f'unix:{sock},server=on,'
                               'wait=off'],
                              stdin=subprocess.DEVNULL,
                              stderr=sys.stderr)
        try:
            while not os.path.exists(sock):
                need(vm.poll() is None, 'the replay did not start')
                time.sleep(0.01)
            result = run(['gdb', '-nx', '-q', '-batch', self.guest + '.elf',
                          '-x', script], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT)
        finally:
            vm.kill()
            vm.wait()
        print(result.stdout)
        return result.stdout


def main(build):
    need(shutil.which('gdb'), 'gdb is not installed')
    with tempfile.TemporaryDirectory(prefix='reprise-demo-') as folder:
        demo = Demo(build, folder)
        demo.make_disk()
        demo.replay(demo.record())
        text = demo.debug()
    values = re.findall(r'= (0x[0-9a-f]+)', text)
    need('0xbad' in values, 'gdb did not see the bad value')
    need(re.search(r'#0 .*corrupt', text), 'gdb did not find the writer')
    need(values[-1] == '0x0', 'the value was there before it was written')
    say('Done: the write was found by going backwards.')


if __name__ == '__main__':
    main(sys.argv[1])
