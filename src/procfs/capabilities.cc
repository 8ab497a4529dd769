#include "procfs/capabilities.h"

#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace resource_attribution::procfs {
namespace {

// The effective capabilities of the calling thread, capget(2); all of them if
// the kernel does not say.
std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> Effective() {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3,
                                  .pid = 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> sets{};
  if (syscall(SYS_capget, &header, sets.data()) != 0) {
    for (auto& set : sets) set.effective = ~0U;
  }
  return sets;
}

}  // namespace

const Capability kSysPtrace{CAP_SYS_PTRACE, "CAP_SYS_PTRACE"};
const Capability kDacReadSearch{CAP_DAC_READ_SEARCH, "CAP_DAC_READ_SEARCH"};

std::string WhyRefused(std::initializer_list<Capability> needed) {
  const auto sets = Effective();
  std::string lacking;
  std::string all;
  for (const Capability& one : needed) {
    const auto& set = sets[CAP_TO_INDEX(one.number)];
    all += (all.empty() ? "" : " and ") + std::string(one.name);
    if ((set.effective & CAP_TO_MASK(one.number)) != 0) continue;
    lacking += (lacking.empty() ? "" : " and ") + std::string(one.name);
  }
  if (!lacking.empty()) return "the daemon lacks " + lacking;
  return "although the daemon has " + all +
         ": a security module or a user namespace refuses it";
}

std::string Explain(const Error& error,
                    std::initializer_list<Capability> needed) {
  const std::string message = error.Message();
  return error.Denied() ? message + " (" + WhyRefused(needed) + ")" : message;
}

}  // namespace resource_attribution::procfs
