# The scripts source this file: the Debian packages that they need, and how to install
# them. Only this file knows what differs between releases of Debian.
#
# If a release has renamed a package, the new one provides the old name, as
# libmicrohttpd12t64 does: is_installed also accepts a package that provides the name.

say() { printf '\n== %s\n' "$*"; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The default versions of Clang, clang-format and clang-tidy are those of the release:
# 14 in Debian 12, 19 in Debian 13. CLANG_VERSION chooses another version of the
# release.
clang_suffix=${CLANG_VERSION:+-$CLANG_VERSION}
clang_packages=("clang$clang_suffix" "clang-tidy$clang_suffix")

build_packages=(
  g++ cmake ninja-build pkg-config perl libre2-dev libexpected-dev libmnl-dev libseccomp-dev
  nlohmann-json3-dev
  collectd-core collectd-dev)

# cpack asks this program which packages own the libraries of the module.
deb_packages=(dpkg-dev file)

# collectd-core does not pull in the two libraries that its write_prometheus plugin
# needs.
run_packages=("${build_packages[@]}" libmicrohttpd12 libprotobuf-c1 curl)

unit_test_packages=(libgtest-dev libgmock-dev libproc2-dev python3)

# A Node.js that is not Debian's brings npm.
command -v npm >/dev/null && node_packages=() || node_packages=(nodejs npm)

test_packages=(
  "${run_packages[@]}" "${deb_packages[@]}" "${unit_test_packages[@]}"
  python3-prometheus-client binutils util-linux iproute2 strace
  nginx-light redis-server prometheus postgresql gunicorn man-db lintian
  rpm rpmlint ansible-core prometheus-alertmanager python3-yaml librrd8 rrdtool
  systemd chromium chromium-driver python3-selenium python3-pyfuse3 fuse3
  victoria-metrics python3-setproctitle default-jre-headless "${node_packages[@]}")

# Clang's sanitizers name the functions in their reports with llvm-symbolizer.
fuzz_packages=(
  "${build_packages[@]}" "clang$clang_suffix" "llvm$clang_suffix"
  "libclang-rt${CLANG_VERSION:+-$CLANG_VERSION}-dev")

installed_names=
# is_installed NAME: whether the package, or another that provides the name, is
# installed.
is_installed() {
  [[ -n $installed_names ]] || installed_names=$(
    dpkg-query -W -f '${db:Status-Status} ${Package}, ${Provides}\n' |
      sed -n 's/^installed //; T; s/ *([^)]*)//g; s/, */\n/g; p')
  grep -qxF -- "$1" <<<"$installed_names"
}

# Does not start the services of a package: the scripts start what they need on
# loopback, and stop it again.
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

# install_packages NAME...: installs the missing ones.
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
  installed_names=
  "${as_root[@]}" sh -c "$apt_install" apt_install "${missing[@]}" ||
    die "apt could not install: ${missing[*]}"
}
