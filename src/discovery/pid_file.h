#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "procfs/result.h"

namespace resource_attribution::discovery {

/// The PID on the first line of `bytes`, blanks around it allowed: a number
/// from 1 to 4194304 (PID_MAX_LIMIT of the kernel).
procfs::Result<pid_t> ParsePidFile(std::string_view bytes);

/// The PID in the file `path`, which has to outlive the error. ENOENT when
/// there is no such file. Never blocks, whatever the file is, and no error
/// repeats what stands in it: it may not be the administrator's to show.
procfs::Result<pid_t> ReadPidFile(const std::string& path);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_
