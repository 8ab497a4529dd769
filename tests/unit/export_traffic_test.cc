// Mostly with real connections over loopback, by the real kernel.

#include "measures/export_traffic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "child_process.h"
#include "failing_allocation.h"
#include "loopback.h"
#include "proc_tree.h"
#include "tracefs.h"

namespace resource_attribution::measures {
namespace {

using procfs::FileDescriptor;
using testing::HasSubstr;

constexpr size_t kService = 0;
constexpr size_t kSeries = 3;

// If the thread loses its CPU between the two clocks, a connection does not
// seem older than the process that opened it.
procfs::Instant Now() {
  const auto monotonic = std::chrono::steady_clock::now();
  timespec boot{};
  clock_gettime(CLOCK_BOOTTIME, &boot);
  return {.monotonic = monotonic,
          .since_boot = std::chrono::seconds(boot.tv_sec) +
                        std::chrono::nanoseconds(boot.tv_nsec)};
}

class ExportTrafficTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!HasSocketDiagnostics()) GTEST_SKIP() << "no socket diagnostics here";
  }

  // What blocks of these ports see.
  void Watch(std::vector<std::vector<uint16_t>> ports_by_block,
             const std::string& proc_path = "/proc") {
    auto proc = procfs::Procfs::Open(proc_path);
    ASSERT_TRUE(proc) << proc.error().Message();
    proc_ = std::move(*proc);
    std::vector<uint16_t> ports;
    for (const auto& some : ports_by_block) {
      ports.insert(ports.end(), some.begin(), some.end());
    }
    if (auto ended = kernel::EndedSockets::Subscribe(ports)) {
      ended_ = std::move(*ended);
    }
    traffic_.emplace(std::move(ports_by_block));
  }

  // Sends so many bytes over a connection of its own.
  static void Export(const Listener& listener, size_t bytes) {
    const auto socket = listener.Connect();
    const std::string content(bytes, 'x');
    EXPECT_EQ(send(socket.get(), content.data(), bytes, 0),
              static_cast<ssize_t>(bytes));
  }

  // Waits until the kernel has handed over so many sockets that ended, which it
  // does from a work queue, or more than a receive buffer holds. The last
  // subscriber gets a socket first (netlink_broadcast in af_netlink.c):
  // traffic_ has what ended_ gets.
  void WaitUntilEnded(size_t count) {
    ASSERT_TRUE(ended_);
    std::vector<kernel::TcpSocket> sockets;
    const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    while (ended_->Drain(sockets) && sockets.size() < count) {
      ASSERT_LT(std::chrono::steady_clock::now(), end) << sockets.size();
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  Member MemberOf(pid_t pid, size_t block = kService,
                  size_t instance = kSeries) const {
    procfs::Buffer buffer;
    const auto stat = proc_->GlanceAt(pid).ReadStat(buffer);
    EXPECT_TRUE(stat) << stat.error().Message();
    return {{pid, stat ? stat->start_time : 0}, block, instance};
  }

  void Pass(const std::vector<Member>& members) {
    const auto passed = TryPass(members);
    EXPECT_TRUE(passed) << passed.error().Message();
  }

  procfs::Result<void> TryPass(const std::vector<Member>& members) {
    traffic_->Begin();
    for (const Member& member : members) traffic_->Add(member);
    const procfs::Clock clock = Now;
    return traffic_->Count(
        {.proc = *proc_,
         .clock = clock,
         .begun = Now(),
         .ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK))});
  }

  void ExpectTotals(uint64_t sent, uint64_t received,
                    size_t instance = kSeries) const {
    const auto totals = traffic_->Of(instance);
    ASSERT_TRUE(totals);
    EXPECT_EQ(totals->sent, sent);
    EXPECT_EQ(totals->received, received);
  }

  std::optional<procfs::Procfs> proc_;
  std::optional<kernel::EndedSockets> ended_;
  std::optional<ExportTraffic> traffic_;
  Listener listener_;
};

TEST_F(ExportTrafficTest, CountsToTheByteOverAllPortsAndConnections) {
  Listener other;
  Listener unwanted;
  Watch({{listener_.port(), other.port()}});
  const std::vector self{MemberOf(getpid())};
  Pass(self);
  EXPECT_EQ(traffic_->Of(kSeries), std::nullopt);

  Connection one(listener_);
  Connection two(other);
  Connection three(unwanted);
  Transfer(one.local, one.remote, (3 << 20) + 1);
  Transfer(one.remote, one.local, (1 << 20) + 7);
  Transfer(two.local, two.remote, 1000);
  Transfer(three.local, three.remote, 1 << 20);
  Pass(self);
  ExpectTotals((3 << 20) + 1001, (1 << 20) + 7);
  Transfer(two.remote, two.local, 11);
  Pass(self);
  ExpectTotals((3 << 20) + 1001, (1 << 20) + 18);
  EXPECT_EQ(traffic_->Problem(kService).text, "");
}

TEST_F(ExportTrafficTest, TotalsGoOnOverConnections) {
  Watch({{listener_.port()}});
  const std::vector self{MemberOf(getpid())};
  Pass(self);
  for (uint64_t round = 1; round <= 3; ++round) {
    Connection connection(listener_);
    Transfer(connection.local, connection.remote, 1000);
    Pass(self);
    ExpectTotals(1000 * round, 0);
  }
  Pass(self);
  ExpectTotals(3000, 0);
}

TEST_F(ExportTrafficTest, LastBytesOfAKnownConnectionCount) {
  Watch({{listener_.port()}});
  std::ignore = traffic_->Watch();
  const std::vector self{MemberOf(getpid())};
  Pass(self);
  ExpectTotals(0, 0);
  {
    Connection connection(listener_);
    Transfer(connection.local, connection.remote, 1000);
    Pass(self);
    Transfer(connection.local, connection.remote, 100);
  }
  WaitUntilEnded(1);
  for (int pass = 0; pass < 3; ++pass) {
    Pass(self);
    ExpectTotals(1100, 0);
  }
  EXPECT_EQ(traffic_->UnknownPorts(kService), "");
}

TEST_F(ExportTrafficTest, IdleConnectionThatThePeerClosesAddsNothing) {
  Watch({{listener_.port()}});
  std::ignore = traffic_->Watch();
  const std::vector self{MemberOf(getpid())};
  Pass(self);
  std::optional<Connection> connection(listener_);
  Transfer(connection->local, connection->remote, 1000);
  Transfer(connection->remote, connection->local, 10);
  Pass(self);
  connection->remote = FileDescriptor(-1);
  Pass(self);
  connection.reset();
  WaitUntilEnded(1);
  Pass(self);
  ExpectTotals(1000, 10);
}

TEST_F(ExportTrafficTest, ShortConnectionsCountForWhoOpensThem) {
  if (!MountTracefs()) GTEST_SKIP() << "needs tracefs, or to mount it";
  Watch({{listener_.port()}, {listener_.port()}});
  std::ignore = traffic_->Watch();
  if (!traffic_->ShortConnections().empty()) {
    GTEST_SKIP() << traffic_->ShortConnections();
  }
  const auto export_often = [this](size_t bytes) {
    return [this, bytes] {
      for (int i = 0; i < 100; ++i) Export(listener_, bytes);
    };
  };
  ChildProcess one({[] {}, export_often(100), export_often(7)});
  ChildProcess two({[] {}, export_often(10), [] {}});
  ChildProcess stranger({[] {}, export_often(1000)});
  const std::vector members{MemberOf(one.pid(), 0, 10),
                            MemberOf(two.pid(), 1, 11)};
  Pass(members);
  ExpectTotals(0, 0, 10);
  for (auto* process : {&one, &two, &stranger}) process->Next();
  for (int i = 0; i < 300; ++i) listener_.Accept();
  WaitUntilEnded(300);
  Pass(members);
  ExpectTotals(10'000, 0, 10);
  ExpectTotals(1'000, 0, 11);
  EXPECT_EQ(traffic_->UnknownPorts(0), "");
  // What has ended by the pass is not certainly the process that has the PID.
  one.Next();
  for (int i = 0; i < 100; ++i) listener_.Accept();
  one.Kill();
  WaitUntilEnded(100);
  Pass({members[1]});
  ExpectTotals(10'000, 0, 10);
  EXPECT_EQ(traffic_->UnknownBytes(0), 700);
}

TEST_F(ExportTrafficTest, MoreConnectionsThanTheQueueHoldsAreSaid) {
  Watch({{listener_.port()}});
  std::ignore = traffic_->Watch();
  const std::vector self{MemberOf(getpid())};
  Pass(self);
  ExpectTotals(0, 0);
  constexpr size_t kConnections = kernel::EndedSockets::kEndedMax + 1;
  for (size_t i = 0; i < kConnections; ++i) Connection connection(listener_);
  WaitUntilEnded(kConnections);
  Pass(self);
  EXPECT_THAT(traffic_->ShortConnections(), HasSubstr("were missed"));
  EXPECT_EQ(traffic_->Of(kSeries), std::nullopt);
}

TEST_F(ExportTrafficTest, SteadyPassWithEventsAllocatesNothing) {
  MountTracefs();
  Watch({{listener_.port()}});
  std::ignore = traffic_->Watch();
  const std::vector self{MemberOf(getpid())};
  Connection connection(listener_);
  for (int pass = 0; pass < 3; ++pass) Pass(self);
  Transfer(connection.local, connection.remote, 10);
  failing_allocation = 0;
  const bool passed = TryPass(self).has_value();
  failing_allocation = -1;
  EXPECT_TRUE(passed);
  ExpectTotals(10, 0);
}

TEST_F(ExportTrafficTest, ShortConnectionOfAnUnknownProcessCountsForNone) {
  Listener other;
  Watch({{listener_.port(), other.port()}, {other.port()}});
  std::ignore = traffic_->Watch({"/nowhere"});
  const std::vector self{MemberOf(getpid()), MemberOf(getpid(), 1, 12)};
  Pass(self);
  ExpectTotals(0, 0);
  {
    Connection connection(listener_);
    Transfer(connection.local, connection.remote, 1000);
  }
  WaitUntilEnded(1);
  Pass(self);
  EXPECT_EQ(traffic_->Of(kSeries), std::nullopt);
  EXPECT_EQ(traffic_->UnknownPorts(kService), std::to_string(listener_.port()));
  EXPECT_EQ(traffic_->UnknownBytes(kService), 1000);
  // The other block has no such port.
  ExpectTotals(0, 0, 12);
  EXPECT_EQ(traffic_->UnknownPorts(1), "");
}

TEST_F(ExportTrafficTest, ConnectionFromBeforeCountsFromThen) {
  Watch({{listener_.port()}});
  Connection connection(listener_);
  Transfer(connection.local, connection.remote, 1000);
  const std::vector self{MemberOf(getpid())};
  Pass(self);
  ExpectTotals(0, 0);
  Transfer(connection.local, connection.remote, 10);
  Pass(self);
  ExpectTotals(10, 0);
}

TEST_F(ExportTrafficTest, ConnectionsOfOthersAreNotCounted) {
  Watch({{listener_.port()}});
  ChildProcess other({[] {},
                      [&] {
                        const auto local =
                            new FileDescriptor(listener_.Connect());
                        const std::string bytes(1000, 'x');
                        send(local->get(), bytes.data(), bytes.size(), 0);
                      }});
  const std::vector self{MemberOf(getpid())};
  Pass(self);
  other.Next();
  Pass(self);
  EXPECT_EQ(traffic_->Of(kSeries), std::nullopt);
  // The other one becomes a member later.
  const std::vector both{self[0], MemberOf(other.pid(), kService, 4)};
  Pass(both);
  ExpectTotals(0, 0, 4);
}

TEST_F(ExportTrafficTest, ProcessThatStartedSinceCountsFromZero) {
  Watch({{listener_.port()}});
  Pass({});
  ChildProcess started({[&] {
    const auto local = new FileDescriptor(listener_.Connect());
    const std::string bytes(1000, 'x');
    send(local->get(), bytes.data(), bytes.size(), 0);
  }});
  Pass({MemberOf(started.pid())});
  ExpectTotals(1000, 0);
}

TEST_F(ExportTrafficTest, ConnectionSharedByWorkersCountsOnce) {
  Watch({{listener_.port()}});
  std::vector members{MemberOf(getpid())};
  Pass(members);
  std::optional<Connection> connection(listener_);
  ChildProcess worker({[] {}});
  ChildProcess stranger({[] {}});
  members.push_back(MemberOf(worker.pid()));
  Transfer(connection->local, connection->remote, 1000);
  Pass(members);
  ExpectTotals(1000, 0);
  Transfer(connection->local, connection->remote, 100);
  Pass(members);
  ExpectTotals(1100, 0);
  // The worker has it still, and then only the stranger.
  Transfer(connection->local, connection->remote, 10);
  Pass({members[1]});
  ExpectTotals(1110, 0);
  worker.Kill();
  Transfer(connection->local, connection->remote, 1);
  Pass({});
  ExpectTotals(1110, 0);
}

TEST_F(ExportTrafficTest, BlocksHaveTheirOwnPorts) {
  Listener other;
  Watch({{listener_.port()}, {}, {listener_.port(), other.port()}});
  const std::vector self{MemberOf(getpid(), 0, 10), MemberOf(getpid(), 1, 11),
                         MemberOf(getpid(), 2, 12)};
  Pass(self);
  Connection one(listener_);
  Connection two(other);
  Transfer(one.local, one.remote, 1000);
  Transfer(two.local, two.remote, 100);
  Pass(self);
  ExpectTotals(1000, 0, 10);
  EXPECT_EQ(traffic_->Of(11), std::nullopt);
  ExpectTotals(1100, 0, 12);
}

TEST_F(ExportTrafficTest, ProcessOfAnotherNetworkNamespaceIsAProblem) {
  if (!CanUnshare(CLONE_NEWNET)) GTEST_SKIP() << "needs network namespaces";
  ChildProcess child({[] {
    if (unshare(CLONE_NEWNET) != 0) _exit(1);
  }});
  Watch({{listener_.port()}, {1}});
  const std::vector elsewhere{MemberOf(child.pid())};
  for (int pass = 0; pass < 2; ++pass) {
    Pass(elsewhere);
    EXPECT_EQ(traffic_->Of(kSeries), std::nullopt);
    EXPECT_THAT(traffic_->Problem(kService).text,
                HasSubstr("network namespace"));
    EXPECT_EQ(traffic_->Problem(1).text, "");
  }
  // Together with one that is seen there are totals.
  const Connection connection(listener_);
  Pass({elsewhere[0], MemberOf(getpid())});
  ExpectTotals(0, 0);
  EXPECT_THAT(traffic_->Problem(kService).text, HasSubstr("network namespace"));
  child.Kill();
  Pass({MemberOf(getpid())});
  EXPECT_EQ(traffic_->Problem(kService).text, "");
}

TEST_F(ExportTrafficTest, ProcessWhoseDescriptorsMayNotBeListedIsAProblem) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  Watch({{listener_.port()}});
  const std::vector other{MemberOf(getpid())};
  EXPECT_TRUE(HoldsInChild([&] {
    BecomeUser(4242)();
    return TryPass(other) && !traffic_->Of(kSeries) &&
           traffic_->Problem(kService).text.find("CAP_SYS_PTRACE") !=
               std::string::npos;
  }));
}

TEST_F(ExportTrafficTest, PassThatFailsChangesNothing) {
  Watch({{listener_.port()}});
  const std::vector self{MemberOf(getpid())};
  Pass(self);
  Connection connection(listener_);
  Transfer(connection.local, connection.remote, 1000);
  {
    const NoDescriptors none;
    const auto passed = TryPass(self);
    ASSERT_FALSE(passed);
    EXPECT_EQ(traffic_->Problem(kService).text, passed.error().Message());
    EXPECT_EQ(traffic_->Of(kSeries), std::nullopt);
  }
  Pass(self);
  ExpectTotals(1000, 0);
  EXPECT_EQ(traffic_->Problem(kService).text, "");
}

TEST_F(ExportTrafficTest, IsAProblemWhereNoSocketCanBeListed) {
  Watch({{listener_.port()}, {}});
  const std::vector self{MemberOf(getpid())};
  const NoDescriptors none;
  ASSERT_FALSE(TryPass(self));
  EXPECT_EQ(traffic_->Problem(0).text,
            "socket diagnostics: Too many open files");
  EXPECT_EQ(traffic_->Problem(1).text, "");
}

// Real connections, held by a process that is shown as in procfs.
class ExportTrafficLookUpTest : public ExportTrafficTest {
 protected:
  void SetUp() override {
    ExportTrafficTest::SetUp();
    if (IsSkipped()) return;
    tree_.Put({.pid = kPid});
    tree_.SetSelf(kPid);
    std::filesystem::create_directories(Directory() / "fd");
    std::filesystem::create_directories(Directory() / "ns");
    std::filesystem::create_symlink("net:[1]", Directory() / "ns/net");
    Watch({{listener_.port()}}, tree_.path());
    members_ = {MemberOf(kPid)};
    Pass(members_);
  }

  std::filesystem::path Directory() const {
    return tree_.path() + "/" + std::to_string(kPid);
  }

  void Hold(const FileDescriptor& socket) {
    std::filesystem::create_symlink(
        "socket:[" + std::to_string(InodeOf(socket)) + "]",
        Directory() / "fd" / std::to_string(socket.get()));
  }

  // Whether a pass lists the descriptors of the process.
  bool PassLists() {
    const FileAccess access(Directory() / "fd");
    Pass(members_);
    return access.Happened();
  }

  static constexpr pid_t kPid = 5;

  ProcTree tree_;
  std::vector<Member> members_;
};

TEST_F(ExportTrafficLookUpTest, DescriptorsAreListedForANewSocketOnce) {
  EXPECT_FALSE(PassLists());
  Connection connection(listener_);
  Hold(connection.local);
  Transfer(connection.local, connection.remote, 1000);
  EXPECT_TRUE(PassLists());
  Transfer(connection.local, connection.remote, 1000);
  EXPECT_FALSE(PassLists());
  ExpectTotals(2000, 0);
}

TEST_F(ExportTrafficLookUpTest, SocketOfAStrangerIsLookedUpOnce) {
  Connection connection(listener_);
  EXPECT_TRUE(PassLists());
  Transfer(connection.local, connection.remote, 1000);
  EXPECT_FALSE(PassLists());
  EXPECT_EQ(traffic_->Of(kSeries), std::nullopt);
}

TEST_F(ExportTrafficLookUpTest, SocketThatTheListingFindsLaterCountsFromThen) {
  Connection strange(listener_);
  Transfer(strange.local, strange.remote, 1000);
  EXPECT_TRUE(PassLists());
  Hold(strange.local);
  Connection another(listener_);
  Transfer(strange.local, strange.remote, 100);
  EXPECT_TRUE(PassLists());
  ExpectTotals(0, 0);
  Transfer(strange.local, strange.remote, 10);
  EXPECT_FALSE(PassLists());
  ExpectTotals(10, 0);
}

TEST_F(ExportTrafficLookUpTest, ProcessThatHasThePidByNowHoldsNothing) {
  Connection connection(listener_);
  Hold(connection.local);
  Transfer(connection.local, connection.remote, 1000);
  tree_.Put({.pid = kPid, .start_time = 2000});
  EXPECT_TRUE(PassLists());
  EXPECT_EQ(traffic_->Of(kSeries), std::nullopt);
}

TEST_F(ExportTrafficLookUpTest, ProcessThatIsGoneIsNoProblem) {
  const Connection connection(listener_);
  tree_.Put({.pid = 6});
  tree_.SetSelf(6);
  tree_.Remove(kPid);
  Pass(members_);
  EXPECT_EQ(traffic_->Problem(kService).text, "");
}

// The kernel shows a namespace as "net:[INODE]".
TEST_F(ExportTrafficLookUpTest, ProcessThatCannotBeReadIsLeftOutAlone) {
  constexpr pid_t kUnread = kPid + 1;
  tree_.Put({.pid = kUnread});
  const auto other = tree_.path() + "/" + std::to_string(kUnread);
  std::filesystem::create_directories(other + "/ns");
  std::filesystem::create_symlink("odd", other + "/ns/net");
  members_.push_back(MemberOf(kUnread, kService, kSeries + 1));

  Connection connection(listener_);
  Hold(connection.local);
  Pass(members_);
  Transfer(connection.local, connection.remote, 1000);
  Pass(members_);
  ExpectTotals(1000, 0);
  EXPECT_FALSE(traffic_->Of(kSeries + 1));
  EXPECT_EQ(traffic_->Problem(kService).text,
            "connections of some processes are not seen: /proc/PID/ns/net: "
            "expected net:[INODE]");
  EXPECT_EQ(traffic_->Problem(kService).process, kUnread);

  std::filesystem::remove(other + "/ns/net");
  std::filesystem::create_symlink("net:[1]", other + "/ns/net");
  std::filesystem::create_directories(other + "/fd");
  Pass(members_);
  EXPECT_EQ(traffic_->Problem(kService).text, "");
}

TEST_F(ExportTrafficLookUpTest, SteadyPassAllocatesNothing) {
  std::vector<Connection> connections;
  for (int i = 0; i < 100; ++i) {
    connections.emplace_back(listener_);
    if (i % 2 == 0) Hold(connections.back().local);
  }
  for (int pass = 0; pass < 3; ++pass) Pass(members_);
  for (const auto& one : connections) Transfer(one.local, one.remote, 10);
  failing_allocation = 0;
  const bool passed = TryPass(members_).has_value();
  failing_allocation = -1;
  EXPECT_TRUE(passed);
  ExpectTotals(500, 0);
}

}  // namespace
}  // namespace resource_attribution::measures
