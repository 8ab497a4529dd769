#ifndef RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTION_H_
#define RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTION_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "discovery/expression.h"
#include "kernel/tcp_sockets.h"
#include "measures/program_signs.h"
#include "measures/tracing_evidence.h"
#include "procfs/file.h"
#include "procfs/process.h"
#include "procfs/result.h"

namespace resource_attribution::measures {

/// Finds out whether a process is traced, as far as can be seen from outside:
/// reads what TracingEvidence judges.
///
/// All services share one, because the connections of the host are listed once
/// a pass, and a program is read once however many processes execute it.
///
/// Not thread-safe.
class TracingDetection {
 public:
  /// `ports` are export ports besides those that are known.
  explicit TracingDetection(std::vector<uint16_t> ports);

  /// Begins a pass, for which the connections are not listed yet.
  void Begin() { connections_are_listed_ = false; }

  /// The export ports to which a process has connections.
  struct Connections {
    bool to_known_port = false;
    std::vector<uint16_t> to_ports{};  ///< those of `ports`
  };

  /// What one look at a process found.
  struct Look {
    Detection detection{};
    Connections connections{};
  };

  /// Looks at `process`. It reads further files only while none shows tracing.
  /// An error: the process cannot be judged. It is Denied() if the environment
  /// may not be read, EFBIG if a file is too large to be read whole and nothing
  /// else decided. Nothing of the environment is left in `buffer`.
  procfs::Result<Look> LookAt(const procfs::Process& process,
                              procfs::Buffer& buffer);

  /// The connections alone. None if they cannot be seen.
  procfs::Result<Connections> ConnectionsOf(const procfs::Process& process);

 private:
  // A connection of any process to an export port.
  struct Connection {
    ino_t inode = 0;
    uint16_t port = 0;

    auto operator<=>(const Connection&) const = default;
  };

  struct KnownProgram {
    procfs::ProgramFile::Identity identity{};
    ProgramSigns signs{};
  };

  procfs::Result<bool> AddMaps(const procfs::Process& process,
                               TracingEvidence& evidence,
                               procfs::Buffer& buffer);
  procfs::Result<void> ListConnections();
  void TakeConnection(ino_t inode, Connections& connections) const;
  procfs::Result<void> AddOpenFiles(const procfs::Process& process,
                                    TracingEvidence& evidence) const;
  procfs::Result<void> AddThreads(const procfs::Process& process,
                                  TracingEvidence& evidence,
                                  procfs::Buffer& buffer);
  procfs::Result<void> AddProgram(const procfs::Process& process,
                                  TracingEvidence& evidence);
  const ProgramSigns& SignsOf(const procfs::ProgramFile& program);

  std::vector<uint16_t> ports_;  // sorted
  discovery::Expressions tracing_threads_;
  ProgramReader reader_;
  std::vector<KnownProgram> programs_;
  size_t next_program_ = 0;  // is replaced next

  kernel::TcpSockets tcp_sockets_;
  bool connections_are_listed_ = false;
  std::vector<Connection> connections_;  // sorted

  // Kept for their memory.
  std::vector<kernel::TcpSocket> sockets_;
  std::vector<uint16_t> listening_;
  std::vector<pid_t> tids_;
  procfs::Buffer path_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_TRACING_DETECTION_H_
