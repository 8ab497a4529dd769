# Sourced by the scripts, after packages.sh: how they build the module, and how they
# run the project's Python programs.

# build_module: build/release/resource_attribution.so, and beside it the sampler process
# that the module starts. A build that is configured
# already keeps its options.
build_module() {
  local log
  if [[ ! -e build/release/build.ninja ]]; then
    log=$(cmake --preset release -DBUILD_TESTING=OFF 2>&1) || {
      printf '%s\n' "$log" >&2
      die "cmake could not configure the build"
    }
  fi
  cmake --build --preset release --target resource_attribution ||
    die "the build failed"
}

# run_python BUILD PROGRAM [ARGUMENT...]: in place of this shell, with Debian's
# interpreter, for which Debian's Python packages are installed. BUILD is the build that
# the program uses. tests/CMakeLists.txt sets the same variables.
run_python() {
  export PYTHONPATH=$PWD SOURCE_DIR=$PWD BUILD_DIR=$PWD/$1
  exec /usr/bin/python3 -B "${@:2}"
}
