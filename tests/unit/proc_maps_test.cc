#include "procfs/proc_maps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace resource_attribution::procfs {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> FilesOf(std::string_view maps) {
  std::vector<std::string> files;
  while (const auto file = NextMappedFile(maps)) files.emplace_back(file->path);
  return files;
}

constexpr const char* kMaps =
    "55d0c0a00000-55d0c0a02000 r--p 00000000 08:01 1234   /usr/bin/a b\n"
    "55d0c2000000-55d0c2021000 rw-p 00000000 00:00 0      [heap]\n"
    "7f0000000000-7f0000021000 rw-p 00000000 00:00 0 \n"
    "7f0000100000-7f0000200000 r-xp 00000000 08:01 5678   /lib/x.so (deleted)\n"
    "7f0000300000-7f0000400000 rw-s 00000000 00:05 1      anon_inode:[perf]\n";

TEST(ProcMaps, OnlyFilesCome) {
  EXPECT_THAT(FilesOf(kMaps),
              ElementsAre("/usr/bin/a b", "/lib/x.so (deleted)"));
}

TEST(ProcMaps, PiecesWithCodeMayBeExecuted) {
  std::string_view maps = kMaps;
  EXPECT_FALSE(NextMappedFile(maps)->is_code);
  EXPECT_TRUE(NextMappedFile(maps)->is_code);
  for (std::string_view odd : {"/x\n", " /x\n", "0-1 r-\n/x\n", "0-1 --/x"}) {
    EXPECT_FALSE(NextMappedFile(odd)->is_code);
  }
}

TEST(ProcMaps, LastLineMayBeCut) {
  EXPECT_THAT(FilesOf("0-1 r--p 0 08:01 1 /usr/li"), ElementsAre("/usr/li"));
  EXPECT_THAT(FilesOf("0-1 r--p 0 08"), IsEmpty());
}

TEST(ProcMaps, NothingComesOfNothing) {
  EXPECT_THAT(FilesOf(""), IsEmpty());
  EXPECT_THAT(FilesOf("\n\n"), IsEmpty());
}

}  // namespace
}  // namespace resource_attribution::procfs
