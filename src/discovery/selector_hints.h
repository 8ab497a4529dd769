#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_HINTS_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_HINTS_H_

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/selectors.h"
#include "discovery/users.h"
#include "procfs/procfs.h"

namespace resource_attribution::discovery {

/// The facts about a running process that selectors use. A fact that it does
/// not have is empty. Refers to memory of the process's reader.
struct Subject {
  pid_t pid = 0;
  bool ended = false;  ///< a zombie
  bool kernel_thread = false;
  std::string_view comm{};
  std::string_view exe{};
  bool exe_refused = false;
  std::string_view cmdline{};
  /// The base names of the first three arguments: the program, and, if that is
  /// an interpreter, the script.
  std::array<std::string_view, 3> arguments{};
  std::string_view cgroup{};
};

/// Processes, counted by one of their values.
class Tally {
 public:
  void Add(std::string_view value);

  size_t total() const { return total_; }
  size_t distinct() const { return counts_.size(); }

  struct Count {
    std::string value;
    size_t processes;
  };
  /// The most frequent values, at most `max`.
  std::vector<Count> Most(size_t max) const;

  /// The most frequent values for people: `"a" (3), "b" (1), ...`; one value
  /// without the number.
  std::string Describe() const;

 private:
  size_t total_ = 0;
  std::map<std::string, size_t, std::less<>> counts_;
};

/// "1 process", "2 processes".
std::string Processes(size_t count);

/// "1 process executes", "2 processes execute": Processes and a verb without
/// its ending.
std::string ProcessesThat(const char* verb, size_t count);

/// Finds what would have matched instead of one value of a selector.
class SelectorHint {
 public:
  virtual ~SelectorHint() = default;

  /// Looks at one running process.
  virtual void Look(const Subject& /*subject*/) {}

  /// Adds what it saw, one line each, for people.
  virtual void Say(std::vector<std::string>& lines) const = 0;
};

using Hints = std::vector<std::unique_ptr<SelectorHint>>;

Hints HintsOfNames(const std::vector<std::string>& names);
Hints HintsOfExecutables(const std::vector<std::string>& paths);
Hints HintsOfExpressions(const Expressions& expressions);
Hints HintsOfUsers(const std::vector<std::string>& names, const Users& users);
Hints HintsOfUnits(const std::vector<std::string>& units);
/// `mount_points` is where cgroup hierarchies are mounted.
Hints HintsOfCgroups(const std::vector<CgroupPattern>& patterns,
                     const std::vector<std::string>& mount_points);
Hints HintsOfPidFiles(const std::vector<std::string>& paths,
                      const procfs::Procfs& proc);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_SELECTOR_HINTS_H_
