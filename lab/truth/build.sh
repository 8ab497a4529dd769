# Sourced by scripts/measure-overhead, which is in the root of the project: builds the
# services of lab/truth in build/truth, each with the SDK of its own registry.

# has_version NEEDED FOUND: whether the version that was found is new enough.
has_version() { [[ $(printf '%s\n' "$@" | sort -V | head -n 1) == "$1" ]]; }

# needs LANGUAGE PROGRAM VERSION FOUND: for a program of which Debian's package is too old.
needs() {
  command -v "$2" >/dev/null || die "the program $2 is missing: --language $1 needs" \
    "version $3 or later, and Debian 12 has no such package"
  has_version "$3" "$4" || die "--language $1 needs $2 $3 or later, not $4"
}

# check_toolchain LANGUAGE: ends the script if it cannot be built.
check_toolchain() {
  case $1 in
    go)
      needs go go "$(sed -n 's/^go //p' lab/truth/go/go.mod)" \
        "$(go env GOVERSION 2>/dev/null | sed 's/^go//')"
      ;;
    rust)
      needs rust cargo "$(sed -n 's/^rust-version = "\(.*\)"/\1/p' \
        lab/truth/rust/Cargo.toml)" "$(cargo --version 2>/dev/null | cut -d ' ' -f 2)"
      ;;
  esac
}

# packages_of LANGUAGE: Debian's packages for it, if their programs are missing.
packages_of() {
  case $1 in
    node) echo "${node_packages[@]}" ;;
    java)
      command -v javac >/dev/null || echo default-jdk-headless
      command -v mvn >/dev/null || echo maven
      ;;
  esac
}

# is_unchanged FILE DIRECTORY: whether what FILE pins is installed in DIRECTORY.
is_unchanged() { cmp -s "$1" "$2/${1##*/}.installed"; }
is_installed_now() { cp "$1" "$2/${1##*/}.installed"; }

build_node() {
  local lock=lab/truth/node/package-lock.json
  mkdir -p build/truth/node
  ! is_unchanged $lock build/truth/node || return 0
  cp lab/truth/node/{package.json,package-lock.json,.npmrc} build/truth/node
  (cd build/truth/node &&
    npm ci --prefer-offline --ignore-scripts --no-audit --no-fund)
  is_installed_now $lock build/truth/node
}

# The sink, too, runs in this environment: it reads what all of them export.
build_python() {
  local lock=lab/truth/python/requirements.txt
  ! is_unchanged $lock build/truth/python || return 0
  /usr/bin/python3 -m venv --clear build/truth/python
  build/truth/python/bin/pip install --quiet --disable-pip-version-check --no-deps \
    --requirement $lock
  is_installed_now $lock build/truth/python
}

build_java() {
  local sources=lab/truth/java built=build/truth/java
  if ! is_unchanged $sources/SHA256SUMS $built; then
    rm -rf $built
    mkdir -p $built
    mvn --quiet --batch-mode --file $sources/pom.xml \
      org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
      -DoutputDirectory="$PWD/$built/jars"
    # Beside the libraries of the service, not among them.
    mv $built/jars/opentelemetry-javaagent-*.jar $built/opentelemetry-javaagent.jar
    (cd $built && sha256sum --quiet --check) <$sources/SHA256SUMS
    is_installed_now $sources/SHA256SUMS $built
  fi
  javac -d $built/classes -cp "$built/jars/*" $sources/Orders.java
}

build_go() {
  local built=$PWD/build/truth/go
  (
    cd lab/truth/go
    go build -mod=readonly -tags sdk -o "$built/with_sdk/orders" .
    go build -mod=readonly -o "$built/without_sdk/orders" .
  )
}

build_rust() {
  local built=$PWD/build/truth/rust kind
  for kind in with_sdk without_sdk; do
    (
      cd lab/truth/rust
      [[ $kind == with_sdk ]] && features=(--features sdk) || features=()
      cargo build --quiet --release --locked --target-dir "$built/target" \
        "${features[@]}"
    )
    install -D "$built/target/release/orders" "$built/$kind/orders"
  done
}
