#include "procfs/proc_cmdline.h"

#include <algorithm>

namespace resource_attribution::procfs {
namespace {

using namespace std::string_view_literals;

// Removes an argument from the front of `rest`.
std::string_view NextArgument(std::string_view& rest) {
  const std::string_view argument = rest.substr(0, rest.find('\0'));
  rest.remove_prefix(std::min(argument.size() + 1, rest.size()));
  return argument;
}

}  // namespace

Cmdline ParseCmdline(std::span<char> bytes) {
  const std::string_view all(bytes.data(), bytes.size());
  // If there is only padding, npos + 1 is 0.
  const auto joined = bytes.first(all.find_last_not_of("\0 \t"sv) + 1);
  const std::string_view text(joined.data(), joined.size());
  Cmdline cmdline;
  cmdline.joined = text;
  std::string_view rest = text;
  cmdline.argv0 = NextArgument(rest);
  for (std::string_view& argument : cmdline.next) argument = NextArgument(rest);
  std::ranges::replace(joined, '\0', ' ');
  return cmdline;
}

}  // namespace resource_attribution::procfs
