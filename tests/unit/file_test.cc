#include "procfs/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

class FileTest : public testing::Test {
 protected:
  // What ReadFile makes of a file of `size` bytes.
  Result<void> Read(size_t size, size_t limit, Oversize oversize) {
    written_.assign(size, 'x');
    if (size > 0) written_.back() = 'y';
    Write(directory_.path() / "file", written_);
    return ReadFile(AT_FDCWD, path_.c_str(), limit, oversize, content_);
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() / "file";
  std::string written_;
  std::string content_ = "what was there before";
};

TEST_F(FileTest, ReadsFilesOfAnySizeUpToTheLimit) {
  for (const size_t size : {0, 1, 4095, 4096, 4097, 8192, 99999, 100000}) {
    ASSERT_TRUE(Read(size, 100000, Oversize::kFail)) << size;
    EXPECT_EQ(content_, written_) << size;
  }
}

TEST_F(FileTest, OneByteAboveTheLimitIsTooMuch) {
  const auto read = Read(100001, 100000, Oversize::kFail);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().system_error, EFBIG);
  EXPECT_EQ(content_, "");
}

TEST_F(FileTest, OrIsCutThere) {
  ASSERT_TRUE(Read(100001, 100000, Oversize::kCut));
  EXPECT_EQ(content_, written_.substr(0, 100000));
}

TEST_F(FileTest, ErrorCarriesWhatFailedOnWhichFile) {
  const auto read =
      ReadFile(AT_FDCWD, "/nowhere/file", 10, Oversize::kFail, content_);
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().Gone());
  EXPECT_EQ(read.error().Message(), "/nowhere/file: No such file or directory");
}

TEST_F(FileTest, DirectoryIsNoFile) {
  const auto read = ReadFile(AT_FDCWD, "/", 10, Oversize::kFail, content_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().system_error, EISDIR);
}

}  // namespace
}  // namespace resource_attribution::procfs
