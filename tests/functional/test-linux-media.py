"""Debian's kernels from media, as installed systems start: by GRUB from a disk and
from a CD, by UEFI firmware with GRUB and by the kernel's own EFI stub. Each to
a shell that does its work and switches off; recorded, and replayed with all
digests."""
import os
import shutil

import boot_media
import reprise
from linux_guest import APPEND, FLAVOURS, LinuxCase

OVMF = '/usr/share/OVMF'
# Firmware that waits for keys polls the clock, all five seconds of it: the slower
# the processor, the sooner they are over.
ICOUNT = 'shift=4,sleep=off'


class LinuxMedia(LinuxCase):
    def media(self, make, flavour, *more):
        """A medium with a kernel and its workload."""
        kernel, _ = self.kernel(flavour)
        return make(self.path('medium'), kernel,
                    self.initrd(flavour, end='poweroff -f'), APPEND, *more)

    def firmware(self):
        """UEFI, with a copy of the variables that keeps what is set."""
        boot_media.need(OVMF + '/OVMF_CODE_4M.fd')
        variables = self.path('vars.fd')
        shutil.copy(OVMF + '/OVMF_VARS_4M.fd', variables)
        return ['-drive', 'if=pflash,format=raw,readonly=on,'
                f'file={OVMF}/OVMF_CODE_4M.fd', '-drive',
                f'if=pflash,format=raw,snapshot=on,file={variables}']

    def check(self, flavour, *args, replay=True):
        log = self.path('run.rr')
        arch = FLAVOURS[flavour][1]
        args = ['-m', '512', '-no-reboot', '-net', 'none', *args]
        vm = self.start(*args, '-icount', f'{ICOUNT},rr=record,rrfile={log}',
                        arch=arch)
        said = self.finish(vm)
        if replay:
            vm = self.start(*args, '-icount',
                            f'{ICOUNT},rr=replay,rrfile={log}',
                            arch=arch)
            self.assertEqual(self.finish(vm), said)
        os.unlink(log)

    def disk(self, make, flavour, *more, bus='ide'):
        medium = self.media(make, flavour, *more)
        return ['-drive', f'file={medium},format=raw,if={bus},snapshot=on']

    def cd(self, flavour, *more):
        return ['-cdrom', self.media(boot_media.grub_iso, flavour, *more),
                '-boot', 'd']

    def test_grub_from_disk(self):
        self.check('amd64', *self.disk(boot_media.grub_disk, 'amd64'),
                   '-smp', '2')

    def test_grub_from_virtio_disk(self):
        self.check('cloud-amd64', *self.disk(
            boot_media.grub_disk, 'cloud-amd64', bus='virtio'), '-smp', '4')

    def test_grub_from_disk_32_bit(self):
        self.check('686-pae', *self.disk(boot_media.grub_disk, '686-pae'),
                   '-smp', '8', replay=False)

    def test_grub_from_cd(self):
        self.check('cloud-amd64', *self.cd('cloud-amd64'))

    def test_grub_from_cd_32_bit(self):
        self.check('686', *self.cd('686'), replay=False)

    def test_uefi_grub_from_cd(self):
        self.check('cloud-amd64', *self.firmware(),
                   *self.cd('cloud-amd64', 'x86_64-efi'), '-smp', '2')

    def test_uefi_grub_from_disk(self):
        self.check('amd64', *self.firmware(),
                   *self.disk(boot_media.grub_iso, 'amd64', 'x86_64-efi'),
                   replay=False)

    def test_uefi_stub(self):
        self.check('cloud-amd64', *self.firmware(), *self.disk(
            boot_media.efi_stub_disk, 'cloud-amd64', bus='virtio'),
            '-smp', '4')


if __name__ == '__main__':
    reprise.main()
