#!/usr/bin/env bash
# What must be on the machine before npm can bring the rest. Says all that is missing at once, and how to get it.
set -u
missing=()

version_at_least() { # have want
  [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]
}

[ "$(uname -s)" = Linux ] || missing+=("Linux: this is $(uname -s). On a Mac, run the controller against kind: see README.md, \"Your own cluster\".")

if command -v node >/dev/null; then
  have=$(node --version | tr -d v)
  version_at_least "$have" 20.0.0 || missing+=("Node.js >= 20 (found $have): https://nodejs.org or your distribution's package")
else
  missing+=("Node.js >= 20: https://nodejs.org or your distribution's package")
fi
command -v npm >/dev/null || missing+=("npm: it comes with Node.js")

if [ -z "${KUBECONFIG:-}" ]; then
  if command -v go >/dev/null; then
    have=$(go env GOVERSION | sed 's/^go//')
    version_at_least "$have" 1.25 || missing+=("Go >= 1.25 (found $have): https://go.dev/dl; the embedded cluster is built with it")
  else
    missing+=("Go >= 1.25: https://go.dev/dl; the embedded cluster is built with it (or set KUBECONFIG to a cluster of yours)")
  fi
  [ "$(id -u)" = 0 ] || missing+=("root: the embedded cluster runs a kubelet (or set KUBECONFIG to a cluster of yours)")
fi

if [ ${#missing[@]} -gt 0 ]; then
  echo "This machine lacks:" >&2
  printf '  - %s\n' "${missing[@]}" >&2
  exit 1
fi

# The image takes them from this machine, and so does whatever extracts archives or restores snapshots on it.
"$(dirname "$0")/packages.sh" xz=xz-utils bzip2=bzip2 rsync=rsync getfattr=attr ssh=openssh-client
