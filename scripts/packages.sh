# Sourced by the scripts: installs the Debian packages they need.

say() { printf '\n== %s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# What building and running the module takes. collectd-core does not pull in the
# two libraries that its write_prometheus plugin needs.
run_packages=(
  g++ cmake ninja-build pkg-config perl libre2-dev libexpected-dev libmnl-dev
  collectd-core collectd-dev libmicrohttpd12 libprotobuf-c1 curl)

is_installed() {
  [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# Services that come with a package are not started: what is needed is started
# here, on loopback, and stopped again.
apt_install='
  set -e
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    trap "rm -f $policy" EXIT
    printf "#!/bin/sh\nexit 101\n" > $policy
    chmod 755 $policy
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update
  apt-get install -y --no-install-recommends "$@"'

# install_packages NAME...: those that are missing.
install_packages() {
  local missing=() package as_root=()
  for package in "$@"; do
    is_installed "$package" || missing+=("$package")
  done
  ((${#missing[@]})) || return 0
  if ((EUID != 0)); then
    command -v sudo >/dev/null || die "these packages are missing and only root" \
      "can install them: ${missing[*]}. As root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing with apt: ${missing[*]}"
  "${as_root[@]}" sh -c "$apt_install" apt_install "${missing[@]}" ||
    die "apt could not install: ${missing[*]}"
}
