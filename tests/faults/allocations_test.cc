// Every allocation of the module fails in turn, whatever the module is doing.

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "libc_faults.h"
#include "scenario.h"

namespace {

class AllocationsTest : public testing::TestWithParam<Variant> {
 protected:
  // The test writes files over and over again; on a disk it would wait for
  // them.
  static void SetUpTestSuite() { setenv("TMPDIR", "/dev/shm", 0); }

  AllocationsTest() : scenario_(GetParam()) {
    libc::SetTime(std::chrono::seconds(100000));
  }

  ~AllocationsTest() override { libc::Disarm(); }

  void Start() {
    scenario_.ChangeBack();
    ASSERT_TRUE(scenario_.Configure());
    ASSERT_TRUE(scenario_.Init());
  }

  void PassAndJudge() {
    scenario_.Pass();
    const auto judgement = scenario_.Judge();
    EXPECT_EQ(judgement.wrong, "");
    EXPECT_TRUE(judgement.incomplete.empty());
  }

  enum class Outcome { kNotMet, kRescued, kFailed };

  // The outcome of the allocation that should fail in the last call.
  Outcome LastAllocation() const {
    if (!scenario_.AllocationMet()) return Outcome::kNotMet;
    return scenario_.AllocationFailed() ? Outcome::kFailed : Outcome::kRescued;
  }

  // Calls `prepare` and `act` again and again; each time a later allocation in
  // `act` fails.
  void FailEach(const char* what, auto prepare, auto act) {
    int failed = 0;
    int rescued = 0;
    for (int after = 0;; ++after) {
      SCOPED_TRACE(std::string(what) + ", allocation " + std::to_string(after));
      libc::Arm(nullptr);
      prepare();
      if (HasFatalFailure()) return;
      scenario_.FailAllocation(after);
      const Outcome outcome = act();
      if (outcome == Outcome::kNotMet) break;
      ++(outcome == Outcome::kFailed ? failed : rescued);
    }
    EXPECT_GT(failed, 0);
    std::printf(
        "[ COUNTS   ] %s: %s: %d allocations failed, %d of RE2's did not\n",
        GetParam().name, what, failed, rescued);
  }

  // A pass with a failed allocation says so, and the next pass is right.
  Outcome FailingPass() {
    const size_t log = scenario_.log_size();
    scenario_.Pass();
    const Outcome outcome = LastAllocation();
    EXPECT_EQ(scenario_.Judge().wrong, "");
    int complaints = 0;
    for (const auto& line : scenario_.LogFrom(log)) {
      complaints += line.severity <= LOG_WARNING ? 1 : 0;
    }
    EXPECT_LE(complaints, outcome == Outcome::kFailed ? 1 : 0);
    PassAndJudge();
    PassAndJudge();
    EXPECT_FALSE(scenario_.Judge().lacks_cpu);
    EXPECT_FALSE(scenario_.Judge().lacks_measurement);
    scenario_.Shutdown();
    return outcome;
  }

  Scenario scenario_;
};

// Either the daemon does not start, or the configuration is that of the file.
TEST_P(AllocationsTest, Configuration) {
  FailEach(
      "configuration", [&] { scenario_.ChangeBack(); },
      [&] {
        const bool configured = scenario_.Configure();
        const Outcome outcome = LastAllocation();
        EXPECT_EQ(configured, outcome != Outcome::kFailed);
        if (configured && scenario_.Init()) PassAndJudge();
        scenario_.Shutdown();
        return outcome;
      });
}

TEST_P(AllocationsTest, Init) {
  FailEach(
      "init",
      [&] {
        scenario_.ChangeBack();
        ASSERT_TRUE(scenario_.Configure());
      },
      [&] {
        const bool started = scenario_.Init();
        const Outcome outcome = LastAllocation();
        EXPECT_EQ(started, outcome != Outcome::kFailed);
        if (started) PassAndJudge();
        scenario_.Shutdown();
        return outcome;
      });
}

TEST_P(AllocationsTest, FirstPass) {
  FailEach(
      "first pass", [&] { Start(); }, [&] { return FailingPass(); });
}

TEST_P(AllocationsTest, PassWithChanges) {
  FailEach(
      "pass with changes",
      [&] {
        Start();
        PassAndJudge();
        PassAndJudge();
        scenario_.Change();
      },
      [&] { return FailingPass(); });
}

TEST_P(AllocationsTest, SteadyPassAndShutdownNeedNone) {
  libc::Arm(nullptr);
  Start();
  PassAndJudge();
  PassAndJudge();
  scenario_.FailAllocation(0);
  scenario_.Shutdown();
  // At the end, files of sampling ratios are written anew.
  EXPECT_EQ(scenario_.AllocationFailed(), GetParam().measures);
}

INSTANTIATE_TEST_SUITE_P(, AllocationsTest,
                         testing::Values(Variant{"Scan", false, true, true},
                                         Variant{"Events", true, true, true},
                                         Variant{"EventsAloneWithoutOpenFiles",
                                                 true, false, false},
                                         Variant{.name = "Measured",
                                                 .events = false,
                                                 .rescans = false,
                                                 .keeps_files = false,
                                                 .measures = true}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
