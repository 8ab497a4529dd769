#include "measures/export_traffic.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "procfs/capabilities.h"

namespace resource_attribution::measures {
namespace {

using procfs::Error;
using procfs::Result;

void SortOnce(auto& values) {
  std::ranges::sort(values);
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

// The ports of all services, each once.
std::vector<uint16_t> AllPorts(
    const std::vector<std::vector<uint16_t>>& ports_by_service) {
  std::vector<uint16_t> all;
  for (const auto& ports : ports_by_service) {
    all.insert(all.end(), ports.begin(), ports.end());
  }
  SortOnce(all);
  return all;
}

constexpr const char* kNotSeen = "connections of some processes are not seen: ";

}  // namespace

ExportTraffic::ExportTraffic(
    std::vector<std::vector<uint16_t>> ports_by_service)
    : ports_by_service_(std::move(ports_by_service)),
      tcp_sockets_(AllPorts(ports_by_service_)),
      short_connections_(
          "connections to export ports that open and close between two passes "
          "are not counted"),
      account_(ports_by_service_),
      problems_(ports_by_service_.size()) {}

std::string ExportTraffic::Watch() {
  return Watch({"/sys/kernel/tracing", "/sys/kernel/debug/tracing"});
}

std::string ExportTraffic::Watch(const std::vector<std::string>& tracefs) {
  auto ended = kernel::EndedSockets::Subscribe(AllPorts(ports_by_service_));
  if (!ended) {
    short_connections_ += " (" + ended.error().Message() + ")";
    return "";
  }
  ended_sockets_ = std::move(*ended);
  has_all_ended_ = true;
  auto connects =
      kernel::ConnectEvents::Open(AllPorts(ports_by_service_), tracefs);
  if (!connects) {
    StopConnects(connects.error());
    return "";
  }
  connects_ = std::move(*connects);
  short_connections_.clear();
  return "export traffic of connections of any length is counted";
}

void ExportTraffic::StopConnects(const Error& why) {
  connects_.reset();
  short_connections_ =
      "the process of a connection to an export port that opens and closes "
      "between two passes is unknown, and the connection is not counted (" +
      why.Message() + ")";
}

Result<void> ExportTraffic::Count(const Pass& pass) {
  SortOnce(members_);
  failed_ = false;
  const bool is_idle = members_.empty() && account_.IsIdle();
  Result<void> listed;
  if (!is_idle) {
    listed = FindOwnNamespace(pass.proc).and_then(
        [this] { return tcp_sockets_.List(sockets_); });
  }
  // Behind the listing: no socket can end in between unnoticed.
  TakeEnded();
  TakeConnects(pass.proc);
  if (is_idle) {
    seen_.clear();
    unseen_.clear();
    account_.AddIdle(pass.begun, has_all_ended_);
  } else {
    if (listed) listed = LookAtMembers(pass.proc);
    if (!listed) {
      Fail(listed.error());
      return listed;
    }
    Add(pass);
  }
  ended_.clear();
  has_all_ended_ = ended_sockets_.has_value();
  TellProblems();
  return {};
}

// While passes fail, sockets add up to a bound.
void ExportTraffic::TakeEnded() {
  if (!ended_sockets_) return;
  const size_t had = ended_.size();
  if (!ended_sockets_->Drain(ended_)) has_all_ended_ = false;
  if (had > 0 && ended_.size() > kernel::EndedSockets::kEndedMax) {
    ended_.resize(had);
    has_all_ended_ = false;
  }
  if (!has_all_ended_ && !lost_ended_) {
    lost_ended_ = true;
    if (!short_connections_.empty()) short_connections_ += "; ";
    short_connections_ +=
        "the ends of some connections to export ports were missed, because too "
        "many ended between two passes";
  }
}

// Behind TakeEnded: the kernel tells who connects before it tells of the end.
void ExportTraffic::TakeConnects(const procfs::Procfs& proc) {
  if (!connects_) return;
  if (!proc.HasOwnPids()) {
    return StopConnects({.file = "procfs",
                         .expected = "that of the daemon's own PID namespace"});
  }
  // If events are lost, the openers of some sockets are unknown, no more.
  if (const auto taken = connects_->Drain(); !taken) {
    StopConnects(taken.error());
  }
}

// The process that opened a socket, if it runs still: its PID is that of
// another process otherwise, or may have been in between.
std::optional<procfs::ProcessId> ExportTraffic::OpenedBy(uint64_t cookie,
                                                         const Pass& pass) {
  const auto* opener = connects_ ? connects_->Find(cookie) : nullptr;
  if (opener == nullptr) return std::nullopt;
  const auto start_time = StartTimeOf(opener->pid, pass.proc);
  if (!start_time) return std::nullopt;
  const std::chrono::duration<double> opened =
      pass.begun.since_boot - pass.begun.monotonic.time_since_epoch() +
      opener->at;
  if (static_cast<double>(*start_time) >
      std::floor(opened.count() * pass.ticks_per_second)) {
    return std::nullopt;
  }
  return procfs::ProcessId{opener->pid, *start_time};
}

// Of members it is known in this pass. Others are looked up; if they are many,
// not all.
std::optional<uint64_t> ExportTraffic::StartTimeOf(pid_t pid,
                                                   const procfs::Procfs& proc) {
  const auto member = std::ranges::lower_bound(
      members_, pid, {}, [](const Member& one) { return one.process.pid; });
  if (member != members_.end() && member->process.pid == pid) {
    return member->process.start_time;
  }
  const auto known = std::ranges::find(
      strangers_, pid, &decltype(strangers_)::value_type::first);
  if (known != strangers_.end()) return known->second;
  constexpr size_t kLookUpsMax = 64;
  if (strangers_.size() == kLookUpsMax) return std::nullopt;
  std::optional<uint64_t> start_time;
  if (const auto stat = proc.GlanceAt(pid).ReadStat(buffer_)) {
    start_time = stat->start_time;
  }
  strangers_.emplace_back(pid, start_time);
  return start_time;
}

void ExportTraffic::Add(const Pass& pass) {
  strangers_.clear();
  std::ranges::sort(ended_, {}, &kernel::TcpSocket::cookie);
  ended_by_cookie_.clear();
  for (const kernel::TcpSocket& socket : ended_) {
    if (ended_by_cookie_.empty() ||
        ended_by_cookie_.back().socket.cookie != socket.cookie) {
      ended_by_cookie_.push_back(
          {.socket = socket, .opened_by = OpenedBy(socket.cookie, pass)});
    }
  }
  account_.Add({.begun = pass.begun,
                .sockets = sockets_,
                .members = seen_,
                .holdings = holdings_,
                .ended = ended_by_cookie_,
                .has_all_ended = has_all_ended_},
               pass.ticks_per_second);
}

// Tells who of the members is in sight, and lists what has to be listed of
// them.
Result<void> ExportTraffic::LookAtMembers(const procfs::Procfs& proc) {
  holdings_.clear();
  seen_.clear();
  next_unseen_.clear();
  const bool look_at_all = account_.HasUnknown(sockets_);
  for (auto first = members_.begin(); first != members_.end();) {
    const auto last = std::find_if(first, members_.end(), [&](const Member& m) {
      return m.process != first->process;
    });
    const auto sight = SightOf(proc, Members(first, last), look_at_all);
    if (!sight && sight.error().OutOfResources()) {
      return tl::unexpected(sight.error());
    }
    if (!sight) {
      next_unseen_.push_back({first->process, Sight::kUnread, sight.error()});
    } else if (*sight != Sight::kSeen) {
      next_unseen_.push_back({first->process, *sight});
    } else {
      seen_.insert(seen_.end(), first, last);
    }
    first = last;
  }
  std::ranges::sort(holdings_);
  std::swap(unseen_, next_unseen_);
  return {};
}

// Looks at a process that is new or could not be read, or at any. What was
// found out of sight stays so until all are looked at.
Result<ExportTraffic::Sight> ExportTraffic::SightOf(const procfs::Procfs& proc,
                                                    Members members,
                                                    bool look_at_all) {
  const auto& process = members.front().process;
  const auto unseen =
      std::ranges::lower_bound(unseen_, process, {}, &Unseen::process);
  const bool is_unseen = unseen != unseen_.end() && unseen->process == process;
  if (look_at_all) return LookAt(proc, process);
  if (is_unseen && unseen->sight == Sight::kUnread) {
    return LookAt(proc, process);
  }
  if (is_unseen) return unseen->sight;
  const bool is_new = !std::ranges::all_of(
      members,
      [this](const Member& member) { return account_.WasMember(member); });
  return is_new ? LookAt(proc, process) : Sight::kSeen;
}

// Adds what the process holds, if it is still there and in sight.
Result<ExportTraffic::Sight> ExportTraffic::LookAt(
    const procfs::Procfs& proc, const procfs::ProcessId& id) {
  const auto process = proc.OpenProcess(id.pid);
  auto sight = process ? SightOf(*process)
                       : Result<Sight>(tl::unexpected(process.error()));
  if (sight == Sight::kSeen) {
    if (const auto listed = process->ListSockets(inodes_); !listed) {
      sight = tl::unexpected(listed.error());
    }
  }
  if (!sight && sight.error().Denied()) return Sight::kDenied;
  if (!sight && sight.error().Gone()) return Sight::kSeen;
  if (sight != Sight::kSeen) return sight;

  const auto stat = process->ReadStat(buffer_);
  if (!stat && !stat.error().Gone()) return tl::unexpected(stat.error());
  if (stat && stat->start_time == id.start_time) {
    for (const ino_t inode : inodes_) {
      holdings_.push_back({.inode = inode, .process = id});
    }
  }
  return Sight::kSeen;
}

Result<ExportTraffic::Sight> ExportTraffic::SightOf(
    const procfs::Process& process) const {
  return process.NetworkNamespace().map([this](ino_t its_namespace) {
    return its_namespace == *own_namespace_ ? Sight::kSeen : Sight::kElsewhere;
  });
}

Result<void> ExportTraffic::FindOwnNamespace(const procfs::Procfs& proc) {
  if (own_namespace_) return {};
  return proc.Self()
      .and_then(
          [&](pid_t pid) { return proc.GlanceAt(pid).NetworkNamespace(); })
      .map([this](ino_t inode) { own_namespace_ = inode; });
}

void ExportTraffic::Fail(const Error& error) {
  failed_ = true;
  for (size_t service = 0; service < problems_.size(); ++service) {
    if (!ports_by_service_[service].empty()) {
      problems_[service] = {error.Message()};
    }
  }
}

// Tells for each service and series which processes are in sight.
void ExportTraffic::TellProblems() {
  for (auto& problem : problems_) problem = {};
  seen_series_.clear();
  unseen_series_.clear();
  for (const Member& member : seen_) {
    seen_series_.push_back(member.series);
  }
  auto unseen = unseen_.begin();
  for (const Member& member : members_) {
    while (unseen != unseen_.end() && unseen->process < member.process) {
      ++unseen;
    }
    if (unseen == unseen_.end()) break;
    if (unseen->process != member.process) continue;
    unseen_series_.push_back(member.series);
    problems_[member.service] = {ProblemOf(*unseen), member.process.pid};
  }
  SortOnce(seen_series_);
  SortOnce(unseen_series_);
}

std::string ExportTraffic::ProblemOf(const Unseen& unseen) {
  switch (unseen.sight) {
    case Sight::kDenied:
      return std::string(kNotSeen) + "their descriptors may not be listed (" +
             procfs::WhyRefused({procfs::kSysPtrace, procfs::kDacReadSearch}) +
             ")";
    case Sight::kElsewhere:
      return std::string(kNotSeen) +
             "they are in another network namespace than the daemon";
    default:
      return kNotSeen + unseen.error.Message();
  }
}

std::string ExportTraffic::UnknownPorts(size_t service) const {
  std::string ports;
  for (const uint16_t port : ports_by_service_[service]) {
    if (account_.unknown().at(port) == 0) continue;
    ports += (ports.empty() ? "" : ", ") + std::to_string(port);
  }
  return ports;
}

uint64_t ExportTraffic::UnknownBytes(size_t service) const {
  uint64_t bytes = 0;
  for (const uint16_t port : ports_by_service_[service]) {
    bytes += account_.unknown().at(port);
  }
  return bytes;
}

std::optional<Traffic> ExportTraffic::Of(size_t series) const {
  const auto is_in = [series](const std::vector<size_t>& list) {
    return std::ranges::binary_search(list, series);
  };
  if (failed_ || (is_in(unseen_series_) && !is_in(seen_series_))) {
    return std::nullopt;
  }
  return account_.Of(series);
}

}  // namespace resource_attribution::measures
