#!/usr/bin/env bash
# Makes a whole Debian 12 with systemd, a compiler, python and openssl for tests to
# boot: FOLDER/debian.img (ext4, no partitions), FOLDER/vmlinuz, FOLDER/initrd.
#
# usage: debian-root.sh FOLDER
#
# root logs in on ttyS0 without a password; the network is set up by DHCP. What is
# in the folder already is left alone. It takes the packages that the host's apt
# is set up for, so it needs a Debian host, mmdebstrap, e2fsprogs, root (whose
# files the image has) and the network: what is missing is said, and the exit
# status is 1.
set -euo pipefail
folder=$(realpath -m "$1")
suite=bookworm
packages=systemd-sysv,udev,dbus,kmod,initramfs-tools,linux-image-amd64
packages+=,gcc,libc6-dev,python3,openssl,curl,iproute2,procps
[ -e "$folder/debian.img" ] && exit 0

die() {
  echo "debian-root: $*" >&2
  exit 1
}

for program in mmdebstrap mke2fs; do
  command -v "$program" >/dev/null || die "$program is not there"
done
[ "$(id -u)" -eq 0 ] || die "needs root, for files of root's"
mkdir -p "$folder"
work=$(mktemp -d "$folder/work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# Documentation and translations are half of it, and nobody reads them here.
mmdebstrap --quiet --variant=minbase --include="$packages" \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  "$suite" "$work/root.tar" >"$folder/log" 2>&1 ||
  die "mmdebstrap could not make it (no network?); see $folder/log"

tree=$work/tree
mkdir "$tree"
tar -C "$tree" -xf "$work/root.tar"
rm "$work/root.tar"
echo reprise >"$tree/etc/hostname"
echo '127.0.0.1 localhost reprise' >"$tree/etc/hosts"
echo '/dev/root / ext4 defaults 0 1' >"$tree/etc/fstab"
echo 'nameserver 10.0.2.3' >"$tree/etc/resolv.conf"
printf '[Match]\nName=en* eth*\n[Network]\nDHCP=yes\n' \
  >"$tree/etc/systemd/network/80-dhcp.network"
# What a test reads must not depend on how a shell draws its line.
printf 'set enable-bracketed-paste off\nset horizontal-scroll-mode off\n' \
  >"$tree/etc/inputrc"
touch "$tree/root/.hushlogin"
chroot "$tree" passwd --quiet -d root
chroot "$tree" systemctl --quiet enable systemd-networkd serial-getty@ttyS0

cp "$tree"/boot/vmlinuz-* "$folder/vmlinuz"
cp "$tree"/boot/initrd.img-* "$folder/initrd"
truncate -s 2G "$work/debian.img"
mke2fs -q -F -t ext4 -d "$tree" -L root "$work/debian.img"
mv "$work/debian.img" "$folder/debian.img"
