#include "procfs/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

class FileTest : public testing::Test {
 protected:
  // What ReadAll makes of a file of `size` bytes; ReadProcFile does the same.
  Result<std::string_view> Read(size_t size, size_t limit, Oversize oversize) {
    written_.assign(size, 'x');
    if (size > 0) written_.back() = 'y';
    Write(directory_.path() / "file", written_);
    const FileDescriptor file(open(path_.c_str(), O_RDONLY));
    const auto at_once =
        ReadProcFile(file.get(), "file", limit, oversize, other_buffer_);
    const auto read = ReadAll(file.get(), "file", limit, oversize, buffer_);
    EXPECT_EQ(at_once.has_value(), read.has_value());
    EXPECT_EQ(at_once.value_or(""), read.value_or(""));
    return read;
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_.path() / "file";
  std::string written_;
  Buffer buffer_ = Buffer(10, '?');  // what was there before
  Buffer other_buffer_;
};

TEST_F(FileTest, ReadsFilesOfAnySizeUpToTheLimit) {
  for (const size_t size : {0, 1, 4095, 4096, 4097, 8192, 99999, 100000}) {
    const auto read = Read(size, 100000, Oversize::kFail);
    ASSERT_TRUE(read) << size;
    EXPECT_EQ(*read, written_) << size;
  }
}

TEST_F(FileTest, OneByteAboveTheLimitIsTooMuch) {
  const auto read = Read(100001, 100000, Oversize::kFail);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().system_error, EFBIG);
}

TEST_F(FileTest, OrIsCutThere) {
  const auto read = Read(100001, 100000, Oversize::kCut);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, written_.substr(0, 100000));
}

TEST_F(FileTest, ErrorCarriesWhatFailedOnWhichFile) {
  const FileDescriptor directory(open("/", O_RDONLY));
  const auto read = ReadAll(directory.get(), "/", 10, Oversize::kFail, buffer_);
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().Message(), "/: Is a directory");
}

// A repeated read of a file of procfs shows its content at that time.
TEST_F(FileTest, ProcFileIsReadFromItsBeginningEachTime) {
  Write(path_, "one");
  const FileDescriptor file(open(path_.c_str(), O_RDONLY));
  EXPECT_EQ(ReadProcFile(file.get(), "file", 10, Oversize::kFail, buffer_),
            "one");
  Write(path_, "two");
  EXPECT_EQ(ReadProcFile(file.get(), "file", 10, Oversize::kFail, buffer_),
            "two");
}

}  // namespace
}  // namespace resource_attribution::procfs
