#include "procfs/result.h"

#include <cerrno>
#include <system_error>

namespace resource_attribution::procfs {

bool Error::Gone() const {
  return system_error == ENOENT || system_error == ESRCH;
}

bool Error::Denied() const {
  return system_error == EACCES || system_error == EPERM;
}

bool Error::OutOfResources() const {
  return system_error == EMFILE || system_error == ENFILE ||
         system_error == ENOMEM;
}

std::string Error::Message() const {
  const std::string reason = system_error != 0
                                 ? std::generic_category().message(system_error)
                                 : std::string("expected ") + expected;
  return std::string(file) + ": " + reason;
}

}  // namespace resource_attribution::procfs
