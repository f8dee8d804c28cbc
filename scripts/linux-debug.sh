#!/usr/bin/env bash
# Gets what a kernel is debugged with, for the kernel vmlinuz-cloud-amd64 in a folder
# that linux-kernels.sh filled: FOLDER/debug/vmlinux with debugging information,
# and the kernel's own scripts for gdb (vmlinux-gdb.py, scripts/gdb/linux).
#
# usage: linux-debug.sh FOLDER
#
# Nothing is installed, but the kernel's headers must be (linux-headers-VERSION):
# one of the scripts is made of them. 420 MB are downloaded, 600 MB stay. What
# is there already is left alone; what cannot be had is said, with exit status 1.
set -euo pipefail
folder=$(realpath -m "$1")/debug
kernel=$1/vmlinuz-cloud-amd64
[ -e "$folder/vmlinux" ] && [ -e "$folder/vmlinux-gdb.py" ] && exit 0

die() {
  echo "linux-debug: $*" >&2
  exit 1
}

[ -e "$kernel" ] || die "$kernel is not there; linux-kernels.sh gets it"
# Boot protocol 2.00: where the version is, less 0x200.
at=$(od -An -tu2 -j $((0x20e)) -N 2 "$kernel")
version=$(tail -c +$((at + 0x201)) "$kernel" | head -c 64 | cut -d ' ' -f 1 |
  tr -d '\0' | head -1)
headers=/usr/src/linux-headers-$version
common=/usr/src/linux-headers-${version%-cloud-amd64}-common
[ -d "$headers" ] || die "$headers is not there: install linux-headers-$version"

mkdir -p "$folder"
work=$(mktemp -d "$folder/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get -qq download "linux-image-$version-dbg" linux-source-6.1 \
  >/dev/null 2>&1 || die "no linux-image-$version-dbg or linux-source-6.1"
dpkg-deb --fsys-tarfile linux-image-*.deb |
  tar -x --wildcards './usr/lib/debug/boot/vmlinux-*'
dpkg-deb --fsys-tarfile linux-source-*.deb |
  tar -x --wildcards './usr/src/linux-source-*.tar.xz'
tar -xJf usr/src/linux-source-*.tar.xz --wildcards '*/scripts/gdb/*'

# As the kernel's own Makefile makes it, with the headers' configuration.
mkdir -p "$folder/scripts/gdb"
cp -r linux-source-*/scripts/gdb/linux "$folder/scripts/gdb/"
gcc -E -x c -P -nostdinc -D__KERNEL__ \
  -I "$common/arch/x86/include" -I "$headers/arch/x86/include/generated" \
  -I "$common/include" -I "$headers/include" \
  -I "$common/arch/x86/include/uapi" \
  -I "$headers/arch/x86/include/generated/uapi" \
  -I "$common/include/uapi" -I "$headers/include/generated/uapi" \
  -include "$common/include/linux/compiler-version.h" \
  -include "$common/include/linux/kconfig.h" \
  linux-source-*/scripts/gdb/linux/constants.py.in |
  sed '1,/<!-- end-c-headers -->/d' \
    >"$folder/scripts/gdb/linux/constants.py"
cp linux-source-*/scripts/gdb/vmlinux-gdb.py "$folder/"
mv usr/lib/debug/boot/vmlinux-* "$folder/vmlinux"
