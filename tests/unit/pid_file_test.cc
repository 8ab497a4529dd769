#include "discovery/pid_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>

#include "proc_tree.h"

namespace resource_attribution::discovery {
namespace {

TEST(PidFile, HoldsANumberOnItsFirstLine) {
  EXPECT_EQ(ParsePidFile("1"), 1);
  EXPECT_EQ(ParsePidFile("123\n"), 123);
  EXPECT_EQ(ParsePidFile("  123 \r\n"), 123);
  EXPECT_EQ(ParsePidFile("4194304\n"), 4194304);
  // As PostgreSQL's postmaster.pid.
  EXPECT_EQ(ParsePidFile("4711\n/var/lib/postgresql\n5432\n"), 4711);
}

TEST(PidFile, AnythingElseIsAnError) {
  for (const char* content :
       {"", "\n", " \n7\n", "0", "-1", "+5", "4194305", "5x", "5 6", "0x10",
        "9223372036854775808", "five"}) {
    const auto pid = ParsePidFile(content);
    ASSERT_FALSE(pid) << content;
    EXPECT_STREQ(pid.error().expected,
                 "a process ID, 1 to 4194304, alone on the first line");
  }
}

class PidFileTest : public testing::Test {
 protected:
  TemporaryDirectory directory_;
  std::string path_ = directory_.path() / "x.pid";
  procfs::Buffer buffer_;
};

TEST_F(PidFileTest, IsReadWhereItIs) {
  Write(path_, "77\n");
  EXPECT_EQ(ReadPidFile(path_, buffer_), 77);
}

TEST_F(PidFileTest, MissingOneIsGone) {
  const auto pid = ReadPidFile(path_, buffer_);
  ASSERT_FALSE(pid);
  EXPECT_TRUE(pid.error().Gone());
}

// Only the beginning of the file is read, however large it is.
TEST_F(PidFileTest, HugeOneIsReadAtItsBeginning) {
  Write(path_, "77\n" + std::string(1 << 20, 'x'));
  EXPECT_EQ(ReadPidFile(path_, buffer_), 77);
  Write(path_, std::string(1 << 20, '1'));
  EXPECT_FALSE(ReadPidFile(path_, buffer_));
}

// Opening a FIFO without a writer would block the reader thread of the daemon.
TEST_F(PidFileTest, FifoDoesNotBlock) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  const auto pid = ReadPidFile(path_, buffer_);
  ASSERT_FALSE(pid);
  EXPECT_EQ(pid.error().Message(),
            path_ + ": expected a regular file, no link, directory or device");
}

TEST_F(PidFileTest, DirectoryOrDeviceIsNone) {
  for (const std::string& path :
       {std::string("/dev/zero"), directory_.path().string()}) {
    const auto pid = ReadPidFile(path, buffer_);
    ASSERT_FALSE(pid);
    EXPECT_EQ(pid.error().Message(),
              path + ": expected a regular file, no link, directory or device");
  }
}

// The directory may belong to another user, who must not choose what root
// reads.
TEST_F(PidFileTest, LinkIsNotFollowed) {
  Write(directory_.path() / "elsewhere", "77\n");
  std::filesystem::create_symlink("elsewhere", path_);
  const auto pid = ReadPidFile(path_, buffer_);
  ASSERT_FALSE(pid);
  EXPECT_EQ(pid.error().Message(),
            path_ + ": expected a regular file, no link, directory or device");
}

// /var/run is a link on most hosts.
TEST_F(PidFileTest, LinkOnTheWayIsFollowed) {
  Write(path_, "4711\n");
  const std::filesystem::path file = path_;
  const auto link = file.parent_path() / "link";
  std::filesystem::create_directory_symlink(file.parent_path(), link);
  const std::string path = link / file.filename();
  const auto pid = ReadPidFile(path, buffer_);
  ASSERT_TRUE(pid) << pid.error().Message();
  EXPECT_EQ(*pid, 4711);
}

TEST_F(PidFileTest, NumberThatIsCutIsNone) {
  Write(path_, std::string(60, ' ') + "31374\n");
  EXPECT_FALSE(ReadPidFile(path_, buffer_));
  Write(path_, std::string(58, ' ') + "31374\n");
  EXPECT_EQ(ReadPidFile(path_, buffer_), 31374);
}

TEST_F(PidFileTest, ErrorDoesNotRepeatTheContent) {
  Write(path_, "secret\n");
  const auto pid = ReadPidFile(path_, buffer_);
  ASSERT_FALSE(pid);
  EXPECT_EQ(pid.error().Message().find("secret"), std::string::npos);
  EXPECT_NE(pid.error().Message().find(path_), std::string::npos);
}

}  // namespace
}  // namespace resource_attribution::discovery
