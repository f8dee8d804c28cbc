#!/usr/bin/env bash
# Unpacks what an AArch64 build needs of Debian's arm64 packages into a folder,
# without touching the packages of this machine.
#
# usage: arm64-root.sh FOLDER
#
# apt gets lists and a package state of its own; nothing is installed, only
# unpacked. Done once: a folder that is complete is left alone.
set -euo pipefail
root=$(realpath -m "$1")
work=$root.apt

packages=(libc6-dev linux-libc-dev libglib2.0-dev zlib1g-dev libjansson-dev
          libxxhash-dev libarchive-dev libslirp-dev libcapstone-dev
          libmpfr-dev libgmp-dev libfdt-dev)

[ -e "$root/.complete" ] && exit 0
mkdir -p "$root" "$work/lists/partial" "$work/archives/partial"
: >"$work/status"

apt=(apt-get -qq -y
  -oAPT::Architecture=arm64 -oAPT::Architectures=arm64
  -oAPT::Install-Recommends=false -oAPT::Sandbox::User=root
  -oDir::State::Lists="$work/lists" -oDir::State::status="$work/status"
  -oDir::Cache="$work" -oDir::Cache::archives="$work/archives"
  -oDebug::NoLocking=true)

# Other sources than Debian's may have nothing for arm64; that does not matter.
"${apt[@]}" update || true
# With an empty state the dependencies come along.
"${apt[@]}" install --download-only "${packages[@]}"
for deb in "$work"/archives/*.deb; do
  dpkg -x "$deb" "$root"
done
# Absolute links are meant from the root that this folder is not.
find "$root" -type l | while read -r link; do
  to=$(readlink "$link")
  case $to in
    /*) ln -sfn "$(realpath -m --relative-to="$(dirname "$link")" "$root$to")" \
          "$link" ;;
  esac
done
rm -rf "$work"
printf '[constants]\nroot = %s\n' "'$root'" >"$root/root.ini"
touch "$root/.complete"
