#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "procfs/file.h"
#include "procfs/result.h"

namespace resource_attribution::discovery {

/// The PID on the first line of `bytes`, blanks around it allowed: a number
/// from 1 to 4194304 (PID_MAX_LIMIT of the kernel).
procfs::Result<pid_t> ParsePidFile(std::string_view bytes);

/// The PID in the file `path`, which has to outlive the error. ENOENT when
/// there is no such file.
///
/// Whoever may write the file's directory must not make the daemon read
/// anything else: a symbolic link is not followed, nothing but a regular file
/// is read, a FIFO does not block, and no error repeats what stands in the
/// file.
procfs::Result<pid_t> ReadPidFile(const std::string& path,
                                  procfs::Buffer& buffer);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_
