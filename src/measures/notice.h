#ifndef RESOURCE_ATTRIBUTION_NOTICE_H_
#define RESOURCE_ATTRIBUTION_NOTICE_H_

#include <sys/types.h>

#include <cstddef>
#include <string>

namespace resource_attribution {

/// A condition of a service in one pass, for people. It is logged when it
/// begins, and again when its text changes.
struct Notice {
  /// A service has at most one notice of a kind in a pass.
  enum class Kind {
    kProblem,        ///< processes may be missing
    kMissingFields,  ///< values are, because the kernel does not show fields
    kPssRefused,
    kMaxInstances,
    kMaxProcesses,
    kUndetected,  ///< unknown whether a process is traced
    kNotCompared,
    kCompared,
    kNoThreads,
    kTraffic,
    kShortConnections,
    kUnknownTraffic,
    kSampling,
    kSamplingFiles,  // the last, see kKinds
  };
  static constexpr size_t kKinds =
      static_cast<size_t>(Kind::kSamplingFiles) + 1;

  enum class Severity { kInfo, kNotice, kWarning };
  static constexpr size_t kSeverities = 3;

  size_t service = 0;  ///< index into Config::services
  Kind kind = Kind::kProblem;
  Severity severity = Severity::kWarning;
  std::string text;

  /// Follows the text in the log, but a change of it is no reason to log again:
  /// figures, and a process that has the problem (0: none).
  std::string detail{};
  pid_t process = 0;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_NOTICE_H_
