"""Media that boot Linux by GRUB or by UEFI firmware, made without mounting or
installing anything: a disk whose first sectors GRUB has and whose partition
is FAT, a hybrid ISO image, and a FAT disk with a script for UEFI's shell."""
import os
import shutil
import struct
import subprocess
import unittest

GRUB = '/usr/lib/grub'
SECTOR = 512
# Where partitions begin, as every tool of today has it: 1 MiB.
PART_SECTOR = 2048
DISK_SECTORS = 96 * 2048
FAT_LBA = 0x0c

GRUB_CFG = '''serial --unit=0 --speed=115200
terminal_input serial
terminal_output serial
set timeout=0
menuentry linux {
  linux /boot/vmlinuz APPEND
  initrd /boot/initrd
}
'''


def need(*programs):
    """Skips the test unless the host has them (or files of that path)."""
    for name in programs:
        if not shutil.which(name) and not os.path.exists(name):
            raise unittest.SkipTest(f'{name} is not there')


def write_disk(path, boot_code=b'', behind=b''):
    """A disk with one active partition of FAT, boot code in its first sector
    and something behind that."""
    entry = struct.pack('<B3sB3sII', 0x80, b'\xfe\xff\xff', FAT_LBA,
                        b'\xfe\xff\xff', PART_SECTOR,
                        DISK_SECTORS - PART_SECTOR)
    with open(path, 'wb') as f:
        f.write(boot_code[:440].ljust(440, b'\0') + b'rprs\0\0' + entry +
                bytes(48) + b'\x55\xaa' + behind)
        f.truncate(DISK_SECTORS * SECTOR)
    subprocess.run(['mformat', '-i', at(path), '-F', '-T',
                    str(DISK_SECTORS - PART_SECTOR), '-H', str(PART_SECTOR),
                    '-h', '64', '-s', '32', '::'], check=True,
                   capture_output=True)


def at(path):
    """The partition, as mtools say it."""
    return f'{path}@@{PART_SECTOR * SECTOR}'


def put_files(path, files):
    """files: name on the partition -> file here."""
    made = set()
    for name, source in files.items():
        parts = name.split('/')[:-1]
        for n in range(1, len(parts) + 1):
            folder = '/'.join(parts[:n])
            if folder not in made:
                subprocess.run(['mmd', '-i', at(path), '::' + folder],
                               check=True, capture_output=True)
            made.add(folder)
        subprocess.run(['mcopy', '-i', at(path), source, '::' + name],
                       check=True, capture_output=True)


def write_text(path, text):
    with open(path, 'w', encoding='ascii') as f:
        f.write(text)
    return path


def grub_disk(path, kernel, initrd, append):
    """A disk as grub-install leaves it: boot.img in the first sector, and the
    core behind it, up to the partition. Unless told otherwise boot.img looks
    for the core in sector 1 and the core for its rest in sector 2."""
    need('grub-mkimage', 'mformat', GRUB + '/i386-pc/boot.img')
    core = path + '.core'
    subprocess.run(['grub-mkimage', '-O', 'i386-pc', '-o', core, '-p',
                    '(hd0,msdos1)/boot/grub', 'biosdisk', 'part_msdos', 'fat',
                    'normal', 'linux', 'serial', 'terminal'], check=True)
    with open(GRUB + '/i386-pc/boot.img', 'rb') as f:
        boot = f.read()
    with open(core, 'rb') as f:
        write_disk(path, boot, f.read())
    put_files(path, {'boot/grub/grub.cfg': write_text(
        path + '.cfg', GRUB_CFG.replace('APPEND', append)),
        'boot/vmlinuz': kernel, 'boot/initrd': initrd})
    return path


def grub_iso(path, kernel, initrd, append, platform='i386-pc'):
    """An ISO image that boots by El Torito; with platform x86_64-efi by UEFI
    firmware, from a CD drive or as a disk."""
    need('grub-mkrescue', 'xorriso', 'mformat', f'{GRUB}/{platform}')
    tree = path + '.tree'
    os.makedirs(tree + '/boot/grub')
    shutil.copy(kernel, tree + '/boot/vmlinuz')
    shutil.copy(initrd, tree + '/boot/initrd')
    write_text(tree + '/boot/grub/grub.cfg',
               GRUB_CFG.replace('APPEND', append))
    subprocess.run(['grub-mkrescue', '-d', f'{GRUB}/{platform}', '-o', path,
                    tree], check=True, capture_output=True)
    return path


def efi_stub_disk(path, kernel, initrd, append):
    """A disk from which UEFI's shell starts the kernel itself, by its EFI
    stub."""
    need('mformat')
    write_disk(path)
    put_files(path, {'vmlinuz.efi': kernel, 'initrd': initrd,
                     'startup.nsh': write_text(
                         path + '.nsh', 'fs0:\r\nvmlinuz.efi '
                         f'initrd=\\initrd {append}\r\n')})
    return path
