#include "measures/tracing_detection.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "child_process.h"
#include "loopback.h"
#include "proc_tree.h"

namespace resource_attribution::measures {
namespace {

using procfs::Process;
using store::TracingState;
using Strings = std::vector<std::string>;

class TracingDetectionTest : public testing::Test {
 protected:
  // What comes of `sleep` with these variables alone.
  procfs::Result<Detection> DetectWith(const Strings& environ) {
    ChildProcess child({[] {},
                        [&] {
                          clearenv();
                          for (const std::string& variable : environ) {
                            putenv(strdup(variable.c_str()));
                          }
                          execl("/bin/sleep", "sleep", "1000", nullptr);
                          _exit(1);
                        }});
    child.Next();
    return DetectionOf(child.pid());
  }

  procfs::Result<Detection> DetectionOf(pid_t pid) {
    return DetectionOf(*Process::Open(proc_.get(), pid));
  }

  procfs::Result<Detection> DetectionOf(const Process& process) {
    return detection_.LookAt(process, buffer_).map([](const auto& look) {
      return look.detection;
    });
  }

  procfs::FileDescriptor proc_{open("/proc", O_RDONLY | O_DIRECTORY)};
  procfs::Buffer buffer_;
  TracingDetection detection_{{}};
};

TEST_F(TracingDetectionTest, ProgramsAreToldByTheirEnvironment) {
  const auto on = DetectWith({"HOME=/", "OTEL_SERVICE_NAME=checkout"});
  ASSERT_TRUE(on) << on.error().Message();
  EXPECT_EQ(on->tracing, TracingState::kTraced);
  EXPECT_STREQ(on->evidence, "OTEL_");

  const auto off =
      DetectWith({"OTEL_SERVICE_NAME=checkout", "OTEL_SDK_DISABLED=true"});
  ASSERT_TRUE(off) << off.error().Message();
  EXPECT_EQ(off->tracing, TracingState::kUntraced);
  EXPECT_STREQ(off->evidence, "OTEL_SDK_DISABLED");

  // sleep(1) has no SDK.
  for (const Strings& environ : {Strings{"HOME=/"}, Strings{}}) {
    const auto none = DetectWith(environ);
    ASSERT_TRUE(none) << none.error().Message();
    EXPECT_EQ(none->tracing, TracingState::kUntraced);
    EXPECT_STREQ(none->evidence, "no SDK in the program and its libraries");
  }
}

TEST_F(TracingDetectionTest, ProgramsAreToldByWhatTheyMapped) {
  const TemporaryDirectory directory;
  const auto library = directory.path() / "libopentelemetry_trace.so";
  Write(library, "x");
  const ChildProcess child({[&] {
    const int fd = open(library.c_str(), O_RDONLY);
    if (mmap(nullptr, 1, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED) {
      _exit(1);
    }
  }});
  const auto detection = DetectionOf(child.pid());
  ASSERT_TRUE(detection) << detection.error().Message();
  EXPECT_EQ(detection->tracing, TracingState::kTraced);
  EXPECT_STREQ(detection->evidence, "libopentelemetry_trace.so");
}

TEST_F(TracingDetectionTest, NothingOfTheEnvironmentIsLeft) {
  ASSERT_TRUE(DetectWith({"OTEL_SERVICE_NAME=checkout", "PASSWORD=fa7e7d"}));
  const std::string_view left(buffer_.data(), buffer_.size());
  EXPECT_EQ(left.find("fa7e7d"), std::string_view::npos);
}

// What is seen of the connections of a process to `port`.
std::vector<uint16_t> ConnectionsOf(pid_t pid, uint16_t port) {
  const procfs::FileDescriptor proc(open("/proc", O_RDONLY | O_DIRECTORY));
  TracingDetection detection({port});
  const auto found = detection.ConnectionsOf(*Process::Open(proc.get(), pid));
  EXPECT_TRUE(found) << found.error().Message();
  return found->to_ports;
}

TEST_F(TracingDetectionTest, ConnectionToAPortOfAServiceIsSeen) {
  if (!HasSocketDiagnostics()) GTEST_SKIP() << "needs socket diagnostics";
  const Listener listener;
  const Listener other;
  std::vector<procfs::FileDescriptor> sockets;
  ChildProcess child({[] {}, [&] { sockets.push_back(other.Connect()); },
                      [&] { sockets.push_back(listener.Connect()); }});
  EXPECT_TRUE(ConnectionsOf(child.pid(), listener.port()).empty());
  child.Next();
  EXPECT_TRUE(ConnectionsOf(child.pid(), listener.port()).empty());
  child.Next();
  EXPECT_EQ(ConnectionsOf(child.pid(), listener.port()),
            std::vector{listener.port()});
}

// A client may have any port, also one to which others export.
TEST_F(TracingDetectionTest, ConnectionThatWasAcceptedIsNone) {
  if (!HasSocketDiagnostics()) GTEST_SKIP() << "needs socket diagnostics";
  const Listener listener;
  const Connection connection(listener);
  sockaddr_in client{};
  socklen_t size = sizeof(client);
  getsockname(connection.local.get(), reinterpret_cast<sockaddr*>(&client),
              &size);
  EXPECT_TRUE(ConnectionsOf(getpid(), ntohs(client.sin_port)).empty());
}

TEST_F(TracingDetectionTest, ThreadOfAnSdkIsSeen) {
  // A program gives its first thread its name.
  const TemporaryDirectory directory;
  const auto named = directory.path() / "OtelBatchSpanProcessor";
  std::filesystem::create_symlink("/bin/sleep", named);
  ChildProcess child(
      {[] {}, [&] { execl(named.c_str(), "sleep", "1000", nullptr); }});
  child.Next();
  const auto traced = DetectionOf(child.pid());
  ASSERT_TRUE(traced) << traced.error().Message();
  EXPECT_EQ(traced->tracing, TracingState::kTraced);
  EXPECT_STREQ(traced->evidence, "thread of an SDK");
}

TEST_F(TracingDetectionTest, ProcessesOfOthersCannotBeTold) {
  if (geteuid() != 0) GTEST_SKIP() << "needs to become another user";
  const pid_t child = fork();
  if (child == 0) {
    if (setuid(65534) != 0) _exit(3);
    const auto parent = Process::Open(proc_.get(), getppid());
    if (!parent) _exit(4);
    const auto detection = DetectionOf(*parent);
    _exit(!detection && detection.error().system_error == EACCES ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// A process whose files are what the test wrote.
class TracingDetectionFixture : public TracingDetectionTest {
 protected:
  TracingDetectionFixture() {
    tree_.Put({.pid = 5});
    Write(tree_.path() + "/5/environ", "");
    Write(tree_.path() + "/5/maps", "");
  }

  procfs::Result<Detection> Detect() {
    const procfs::FileDescriptor root(
        open(tree_.path().c_str(), O_RDONLY | O_DIRECTORY));
    return DetectionOf(*Process::Open(root.get(), 5));
  }

  ProcTree tree_;
};

TEST_F(TracingDetectionFixture, EnvironmentThatIsTooLargeCannotBeTold) {
  const std::string large(2 << 20, 'x');
  Write(tree_.path() + "/5/environ", large);
  const auto cut = Detect();
  ASSERT_FALSE(cut);
  EXPECT_STREQ(cut.error().file, "/proc/PID/environ");
  EXPECT_EQ(cut.error().system_error, EFBIG);

  Write(tree_.path() + "/5/environ", "OTEL_SERVICE_NAME=a" + ('\0' + large));
  const auto on = Detect();
  ASSERT_TRUE(on) << on.error().Message();
  EXPECT_EQ(on->tracing, TracingState::kTraced);
}

TEST_F(TracingDetectionFixture, MapsThatAreTooLargeCannotBeTold) {
  const std::string large(5 << 20, '\n');
  Write(tree_.path() + "/5/maps", large);
  const auto cut = Detect();
  ASSERT_FALSE(cut);
  EXPECT_STREQ(cut.error().file, "/proc/PID/maps");
  EXPECT_EQ(cut.error().system_error, EFBIG);

  Write(tree_.path() + "/5/maps", "0-1 r 0 0:0 1 /dd-java-agent.jar\n" + large);
  const auto on = Detect();
  ASSERT_TRUE(on) << on.error().Message();
  EXPECT_EQ(on->tracing, TracingState::kTraced);
}

TEST_F(TracingDetectionFixture, MapsAreNotReadWhereTheEnvironmentShowsTracing) {
  const FileAccess maps(tree_.path() + "/5/maps");
  Write(tree_.path() + "/5/environ", "OTEL_SERVICE_NAME=a");
  ASSERT_TRUE(Detect());
  EXPECT_FALSE(maps.Happened());
  Write(tree_.path() + "/5/environ", "");
  ASSERT_TRUE(Detect());
  EXPECT_TRUE(maps.Happened());
}

TEST_F(TracingDetectionFixture, ProcessThatIsGoneCannotBeTold) {
  std::filesystem::remove(tree_.path() + "/5/environ");
  const auto gone = Detect();
  ASSERT_FALSE(gone);
  EXPECT_TRUE(gone.error().Gone());
}

}  // namespace
}  // namespace resource_attribution::measures
