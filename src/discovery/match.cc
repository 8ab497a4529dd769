#include "discovery/match.h"

#include <algorithm>
#include <utility>

namespace resource_attribution::discovery {

const Match* FindMatch(std::span<const Match> matches, pid_t pid,
                       size_t service) {
  const auto found = std::ranges::lower_bound(
      matches, std::pair(pid, service), {},
      [](const Match& match) { return std::pair(match.pid, match.service); });
  const bool is_there =
      found != matches.end() && found->pid == pid && found->service == service;
  return is_there ? &*found : nullptr;
}

}  // namespace resource_attribution::discovery
