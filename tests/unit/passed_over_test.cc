#include "passed_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "child_process.h"

namespace resource_attribution {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr PassedOver::TimePoint kNow{hours{100}};

TEST(PassedOverTest, ProcessUntilItEnds) {
  PassedOver passed_over;
  pid_t pid = 0;
  {
    const ChildProcess child({[] {}});
    pid = child.pid();
    passed_over.AddProcess(pid);
    EXPECT_FALSE(passed_over.Refresh(kNow + hours{1000}));
    EXPECT_THAT(passed_over.List().processes, ElementsAre(pid));
  }
  passed_over.Refresh(kNow);
  EXPECT_THAT(passed_over.List().processes, IsEmpty());
  passed_over.AddProcess(pid);  // it has ended
  EXPECT_THAT(passed_over.List().processes, IsEmpty());
}

TEST(PassedOverTest, FileForAnHour) {
  PassedOver passed_over;
  passed_over.AddFile("/run/x", kNow);
  passed_over.Refresh(kNow + minutes{59});
  EXPECT_THAT(passed_over.List().files, ElementsAre("/run/x"));
  passed_over.Refresh(kNow + minutes{60});
  EXPECT_THAT(passed_over.List().files, IsEmpty());
}

TEST(PassedOverTest, UserOfThreeProcessesForAnHour) {
  PassedOver passed_over;
  EXPECT_FALSE(passed_over.BlameUser(1000, kNow));
  EXPECT_FALSE(passed_over.BlameUser(1001, kNow));
  EXPECT_FALSE(passed_over.BlameUser(1000, kNow + minutes{30}));
  EXPECT_THAT(passed_over.List().users, IsEmpty());
  EXPECT_TRUE(passed_over.BlameUser(1000, kNow + minutes{60}));
  EXPECT_THAT(passed_over.List().users, ElementsAre(1000U));
  EXPECT_FALSE(passed_over.Refresh(kNow + minutes{119}));
  EXPECT_TRUE(passed_over.Refresh(kNow + minutes{120}));
  EXPECT_THAT(passed_over.List().users, IsEmpty());
}

TEST(PassedOverTest, ProcessesOfLongAgoDoNotCount) {
  PassedOver passed_over;
  passed_over.BlameUser(1000, kNow);
  passed_over.BlameUser(1000, kNow + minutes{1});
  EXPECT_FALSE(passed_over.BlameUser(1000, kNow + minutes{61}));
  EXPECT_FALSE(passed_over.Refresh(kNow + minutes{61}));
  EXPECT_THAT(passed_over.List().users, IsEmpty());
}

TEST(PassedOverTest, RootNever) {
  PassedOver passed_over;
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(passed_over.BlameUser(0, kNow));
  EXPECT_THAT(passed_over.List().users, IsEmpty());
}

}  // namespace
}  // namespace resource_attribution
