#include "procfs/proc_stat.h"

#include <gtest/gtest.h>

#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

// A line with the given name and fields 3 to 22.
std::string Line(const std::string& comm, const std::string& state_on) {
  return "7 (" + comm + ") " + state_on + " 4096 1 0\n";
}

constexpr const char* kUsual =
    "S 1 7 7 0 -1 4194304 9 9 9 9 11 22 33 44 20 0 1 0 5000";

std::string Fixture(const char* pid) {
  return ContentOf(std::string(FIXTURES "/proc/") + pid + "/stat");
}

TEST(ProcStat, ReadsEveryField) {
  const std::string bytes = Line("sleep", kUsual);
  const auto stat = ParseStat(bytes);
  ASSERT_TRUE(stat) << stat.error().Message();
  EXPECT_EQ(stat->pid, 7);
  EXPECT_EQ(stat->comm, "sleep");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->flags, 4194304U);
  EXPECT_EQ(stat->utime, 11U);
  EXPECT_EQ(stat->stime, 22U);
  EXPECT_EQ(stat->start_time, 5000U);
  EXPECT_FALSE(stat->Ended());
  EXPECT_FALSE(stat->KernelThread());
}

// Fields that are not needed are passed over in blocks of bytes, which may end
// anywhere in a field.
TEST(ProcStat, FieldsMayHaveAnyLength) {
  for (size_t length = 1; length <= 20; ++length) {
    const std::string field = std::string(length, '9') + ' ';
    const auto fields = [&field](int count) {
      std::string text;
      for (int i = 0; i < count; ++i) text += field;
      return text;
    };
    const std::string bytes = "7 (sleep) S 1 " + fields(4) + "64 " + fields(4) +
                              "11 22 " + fields(4) + "3 " + fields(1) +
                              "5000 " + fields(27) + "1234 " + fields(2);
    const auto stat = ParseStat(bytes);
    ASSERT_TRUE(stat) << stat.error().Message();
    EXPECT_EQ(stat->flags, 64U);
    EXPECT_EQ(stat->utime, 11U);
    EXPECT_EQ(stat->stime, 22U);
    EXPECT_EQ(stat->num_threads, 3U);
    EXPECT_EQ(stat->start_time, 5000U);
    EXPECT_EQ(stat->env_start, 1234U);
  }
}

TEST(ProcStat, NameMayLookLikeTheFieldsBehindIt) {
  const std::string bytes = Fixture("100");
  const auto stat = ParseStat(bytes);
  ASSERT_TRUE(stat) << stat.error().Message();
  EXPECT_EQ(stat->comm, "a) R 1 (b");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->start_time, 201629U);
}

TEST(ProcStat, NameMayHoldALineBreak) {
  const std::string bytes = Fixture("101");
  const auto stat = ParseStat(bytes);
  ASSERT_TRUE(stat) << stat.error().Message();
  EXPECT_EQ(stat->comm, "line\nbreak\\x");
  EXPECT_EQ(stat->utime, 2U);
  EXPECT_EQ(stat->stime, 1U);
}

TEST(ProcStat, NameMayBeEmptyOrHoldNulsOrEndInAParenthesis) {
  for (const std::string& comm :
       {std::string(), std::string("a\0b", 3), std::string(")"),
        std::string(") "), std::string("(((((((((((((((")}) {
    const std::string bytes = Line(comm, kUsual);
    const auto stat = ParseStat(bytes);
    ASSERT_TRUE(stat) << comm;
    EXPECT_EQ(stat->comm, comm);
  }
}

TEST(ProcStat, KernelThreadIsToldByItsFlag) {
  const std::string bytes = Fixture("4");
  const auto stat = ParseStat(bytes);
  ASSERT_TRUE(stat) << stat.error().Message();
  EXPECT_EQ(stat->comm, "kworker/R-rcu_gp");
  EXPECT_TRUE(stat->KernelThread());
  EXPECT_FALSE(stat->Ended());
}

TEST(ProcStat, ZombieHasEnded) {
  const std::string bytes = Fixture("104");
  const auto stat = ParseStat(bytes);
  ASSERT_TRUE(stat) << stat.error().Message();
  EXPECT_TRUE(stat->Ended());
}

// Linux shows the state of the main thread.
TEST(ProcStat, ProcessOfWhichOnlyTheMainThreadEndedHasNotEnded) {
  const auto running =
      ParseStat(Line("x", "Z 1 7 7 0 -1 4194308 9 9 9 9 1 2 3 4 20 0 2 0 5"));
  ASSERT_TRUE(running) << running.error().Message();
  EXPECT_EQ(running->num_threads, 2U);
  EXPECT_FALSE(running->Ended());
  EXPECT_TRUE(running->OnlyLeaderEnded());
  const auto zombie =
      ParseStat(Line("x", "Z 1 7 7 0 -1 4194308 9 9 9 9 1 2 3 4 20 0 1 0 5"));
  ASSERT_TRUE(zombie) << zombie.error().Message();
  EXPECT_TRUE(zombie->Ended());
  EXPECT_FALSE(zombie->OnlyLeaderEnded());
}

TEST(ProcStat, FlagsTellWhatAProcessHasNotDoneYet) {
  const auto forked = ParseStat(Line("x",
                                     "S 1 7 7 0 -1 4194368 9 9 9 9 1 2 3 4 "
                                     "20 0 1 0 5"));
  ASSERT_TRUE(forked) << forked.error().Message();
  EXPECT_TRUE(forked->NeverExecuted());
  EXPECT_FALSE(forked->Exiting());
  const auto usual = ParseStat(Line("x", kUsual));
  EXPECT_FALSE(usual->NeverExecuted());
}

TEST(ProcStat, LargestCounterFits) {
  const std::string bytes =
      Line("x", "S 1 7 7 0 -1 0 9 9 9 9 18446744073709551615 0 0 0 20 0 1 0 1");
  const auto stat = ParseStat(bytes);
  ASSERT_TRUE(stat) << stat.error().Message();
  EXPECT_EQ(stat->utime, UINT64_MAX);
}

TEST(ProcStat, EnvironmentStandsInField50) {
  std::string bytes = Line("x", kUsual);
  bytes.pop_back();
  for (int field = 26; field <= 52; ++field) {
    bytes += ' ' + std::to_string(field);
  }
  const auto stat = ParseStat(bytes + "\n");
  ASSERT_TRUE(stat) << stat.error().Message();
  EXPECT_EQ(stat->env_start, 50U);
}

TEST(ProcStat, EnvironmentIsNowhereWhereTheKernelDoesNotSay) {
  const auto old = ParseStat(Line("x", kUsual));
  ASSERT_TRUE(old) << old.error().Message();
  EXPECT_EQ(old->env_start, 0U);
  const auto kernel_thread = ParseStat(Fixture("4"));
  ASSERT_TRUE(kernel_thread) << kernel_thread.error().Message();
  EXPECT_EQ(kernel_thread->env_start, 0U);
}

struct Malformed {
  const char* name;
  std::string bytes;
  const char* expected;
};

class MalformedStat : public testing::TestWithParam<Malformed> {};

TEST_P(MalformedStat, IsAnErrorThatSaysWhatWasExpected) {
  const auto stat = ParseStat(GetParam().bytes);
  ASSERT_FALSE(stat);
  EXPECT_STREQ(stat.error().file, "/proc/PID/stat");
  EXPECT_STREQ(stat.error().expected, GetParam().expected);
}

constexpr const char* kNoName = "a command name in parentheses (field 2)";
constexpr const char* kNoStart = "clock ticks as starttime (field 22)";
constexpr const char* kNoUtime = "clock ticks as utime (field 14)";

INSTANTIATE_TEST_SUITE_P(
    ProcStat, MalformedStat,
    testing::Values(
        Malformed{"Empty", "", kNoName},
        Malformed{"Nuls", std::string(64, '\0'), kNoName},
        Malformed{"NoParentheses", "7 sleep S 1 7", kNoName},
        Malformed{"ParenthesesSwapped", "7 ) ( S", kNoName},
        Malformed{"EndsInName", "7 (sle", kNoName},
        Malformed{"NoPid", Line("x", kUsual).substr(1),
                  "a process ID (field 1)"},
        Malformed{"NegativePid", "-" + Line("x", kUsual),
                  "a process ID (field 1)"},
        Malformed{"HugePid", "99999999999" + Line("x", kUsual),
                  "a process ID (field 1)"},
        Malformed{"LongState", Line("x", "SS 1 7 7 0 -1 0"),
                  "a state letter (field 3)"},
        Malformed{"EndsBehindName", "7 (x) ", "a state letter (field 3)"},
        Malformed{"NegativeUtime",
                  Line("x", "S 1 7 7 0 -1 0 9 9 9 9 -5 0 0 0 20 0 1 0 1"),
                  kNoUtime},
        Malformed{
            "UtimeBeyond64Bits",
            Line(
                "x",
                "S 1 7 7 0 -1 0 9 9 9 9 99999999999999999999 0 0 0 20 0 1 0 1"),
            kNoUtime},
        Malformed{"StimeNoNumber",
                  Line("x", "S 1 7 7 0 -1 0 9 9 9 9 5 five 0 0 20 0 1 0 1"),
                  "clock ticks as stime (field 15)"},
        Malformed{"ThreadsNoNumber",
                  Line("x", "S 1 7 7 0 -1 0 9 9 9 9 5 5 0 0 20 0 -1 0 1"),
                  "a number as num_threads (field 20)"},
        Malformed{"EndsBeforeStartTime",
                  "7 (x) S 1 7 7 0 -1 0 9 9 9 9 5 5 0 0 20 0 1 0 ", kNoStart},
        Malformed{"EndsInStartTime",
                  "7 (x) S 1 7 7 0 -1 0 9 9 9 9 5 5 0 0 20 0 1 0 123",
                  kNoStart}),
    [](const auto& info) { return info.param.name; });

// Every prefix of a real file is an error or the same values: never others.
TEST(ProcStat, CutAnywhereItNeverGivesOtherValues) {
  const std::string bytes = Fixture("101");
  const auto whole = ParseStat(bytes);
  ASSERT_TRUE(whole);
  int errors = 0;
  for (size_t size = 0; size < bytes.size(); ++size) {
    const auto cut = ParseStat(std::string_view(bytes).substr(0, size));
    if (!cut) {
      ++errors;
      continue;
    }
    EXPECT_EQ(cut->utime, whole->utime) << size;
    EXPECT_EQ(cut->stime, whole->stime) << size;
    EXPECT_EQ(cut->start_time, whole->start_time) << size;
    if (cut->env_start != 0) {
      EXPECT_EQ(cut->env_start, whole->env_start) << size;
    }
  }
  EXPECT_GT(errors, 0);
}

}  // namespace
}  // namespace resource_attribution::procfs
