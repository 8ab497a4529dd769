#include "store/threads.h"

#include <algorithm>
#include <cerrno>

namespace resource_attribution::store {
namespace {

using procfs::Clock;
using procfs::Failed;
using procfs::Instant;
using procfs::Process;
using procfs::ProcessId;
using procfs::Result;

bool IsNew(const Thread& thread) { return !thread.looked_at; }

}  // namespace

Result<void> ThreadReader::Read(const Process& process, const ProcessId& id,
                                const Clock& clock, const GroupsOf& groups_of,
                                Threads& threads) {
  const Instant begun = clock();
  if (auto list = List(process, threads); !list) return list;
  const Reading reading{process, groups_of, threads.readings + 1};
  pid_t last_looked_at = threads.last_looked_at;
  auto read = ReadMembers(reading);
  if (read) read = LookAtOthers(reading, last_looked_at);
  if (read) read = CheckLeader(process, id);
  if (!read) return read;

  std::swap(threads.threads, next_);
  threads.listed = listed_;
  threads.newest = newest_;
  threads.last_looked_at = last_looked_at;
  threads.read_before =
      threads.readings > 0 ? std::optional(threads.read_begun) : std::nullopt;
  threads.read_begun = begun;
  threads.read_ended = clock().monotonic;
  ++threads.readings;
  threads.complete_before = threads.complete;
  threads.complete =
      threads.complete || std::ranges::none_of(threads.threads, IsNew);
  for (const Thread& thread : threads.threads) {
    threads.groups_seen |= thread.groups;
  }
  return {};
}

// Fills next_ with the threads that there are. Listing thousands takes
// milliseconds, so that more than others_a_pass_ are listed again only if one
// has started or ended since the last list.
//
// That list must be right. If a thread ends while the kernel lists, the list
// may have it and lack the one behind it. The next list does not have it, and
// so is another one. Only a list of the threads that are known is trusted.
Result<void> ThreadReader::List(const Process& process, const Threads& known) {
  if (known.listed > others_a_pass_ && HasListed(process, known)) {
    next_ = known.threads;
    listed_ = known.listed;
    newest_ = known.newest;
    return {};
  }
  if (auto list = process.ListThreads(tids_, buffer_); !list) return list;
  newest_ = tids_.empty() ? 0 : tids_.back();
  std::ranges::sort(tids_);
  const bool is_same =
      std::ranges::equal(tids_, known.threads, {}, {}, &Thread::tid);
  listed_ = is_same ? tids_.size() : 0;
  Merge(known.threads);
  return {};
}

// Whether the process still has the threads that were listed. Linux lists them
// in the order in which they started. If the newest is still the last, at the
// same position, none has started or ended since.
bool ThreadReader::HasListed(const Process& process, const Threads& known) {
  const auto list = process.ListThreads(tids_, buffer_, known.listed - 1);
  if (!list || tids_.size() != 1 || tids_[0] != known.newest) return false;
  const auto newest =
      std::ranges::lower_bound(known.threads, known.newest, {}, &Thread::tid);
  if (newest == known.threads.end() || newest->tid != known.newest) {
    return false;
  }
  const auto stat = process.ReadThreadStat(known.newest, buffer_);
  return stat && stat->start_time == newest->start_time;
}

// Fills next_ with the listed threads, and with those that belong to a group: a
// list may leave out a live thread.
void ThreadReader::Merge(const std::vector<Thread>& known) {
  next_.clear();
  auto listed = tids_.begin();
  const auto add_listed_below = [&](pid_t end) {
    while (listed != tids_.end() && *listed < end) {
      next_.push_back({.tid = *listed++});
    }
  };
  for (const Thread& thread : known) {
    add_listed_below(thread.tid);
    const bool is_listed = listed != tids_.end() && *listed == thread.tid;
    if (is_listed) ++listed;
    if (is_listed || thread.groups != 0) next_.push_back(thread);
  }
  while (listed != tids_.end()) next_.push_back({.tid = *listed++});
}

// Reads the threads that belong to a group.
Result<void> ThreadReader::ReadMembers(const Reading& reading) {
  for (Thread& thread : next_) {
    if (thread.groups == 0) continue;
    if (auto read = ReadThread(reading, thread); !read) return read;
  }
  return {};
}

// Checks whether other threads belong to a group by now: new ones first, then
// the rest in turn.
Result<void> ThreadReader::LookAtOthers(const Reading& reading,
                                        pid_t& last_looked_at) {
  size_t left = others_a_pass_;
  Result<void> failure;
  const auto look_at = [&](Thread& thread) {
    if (left == 0 || !failure || thread.reading == reading.number) return;
    --left;
    failure = ReadThread(reading, thread);
  };
  for (Thread& thread : next_) {
    if (IsNew(thread)) look_at(thread);
  }
  if (next_.size() > others_a_pass_) left = std::min(left, others_a_pass_ / 2);
  const auto middle =
      std::ranges::lower_bound(next_, last_looked_at + 1, {}, &Thread::tid);
  const auto in_turn = [&](auto from, auto to) {
    for (auto thread = from; thread != to && left > 0; ++thread) {
      look_at(*thread);
      last_looked_at = thread->tid;
    }
  };
  in_turn(middle, next_.end());
  in_turn(next_.begin(), middle);
  return failure;
}

// Of a thread that has ended the ID is left until the next list.
Result<void> ThreadReader::ReadThread(const Reading& reading, Thread& thread) {
  const auto stat = reading.process.ReadThreadStat(thread.tid, buffer_);
  if (!stat && stat.error().Gone()) {
    thread = {.tid = thread.tid, .looked_at = true, .reading = reading.number};
    listed_ = 0;
    return {};
  }
  if (!stat) return tl::unexpected(stat.error());
  if (thread.start_time != stat->start_time) thread = {.tid = thread.tid};
  const bool was_read_before =
      thread.looked_at && thread.reading + 1 == reading.number;
  thread.cpu_ticks_before =
      was_read_before ? std::optional(thread.cpu_ticks) : std::nullopt;
  thread.cpu_ticks = stat->utime + stat->stime;
  thread.start_time = stat->start_time;
  thread.reading = reading.number;
  if (!thread.looked_at || stat->comm != thread.comm.data()) {
    thread.comm = {};
    stat->comm.copy(thread.comm.data(), thread.comm.size() - 1);
    thread.groups = reading.groups_of(stat->comm);
  }
  thread.looked_at = true;
  return {};
}

// Before the directory is opened, another process may get its PID.
Result<void> ThreadReader::CheckLeader(const Process& process,
                                       const ProcessId& id) {
  const auto leader = process.ReadThreadStat(id.pid, buffer_);
  if (!leader) return tl::unexpected(leader.error());
  if (leader->start_time == id.start_time) return {};
  return Failed("/proc/PID/task", ESRCH);
}

}  // namespace resource_attribution::store
