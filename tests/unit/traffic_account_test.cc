#include "measures/traffic_account.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace resource_attribution::measures {
namespace {

using kernel::TcpSocket;
using procfs::Instant;
using procfs::ProcessId;
using testing::Optional;

constexpr double kTicksPerSecond = 100;
constexpr uint16_t kPort = 4317;
constexpr size_t kBlock = 0;
constexpr size_t kInstance = 5;
constexpr ProcessId kProcess{10, 100};
constexpr ProcessId kOther{11, 100};
constexpr Member kMember{kProcess, kBlock, kInstance};

Instant At(std::chrono::nanoseconds since_boot) {
  return {.monotonic = {}, .since_boot = since_boot};
}

class TrafficAccountTest : public testing::Test {
 protected:
  // A pass every ten seconds, the first ten seconds after boot.
  void Pass(std::vector<TcpSocket> sockets, std::vector<Member> members,
            std::vector<Holding> holdings) {
    std::sort(members.begin(), members.end());
    std::sort(holdings.begin(), holdings.end());
    now_ += std::chrono::seconds(10);
    account_.Add({.begun = At(now_),
                  .sockets = sockets,
                  .members = members,
                  .holdings = holdings,
                  .ended = ended_,
                  .has_all_ended = has_all_ended_},
                 kTicksPerSecond);
    ended_.clear();
  }

  // A socket that ended before the next pass.
  void End(const TcpSocket& socket, std::optional<ProcessId> opened_by = {}) {
    ended_.push_back({.socket = socket, .opened_by = opened_by});
  }

  // When a process started that did so in the middle of the last two passes.
  uint64_t JustNow() const {
    return static_cast<uint64_t>(std::chrono::duration<double>(now_).count() *
                                 kTicksPerSecond) +
           500;
  }

  static TcpSocket Socket(uint64_t cookie, uint64_t sent, uint64_t received,
                          ino_t inode = 1, uint16_t port = kPort) {
    return {.cookie = cookie,
            .inode = inode,
            .remote_port = port,
            .bytes_sent = sent,
            .bytes_received = received};
  }

  void ExpectTotal(uint64_t sent, uint64_t received,
                   size_t instance = kInstance) {
    EXPECT_THAT(account_.Of(instance), Optional(Traffic{sent, received}));
  }

  std::chrono::nanoseconds now_{};
  std::vector<TrafficAccount::Ended> ended_;
  bool has_all_ended_ = false;
  TrafficAccount account_{{{4318, kPort}, {9999}}};
};

// The member may have had connections that no pass saw.
TEST_F(TrafficAccountTest, SaysNothingUntilAMemberHasAConnection) {
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
  Pass({}, {kMember}, {});
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
  Pass({Socket(1, 1000, 100)}, {kMember}, {{2, kProcess}});
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
  Pass({Socket(2, 0, 0)}, {kMember}, {{1, kProcess}});
  ExpectTotal(0, 0);
}

TEST_F(TrafficAccountTest, SocketsThatAreThereAtFirstCountFromThen) {
  Pass({Socket(1, 1000, 100)}, {kMember}, {{1, kProcess}});
  ExpectTotal(0, 0);
  Pass({Socket(1, 1200, 130)}, {kMember}, {});
  ExpectTotal(200, 30);
  Pass({Socket(1, 1200, 131)}, {kMember}, {});
  ExpectTotal(200, 31);
}

TEST_F(TrafficAccountTest, SocketThatAMemberOpenedCountsFromZero) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 100)}, {kMember}, {{1, kProcess}});
  ExpectTotal(1000, 100);
}

TEST_F(TrafficAccountTest, SocketOfAProcessThatStartedSinceCountsFromZero) {
  Pass({}, {}, {});
  const ProcessId started{12, JustNow()};
  Pass({Socket(1, 1000, 100)}, {{started, kBlock, kInstance}}, {{1, started}});
  ExpectTotal(1000, 100);
}

TEST_F(TrafficAccountTest, AndAfterAnIdlePassLikewise) {
  EXPECT_TRUE(account_.IsIdle());
  now_ = std::chrono::seconds(10);
  account_.AddIdle(At(now_), false);
  const ProcessId started{12, JustNow()};
  Pass({Socket(1, 1000, 100)}, {{started, kBlock, kInstance}}, {{1, started}});
  ExpectTotal(1000, 100);
  EXPECT_FALSE(account_.IsIdle());
}

TEST_F(TrafficAccountTest,
       SocketOfAnOldProcessThatBecameAMemberCountsFromThen) {
  Pass({}, {}, {});
  Pass({Socket(1, 1000, 100)}, {kMember}, {{1, kProcess}});
  ExpectTotal(0, 0);
  Pass({Socket(1, 1001, 100)}, {kMember}, {});
  ExpectTotal(1, 0);
}

TEST_F(TrafficAccountTest, SocketThatIsHandedOverCountsFromThen) {
  Pass({Socket(1, 1000, 0)}, {kMember}, {});
  const ProcessId started{12, JustNow()};
  const Member heir{started, kBlock, 6};
  Pass({Socket(1, 2000, 0)}, {kMember, heir}, {{1, started}});
  ExpectTotal(0, 0, 6);
  Pass({Socket(1, 3000, 0)}, {kMember, heir}, {});
  ExpectTotal(1000, 0, 6);
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
}

TEST_F(TrafficAccountTest, NewCookieIsANewSocketOfWhateverInode) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  Pass({Socket(2, 10, 0)}, {kMember}, {{1, kProcess}});
  ExpectTotal(1010, 0);
}

TEST_F(TrafficAccountTest, CountersThatWentBackwardsStartAnew) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 100)}, {kMember}, {{1, kProcess}});
  Pass({Socket(1, 900, 150)}, {kMember}, {});
  ExpectTotal(1000, 150);
  Pass({Socket(1, 901, 150)}, {kMember}, {});
  ExpectTotal(1001, 150);
}

TEST_F(TrafficAccountTest, SharedSocketCountsOncePerInstance) {
  const std::vector<Member> members{
      kMember, {kOther, kBlock, kInstance}, {kOther, kBlock, 6}};
  Pass({}, members, {});
  Pass({Socket(1, 1000, 0)}, members, {{1, kProcess}, {1, kOther}});
  Pass({Socket(1, 1500, 0)}, members, {});
  ExpectTotal(1500, 0);
  ExpectTotal(1500, 0, 6);
}

TEST_F(TrafficAccountTest, SocketHeldTwiceByAProcessCountsOnce) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}, {1, kProcess}});
  ExpectTotal(1000, 0);
}

TEST_F(TrafficAccountTest, SharedSocketGoesOnWhenOneOfThemEnds) {
  const Member other{kOther, kBlock, kInstance};
  Pass({}, {kMember, other}, {});
  Pass({Socket(1, 1000, 0)}, {kMember, other}, {{1, kProcess}, {1, kOther}});
  Pass({Socket(1, 1500, 0)}, {other}, {});
  ExpectTotal(1500, 0);
}

// A new process of the instance is found with the socket in the pass that no
// longer has the one that held it.
TEST_F(TrafficAccountTest, SocketGoesOnWithAnHeirInTheInstance) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  Pass({Socket(1, 1500, 0)}, {{kOther, kBlock, kInstance}}, {{1, kOther}});
  ExpectTotal(1500, 0);
}

TEST_F(TrafficAccountTest, SocketThatOnlyStrangersHoldStill) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  Pass({Socket(1, 1500, 0)}, {}, {});
  ExpectTotal(1000, 0);
  EXPECT_TRUE(account_.IsIdle());
}

TEST_F(TrafficAccountTest, ClosedSocketGoesOnToCountAfterItsProcess) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  Pass({Socket(1, 1500, 0, 0)}, {}, {});
  ExpectTotal(1500, 0);
  EXPECT_FALSE(account_.IsIdle());
  Pass({}, {}, {});
  Pass({}, {}, {});
  ExpectTotal(1500, 0);
  EXPECT_TRUE(account_.IsIdle());
}

TEST_F(TrafficAccountTest, SocketThatAListingMissedDoesNotStartAnew) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  Pass({}, {kMember}, {});
  EXPECT_FALSE(account_.HasUnknown(std::vector{Socket(1, 1500, 0)}));
  Pass({Socket(1, 1500, 0)}, {kMember}, {});
  ExpectTotal(1500, 0);
  Pass({}, {kMember}, {});
  Pass({}, {kMember}, {});
  EXPECT_TRUE(account_.HasUnknown(std::vector{Socket(1, 1500, 0)}));
}

TEST_F(TrafficAccountTest, SocketsOfNoMemberAreKnownForAsLongAsTheyExist) {
  Pass({Socket(1, 1000, 0), Socket(3, 1000, 0, 3)}, {kMember}, {});
  const std::vector both{Socket(1, 1000, 0), Socket(3, 1000, 0, 3)};
  const std::vector more{Socket(1, 1000, 0), Socket(2, 0, 0, 2),
                         Socket(3, 1000, 0, 3)};
  EXPECT_FALSE(account_.HasUnknown(both));
  EXPECT_TRUE(account_.HasUnknown(more));
}

// It is not accepted yet, or closed already.
TEST_F(TrafficAccountTest, SocketThatNoProcessHoldsIsNotLookedUp) {
  Pass({Socket(1, 1000, 0, 0)}, {kMember}, {});
  EXPECT_FALSE(account_.HasUnknown(std::vector{Socket(1, 1000, 0, 0)}));
  EXPECT_TRUE(account_.HasUnknown(std::vector{Socket(1, 1000, 0)}));
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  ExpectTotal(1000, 0);
}

TEST_F(TrafficAccountTest, SaysZeroWhereNoConnectionCanBeMissed) {
  has_all_ended_ = true;
  Pass({}, {kMember}, {});
  ExpectTotal(0, 0);
  has_all_ended_ = false;
  Pass({}, {kMember}, {});
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
  has_all_ended_ = true;
  Pass({}, {kMember}, {});
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
}

TEST_F(TrafficAccountTest, SocketThatEndsCountsToItsLastByteOnce) {
  has_all_ended_ = true;
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 100)}, {kMember}, {{1, kProcess}});
  End(Socket(1, 1500, 130, 0));
  Pass({Socket(1, 1200, 110)}, {kMember}, {});
  ExpectTotal(1500, 130);
  Pass({}, {kMember}, {});
  ExpectTotal(1500, 130);
}

TEST_F(TrafficAccountTest, SocketThatEndsWithItsProcessCountsToItsLastByte) {
  has_all_ended_ = true;
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 100)}, {kMember}, {{1, kProcess}});
  End(Socket(1, 1500, 130, 0));
  Pass({}, {}, {});
  ExpectTotal(1500, 130);
  EXPECT_TRUE(account_.IsIdle());
}

TEST_F(TrafficAccountTest, SocketIsKnownUntilItsEndIsTold) {
  has_all_ended_ = true;
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  for (int pass = 0; pass < 5; ++pass) Pass({}, {kMember}, {});
  End(Socket(1, 1500, 0, 0), kProcess);
  Pass({}, {kMember}, {});
  ExpectTotal(1500, 0);
}

TEST_F(TrafficAccountTest, SocketWhoseEndIsLostIsForgotten) {
  has_all_ended_ = true;
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  has_all_ended_ = false;
  Pass({Socket(1, 1000, 0)}, {}, {});
  has_all_ended_ = true;
  Pass({}, {}, {});
  Pass({}, {}, {});
  EXPECT_TRUE(account_.HasUnknown(std::vector{Socket(1, 1000, 0)}));
  EXPECT_TRUE(account_.IsIdle());
}

TEST_F(TrafficAccountTest, ShortConnectionCountsForTheMemberThatOpenedIt) {
  const std::vector<Member> members{
      kMember, {kProcess, 1, 6}, {kOther, kBlock, 7}};
  has_all_ended_ = true;
  Pass({}, members, {});
  End(Socket(1, 1000, 10, 0), kProcess);
  Pass({}, members, {});
  ExpectTotal(1000, 10);
  ExpectTotal(0, 0, 6);
  ExpectTotal(0, 0, 7);
  EXPECT_EQ(account_.unknown().at(kPort), 0U);
}

TEST_F(TrafficAccountTest, ShortConnectionOfAStrangerCountsForNone) {
  has_all_ended_ = true;
  Pass({}, {kMember}, {});
  End(Socket(1, 1000, 10, 0), kOther);
  Pass({}, {kMember}, {});
  ExpectTotal(0, 0);
  // It becomes a member, but opened this socket before.
  End(Socket(2, 1000, 10, 0), kOther);
  Pass({}, {kMember, {kOther, kBlock, 7}}, {});
  ExpectTotal(0, 0, 7);
}

TEST_F(TrafficAccountTest, ShortConnectionOfAnUnknownProcessIsNoZero) {
  has_all_ended_ = true;
  End(Socket(1, 1000, 10, 0));
  Pass({}, {kMember, {kProcess, 1, 6}}, {});
  ExpectTotal(0, 0);
  End(Socket(2, 1000, 10, 0));
  End(Socket(3, 0, 0, 0));
  End(Socket(4, 10, 0, 0, 1));
  Pass({}, {kMember, {kProcess, 1, 6}}, {});
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
  ExpectTotal(0, 0, 6);
  EXPECT_EQ(account_.unknown().at(kPort), 1010U);
  Pass({Socket(5, 1, 1)}, {kMember}, {{1, kProcess}});
  ExpectTotal(1, 1);
}

// The pass listed the socket, and its process closed it before the pass listed
// what the process holds.
TEST_F(TrafficAccountTest, SocketThatClosesDuringThePassCountsForItsOpener) {
  Pass({}, {kMember}, {});
  End(Socket(1, 1000, 101), kProcess);
  Pass({Socket(1, 1000, 50)}, {kMember}, {});
  ExpectTotal(1000, 101);
  Pass({}, {kMember}, {});
  ExpectTotal(1000, 101);
}

TEST_F(TrafficAccountTest, AndLikewiseIfItsEndIsToldOneLater) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 600, 50)}, {kMember}, {});
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
  End(Socket(1, 1000, 101), kProcess);
  Pass({Socket(1, 1000, 101, 0)}, {kMember}, {});
  ExpectTotal(1000, 101);
}

TEST_F(TrafficAccountTest, ButNotForAnOldProcessThatHadJustBecomeAMember) {
  Pass({}, {}, {});
  Pass({Socket(1, 600, 50), Socket(2, 0, 0, 7)}, {kMember}, {{7, kProcess}});
  End(Socket(1, 1000, 101), kProcess);
  Pass({Socket(2, 0, 0, 7)}, {kMember}, {});
  ExpectTotal(0, 0);
  EXPECT_EQ(account_.unknown().at(kPort), 0U);
}

TEST_F(TrafficAccountTest, NorIfItsOpenerIsUnknown) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 600, 50)}, {kMember}, {});
  End(Socket(1, 1000, 100));
  Pass({}, {kMember}, {});
  EXPECT_EQ(account_.unknown().at(kPort), 1100U);
}

TEST_F(TrafficAccountTest, NorIfItsEndIsToldMuchLater) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 600, 50)}, {kMember}, {});
  Pass({Socket(1, 600, 50, 0)}, {kMember}, {});
  Pass({Socket(1, 600, 50, 0)}, {kMember}, {});
  End(Socket(1, 1000, 100), kProcess);
  Pass({}, {kMember}, {});
  EXPECT_EQ(account_.unknown().at(kPort), 1100U);
}

TEST_F(TrafficAccountTest, SocketThatIsOpenInTheNextPassWasOfAStranger) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 600, 50), Socket(2, 0, 0, 7)}, {kMember}, {{7, kProcess}});
  Pass({Socket(1, 700, 50), Socket(2, 0, 0, 7)}, {kMember}, {});
  End(Socket(1, 1000, 100));
  Pass({Socket(2, 0, 0, 7)}, {kMember}, {});
  EXPECT_EQ(account_.unknown().at(kPort), 0U);
  ExpectTotal(0, 0);
}

TEST_F(TrafficAccountTest,
       SocketThatIsThereAtFirstWithoutHolderIsOfNoInterest) {
  Pass({Socket(1, 600, 50)}, {kMember}, {});
  End(Socket(1, 1000, 100), kProcess);
  Pass({}, {kMember}, {});
  EXPECT_EQ(account_.unknown().at(kPort), 0U);
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
}

TEST_F(TrafficAccountTest, OnlyThePortsOfTheBlockCount) {
  const std::vector<Member> members{kMember, {kProcess, 1, 6}};
  Pass({}, members, {});
  Pass({Socket(1, 1, 0, 1, 4317), Socket(2, 10, 0, 2, 4318),
        Socket(3, 100, 0, 3, 9999)},
       members, {{1, kProcess}, {2, kProcess}, {3, kProcess}});
  ExpectTotal(11, 0);
  ExpectTotal(100, 0, 6);
}

TEST_F(TrafficAccountTest, ReusedPidIsAnotherProcess) {
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  const ProcessId reused{kProcess.pid, kProcess.start_time + 1};
  Pass({Socket(1, 2000, 0)}, {{reused, kBlock, kInstance}}, {});
  ExpectTotal(0, 0);
}

TEST_F(TrafficAccountTest, TotalsStayWithoutMembersUntilForgotten) {
  Pass({}, {kMember}, {});
  Pass({Socket(1, 1000, 0)}, {kMember}, {{1, kProcess}});
  Pass({Socket(1, 1000, 0, 0)}, {}, {});
  ExpectTotal(1000, 0);
  account_.Forget(kInstance);
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
  Pass({Socket(1, 3000, 0, 0)}, {{kOther, kBlock, kInstance}}, {});
  EXPECT_EQ(account_.Of(kInstance), std::nullopt);
}

}  // namespace
}  // namespace resource_attribution::measures
