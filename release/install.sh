#!/bin/sh
# Installs nettrace from the folder of a release: needs no network and no root, and touches nothing but the one file
# that it writes. Usage: sh install.sh [--prefix DIR | --bindir DIR] [--from DIR]
set -eu

fail() {
  printf 'install.sh: Cannot %s\n' "$1" >&2
  exit 1
}

usage() {
  cat <<'TEXT'
Usage: sh install.sh [--prefix DIR | --bindir DIR] [--from DIR]

Checks the nettrace for this machine against SHA256SUMS and installs it.

  --prefix DIR   into DIR/bin (~/.local)
  --bindir DIR   into DIR
  --from DIR     the folder with the files of the release (that of this script)
  -h, --help     this text
TEXT
}

bindir=
from=
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit 0 ;;
    --prefix=* | --bindir=* | --from=*) option=${1%%=*} value=${1#*=} shifts=1 ;;
    --prefix | --bindir | --from)
      [ $# -ge 2 ] || fail "read the command line: $1 needs a folder"
      option=$1 value=$2 shifts=2 ;;
    *) fail "read the command line: there is no $1; see --help" ;;
  esac
  [ -n "$value" ] || fail "read the command line: $option needs a folder"
  case $option in
    --prefix) bindir=$value/bin ;;
    --bindir) bindir=$value ;;
    --from) from=$value ;;
  esac
  shift "$shifts"
done
if [ -z "$bindir" ]; then
  [ -n "${HOME:-}" ] || fail "choose a folder: HOME is not set; give --prefix or --bindir"
  bindir=$HOME/.local/bin
fi
[ -n "$from" ] || from=$(dirname -- "$0")
case $from in -*) from=./$from ;; esac
case $bindir in -*) bindir=./$bindir ;; esac
[ -f "$from/SHA256SUMS" ] || fail "find $from/SHA256SUMS: give the folder of the release with --from"

system=$(uname -s)
machine=$(uname -m)
case $machine in
  x86_64 | amd64) arch=x64 ;;
  aarch64 | arm64) arch=arm64 ;;
  *) fail "install on $system $machine: there is no nettrace for it" ;;
esac
case $system in
  Linux) target=linux-$arch ;;
  Darwin) target=darwin-$arch ;;
  *) fail "install on $system $machine: there is no nettrace for it" ;;
esac
# musl's loader is on no glibc system unless somebody put it there, and then that of glibc is there too.
if [ "$system" = Linux ]; then
  musl=no
  for loader in /lib/ld-musl-*.so.1; do [ -e "$loader" ] && musl=yes; done
  for loader in /lib/ld-linux-* /lib64/ld-linux-* /lib/*/ld-linux-*; do [ -e "$loader" ] && musl=no; done
  [ "$musl" = no ] || target=$target-musl
fi

# The name is that of SHA256SUMS: nettrace-VERSION-TARGET, or that with .xz behind it.
name=
while read -r _ file; do
  file=${file#\*}
  case $file in
    */*) ;;
    nettrace-*-"$target" | nettrace-*-"$target".xz)
      [ -z "$name" ] || [ "${file%.xz}" = "$name" ] || fail "choose between $name and $file: both are in SHA256SUMS"
      name=${file%.xz} ;;
  esac
done <"$from/SHA256SUMS"
[ -n "$name" ] || fail "install on $target: SHA256SUMS has no nettrace for it"

if [ -f "$from/$name" ]; then
  source=$name
elif [ -f "$from/$name.xz" ]; then
  source=$name.xz
  command -v xz >/dev/null 2>&1 || fail "unpack $source: there is no xz on this machine"
else
  fail "find $name or $name.xz in $from"
fi

if command -v sha256sum >/dev/null 2>&1; then sum_of() { sha256sum <"$1" | cut -d ' ' -f 1; }
elif command -v shasum >/dev/null 2>&1; then sum_of() { shasum -a 256 <"$1" | cut -d ' ' -f 1; }
elif command -v openssl >/dev/null 2>&1; then sum_of() { openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1; }
else fail "check $source: there is no sha256sum, shasum or openssl"
fi

wanted_sum() {
  while read -r sum file; do
    [ "${file#\*}" = "$source" ] && printf '%s\n' "$sum"
  done <"$from/SHA256SUMS"
  return 0
}

wanted=$(wanted_sum)
[ -n "$wanted" ] || fail "check $source: SHA256SUMS does not name it"

(umask 022 && mkdir -p -- "$bindir") 2>/dev/null || fail "make the folder $bindir"
[ -d "$bindir/nettrace" ] && fail "write $bindir/nettrace: it is a folder"
# Checked is what is installed, not what it was copied from; put into place as a whole, or not at all.
new=$(mktemp "$bindir/.nettrace.XXXXXX" 2>/dev/null) || fail "write into $bindir: permission denied, or no room"
trap 'rm -f -- "$new"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cat -- "$from/$source" >"$new" 2>/dev/null || fail "copy $source into $bindir: it cannot be read, or there is no room"
found=$(sum_of "$new")
[ "$found" = "$wanted" ] || fail "install $source: its checksum is not that of SHA256SUMS"
if [ "$source" != "$name" ]; then
  packed=$new
  new=$(mktemp "$bindir/.nettrace.XXXXXX" 2>/dev/null) || fail "write into $bindir: no room"
  trap 'rm -f -- "$new" "$packed"' EXIT
  xz -dc <"$packed" >"$new" 2>/dev/null || fail "unpack $source: it is damaged, or there is no room"
  rm -f -- "$packed"
fi
chmod 755 "$new" || fail "make $bindir/nettrace executable"
mv -f -- "$new" "$bindir/nettrace" || fail "write $bindir/nettrace"
trap - EXIT

printf 'installed %s as %s\n' "$name" "$bindir/nettrace"
case :${PATH:-}: in
  *:"$bindir":*) ;;
  *) printf '%s is not in your PATH\n' "$bindir" ;;
esac
