#include "procfs/proc_environ.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace resource_attribution::procfs {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

std::vector<std::pair<std::string, std::string>> VariablesOf(
    const std::string& bytes) {
  std::vector<std::pair<std::string, std::string>> variables;
  std::string_view rest = bytes;
  while (const auto variable = NextVariable(rest)) {
    variables.emplace_back(variable->name, variable->value);
  }
  return variables;
}

TEST(ProcEnviron, VariablesComeInTheirOrder) {
  EXPECT_THAT(VariablesOf("HOME=/root\0LANG=C\0"s),
              ElementsAre(Pair("HOME", "/root"), Pair("LANG", "C")));
}

TEST(ProcEnviron, ValueMayBeEmptyOrHoldEqualsSignsAndLineBreaks) {
  EXPECT_THAT(
      VariablesOf("A=\0B==\0C=x=y\nD=z\0"s),
      ElementsAre(Pair("A", ""), Pair("B", "="), Pair("C", "x=y\nD=z")));
}

TEST(ProcEnviron, VariablesOfOneNameAllCome) {
  EXPECT_THAT(VariablesOf("A=1\0A=2\0"s),
              ElementsAre(Pair("A", "1"), Pair("A", "2")));
}

TEST(ProcEnviron, EntriesWithoutAValueOrANameArePassedOver) {
  EXPECT_THAT(VariablesOf("A\0=B\0\0C=1\0=\0"s), ElementsAre(Pair("C", "1")));
}

TEST(ProcEnviron, LastEntryMayBeCut) {
  EXPECT_THAT(VariablesOf("A=1\0B=2"s),
              ElementsAre(Pair("A", "1"), Pair("B", "2")));
}

TEST(ProcEnviron, NothingComesOfTitlesAndPadding) {
  EXPECT_THAT(VariablesOf("nginx: worker process\0\0\0\0"s), IsEmpty());
  EXPECT_THAT(VariablesOf(""), IsEmpty());
  EXPECT_THAT(VariablesOf(std::string(100, '\0')), IsEmpty());
}

TEST(ProcEnviron, WholeOneIsNotOverwritten) {
  EXPECT_FALSE(IsOverwritten("HOME=/root\0LANG=\0"s));
  EXPECT_FALSE(IsOverwritten("A=x y\nz\0BASH_FUNC_f%%=() {  :\n}\0"s));
  EXPECT_FALSE(IsOverwritten("A=b"));  // read up to a limit
}

// setproctitle of Python and nginx fill with NULs, Perl with blanks.
TEST(ProcEnviron, TitleOverwritesIt) {
  EXPECT_TRUE(IsOverwritten(""));
  EXPECT_TRUE(IsOverwritten("\0"s));
  EXPECT_TRUE(IsOverwritten(std::string(200, '\0')));
  EXPECT_TRUE(IsOverwritten(std::string(200, ' ') + '\0'));
  EXPECT_TRUE(IsOverwritten("er process\0\0\0\0"s));
  EXPECT_TRUE(IsOverwritten("ster process\0HOME=/root\0"s));
  EXPECT_TRUE(IsOverwritten("n: worker [x=y]\0"s));
  EXPECT_TRUE(IsOverwritten("x=1\0\0\0\0"s));
  EXPECT_TRUE(IsOverwritten("=x\0"s));
}

}  // namespace
}  // namespace resource_attribution::procfs
