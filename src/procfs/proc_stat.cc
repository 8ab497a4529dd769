#include "procfs/proc_stat.h"

#include <cstring>
#include <tuple>

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

  // Reads the next field as a decimal number. Returns whether it is one.
  template <typename Number>
  bool Read(Number& number) {
    const auto read = ParseDecimal<Number>(Next());
    number = read.value_or(0);
    return read.has_value();
  }

  // Counts blanks: fields are so short that a search for the end of each costs
  // more. Compilers vectorize the loop over a block.
  void Skip(uint8_t count) {
    constexpr size_t kBlock = 16;
    while (rest_.size() >= kBlock) {
      uint8_t blanks = 0;
      for (size_t i = 0; i < kBlock; ++i) blanks += rest_[i] == ' ' ? 1 : 0;
      if (blanks >= count) break;
      count -= blanks;
      rest_.remove_prefix(kBlock);
    }
    size_t end = 0;
    while (count > 0 && end < rest_.size()) {
      count -= rest_[end++] == ' ' ? 1 : 0;
    }
    rest_.remove_prefix(end);
  }

 private:
  std::string_view rest_;
};

// Where the last `)` is; 0 if there is none. rfind() would compare byte by
// byte.
size_t LastParenthesis(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const void* found = memrchr(bytes.data(), ')', bytes.size());
  return found == nullptr ? 0
                          : static_cast<size_t>(
                                static_cast<const char*>(found) - bytes.data());
}

tl::unexpected<Error> Malformed(const char* expected) {
  return Invalid("/proc/PID/stat", expected);
}

}  // namespace

Result<Stat> ParseStat(std::string_view bytes) {
  // The name may hold blanks and parentheses. Only numbers follow it, so the
  // last `)` of the file ends it.
  const size_t open = bytes.find(" (");
  const size_t close = LastParenthesis(bytes);
  if (open == std::string_view::npos || close < open + 2 ||
      !bytes.substr(close).starts_with(") ")) {
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

  if (!fields.Read(stat.parent) || stat.parent < 0) {
    return Malformed("a process ID as ppid (field 4)");
  }
  fields.Skip(4);  // 5 pgrp, session, tty_nr, 8 tpgid
  if (!fields.Read(stat.flags)) return Malformed("a number as flags (field 9)");
  fields.Skip(4);  // 10 minflt, cminflt, majflt, 13 cmajflt
  if (!fields.Read(stat.utime)) {
    return Malformed("clock ticks as utime (field 14)");
  }
  if (!fields.Read(stat.stime)) {
    return Malformed("clock ticks as stime (field 15)");
  }
  fields.Skip(4);  // 16 cutime, cstime, priority, 19 nice
  if (!fields.Read(stat.num_threads)) {
    return Malformed("a number as num_threads (field 20)");
  }
  fields.Skip(1);  // 21 itrealvalue
  if (!fields.Read(stat.start_time)) {
    return Malformed("clock ticks as starttime (field 22)");
  }
  // 23 vsize, rss, rsslim, startcode, endcode, startstack, kstkesp, kstkeip,
  // signal, blocked, sigignore, sigcatch, wchan, nswap, cnswap, exit_signal,
  // processor, rt_priority, policy, delayacct_blkio_ticks, guest_time,
  // cguest_time, start_data, end_data, start_brk, arg_start, 49 arg_end
  fields.Skip(27);
  std::ignore = fields.Read(stat.env_start);
  return stat;
}

}  // namespace resource_attribution::procfs
