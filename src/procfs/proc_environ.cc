#include "procfs/proc_environ.h"

#include <algorithm>

namespace resource_attribution::procfs {

std::optional<Variable> NextVariable(std::string_view& environ) {
  while (!environ.empty()) {
    const std::string_view entry = environ.substr(0, environ.find('\0'));
    environ.remove_prefix(std::min(entry.size() + 1, environ.size()));
    const size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string_view::npos) continue;
    return Variable{.name = entry.substr(0, equals),
                    .value = entry.substr(equals + 1)};
  }
  return std::nullopt;
}

bool IsOverwritten(std::string_view environ) {
  if (environ.empty()) return true;
  while (!environ.empty()) {
    const std::string_view entry = environ.substr(0, environ.find('\0'));
    environ.remove_prefix(std::min(entry.size() + 1, environ.size()));
    const std::string_view name = entry.substr(0, entry.find('='));
    // execve(2) takes any text, but no program passes a name with blanks.
    if (name.empty() || name.size() == entry.size() ||
        name.find_first_of(" \t\n") != std::string_view::npos) {
      return true;
    }
  }
  return false;
}

}  // namespace resource_attribution::procfs
