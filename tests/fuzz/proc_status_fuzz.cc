#include <limits>
#include <string>
#include <tuple>

#include "fuzz.h"
#include "procfs/proc_status.h"

using resource_attribution::procfs::ParseStatus;
using resource_attribution::procfs::Status;

namespace {

auto Fields(const Status& status) {
  return std::tuple(status.thread_group, status.effective_user,
                    status.vm_peak_kb, status.vm_hwm_kb, status.vm_rss_kb);
}

std::string Render(const Status& status) {
  std::string text = "Name:\tx\n";
  const auto add = [&text](const char* key, const auto& number,
                           const char* unit) {
    if (number) text += key + std::to_string(*number) + unit + "\n";
  };
  add("Tgid:\t", status.thread_group, "");
  add("Uid:\t0\t", status.effective_user, "\t0\t0");
  add("VmPeak:\t", status.vm_peak_kb, " kB");
  add("VmHWM:\t", status.vm_hwm_kb, " kB");
  add("VmRSS:\t", status.vm_rss_kb, " kB");
  return text;
}

}  // namespace

void Fuzz(std::string_view bytes) {
  const auto status = ParseStatus(bytes);
  if (!status) {
    Require(status.error().expected != nullptr,
            "an error says what is expected");
    return;
  }
  Require(status->thread_group.value_or(0) >= 0, "no thread group is negative");
  for (const auto& size :
       {status->vm_peak_kb, status->vm_hwm_kb, status->vm_rss_kb}) {
    Require(size.value_or(0) <= std::numeric_limits<uint64_t>::max() / 1024,
            "a size fits 64 bits in bytes");
  }
  const auto again = ParseStatus(Render(*status));
  Require(again && Fields(*again) == Fields(*status),
          "what is written anew reads the same");
}
