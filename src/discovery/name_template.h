#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_NAME_TEMPLATE_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_NAME_TEMPLATE_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "discovery/candidate.h"
#include "discovery/selectors.h"
#include "discovery/users.h"
#include "procfs/result.h"

namespace resource_attribution::discovery {

/// The name of a block. It may hold placeholders, for which each process brings
/// values of its own, so that the block makes one instance for each name that
/// results.
class NameTemplate {
 public:
  enum class Kind {
    kText,
    kComm,     ///< `${comm}`: command name
    kUser,     ///< `${user}`: name of the effective user
    kUnit,     ///< `${unit}`: systemd unit
    kCgroup,   ///< `${cgroup}`: last component of the cgroup
    kCapture,  ///< `${NAME}`: named group of the block's CommandLine
  };
  struct Part {
    Kind kind;
    std::string text;  ///< as it is, or the name of the group
  };

  /// An empty name.
  NameTemplate() = default;

  /// Any text is a template: `$` is itself where no `{` follows, and `${` where
  /// no `}` does.
  explicit NameTemplate(std::string_view text);

  const std::string& text() const { return text_; }
  const std::vector<Part>& parts() const { return parts_; }

  bool HasPlaceholders() const;

  /// Whether it depends on the cgroup of a process.
  bool NeedsCgroup() const;

  /// Sets `name` to the name for `candidate`, which matches `selectors`.
  /// Control characters, invisible ones, `/` and what is no UTF-8 become `_`,
  /// as does a value that the candidate does not have; a name that is too long
  /// is cut.
  procfs::Result<void> Expand(const Selectors& selectors, Users& users,
                              Candidate& candidate, std::string& name) const;

 private:
  std::string text_;
  std::vector<Part> parts_;
};

/// Adds what a process says of itself to a name, as Expand does.
void AppendUntrusted(std::string_view value, std::string& name);

/// How long the name of an instance may be, in bytes: collectd's
/// DATA_MAX_NAME_LEN without its NUL.
inline constexpr size_t kInstanceNameMax = 127;

/// Cuts a name that is too long. A hash of the whole stands at its end then, so
/// that names that differ further back stay different.
void CutInstanceName(std::string& name);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_NAME_TEMPLATE_H_
