// The child as a process. sampler_process_test.py has the real one.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <string>
#include <string_view>

#include "child/sampler_process.h"
#include "proc_tree.h"

namespace resource_attribution::child {
namespace {

constexpr std::string_view kRequest = "x";

// Other plugins may have changed what the daemon does upon the signal.
TEST(SamplerProcessTest, ARequestToOneThatHasEndedRaisesNoSignal) {
  signal(SIGPIPE, SIG_DFL);
  SamplerProcess process("/bin/true");
  ASSERT_EQ(process.Start(), "");
  Wait wait = process.Ask(kRequest);
  while (wait == Wait::kLate) wait = process.GoOn();
  EXPECT_EQ(wait, Wait::kEnded);
  EXPECT_EQ(process.Ask(kRequest), Wait::kEnded);
}

TEST(SamplerProcessTest, ALargeRequestToOneThatTakesNothingIsLate) {
  const TemporaryDirectory directory;
  const std::string program = directory.path() / "takes_nothing";
  Write(program, "#!/bin/sh\nexec sleep 1000\n");
  ASSERT_EQ(chmod(program.c_str(), 0755), 0);
  SamplerProcess process(program);
  ASSERT_EQ(process.Start(), "");
  EXPECT_EQ(process.Ask(std::string(1 << 20, 'x')), Wait::kLate);
  EXPECT_EQ(process.GoOn(), Wait::kLate);
  process.End();
  EXPECT_FALSE(process.IsRunning());
}

TEST(SamplerProcessTest, OneThatCannotBeStartedSaysWhy) {
  SamplerProcess process("/nonexistent/sampler");
  EXPECT_EQ(process.Start(), "/nonexistent/sampler: No such file or directory");
  EXPECT_FALSE(process.IsRunning());
}

}  // namespace
}  // namespace resource_attribution::child
