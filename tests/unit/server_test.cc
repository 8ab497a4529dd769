// The child's side, asked as the daemon asks it.

#include "child/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "discovery/users.h"
#include "proc_tree.h"

namespace resource_attribution::child {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class ServerTest : public testing::Test {
 protected:
  Assignment AssignmentTo(std::vector<options::Item> options) {
    options.push_back({.key = "ProcPath", .values = {{.text = tree_.path()}}});
    options.push_back({.key = "Discovery", .values = {{.text = "Scan"}}});
    return {.version = RESOURCE_ATTRIBUTION_VERSION,
            .plugin_blocks = {{.key = "Plugin",
                               .values = {{.text = "resource_attribution"}},
                               .children = std::move(options)}},
            .interval_seconds = 1};
  }

  Reader Begin(std::vector<options::Item> options) {
    request_.clear();
    Write(AssignmentTo(std::move(options)), request_);
    return Reader(server_.Answer(request_));
  }

  Reader Pass(const procfs::PassedOver& passed_over = {}) {
    request_.clear();
    WritePass(passed_over, request_);
    return Reader(server_.Answer(request_));
  }

  Reader About(Asked asked, pid_t pid) {
    request_.clear();
    WriteAboutProcess(asked, pid, request_);
    return Reader(server_.Answer(request_));
  }

  // How many processes the only service has.
  size_t Count(const procfs::PassedOver& passed_over = {}) {
    Reader reader = Pass(passed_over);
    PassReport report;
    EXPECT_EQ(ReadFailure(reader), std::nullopt);
    EXPECT_TRUE(ReadReport(reader, 1, report));
    return report.processes.empty() ? SIZE_MAX : report.processes[0];
  }

  ProcTree tree_;
  Bytes request_;
  std::string confined_;
  Server server_{procfs::Daemon::kThisProcess, [this](const Config& config) {
                   confined_ = config.services[0].name;
                   return std::string("no seccomp");
                 }};
};

const options::Item kProcessA{.key = "Process", .values = {{.text = "a"}}};

TEST_F(ServerTest, IsConfinedBeforeItReadsAnything) {
  Reader reader = Begin({kProcessA});
  ASSERT_EQ(ReadFailure(reader), std::nullopt);
  const auto ready = ReadReady(reader);
  ASSERT_TRUE(ready);
  EXPECT_EQ(confined_, "a");
  EXPECT_THAT(ready->warnings, testing::ElementsAre("no seccomp"));
  EXPECT_THAT(ready->discovery, HasSubstr("by scanning /proc"));
}

TEST_F(ServerTest, MakesAPass) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a"});
  Begin({kProcessA});
  EXPECT_EQ(Count(), 2U);
}

TEST_F(ServerTest, ProcessThatIsPassedOverCountsAsGone) {
  tree_.Put({.pid = 5, .comm = "a"});
  tree_.Put({.pid = 6, .comm = "a"});
  Begin({kProcessA});
  EXPECT_EQ(Count({.processes = {6}}), 1U);
  EXPECT_EQ(Count({.processes = {5, 6}}), 0U);
  EXPECT_EQ(Count(), 2U);
}

TEST_F(ServerTest, ProcessesOfAUserArePassedOver) {
  tree_.Put({.pid = 5, .comm = "a"});
  Begin({kProcessA});
  // The tree gives all processes this real user ID.
  EXPECT_EQ(Count({.users = {4242}}), 0U);
  EXPECT_EQ(Count({.users = {4243}}), 1U);
}

TEST_F(ServerTest, PidFileThatIsPassedOverIsSaid) {
  TemporaryDirectory files;
  const std::string path = files.path() / "pid";
  ::Write(path, "5");
  tree_.Put({.pid = 5, .comm = "a"});
  Begin({{.key = "Process",
          .values = {{.text = "a"}},
          .children = {{.key = "PIDFile", .values = {{.text = path}}}}}});
  EXPECT_EQ(Count(), 1U);
  Reader reader = Pass({.files = {files.path().string() + "/"}});
  PassReport report;
  ASSERT_EQ(ReadFailure(reader), std::nullopt);
  ASSERT_TRUE(ReadReport(reader, 1, report));
  EXPECT_EQ(report.processes[0], 0U);
  ASSERT_EQ(report.notices.size(), 1U);
  EXPECT_THAT(report.notices[0].text,
              HasSubstr(path + ": expected a file that does not make"));
}

TEST_F(ServerTest, DescribesAProcess) {
  tree_.Put({.pid = 5, .comm = "a\nb"});
  Begin({kProcessA});
  Reader reader = About(Asked::kDescribe, 5);
  ASSERT_EQ(ReadFailure(reader), std::nullopt);
  EXPECT_EQ(ReadText(reader), "5 a\nb");
}

TEST_F(ServerTest, ModuleOfAnotherVersionIsRefused) {
  Assignment assignment = AssignmentTo({kProcessA});
  assignment.version = "0.0.1";
  Write(assignment, request_);
  Reader reader(server_.Answer(request_));
  const auto failure = ReadFailure(reader);
  ASSERT_TRUE(failure);
  EXPECT_THAT(std::string(*failure), HasSubstr("0.0.1: restart collectd"));
}

TEST_F(ServerTest, UserDatabaseThatIsPassedOverIsSaid) {
  tree_.Put({.pid = 5, .comm = "a", .effective_user = 0});
  Begin({{.key = "Process",
          .values = {{.text = "a"}},
          .children = {{.key = "User", .values = {{.text = "root"}}}}}});
  Reader reader = Pass({.files = {discovery::Users::kDatabase}});
  PassReport report;
  ASSERT_EQ(ReadFailure(reader), std::nullopt);
  ASSERT_TRUE(ReadReport(reader, 1, report));
  EXPECT_EQ(report.processes[0], 0U);
  ASSERT_EQ(report.notices.size(), 1U);
  EXPECT_THAT(report.notices[0].text, HasSubstr("look-up of a user"));
  EXPECT_EQ(Count(), 1U);
}

TEST_F(ServerTest, SaysWhyItCannotBegin) {
  Assignment assignment = AssignmentTo({});
  assignment.plugin_blocks[0].children.push_back(
      {.key = "Discovery", .values = {{.text = "Events"}}});
  assignment.plugin_blocks[0].children.push_back(kProcessA);
  Write(assignment, request_);
  Reader reader(server_.Answer(request_));
  const auto failure = ReadFailure(reader);
  ASSERT_TRUE(failure);
  EXPECT_THAT(std::string(*failure),
              HasSubstr("option Discovery \"Events\": "));
}

TEST_F(ServerTest, FailedPassHasAReason) {
  Assignment assignment = AssignmentTo({kProcessA});
  assignment.plugin_blocks[0].children.push_back(
      {.key = "ProcPath", .values = {{.text = "/nowhere"}}});
  Write(assignment, request_);
  server_.Answer(request_);
  Reader reader = Pass();
  const auto failure = ReadFailure(reader);
  ASSERT_TRUE(failure);
  EXPECT_THAT(std::string(*failure), HasSubstr("/nowhere: No such file"));
}

TEST_F(ServerTest, RequestsThatMakeNoSenseAreRefused) {
  for (const Bytes& request :
       {Bytes{}, Bytes{0}, Bytes{1}, Bytes{99}, Bytes{0, 1, 2, 3}}) {
    Reader reader(server_.Answer(request));
    EXPECT_TRUE(ReadFailure(reader));
  }
}

}  // namespace
}  // namespace resource_attribution::child
