#include "trace_sampling/replaced_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "proc_tree.h"

namespace resource_attribution::trace_sampling {
namespace {

using testing::HasSubstr;

class ReplacedFileTest : public testing::Test {
 protected:
  static bool IsOurs(std::string_view text) { return text.starts_with("ours"); }

  static std::string Read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
  }

  size_t FilesInDirectory() const {
    const auto all = std::filesystem::directory_iterator(directory_.path());
    return static_cast<size_t>(std::distance(begin(all), end(all)));
  }

  // The message of a failed Replace; empty if it succeeded.
  std::string Replace(const std::string& text) {
    const auto done = file_.Replace(text);
    return done ? "" : done.error().Message();
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() / "strategies.json";
  ReplacedFile file_{path_, IsOurs};
};

TEST_F(ReplacedFileTest, IsWrittenWholeAndReadableByAll) {
  const mode_t before = umask(0077);
  EXPECT_EQ(Replace("ours 1"), "");
  EXPECT_EQ(Replace("ours 2"), "");
  umask(before);
  EXPECT_EQ(Read(path_), "ours 2");
  struct stat status {};
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644U);
  EXPECT_EQ(FilesInDirectory(), 1U);
}

TEST_F(ReplacedFileTest, ReaderOfTheOldFileKeepsIt) {
  ASSERT_EQ(Replace("ours 1"), "");
  std::ifstream reader(path_);
  ASSERT_EQ(Replace("ours 2"), "");
  std::string text;
  std::getline(reader, text);
  EXPECT_EQ(text, "ours 1");
}

TEST_F(ReplacedFileTest, SameTextIsNotWrittenAgain) {
  ASSERT_EQ(Replace("ours"), "");
  std::filesystem::remove(path_);
  EXPECT_EQ(Replace("ours"), "");
  EXPECT_FALSE(std::filesystem::exists(path_));
  file_.Forget();
  EXPECT_EQ(Replace("ours"), "");
  EXPECT_EQ(Read(path_), "ours");
}

TEST_F(ReplacedFileTest, FileOfAnotherIsLeftAlone) {
  Write(path_, "theirs");
  EXPECT_EQ(Replace("ours"), path_ +
                                 ": expected no file, or one that the plugin "
                                 "wrote; it replaces no other");
  EXPECT_EQ(Read(path_), "theirs");
  EXPECT_FALSE(file_.Check());
  std::filesystem::remove(path_);
  EXPECT_TRUE(file_.Check());
  EXPECT_EQ(Replace("ours"), "");
}

TEST_F(ReplacedFileTest, FileThatAnotherPutsInItsPlaceIsLeftAlone) {
  ASSERT_EQ(Replace("ours 1"), "");
  Write(path_, "theirs");
  EXPECT_THAT(Replace("ours 2"), HasSubstr("it replaces no other"));
  EXPECT_EQ(Read(path_), "theirs");
}

TEST_F(ReplacedFileTest, LinkIsNotFollowed) {
  const std::string target = directory_.path() / "target";
  Write(target, "ours");
  std::filesystem::create_symlink(target, path_);
  EXPECT_THAT(Replace("ours 2"), HasSubstr("no link, directory or device"));
  EXPECT_EQ(Read(target), "ours");
  std::filesystem::remove(target);  // a link to nothing
  EXPECT_THAT(Replace("ours 2"), HasSubstr("no link, directory or device"));
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST_F(ReplacedFileTest, FifoAndDirectoryAreRefused) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0666), 0);
  EXPECT_THAT(Replace("ours"), HasSubstr("no link, directory or device"));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_THAT(Replace("ours"), HasSubstr("no link, directory or device"));
}

TEST_F(ReplacedFileTest, DirectoryMayGoAndComeBack) {
  ASSERT_EQ(Replace("ours 1"), "");
  std::filesystem::remove_all(directory_.path());
  EXPECT_EQ(Replace("ours 2"), path_ + ": No such file or directory");
  std::filesystem::create_directory(directory_.path());
  EXPECT_EQ(Replace("ours 2"), "");
  EXPECT_EQ(Read(path_), "ours 2");
}

// What a daemon leaves that was killed before the rename.
TEST_F(ReplacedFileTest, NewFileOfAKilledDaemonIsNoObstacle) {
  ASSERT_EQ(Replace("ours 1"), "");
  Write(directory_.path() / ".strategies.json.resource_attribution", "our");
  EXPECT_EQ(Read(path_), "ours 1");
  EXPECT_EQ(Replace("ours 2"), "");
  EXPECT_EQ(Read(path_), "ours 2");
  EXPECT_EQ(FilesInDirectory(), 1U);
}

// A file system of one page, over the directory.
class SmallFileSystem {
 public:
  explicit SmallFileSystem(const std::string& path) : path_(path) {
    is_mounted_ =
        mount("none", path.c_str(), "tmpfs", 0, "size=4k,nr_inodes=4") == 0;
  }
  ~SmallFileSystem() {
    if (is_mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  SmallFileSystem(const SmallFileSystem&) = delete;
  SmallFileSystem& operator=(const SmallFileSystem&) = delete;

  bool is_mounted() const { return is_mounted_; }
  bool MakeReadOnly() const {
    return mount(nullptr, path_.c_str(), nullptr, MS_REMOUNT | MS_RDONLY,
                 nullptr) == 0;
  }

 private:
  const std::string path_;
  bool is_mounted_;
};

TEST_F(ReplacedFileTest, FullDiskLeavesTheOldFileWhole) {
  const SmallFileSystem disk(directory_.path());
  if (!disk.is_mounted()) GTEST_SKIP() << "needs to mount a tmpfs";
  ASSERT_EQ(Replace("ours 1"), "");
  EXPECT_EQ(Replace("ours" + std::string(5000, ' ')),
            path_ + ": No space left on device");
  EXPECT_EQ(Read(path_), "ours 1");
  EXPECT_EQ(FilesInDirectory(), 1U);
}

TEST_F(ReplacedFileTest, ReadOnlyFileSystemLeavesTheOldFileWhole) {
  const SmallFileSystem disk(directory_.path());
  if (!disk.is_mounted()) GTEST_SKIP() << "needs to mount a tmpfs";
  ASSERT_EQ(Replace("ours 1"), "");
  ASSERT_TRUE(disk.MakeReadOnly());
  EXPECT_EQ(Replace("ours 2"), path_ + ": Read-only file system");
  EXPECT_EQ(Read(path_), "ours 1");
}

}  // namespace
}  // namespace resource_attribution::trace_sampling
