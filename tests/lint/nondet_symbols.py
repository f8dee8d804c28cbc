#!/usr/bin/env python3
"""Fails if an object of the guest side could see the outside world.

usage: nondet_symbols.py SOURCE-ROOT ARCHIVE...

Runs nm over the static libraries of hw, target, accel, softmmu and softfloat, looks
for functions that tell time, give randomness, do input or start threads; and
greps their sources for instructions that do the same."""
import os
import re
import subprocess
import sys

FORBIDDEN = re.compile(r'''^(
    clock_gettime|clock_getres|gettimeofday|time|times|clock|localtime(_r)?|
    gmtime(_r)?|mktime|nanosleep|usleep|sleep|timer_create|
    getrandom|getentropy|rand|rand_r|random|srand|srandom|drand48|arc4random.*|
    g_random_.*|g_rand_.*|g_get_real_time|g_get_monotonic_time|
    g_date_time_new_now.*|g_timer_.*|g_usleep|
    open|open64|openat|fopen|fopen64|read|pread.*|write|pwrite.*|fread|fwrite|
    poll|ppoll|select|pselect|epoll_.*|socket|accept4?|connect|bind|listen|
    send|sendto|sendmsg|recv|recvfrom|recvmsg|ioctl|
    g_file_.*|g_io_.*|g_socket_.*|g_main_.*|g_idle_.*|g_timeout_.*|
    pthread_create|thrd_create|g_thread_.*|fork|execv.*|system|popen|
    getenv|g_getenv|getpid|
    sinf?|cosf?|tanf?|expf?|exp2f?|logf?|log2f?|log10f?|powf?|atan2?f?
    )$''', re.X)
FOLDERS = ('hw', 'target', 'accel', 'softmmu', 'util/softfloat')
# A guest instruction's name is not a use of it: rows, handlers and comments
# of the target may say "rdtsc". What counts is inline assembly and builtins.
ASM = re.compile(r'(__asm__|\basm\b|__builtin_ia32_rd\w+|_rdrand\w+|__rdtsc)')


def undefined(archive):
    out = subprocess.run(['nm', '-u', '-A', archive], check=True,
                         capture_output=True, text=True).stdout
    for line in out.splitlines():
        where, _, symbol = line.rpartition(' U ')
        if symbol:
            yield where.strip(), symbol.split('@')[0].strip()


def asm_in_sources(root):
    for folder in FOLDERS:
        for top, _, files in os.walk(os.path.join(root, folder)):
            for name in files:
                if not name.endswith(('.c', '.h')):
                    continue
                path = os.path.join(top, name)
                with open(path, encoding='utf-8') as f:
                    for n, line in enumerate(f, 1):
                        if ASM.search(line):
                            yield f'{path}:{n}: {line.strip()}'


def main(root, archives):
    wrong, count = [], 0
    for archive in archives:
        for where, symbol in undefined(archive):
            count += 1
            if FORBIDDEN.match(symbol):
                wrong.append(f'{where}: {symbol}')
    wrong += asm_in_sources(root)
    if not count:
        wrong.append('no symbols were checked')
    print('\n'.join(wrong) or f'{count} references, none to the outside')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1], sys.argv[2:]))
