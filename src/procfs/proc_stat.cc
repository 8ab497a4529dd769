#include "procfs/proc_stat.h"

#include "procfs/decimal.h"

namespace resource_attribution::procfs {
namespace {

// Walks over the fields after the command name, which blanks separate.
class Fields {
 public:
  explicit Fields(std::string_view rest) : rest_(rest) {}

  // The next field. Empty unless a blank follows: the last needed field is not
  // the last in the file, so a field without a blank was cut off.
  std::string_view Next() {
    const size_t blank = rest_.find(' ');
    if (blank == std::string_view::npos) return {};
    const std::string_view field = rest_.substr(0, blank);
    rest_.remove_prefix(blank + 1);
    return field;
  }

  // Counts blanks: fields are so short that a search for the end of each costs
  // twice as much.
  void Skip(int count) {
    size_t end = 0;
    while (count > 0 && end < rest_.size()) {
      count -= rest_[end++] == ' ' ? 1 : 0;
    }
    rest_.remove_prefix(end);
  }

 private:
  std::string_view rest_;
};

tl::unexpected<Error> Malformed(const char* expected) {
  return Invalid("/proc/PID/stat", expected);
}

}  // namespace

Result<Stat> ParseStat(std::string_view bytes) {
  // The name may hold blanks and parentheses. Only numbers follow it, so the
  // last `)` of the file ends it.
  const size_t open = bytes.find(" (");
  const size_t close = bytes.rfind(") ");
  if (open == std::string_view::npos || close == std::string_view::npos ||
      close < open + 2) {
    return Malformed("a command name in parentheses (field 2)");
  }

  Stat stat;
  const auto pid = ParseDecimal<pid_t>(bytes.substr(0, open));
  if (!pid || *pid <= 0) return Malformed("a process ID (field 1)");
  stat.pid = *pid;
  stat.comm = bytes.substr(open + 2, close - open - 2);

  Fields fields(bytes.substr(close + 2));
  const std::string_view state = fields.Next();
  if (state.size() != 1) return Malformed("a state letter (field 3)");
  stat.state = state[0];

  const auto parent = ParseDecimal<pid_t>(fields.Next());
  if (!parent || *parent < 0) {
    return Malformed("a process ID as ppid (field 4)");
  }
  stat.parent = *parent;

  fields.Skip(4);  // 5 pgrp, session, tty_nr, 8 tpgid
  const auto flags = ParseDecimal<uint32_t>(fields.Next());
  if (!flags) return Malformed("a number as flags (field 9)");
  stat.flags = *flags;

  fields.Skip(4);  // 10 minflt, cminflt, majflt, 13 cmajflt
  const auto utime = ParseDecimal<uint64_t>(fields.Next());
  if (!utime) return Malformed("clock ticks as utime (field 14)");
  stat.utime = *utime;
  const auto stime = ParseDecimal<uint64_t>(fields.Next());
  if (!stime) return Malformed("clock ticks as stime (field 15)");
  stat.stime = *stime;

  fields.Skip(4);  // 16 cutime, cstime, priority, 19 nice
  const auto num_threads = ParseDecimal<uint32_t>(fields.Next());
  if (!num_threads) return Malformed("a number as num_threads (field 20)");
  stat.num_threads = *num_threads;
  fields.Skip(1);  // 21 itrealvalue
  const auto start_time = ParseDecimal<uint64_t>(fields.Next());
  if (!start_time) return Malformed("clock ticks as starttime (field 22)");
  stat.start_time = *start_time;

  // 23 vsize, rss, rsslim, startcode, endcode, startstack, kstkesp, kstkeip,
  // signal, blocked, sigignore, sigcatch, wchan, nswap, cnswap, exit_signal,
  // processor, rt_priority, policy, delayacct_blkio_ticks, guest_time,
  // cguest_time, start_data, end_data, start_brk, arg_start, 49 arg_end
  fields.Skip(27);
  stat.env_start = ParseDecimal<uint64_t>(fields.Next()).value_or(0);
  return stat;
}

}  // namespace resource_attribution::procfs
