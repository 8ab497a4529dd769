#include "procfs/proc_status.h"

#include "procfs/decimal.h"
#include "procfs/kilobytes.h"

namespace resource_attribution::procfs {
namespace {

// What should follow `key`; null if the line is correct or not needed.
const char* ParseLine(std::string_view key, std::string_view value,
                      Status& status) {
  const auto take = [value](std::optional<uint64_t>& size,
                            const char* expected) {
    size = ParseKilobytes(value);
    return size ? nullptr : expected;
  };
  if (key == "VmRSS") return take(status.vm_rss_kb, "a size in kB as VmRSS");
  if (key == "VmPeak") return take(status.vm_peak_kb, "a size in kB as VmPeak");
  if (key == "VmHWM") return take(status.vm_hwm_kb, "a size in kB as VmHWM");
  if (key == "Tgid") {
    status.thread_group = ParseDecimal<pid_t>(NextWord(value));
    return status.thread_group.value_or(-1) >= 0 ? nullptr
                                                 : "a process ID as Tgid";
  }
  if (key == "Uid") {
    status.real_user = ParseDecimal<uid_t>(NextWord(value));
    status.effective_user = ParseDecimal<uid_t>(NextWord(value));
    return status.real_user && status.effective_user ? nullptr
                                                     : "four user IDs as Uid";
  }
  return nullptr;
}

tl::unexpected<Error> Malformed(const char* expected) {
  return Invalid("/proc/PID/status", expected);
}

}  // namespace

Result<Status> ParseStatus(std::string_view bytes) {
  Status status;
  if (bytes.empty()) return Malformed("lines, of which there are none");
  // The kernel escapes line breaks in `Name`, so that a process cannot forge
  // lines here.
  while (!bytes.empty()) {
    const size_t end = bytes.find('\n');
    if (end == std::string_view::npos) {
      return Malformed("a line break at the end");
    }
    const std::string_view line = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);

    // There are many lines, and most are not needed.
    if (line.empty() || (line[0] != 'V' && line[0] != 'T' && line[0] != 'U')) {
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    if (const char* expected =
            ParseLine(line.substr(0, colon), line.substr(colon + 1), status)) {
      return Malformed(expected);
    }
    // The kernel writes this line last of those that we need.
    if (status.vm_rss_kb) break;
  }
  return status;
}

Result<size_t> ParsePidCount(std::string_view bytes) {
  constexpr std::string_view kKey = "\nNSpid:";
  const size_t line = bytes.find(kKey);
  if (line == std::string_view::npos) return Malformed("a line NSpid");
  bytes.remove_prefix(line + kKey.size());
  std::string_view pids = bytes.substr(0, bytes.find('\n'));
  size_t count = 0;
  while (!NextWord(pids).empty()) ++count;
  return count;
}

}  // namespace resource_attribution::procfs
