#ifndef RESOURCE_ATTRIBUTION_PROCFS_PROC_CMDLINE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PROC_CMDLINE_H_

#include <array>
#include <span>
#include <string_view>

namespace resource_attribution::procfs {

/// The content of `/proc/PID/cmdline`; proc(5), "/proc/pid/cmdline".
///
/// The process chooses it, and may rewrite it at any time (PostgreSQL and nginx
/// do). Empty for kernel threads and zombies.
struct Cmdline {
  /// The arguments, joined by one space. Processes pad a rewritten command line
  /// with NULs, spaces and tabs; these are cut from the end.
  std::string_view joined;

  /// The first argument: by convention, how the program was called.
  std::string_view argv0;

  /// The next two arguments, empty if there are fewer. For a script that the
  /// kernel executed by its `#!` line, one of them is the path of the script:
  /// argv[0] is the interpreter, and the line may give it one argument
  /// (execve(2), "Interpreter scripts").
  std::array<std::string_view, 2> next;
};

/// Parses the content of `/proc/PID/cmdline` in place; the result refers to
/// `bytes`.
Cmdline ParseCmdline(std::span<char> bytes);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PROC_CMDLINE_H_
