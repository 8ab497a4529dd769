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

/// The name of a block. It may hold placeholders, which each process fills with
/// its own values. The block then makes one instance for each resulting name.
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

  /// Any text is a template: `$` stands for itself unless `{` follows, and `${`
  /// unless a `}` follows.
  explicit NameTemplate(std::string_view text);

  const std::string& text() const { return text_; }
  const std::vector<Part>& parts() const { return parts_; }

  bool HasPlaceholders() const;

  /// Whether all its placeholders stand for what only root decides: the unit
  /// and the user of a process.
  bool IsTrusted() const;

  /// Whether it depends on the cgroup of a process.
  bool NeedsCgroup() const;

  /// Sets `name` to the name for `candidate`, which matches `selectors`.
  /// Control characters, invisible characters, `/` and bytes that are no UTF-8
  /// become `_`, and so does a value that the candidate does not have. A name
  /// that is too long is cut.
  procfs::Result<void> Expand(const Selectors& selectors, Users& users,
                              Candidate& candidate, std::string& name) const;

 private:
  std::string text_;
  std::vector<Part> parts_;
};

/// Adds text that a process chose to a name, cleaned as by Expand.
void AppendUntrusted(std::string_view value, std::string& name);

/// How long the name of an instance may be, in bytes: collectd's
/// DATA_MAX_NAME_LEN without its NUL.
inline constexpr size_t kSeriesNameMax = 127;

/// Cuts a name that is too long and ends it with a hash of the whole, so that
/// names that differ in the part that was cut stay different.
void CutSeriesName(std::string& name);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_NAME_TEMPLATE_H_
