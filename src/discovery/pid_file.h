#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_

#include <sys/types.h>

#include <string>
#include <string_view>

#include "procfs/file.h"
#include "procfs/result.h"

namespace resource_attribution::discovery {

/// The PID on the first line of `bytes`: a number from 1 to 4194304
/// (PID_MAX_LIMIT of the kernel). Blanks around it are allowed.
procfs::Result<pid_t> ParsePidFile(std::string_view bytes);

/// The PID in the file `path`, which has to outlive the error. ENOENT if there
/// is no such file.
///
/// A user who may write the file's directory must not make the daemon read
/// anything else. The plugin follows no symbolic link and reads only a regular
/// file, a FIFO does not block it, and no error repeats the content.
procfs::Result<pid_t> ReadPidFile(const std::string& path,
                                  procfs::Buffer& buffer);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_PID_FILE_H_
