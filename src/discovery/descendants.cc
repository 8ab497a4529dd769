#include "discovery/descendants.h"

#include <algorithm>
#include <tuple>

namespace resource_attribution::discovery {
namespace {

// With one parent each, processes make a forest.
void KeepOneParentEach(std::vector<Parenthood>& parents) {
  std::ranges::sort(parents, {}, [](const Parenthood& one) {
    return std::tie(one.pid, one.parent);
  });
  const auto is_same = [](const Parenthood& one, const Parenthood& other) {
    return one.pid == other.pid;
  };
  parents.erase(std::unique(parents.begin(), parents.end(), is_same),
                parents.end());
}

std::span<const Parenthood> ChildrenOf(pid_t parent,
                                       std::span<const Parenthood> parents) {
  const auto first =
      std::ranges::lower_bound(parents, parent, {}, &Parenthood::parent);
  return {first, std::ranges::upper_bound(first, parents.end(), parent, {},
                                          &Parenthood::parent)};
}

}  // namespace

void FindDescendants(std::span<const Match> ancestors,
                     std::vector<Parenthood>& parents,
                     std::vector<Descendant>& found) {
  found.clear();
  KeepOneParentEach(parents);
  std::ranges::sort(parents, {}, [](const Parenthood& one) {
    return std::tie(one.parent, one.pid);
  });
  const auto add_children = [&](const Match& parent,
                                std::optional<size_t> via) {
    for (const Parenthood& child : ChildrenOf(parent.pid, parents)) {
      if (FindMatch(ancestors, child.pid, parent.service) != nullptr) continue;
      found.push_back(
          {.match = {child.pid, parent.service, parent.series, true},
           .parent = parent.pid,
           .via = via});
    }
  };
  for (const Match& ancestor : ancestors) add_children(ancestor, std::nullopt);
  for (size_t next = 0; next < found.size(); ++next) {
    const Match parent = found[next].match;
    add_children(parent, next);
  }
}

}  // namespace resource_attribution::discovery
