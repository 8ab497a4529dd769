#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_CMDLINE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_CMDLINE_H_

#include <array>
#include <span>
#include <string_view>

namespace resource_attribution::procfs {

/// What `/proc/PID/cmdline` says of a process; proc(5), "/proc/pid/cmdline".
///
/// Chosen by the process, which may rewrite it at any time (PostgreSQL and
/// nginx do). Empty for kernel threads and zombies.
struct Cmdline {
  /// The arguments, joined by one space. The NULs, spaces and tabs with which
  /// processes pad a rewritten command line are cut from the end.
  std::string_view joined;

  /// The first argument: by convention, how the program was called.
  std::string_view argv0;

  /// The two arguments behind it, empty where there are fewer. For a script
  /// that the kernel executed by its `#!` line, one of them is the path of the
  /// script: argv[0] is the interpreter, and the line may give it one argument
  /// (execve(2), "Interpreter scripts").
  std::array<std::string_view, 2> next;
};

/// Parses the content of `/proc/PID/cmdline` in place; the result refers to
/// `bytes`.
Cmdline ParseCmdline(std::span<char> bytes);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_CMDLINE_H_
