#!/usr/bin/env bash
# Gets the Debian kernels that tests boot, and busybox for their initrd, and puts
# them into a folder: vmlinuz-686, vmlinuz-686-pae, vmlinuz-cloud-amd64,
# vmlinuz-amd64, busybox-i386, busybox-amd64; memtest86+x64.bin.
#
# usage: linux-kernels.sh FOLDER [FLAVOUR...]
#
# Nothing is installed: packages are downloaded with lists of their own, the
# files are taken out and the rest is dropped. What is in the folder already is
# left alone. What cannot be had is said, and the exit status is 1; tests that
# need it are skipped then.
set -uo pipefail
folder=$(realpath -m "$1")
shift
flavours=("${@:-}")
[ -n "${flavours[0]}" ] || flavours=(686 686-pae cloud-amd64 amd64)
work=$folder/apt
status=0

# Sets apt_options for an architecture, and fetches its lists once.
apt_for() {
  local state=$work/$1
  apt_options=(-oAPT::Architecture="$1" -oAPT::Architectures="$1"
    -oAPT::Sandbox::User=root -oDir::State::Lists="$state/lists"
    -oDir::State::status="$state/status" -oDir::Cache="$state"
    -oDebug::NoLocking=true)
  [ -e "$state/status" ] && return
  mkdir -p "$state/lists/partial" "$state/archives/partial"
  : >"$state/status"
  # Other sources than Debian's may have nothing for it; that does not matter.
  apt-get -qq "${apt_options[@]}" update >/dev/null 2>&1 || true
}

# extract PACKAGE PATTERN FILE : one file of a package of apt_options' kind.
extract() {
  local into=$work/unpacked
  rm -rf "$into"
  mkdir -p "$into"
  (cd "$into" && apt-get -qq "${apt_options[@]}" download "$1") \
    >/dev/null 2>&1 || return 1
  dpkg-deb --fsys-tarfile "$into"/*.deb |
    tar -C "$into" -x --wildcards "$2" || return 1
  mv "$(find "$into" -type f -path "$into/${2#./}")" "$folder/$3"
}

# Modules of the kernel in package $1 into folder $2: drivers of devices that the
# machine has, and what they need.
extract_modules() {
  local into=$work/unpacked
  rm -rf "$into"
  mkdir -p "$into/lib" "$2.part"
  (cd "$into" && apt-get -qq "${apt_options[@]}" download "$1") \
    >/dev/null 2>&1 || return 1
  dpkg-deb --fsys-tarfile "$into"/*.deb |
    tar -C "$into" -x --wildcards './lib/modules/*' || return 1
  find "$into/lib/modules" -name '*.ko' -print0 |
    grep -zE '/kernel/(block|net/(9p|vmw_vsock|core|802)|fs/(9p|netfs|fscache|ext4|jbd2|isofs|mbcache.ko|fat|nls)|lib|crypto|drivers/(ata|block|cdrom|char|i2c/(algos|busses)|input|net/(mii|virtio_net|net_failover|mdio|phy|ethernet/(intel/(e1000|e1000e|igb)|realtek|8390))|nvme|pps|ptp|dca|scsi|virtio|watchdog|misc|firmware))' |
    xargs -0 mv -t "$2.part" && mv "$2.part" "$2"
}

# The package that a metapackage such as linux-image-686 stands for.
real_package() {
  apt-cache "${apt_options[@]}" depends "$1" |
    sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -1
}

get() {
  local flavour=$1 arch=amd64 package
  case $flavour in
    686*) arch=i386 ;;
  esac
  if [ ! -e "$folder/busybox-$arch" ]; then
    apt_for "$arch"
    extract busybox-static ./bin/busybox "busybox-$arch" || return 1
  fi
  if [ ! -e "$folder/vmlinuz-$flavour" ]; then
    apt_for "$arch"
    package=$(real_package "linux-image-$flavour")
    [ -n "$package" ] || return 1
    extract "$package" './boot/vmlinuz-*' "vmlinuz-$flavour" || return 1
  fi
  if [ "$flavour" = amd64 ] && [ ! -e "$folder/memtest86+x64.bin" ]; then
    apt_for "$arch"
    extract memtest86+ './boot/memtest86+x64.bin' memtest86+x64.bin || return 1
  fi
  if [ "$flavour" = amd64 ] && [ ! -e "$folder/modules-amd64" ]; then
    apt_for "$arch"
    package=$(real_package linux-image-amd64)
    [ -n "$package" ] || return 1
    extract_modules "$package" "$folder/modules-amd64" || return 1
  fi
}

mkdir -p "$folder"
for flavour in "${flavours[@]}"; do
  if ! get "$flavour"; then
    echo "linux-kernels: no linux-image-$flavour with busybox-static" >&2
    status=1
  fi
done
rm -rf "$work"
exit "$status"
