#include "measures/tracing_detection.h"

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>
#include <utility>

#include "measures/known_tracers.h"

namespace resource_attribution::measures {
namespace {

using procfs::Error;
using procfs::Failed;
using procfs::Process;
using procfs::Result;

// How much of a process one look reads at most: about 4 ms.
constexpr size_t kDescriptorsMax = 2048;
constexpr size_t kThreadsMax = 256;

// How many programs stay known.
constexpr size_t kProgramsMax = 256;

std::vector<uint16_t> Sorted(std::vector<uint16_t> ports) {
  std::ranges::sort(ports);
  ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
  return ports;
}

// Port 0 stands for the sockets that listen.
std::vector<uint16_t> WithKnownPorts(std::vector<uint16_t> ports) {
  ports.insert(ports.end(), kExportPorts.begin(), kExportPorts.end());
  ports.push_back(0);
  return Sorted(std::move(ports));
}

tl::unexpected<Error> TooLarge(const char* file) { return Failed(file, EFBIG); }

// Returns whether the environment was cut.
Result<bool> AddEnviron(const Process& process, TracingEvidence& evidence,
                        procfs::Buffer& buffer) {
  const auto environ = process.ReadEnviron(buffer);
  if (!environ) return tl::unexpected(environ.error());
  evidence.AddEnviron(environ->bytes);
  // Passwords are common there; they need not stay in memory.
  std::fill_n(buffer.begin(), environ->bytes.size(), '\0');
  return environ->cut;
}

// What stands in the way of one piece of evidence leaves the others, unless the
// daemon is out of descriptors or memory.
Result<void> UnlessOutOfResources(const Error& error) {
  if (!error.OutOfResources()) return {};
  return tl::unexpected(error);
}

}  // namespace

TracingDetection::TracingDetection(std::vector<uint16_t> ports)
    : ports_(Sorted(std::move(ports))),
      tracing_threads_(discovery::CompileExpressions(kTracingThreads)),
      tcp_sockets_(WithKnownPorts(ports_)) {}

Result<TracingDetection::Look> TracingDetection::LookAt(
    const Process& process, procfs::Buffer& buffer) {
  TracingEvidence evidence;
  Look look;
  const auto is_traced = [&] {
    look.detection = evidence.Decide();
    return look.detection.tracing == store::TracingState::kTraced;
  };
  const auto environ_is_cut = AddEnviron(process, evidence, buffer);
  if (!environ_is_cut) return tl::unexpected(environ_is_cut.error());
  const auto arguments = process.ReadArguments(buffer);
  if (!arguments) return tl::unexpected(arguments.error());
  evidence.AddArguments(*arguments);
  if (is_traced()) return look;

  const auto maps_are_cut = AddMaps(process, evidence, buffer);
  if (!maps_are_cut) return tl::unexpected(maps_are_cut.error());
  if (is_traced()) return look;

  auto connections = ConnectionsOf(process);
  if (!connections) return tl::unexpected(connections.error());
  look.connections = std::move(*connections);
  if (look.connections.to_known_port) evidence.AddConnection();
  auto read = AddOpenFiles(process, evidence);
  if (read) read = AddThreads(process, evidence, buffer);
  if (read) read = AddProgram(process, evidence);
  if (!read) return tl::unexpected(read.error());
  if (is_traced() || look.detection.is_switched_off) return look;
  if (*environ_is_cut) return TooLarge("/proc/PID/environ");
  if (*maps_are_cut) return TooLarge("/proc/PID/maps");
  return look;
}

// Returns whether the list was cut.
Result<bool> TracingDetection::AddMaps(const Process& process,
                                       TracingEvidence& evidence,
                                       procfs::Buffer& buffer) {
  const auto executable = process.ReadExe(path_);
  if (!executable && executable.error().OutOfResources()) {
    return tl::unexpected(executable.error());
  }
  const auto maps = process.ReadMaps(buffer);
  if (!maps) return tl::unexpected(maps.error());
  evidence.AddMaps(maps->bytes, executable ? *executable : std::string_view());
  return maps->cut;
}

// Where the kernel does not list connections, there is no such evidence.
Result<void> TracingDetection::ListConnections() {
  if (connections_are_listed_) return {};
  connections_are_listed_ = true;
  connections_.clear();
  if (auto listed = tcp_sockets_.List(sockets_); !listed) {
    return UnlessOutOfResources(listed.error());
  }
  listening_.clear();
  for (const auto& socket : sockets_) {
    if (socket.remote_port == 0) listening_.push_back(socket.local_port);
  }
  std::ranges::sort(listening_);
  for (const auto& socket : sockets_) {
    // A connection that was accepted has the port of its client, which may be
    // any.
    const bool is_accepted =
        std::ranges::binary_search(listening_, socket.local_port);
    if (socket.remote_port != 0 && socket.inode != 0 && !is_accepted) {
      connections_.push_back(
          {.inode = socket.inode, .port = socket.remote_port});
    }
  }
  std::ranges::sort(connections_);
  return {};
}

Result<TracingDetection::Connections> TracingDetection::ConnectionsOf(
    const Process& process) {
  if (auto listed = ListConnections(); !listed) {
    return tl::unexpected(listed.error());
  }
  Connections connections;
  if (connections_.empty()) return connections;
  const auto listed =
      process.ForEachDescriptor(kDescriptorsMax, [&](std::string_view target) {
        const auto inode = procfs::SocketOf(target);
        if (inode) TakeConnection(*inode, connections);
      });
  if (!listed && listed.error().OutOfResources()) {
    return tl::unexpected(listed.error());
  }
  return connections;
}

void TracingDetection::TakeConnection(ino_t inode,
                                      Connections& connections) const {
  const auto found =
      std::ranges::lower_bound(connections_, inode, {}, &Connection::inode);
  if (found == connections_.end() || found->inode != inode) return;
  const uint16_t port = found->port;
  const auto is_in = [port](const auto& ports) {
    return std::ranges::find(ports, port) != ports.end();
  };
  if (is_in(kExportPorts)) connections.to_known_port = true;
  if (is_in(ports_) && !is_in(connections.to_ports)) {
    connections.to_ports.push_back(port);
  }
}

Result<void> TracingDetection::AddOpenFiles(const Process& process,
                                            TracingEvidence& evidence) const {
  if (!evidence.HasJvm()) return {};
  const auto listed = process.ForEachDescriptor(
      kDescriptorsMax, [&evidence](std::string_view target) {
        if (target.starts_with('/')) evidence.AddOpenFile(target);
      });
  return listed ? listed : UnlessOutOfResources(listed.error());
}

Result<void> TracingDetection::AddThreads(const Process& process,
                                          TracingEvidence& evidence,
                                          procfs::Buffer& buffer) {
  if (const auto listed = process.ListThreads(tids_, buffer); !listed) {
    return UnlessOutOfResources(listed.error());
  }
  for (const pid_t tid :
       std::span(tids_).first(std::min(tids_.size(), kThreadsMax))) {
    const auto comm = process.ReadThreadComm(tid, buffer);
    if (!comm && comm.error().OutOfResources()) {
      return tl::unexpected(comm.error());
    }
    if (comm && discovery::AnyIsIn(tracing_threads_, *comm)) {
      evidence.AddTracingThread();
      break;
    }
  }
  return {};
}

Result<void> TracingDetection::AddProgram(const Process& process,
                                          TracingEvidence& evidence) {
  if (evidence.HasRuntime()) return {};
  const auto program = process.OpenExe();
  if (program) {
    evidence.AddProgram(SignsOf(*program));
    return {};
  }
  evidence.AddProgram({.evidence = "its program cannot be read"});
  return UnlessOutOfResources(program.error());
}

const ProgramSigns& TracingDetection::SignsOf(
    const procfs::ProgramFile& program) {
  const auto known =
      std::ranges::find(programs_, program.identity, &KnownProgram::identity);
  if (known != programs_.end()) return known->signs;
  const KnownProgram read{.identity = program.identity,
                          .signs = reader_.Read(program.Bytes())};
  if (programs_.size() < kProgramsMax) {
    programs_.push_back(read);
    return programs_.back().signs;
  }
  KnownProgram& replaced = programs_[next_program_];
  next_program_ = (next_program_ + 1) % kProgramsMax;
  replaced = read;
  return replaced.signs;
}

}  // namespace resource_attribution::measures
