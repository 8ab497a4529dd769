#ifndef RESOURCE_ATTRIBUTION_CHILD_MESSAGES_H_
#define RESOURCE_ATTRIBUTION_CHILD_MESSAGES_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "child/wire.h"
#include "config/item.h"
#include "measures/report.h"
#include "procfs/procfs.h"

namespace resource_attribution::child {

// What the daemon asks of its child, and what the child answers. Each request
// has one reply. A reply begins with whether the child could do what was asked;
// if not, the rest is the reason.
//
// A function that reads a message returns no value if the message is not whole,
// whatever its bytes are.

enum class Asked : uint8_t {
  kAssignment,  ///< the first request
  kPass,        ///< make a pass
  kDescribe,    ///< the PID and the command name of a process
  kTable,       ///< the table of resource-attribution-check
};

/// What a child is to sample, and how often.
struct Assignment {
  /// That of the module. A child of another version refuses: the package was
  /// upgraded and the daemon not restarted.
  std::string version{};
  std::vector<options::Item> plugin_blocks{};
  double interval_seconds = 0;
};

/// How a child has begun.
struct Ready {
  std::string discovery{};  ///< how processes are found, for people
  std::vector<std::string> warnings{};
  std::string connections{};  ///< which are counted; empty: no line for it
};

void Write(const Assignment& assignment, Bytes& bytes);
void WritePass(const procfs::PassedOver& passed_over, Bytes& bytes);
void WriteAboutProcess(Asked asked, pid_t pid, Bytes& bytes);
void WriteTable(Bytes& bytes);

std::optional<Assignment> ReadAssignment(Reader& reader);
std::optional<procfs::PassedOver> ReadPass(Reader& reader);

void Write(const Ready& ready, Bytes& bytes);
void Write(const PassReport& report, Bytes& bytes);
void WriteText(std::string_view text, Bytes& bytes);
void WriteFailure(std::string_view reason, Bytes& bytes);

/// Why the child could not do what was asked; null if it could. Leaves the
/// rest of the reply to one of these:
std::optional<std::string_view> ReadFailure(Reader& reader);
std::optional<Ready> ReadReady(Reader& reader);
/// `report` refers to the message. Returns whether it is whole and about so
/// many services.
bool ReadReport(Reader& reader, size_t services, PassReport& report);
std::optional<std::string_view> ReadText(Reader& reader);

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_MESSAGES_H_
