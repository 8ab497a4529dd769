// Every process of this machine, as we read it and as ps(1) and top(1) do:
// libproc2 parses the same files with code of its own. It has no VmPeak and
// VmHWM, which can only be held against the sizes that they are peaks of.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <libproc2/pids.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "child_process.h"
#include "procfs/procfs.h"

namespace resource_attribution::procfs {
namespace {

// Sizes are in kB, times in clock ticks.
struct Facts {
  pid_t pid, parent;
  char state;
  std::string comm;
  uint64_t utime, stime, start_time, vm_rss;
  uint64_t vm_peak, vm_hwm;  // of theirs: what they are at least
};

std::ostream& operator<<(std::ostream& out, const Facts& facts) {
  return out << facts.pid << " (" << facts.comm << ") " << facts.state
             << " ppid " << facts.parent << " utime " << facts.utime
             << " stime " << facts.stime << " start " << facts.start_time
             << " VmRSS " << facts.vm_rss << " VmPeak " << facts.vm_peak
             << " VmHWM " << facts.vm_hwm;
}

// Whether libproc2 gives the name `comm` as `shown` where the locale is not
// UTF-8: with a question mark for each byte above ASCII and, from 4.0.7 on, for
// each control character. Before that, these are dots.
bool Shows(std::string_view shown, std::string_view comm) {
  return std::ranges::equal(shown, comm, [](char theirs, char ours) {
    const auto code = static_cast<unsigned char>(ours);
    if (code >= 0x80) return theirs == '?';
    if (code < 0x20 || code == 0x7f) return theirs == '.' || theirs == '?';
    return theirs == ours;
  });
}

// None when the process has ended.
std::optional<Facts> ReadOurs(const Process& process) {
  Buffer stat_buffer;
  Buffer status_buffer;
  const auto stat = process.ReadStat(stat_buffer);
  const auto status = process.ReadStatus(status_buffer);
  if (!stat || !status) {
    const Error error = stat ? status.error() : stat.error();
    EXPECT_TRUE(error.Gone()) << error.Message();
    return std::nullopt;
  }
  // It was reaped while it was being read.
  if (status->thread_group == 0) return std::nullopt;
  EXPECT_EQ(status->thread_group, stat->pid);
  return Facts{.pid = stat->pid,
               .parent = stat->parent,
               .state = stat->state,
               .comm = std::string(stat->comm),
               .utime = stat->utime,
               .stime = stat->stime,
               .start_time = stat->start_time,
               .vm_rss = status->vm_rss_kb.value_or(0),
               .vm_peak = status->vm_peak_kb.value_or(0),
               .vm_hwm = status->vm_hwm_kb.value_or(0)};
}

class Libproc2 {
 public:
  Libproc2() {
    if (procps_pids_new(&info_, items_.data(),
                        static_cast<int>(items_.size())) < 0) {
      std::abort();
    }
  }
  ~Libproc2() { procps_pids_unref(&info_); }
  Libproc2(const Libproc2&) = delete;
  Libproc2& operator=(const Libproc2&) = delete;

  // None when the process has ended.
  std::optional<Facts> Read(pid_t pid) {
    auto id = static_cast<unsigned>(pid);
    const pids_fetch* fetched =
        procps_pids_select(info_, &id, 1, PIDS_SELECT_PID);
    if (fetched == nullptr || fetched->counts->total != 1) return std::nullopt;
    const pids_result* item = fetched->stacks[0]->head;
    return Facts{.pid = item[0].result.s_int,
                 .parent = item[1].result.s_int,
                 .state = static_cast<char>(item[2].result.s_ch),
                 .comm = item[3].result.str,
                 .utime = item[4].result.ull_int,
                 .stime = item[5].result.ull_int,
                 .start_time = item[6].result.ull_int,
                 .vm_rss = item[7].result.ul_int,
                 .vm_peak = item[8].result.ul_int,
                 .vm_hwm = item[7].result.ul_int};
  }

 private:
  std::vector<pids_item> items_ = {
      PIDS_ID_PID,     PIDS_ID_PPID,   PIDS_STATE,
      PIDS_CMD,        PIDS_TICS_USER, PIDS_TICS_SYSTEM,
      PIDS_TICS_BEGAN, PIDS_VM_RSS,    PIDS_VM_SIZE};
  pids_info* info_ = nullptr;
};

// Whether `theirs` may have been read between our two readings.
bool IsBetween(const Facts& before, const Facts& theirs, const Facts& after) {
  const auto is_one_of = [&](auto field) {
    return theirs.*field == before.*field || theirs.*field == after.*field;
  };
  const auto is_between = [&](auto field) {
    const auto [low, high] = std::minmax(before.*field, after.*field);
    return theirs.*field >= low && theirs.*field <= high;
  };
  return before.start_time == after.start_time && is_one_of(&Facts::pid) &&
         is_one_of(&Facts::start_time) && is_one_of(&Facts::parent) &&
         is_one_of(&Facts::state) &&
         (Shows(theirs.comm, before.comm) || Shows(theirs.comm, after.comm)) &&
         is_between(&Facts::utime) && is_between(&Facts::stime) &&
         is_between(&Facts::vm_rss) && theirs.vm_peak <= after.vm_peak &&
         theirs.vm_hwm <= after.vm_hwm;
}

// Whether the process exists. Fails the test if the two read it differently. A
// process that changes meanwhile is read again.
bool IsReadAlike(const Process& process, Libproc2& libproc2) {
  std::optional<Facts> before;
  std::optional<Facts> theirs;
  std::optional<Facts> after;
  for (int attempt = 0; attempt < 100; ++attempt) {
    before = ReadOurs(process);
    theirs = libproc2.Read(process.pid());
    after = ReadOurs(process);
    if (!before || !theirs || !after) return false;
    if (IsBetween(*before, *theirs, *after)) return true;
  }
  ADD_FAILURE() << "ours:   " << *before << "\ntheirs: " << *theirs
                << "\nours:   " << *after;
  return true;
}

ChildProcess::Step StartThread(void (*run)()) {
  return [run] { std::thread(run).detach(); };
}

void Idle() {
  while (true) pause();
}

void Work() {
  volatile unsigned rounds = 0;
  while (true) rounds = rounds + 1;
}

TEST(Libproc2, ReadsEveryProcessAlike) {
  const ChildProcess children[] = {ChildProcess({Rename("a) R 1 (b")}),
                                   ChildProcess({Rename("")}),
                                   ChildProcess({Rename("line\nbreak\\x")}),
                                   ChildProcess({Rename("caf\xc3\xa9 \xff")}),
                                   ChildProcess({Fork()}),
                                   ChildProcess({StartThread(Idle)}),
                                   ChildProcess({StartThread(Work)})};
  const auto proc = Procfs::Open("/proc");
  ASSERT_TRUE(proc);
  std::vector<pid_t> pids;
  ASSERT_TRUE(
      proc->ForEachProcess([&pids](pid_t pid) { pids.push_back(pid); }));

  Libproc2 libproc2;
  std::set<pid_t> compared;
  for (const pid_t pid : pids) {
    const auto process = proc->OpenProcess(pid);
    if (process && IsReadAlike(*process, libproc2)) compared.insert(pid);
  }
  std::printf("%zu of %zu processes compared\n", compared.size(), pids.size());
  for (const ChildProcess& child : children) {
    EXPECT_THAT(compared, testing::Contains(child.pid()));
  }
}

}  // namespace
}  // namespace resource_attribution::procfs
