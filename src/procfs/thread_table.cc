#include "procfs/thread_table.h"

#include <algorithm>
#include <cerrno>

namespace resource_attribution::procfs {
namespace {

bool IsBefore(const Thread& thread, pid_t tid) { return thread.tid < tid; }

// A thread of which nothing is known yet.
bool IsNew(const Thread& thread) { return !thread.looked_at; }

}  // namespace

Result<const ProcessThreads*> ThreadTable::Read(const Process& process,
                                                const ProcessId& id,
                                                const Clock& clock,
                                                const GroupsOf& groups_of) {
  const Instant begun = clock();
  if (auto list = process.ListThreads(tids_, buffer_); !list) {
    return tl::unexpected(list.error());
  }
  ProcessThreads fresh{.id = id};
  const auto found = processes_.find(id.pid);
  const bool is_known = found != processes_.end() && found->second.id == id;
  ProcessThreads& state = is_known ? found->second : fresh;

  const Reading reading{process, groups_of, state.readings + 1};
  pid_t last_looked_at = state.last_looked_at;
  Merge(state.threads);
  auto read = ReadMembers(reading);
  if (read) read = LookAtOthers(reading, last_looked_at);
  if (read) read = CheckLeader(process, id);
  if (!read) return tl::unexpected(read.error());

  std::swap(state.threads, next_);
  state.last_looked_at = last_looked_at;
  state.read_before =
      state.readings > 0 ? std::optional(state.read_begun) : std::nullopt;
  state.read_begun = begun;
  state.read_ended = clock().monotonic;
  ++state.readings;
  state.complete_before = state.complete;
  state.complete = state.complete || std::none_of(state.threads.begin(),
                                                  state.threads.end(), IsNew);
  for (const Thread& thread : state.threads) {
    state.groups_seen |= thread.groups;
  }
  state.pass = pass_;
  if (is_known) return &state;
  return &(processes_[id.pid] = std::move(fresh));
}

// Fills next_ with the threads that are listed, and with those that belong to a
// group: a list may leave out one that is there.
void ThreadTable::Merge(const std::vector<Thread>& known) {
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

// Reads the threads that belong to a group; takes those out that have ended.
Result<void> ThreadTable::ReadMembers(const Reading& reading) {
  Result<void> failure;
  std::erase_if(next_, [&](Thread& thread) {
    if (thread.groups == 0 || !failure) return false;
    const auto read = ReadThread(reading, thread);
    if (!read && read.error().Gone()) return true;
    if (!read) failure = read;
    return false;
  });
  return failure;
}

// Looks whether other threads belong to a group by now: at new ones, and then
// at the rest in turn.
Result<void> ThreadTable::LookAtOthers(const Reading& reading,
                                       pid_t& last_looked_at) {
  size_t left = kOthersAPass;
  Result<void> failure;
  const auto look_at = [&](Thread& thread) {
    if (left == 0 || !failure || thread.reading == reading.number) return;
    --left;
    const auto read = ReadThread(reading, thread);
    // One that has ended is not listed the next time.
    if (!read && read.error().Gone()) {
      thread.looked_at = true;
    } else if (!read) {
      failure = read;
    }
  };
  for (Thread& thread : next_) {
    if (IsNew(thread)) look_at(thread);
  }
  const auto middle = std::lower_bound(next_.begin(), next_.end(),
                                       last_looked_at + 1, IsBefore);
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

Result<void> ThreadTable::ReadThread(const Reading& reading, Thread& thread) {
  const auto stat = reading.process.ReadThreadStat(thread.tid, buffer_);
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

// Until a directory is opened its PID may become somebody else's.
Result<void> ThreadTable::CheckLeader(const Process& process,
                                      const ProcessId& id) {
  const auto leader = process.ReadThreadStat(id.pid, buffer_);
  if (!leader) return tl::unexpected(leader.error());
  if (leader->start_time == id.start_time) return {};
  return tl::unexpected(Error{.file = "/proc/PID/task", .system_error = ESRCH});
}

void ThreadTable::EndPass() {
  std::erase_if(processes_, [this](const auto& entry) {
    return entry.second.pass != pass_;
  });
}

}  // namespace resource_attribution::procfs
