#include "discovery/discovery.h"

#include <algorithm>
#include <utility>

#include "discovery/matching.h"
#include "procfs/capabilities.h"
#include "procfs/pass_failed.h"

namespace resource_attribution::discovery {

using procfs::Error;

namespace {

Claim ClaimOf(const Selectors& selectors, const NameTemplate& name) {
  if (!selectors.HaveOwnList() && !selectors.HaveCgroups()) {
    return Claim::kSearched;
  }
  return name.IsTrusted() ? Claim::kTrusted : Claim::kListed;
}

// A name in quotes, so short that two fit into a line of the log.
std::string Short(std::string_view name) {
  constexpr size_t kMax = 64;
  if (name.size() <= kMax) return '"' + std::string(name) + '"';
  return '"' + std::string(name.substr(0, kMax - 3)) + "...\"";
}

}  // namespace

Discovery::Discovery(const std::vector<Target>& targets, std::string mounts)
    : listing_(std::move(mounts)) {
  const auto take = [this](const Selectors& selectors) {
    for (const std::string& user : selectors.users) users_.Add(user);
    if (selectors.AskForCommandLine()) changes_.ExpectSilentChanges();
  };
  for (const Target& target : targets) {
    const size_t index = services_.size();
    const Selectors& selectors = *target.selectors;
    if (selectors.include_children) family_services_.push_back(index);
    ServiceState service{.selectors = &selectors,
                         .name = NameTemplate(target.name),
                         .claim = ClaimOf(selectors, NameTemplate(target.name)),
                         .max_instances = target.max_instances,
                         .untraced = target.untraced};
    take(selectors);
    if (service.untraced != nullptr) take(*service.untraced);
    if (service.name.NeedsCgroup()) changes_.ExpectSilentChanges();
    if (!service.name.HasPlaceholders()) {
      service.series = series_.AddLasting(target.name, index);
    }
    services_.push_back(std::move(service));
  }
  ChooseCandidates();
}

void Discovery::SearchCgroups() {
  lists_cgroups_ = false;
  ChooseCandidates();
}

// Decides for each service whether a list gives its candidates.
void Discovery::ChooseCandidates() {
  listing_services_.clear();
  searching_services_.clear();
  for (size_t index = 0; index < services_.size(); ++index) {
    ServiceState& service = services_[index];
    service.is_listed = service.selectors->HaveOwnList() ||
                        (lists_cgroups_ && service.selectors->HaveCgroups());
    (service.is_listed ? listing_services_ : searching_services_)
        .push_back(index);
  }
}

void Discovery::Find(const procfs::Procfs& proc,
                     std::chrono::steady_clock::time_point now,
                     store::ProcessStore& table) {
  Pass pass{proc, table, changes_.PlanPass(now)};
  users_.PassOver(proc.IsPassedOver(Users::kDatabase));
  if (users_.Refresh(now)) pass.plan.everything = true;
  // Names that were refused may be made now.
  if (series_.BeginPass(now) && refused_one_) pass.plan.everything = true;
  listing_.BeginPass();
  MatchAll(pass);
  if (MissesDescendants(pass)) {
    pass.plan.everything = true;
    MatchAll(pass);
  }
  AddDescendants(pass);
  MarkUntraced(pass);
  EndPass(pass, now);
}

// Fills next_matches_ with the processes that match by themselves, sorted.
void Discovery::MatchAll(const Pass& pass) {
  next_matches_.clear();
  parents_.clear();
  refused_.clear();
  if (pass.plan.everything) refused_one_ = false;
  for (ServiceState& service : services_) {
    service.listing_problem = {};
    service.name_problem = {};
    service.refused_series.reset();
    if (!pass.plan.everything) continue;
    service.problem = {};
    service.refused = 0;
    service.refused_new = 0;
  }
  KeepMatches(pass);
  MatchListed(pass);
  Search(pass);
  std::ranges::sort(next_matches_);
  next_matches_.erase(std::unique(next_matches_.begin(), next_matches_.end()),
                      next_matches_.end());
  SettleClaims();
}

// Keeps the matches of the last pass with services that search, of processes
// that have not ended. Both lists are in order of the PID.
void Discovery::KeepMatches(const Pass& pass) {
  auto record = pass.table.records().begin();
  const auto end = pass.table.records().end();
  for (const Match& match : matches_) {
    while (record != end && record->first < match.pid) ++record;
    if (record == end) return;
    if (record->first == match.pid && !match.inherited &&
        !services_[match.service].is_listed &&
        pass.plan.StillHolds(match.pid)) {
      next_matches_.push_back(match);
    }
  }
}

void Discovery::MatchListed(const Pass& pass) {
  for (const size_t& index : listing_services_) {
    ServiceState& service = services_[index];
    listing_.List(pass.proc, *service.selectors, lists_cgroups_, members_,
                  service.listing_problem.text);
    for (const CgroupMember& member : members_) {
      // A name with placeholders may depend on the cgroup.
      const Match* before = FindMatch(matches_, member.pid, index);
      if (service.series && before != nullptr && !before->inherited &&
          pass.plan.StillHolds(member.pid) &&
          pass.table.Find(member.pid) != nullptr) {
        next_matches_.push_back(*before);
      } else {
        LookAt(pass, member.pid, {&index, 1}, member.cgroup);
      }
    }
  }
}

void Discovery::Search(const Pass& pass) {
  if (!Searches()) return;
  const auto look_at = [&](pid_t pid) {
    LookAt(pass, pid, searching_services_, {});
  };
  if (pass.plan.everything) {
    const auto listed = pass.proc.ForEachProcess(look_at);
    if (!listed) throw procfs::PassFailed(listed.error());
    return;
  }
  for (const pid_t pid : pass.plan.processes) {
    if (IsProcess(pass, pid)) look_at(pid);
  }
}

// Whether a PID that an event named is still that of a process. A thread may
// have it by now. Its `stat` takes the kernel a millisecond if the process has
// 10,000 threads, and each of them may have such a PID; its `status` does not.
bool Discovery::IsProcess(const Pass& pass, pid_t pid) {
  const auto status = pass.proc.GlanceAt(pid).ReadStatus(buffers_.status);
  if (!status && !status.error().Gone()) return true;  // LookAt says why
  if (status && status->thread_group.value_or(pid) == pid) return true;
  changes_.HasEnded(pid);
  return false;
}

// Adds the matches of the process `pid` with `services`.
void Discovery::LookAt(const Pass& pass, pid_t pid, Services services,
                       std::string_view cgroup) {
  const store::Record* watched = ReadWatched(pass, pid);
  const auto glanced_at = pass.proc.GlanceAt(pid);
  Candidate glance(glanced_at, buffers_, watched);
  if (!cgroup.empty()) glance.SetCgroup(cgroup);
  if (!family_services_.empty()) NoteParent(glance);
  services = ServicesThatMatch(glance, services);
  if (services.empty()) return;
  if (watched != nullptr) return AddMatches(glance, services);

  // What was glanced at may have been of a process that had the PID before.
  const auto process = pass.proc.OpenProcess(pid);
  if (!process) return LeaveOut(process.error(), pid, services);
  Candidate candidate(*process, buffers_);
  if (!cgroup.empty()) candidate.SetCgroup(cgroup);
  services = ServicesThatMatch(candidate, services);
  if (services.empty()) return;
  if (Watch(pass, *process, services)) AddMatches(candidate, services);
}

// The process when it is watched and can be read, or else null: then it is
// looked at as one that is not watched, and has no match any more.
store::Record* Discovery::ReadWatched(const Pass& pass, pid_t pid) {
  store::Record* watched = pass.table.Find(pid);
  if (watched == nullptr) return nullptr;
  const auto read = pass.table.Read(*watched);
  if (read) return watched;
  procfs::ThrowIfOutOfResources(read.error());
  // Matches that were kept are of no use without it.
  for (const Match& match : matches_) {
    if (match.pid == pid) LeaveOut(read.error(), pid, {&match.service, 1});
  }
  pass.table.Forget(pid);
  std::erase_if(next_matches_,
                [pid](const Match& match) { return match.pid == pid; });
  return nullptr;
}

void Discovery::NoteParent(Candidate& candidate) {
  const auto parent = candidate.Parent();
  if (parent) {
    parents_.push_back({*parent, candidate.pid()});
  } else if (TakeNote(parent.error(), candidate.pid(), family_services_)) {
    // No event names its descendants.
    changes_.ScanNext();
  }
}

// The services among `services` that the candidate matches. Valid until the
// next call, and may be what that is called with.
Discovery::Services Discovery::ServicesThatMatch(Candidate& candidate,
                                                 Services services) {
  size_t count = 0;
  matching_.resize(std::max(matching_.size(), services.size()));
  for (const size_t& index : services) {
    const auto match =
        Matches(*services_[index].selectors, lists_cgroups_, users_, candidate);
    if (match) {
      if (*match) matching_[count++] = index;
      continue;
    }
    if (match.error().Gone()) changes_.HasEnded(candidate.pid());
    LeaveOut(match.error(), candidate.pid(), {&index, 1});
  }
  return {matching_.data(), count};
}

// Begins to watch a process that matches `services`. False when it turns out to
// be none, or cannot be read.
bool Discovery::Watch(const Pass& pass, const procfs::Process& process,
                      Services services) {
  const pid_t pid = process.pid();
  const auto watched = pass.table.Watch(process);
  if (!watched) {
    LeaveOut(watched.error(), pid, services);
    return false;
  }
  // A thread's directory can be opened, too, although it is not listed.
  if ((*watched)->status.thread_group == pid) return true;
  pass.table.Forget(pid);
  if (services_[services.front()].selectors->pid_files.empty()) {
    // It has the PID of a process that an event named and that has ended.
    changes_.HasEnded(pid);
  } else {
    LeaveOut({.file = "PID file", .expected = "a process, not a thread"}, pid,
             services);
  }
  return false;
}

void Discovery::AddMatches(Candidate& candidate, Services services) {
  for (const size_t index : services) {
    const auto series = SeriesOf(candidate, index);
    if (series) next_matches_.push_back({candidate.pid(), index, *series});
  }
}

// Under which name of the service a candidate is reported that matches it.
// None: it is left out.
std::optional<size_t> Discovery::SeriesOf(Candidate& candidate, size_t index) {
  ServiceState& service = services_[index];
  const pid_t pid = candidate.pid();
  if (service.series) return service.series;
  const auto named =
      service.name.Expand(*service.selectors, users_, candidate, name_);
  if (!named) {
    LeaveOut(named.error(), pid, {&index, 1});
    return std::nullopt;
  }
  const auto made =
      series_.Make(name_, index, service.claim, service.max_instances);
  if (!made.refusal) return made.index;
  refused_one_ = true;
  if (*made.refusal == SeriesTable::Refusal::kTooMany) {
    ++service.refused;
  } else if (*made.refusal == SeriesTable::Refusal::kTooManyNew) {
    ++service.refused_new;
  } else if (service.problem.text.empty()) {
    service.problem = {ProblemOfName(made.index, name_, service.claim), pid};
  }
  return std::nullopt;
}

// Takes out the matches under names that another service has. Their processes
// are looked at again in each pass: no event tells when the other's claim ends.
void Discovery::SettleClaims() {
  std::erase_if(next_matches_, [this](const Match& match) {
    const auto rival = series_.RivalOf(match.series);
    if (!rival) return false;
    refused_.push_back(match.series);
    changes_.LookAgain(match.pid);
    // The first name in order: the text is the same while it is in conflict.
    ServiceState& service = services_[match.service];
    const std::string& name = series_[match.series].name;
    if (!service.refused_series ||
        name < series_[*service.refused_series].name) {
      service.refused_series = match.series;
      service.name_problem = {ProblemOfName(*rival, name, service.claim),
                              match.pid};
    }
    return true;
  });
}

// Why a service with this claim does not have `name`: for that of `rival`.
std::string Discovery::ProblemOfName(size_t rival, const std::string& name,
                                     Claim claim) const {
  const ServiceState& other = services_[series_[rival].service];
  return Short(name) + " is left out: block " + Short(other.name.text()) +
         (series_.ClaimOf(rival) == claim ? " has an equal claim"
                                          : " has the better claim") +
         " to the name";
}

// Notes why the process `pid` cannot be read, unless it has ended. Returns
// whether it may be readable in the next pass.
bool Discovery::TakeNote(const Error& error, pid_t pid,
                         procfs::Problem& problem) {
  procfs::ThrowIfOutOfResources(error);
  if (error.Gone()) return false;
  if (problem.text.empty()) {
    problem = {procfs::Explain(error, {procfs::kSysPtrace}), pid};
  }
  return !error.Denied();
}

bool Discovery::TakeNote(const Error& error, pid_t pid, Services services) {
  bool may_be_readable = false;
  for (const size_t index : services) {
    may_be_readable = TakeNote(error, pid, services_[index].problem);
  }
  return may_be_readable;
}

// Leaves a process that cannot be read out of `services`.
void Discovery::LeaveOut(const Error& error, pid_t pid, Services services) {
  if (TakeNote(error, pid, services)) changes_.LookAgain(pid);
}

const procfs::Problem& Discovery::Problem(size_t service) const {
  const ServiceState& one = services_[service];
  if (!one.listing_problem.text.empty()) return one.listing_problem;
  return one.name_problem.text.empty() ? one.problem : one.name_problem;
}

// Whether a process begins to match that may have descendants already, which no
// event names. One whose parent belongs to the service, too, was forked since.
bool Discovery::MissesDescendants(const Pass& pass) const {
  if (pass.plan.everything) return false;
  const auto belongs = [this](pid_t pid, size_t service) {
    return FindMatch(matches_, pid, service) != nullptr;
  };
  return std::ranges::any_of(next_matches_, [&](const Match& match) {
    if (!services_[match.service].selectors->include_children ||
        belongs(match.pid, match.service)) {
      return false;
    }
    const auto* process = pass.table.Find(match.pid);
    return process == nullptr || !belongs(process->stat.parent, match.service);
  });
}

// The parents of those that are watched, which change when a parent ends. Where
// one cannot be read it is as it was: no event tells of a process that is no
// longer watched.
void Discovery::NoteParents(const Pass& pass) {
  for (auto& [pid, record] : pass.table.records()) {
    const auto read = pass.table.Read(record);
    if (!read) procfs::ThrowIfOutOfResources(read.error());
    if (read || !read.error().Gone()) {
      parents_.push_back({record.stat.parent, pid});
    }
  }
}

// Adds to next_matches_ the descendants of those that match by themselves.
void Discovery::AddDescendants(const Pass& pass) {
  if (family_services_.empty()) return;
  NoteParents(pass);
  ancestors_.clear();
  for (const Match& match : next_matches_) {
    if (services_[match.service].selectors->include_children) {
      ancestors_.push_back(match);
    }
  }
  FindDescendants(ancestors_, parents_, descendants_);
  constexpr pid_t kLeftOut = 0;
  for (Descendant& one : descendants_) {
    const bool has_parent =
        !one.via || descendants_[*one.via].match.pid != kLeftOut;
    if (has_parent && WatchDescendant(pass, one)) {
      next_matches_.push_back(one.match);
    } else {
      one.match.pid = kLeftOut;
    }
  }
}

// False when the process is no longer there, or has another parent.
bool Discovery::WatchDescendant(const Pass& pass, const Descendant& one) {
  const pid_t pid = one.match.pid;
  if (pass.table.Find(pid) != nullptr) return true;
  const auto process = pass.proc.OpenProcess(pid);
  const auto watched = process.and_then(
      [&](const auto& opened) { return pass.table.Watch(opened); });
  if (!watched) {
    if (TakeNote(watched.error(), pid, {&one.match.service, 1})) {
      changes_.ScanNext();
    }
    return false;
  }
  if ((*watched)->status.thread_group != pid) {
    pass.table.Forget(pid);
    changes_.HasEnded(pid);
    return false;
  }
  return (*watched)->stat.parent == one.parent;
}

// Marks the matches with processes that the service calls untraced. What an
// event would have changed is as it was; lists are read again in each pass.
void Discovery::MarkUntraced(const Pass& pass) {
  for (ServiceState& service : services_) {
    if (service.untraced != nullptr) ListUntraced(pass, service);
  }
  for (Match& match : next_matches_) {
    const ServiceState& service = services_[match.service];
    if (service.untraced == nullptr) continue;
    const Match* before = FindMatch(matches_, match.pid, match.service);
    const bool holds = before != nullptr && !ListsUntraced(service) &&
                       pass.plan.StillHolds(match.pid);
    match.untraced = holds ? before->untraced : IsUntraced(pass, match);
  }
}

bool Discovery::ListsUntraced(const ServiceState& service) const {
  return service.untraced->HaveOwnList() ||
         (lists_cgroups_ && service.untraced->HaveCgroups());
}

void Discovery::ListUntraced(const Pass& pass, ServiceState& service) {
  const bool has_list = ListsUntraced(service);
  if (pass.plan.everything || has_list) service.untraced_problem = {};
  if (!has_list) return;
  listing_.List(pass.proc, *service.untraced, lists_cgroups_,
                service.untraced_list, service.untraced_problem.text);
}

bool Discovery::IsUntraced(const Pass& pass, const Match& match) {
  ServiceState& service = services_[match.service];
  if (ListsUntraced(service) &&
      std::ranges::find(service.untraced_list, match.pid, &CgroupMember::pid) ==
          service.untraced_list.end()) {
    return false;
  }
  store::Record* record = pass.table.Find(match.pid);
  const auto glanced_at = pass.proc.GlanceAt(match.pid);
  const auto read =
      record == nullptr ? procfs::Result<void>() : pass.table.Read(*record);
  Candidate candidate(glanced_at, buffers_, record);
  const auto is_one = read.and_then([&] {
    return Matches(*service.untraced, lists_cgroups_, users_, candidate);
  });
  if (is_one) return *is_one;
  if (TakeNote(is_one.error(), match.pid, service.untraced_problem)) {
    changes_.LookAgain(match.pid);
  }
  return false;
}

void Discovery::EndPass(const Pass& pass,
                        std::chrono::steady_clock::time_point now) {
  std::ranges::sort(next_matches_);
  std::swap(matches_, next_matches_);

  auto match = matches_.begin();
  pass.table.ForgetIf([&](const store::Record& process) {
    while (match != matches_.end() && match->pid < process.id.pid) ++match;
    return match == matches_.end() || match->pid != process.id.pid;
  });

  used_.assign(series_.size(), false);
  for (const Match& one : matches_) used_[one.series] = true;
  for (const size_t series : refused_) used_[series] = true;
  const bool forgot_one = series_.EndPass(used_);
  changes_.PassEnded(now);
  // There is room now for a name that was refused, of which no event will tell.
  if (forgot_one && refused_one_) changes_.ScanNext();
}

}  // namespace resource_attribution::discovery
