#!/usr/bin/env bash
# Brings the Debian packages of programs that this machine lacks: scripts/packages.sh [--optional] PROGRAM=PACKAGE ...
# Where it cannot, it says what to install, and fails unless they are optional.
set -u
optional=
[ "${1:-}" = --optional ] && { optional=yes; shift; }
missing=()
for pair in "$@"; do
  command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
done
[ ${#missing[@]} -eq 0 ] && exit 0

install() { DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$1" >/dev/null 2>&1; }
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing Debian packages: ${missing[*]}"
  failed=()
  for package in "${missing[@]}"; do
    install "$package" || { apt-get update -qq >/dev/null 2>&1; install "$package"; } || failed+=("$package")
  done
  [ ${#failed[@]} -eq 0 ] && exit 0
  missing=("${failed[@]}")
fi
if [ -n "$optional" ]; then
  echo "Not here, so their tests are left out: what the Debian packages ${missing[*]} bring"
else
  echo "Please install what these Debian packages bring: ${missing[*]}" >&2
  exit 1
fi
