#include "passed_over.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "child_process.h"
#include "discovery/users.h"
#include "proc_tree.h"

namespace resource_attribution {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr PassedOver::TimePoint kNow{hours{100}};

class PassedOverTest : public testing::Test {
 protected:
  // A process of user 4242, which the tree gives to all.
  Suspect Made(pid_t pid) {
    tree_.Put({.pid = pid});
    return *Suspect::Find(tree_.path(), pid);
  }

  ProcTree tree_;
  PassedOver passed_over_;
};

TEST_F(PassedOverTest, SuspectIsFoundWithItsRealUser) {
  EXPECT_EQ(Made(5).user(), 4242U);
  EXPECT_FALSE(Suspect::Find(tree_.path(), 6));
}

TEST_F(PassedOverTest, SuspectOfRealProcfsUntilItEnds) {
  std::optional<Suspect> suspect;
  {
    const ChildProcess child({[] {}});
    suspect = Suspect::Find("/proc", child.pid());
    ASSERT_TRUE(suspect);
    EXPECT_EQ(suspect->user(), getuid());
    EXPECT_FALSE(suspect->HasEnded());
  }
  EXPECT_TRUE(suspect->HasEnded());
}

TEST_F(PassedOverTest, ProcessUntilItEnds) {
  passed_over_.Add(Made(5), kNow);
  passed_over_.Add(Made(6), kNow);
  EXPECT_FALSE(passed_over_.Refresh(kNow));
  EXPECT_THAT(passed_over_.List().processes, ElementsAre(5, 6));
  tree_.Remove(5);
  EXPECT_FALSE(passed_over_.Refresh(kNow));
  EXPECT_THAT(passed_over_.List().processes, ElementsAre(6));
}

// A wait on a busy machine may have been no stall.
TEST_F(PassedOverTest, ProcessForAMinuteAndThenForAnHour) {
  passed_over_.Add(Made(5), kNow);
  EXPECT_FALSE(passed_over_.Refresh(kNow + seconds{59}));
  EXPECT_THAT(passed_over_.List().processes, ElementsAre(5));
  EXPECT_TRUE(passed_over_.Refresh(kNow + minutes{1}));
  EXPECT_THAT(passed_over_.List().processes, IsEmpty());
  EXPECT_FALSE(passed_over_.Refresh(kNow + minutes{2}));
  passed_over_.Add(Made(5), kNow + minutes{2});
  EXPECT_FALSE(passed_over_.Refresh(kNow + minutes{61}));
  EXPECT_THAT(passed_over_.List().processes, ElementsAre(5));
  EXPECT_TRUE(passed_over_.Refresh(kNow + minutes{62}));
  EXPECT_THAT(passed_over_.List().processes, IsEmpty());
}

TEST_F(PassedOverTest, OneProcessAgainAndAgainIsOneOfItsUser) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(passed_over_.Add(Made(5), kNow), std::nullopt);
  }
  EXPECT_THAT(passed_over_.List().users, IsEmpty());
}

TEST_F(PassedOverTest, DirectoryOfAFileForAnHour) {
  passed_over_.AddFile("/run/x/y.pid", kNow);
  passed_over_.Refresh(kNow + minutes{59});
  EXPECT_THAT(passed_over_.List().files, ElementsAre("/run/x/"));
  passed_over_.Refresh(kNow + minutes{60});
  EXPECT_THAT(passed_over_.List().files, IsEmpty());
}

TEST_F(PassedOverTest, UserDatabaseForAMinute) {
  passed_over_.AddFile(discovery::Users::kDatabase, kNow);
  EXPECT_THAT(passed_over_.List().files,
              ElementsAre(discovery::Users::kDatabase));
  passed_over_.Refresh(kNow + minutes{1});
  EXPECT_THAT(passed_over_.List().files, IsEmpty());
}

TEST_F(PassedOverTest, UserOfThreeProcessesForAnHour) {
  EXPECT_EQ(passed_over_.Add(Made(5), kNow), std::nullopt);
  EXPECT_EQ(passed_over_.Add(Made(6), kNow + minutes{30}), std::nullopt);
  EXPECT_THAT(passed_over_.List().users, IsEmpty());
  EXPECT_EQ(passed_over_.Add(Made(7), kNow + minutes{60}), 4242U);
  EXPECT_THAT(passed_over_.List().users, ElementsAre(4242U));
  passed_over_.Refresh(kNow + minutes{119});
  EXPECT_THAT(passed_over_.List().users, ElementsAre(4242U));
  EXPECT_TRUE(passed_over_.Refresh(kNow + minutes{120}));
  EXPECT_THAT(passed_over_.List().users, IsEmpty());
}

TEST_F(PassedOverTest, ProcessesOfLongAgoDoNotCount) {
  passed_over_.Add(Made(5), kNow);
  passed_over_.Add(Made(6), kNow + minutes{1});
  EXPECT_EQ(passed_over_.Add(Made(7), kNow + minutes{61}), std::nullopt);
}

TEST_F(PassedOverTest, RootNever) {
  if (getuid() != 0) GTEST_SKIP() << "needs a process of root";
  const ChildProcess child({[] {}});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(passed_over_.Add(*Suspect::Find("/proc", child.pid()), kNow),
              std::nullopt);
  }
  EXPECT_THAT(passed_over_.List().users, IsEmpty());
}

}  // namespace
}  // namespace resource_attribution
