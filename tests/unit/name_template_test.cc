#include "discovery/name_template.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proc_tree.h"
#include "procfs/procfs.h"

namespace resource_attribution::discovery {
namespace {

using Kind = NameTemplate::Kind;
using testing::EndsWith;
using testing::StartsWith;

class NameTemplateTest : public testing::Test {
 protected:
  // The name that `text` produces for process 5 of the tree.
  std::string Expand(const std::string& text) {
    const auto proc = procfs::Procfs::Open(path_);
    const auto process = proc->OpenProcess(5);
    Candidate::Buffers buffers;
    Candidate candidate(*process, buffers);
    std::string name = "what was there before";
    EXPECT_TRUE(NameTemplate(text).Expand(selectors_, users_, candidate, name));
    return name;
  }

  ProcTree tree_;
  const std::string path_ = tree_.path();
  Selectors selectors_;
  Users users_;
};

std::string Untrusted(std::string_view value) {
  std::string name;
  AppendUntrusted(value, name);
  return name;
}

TEST(NameTemplate, TextIsItself) {
  for (const char* text : {"", "checkout", "a$b", "${", "a ${comm", "$}"}) {
    EXPECT_FALSE(NameTemplate(text).HasPlaceholders()) << text;
  }
}

TEST(NameTemplate, PlaceholdersStandBetweenText) {
  const NameTemplate name("a ${comm}-${jar}${user}!");
  ASSERT_EQ(name.parts().size(), 6U);
  EXPECT_EQ(name.parts()[1].kind, Kind::kComm);
  EXPECT_EQ(name.parts()[3].kind, Kind::kCapture);
  EXPECT_EQ(name.parts()[3].text, "jar");
  EXPECT_EQ(name.parts()[4].kind, Kind::kUser);
  EXPECT_EQ(name.parts()[5].text, "!");
  EXPECT_TRUE(name.HasPlaceholders());
}

TEST_F(NameTemplateTest, TakesWhatTheProcessIs) {
  tree_.Put({.pid = 5,
             .comm = "java",
             .effective_user = 0,
             .cmdline = std::string("java\0-jar\0/opt/orders.jar\0", 26),
             .cgroup = "0::/system.slice/orders.service/worker\n"});
  selectors_.command_lines.push_back(
      CompileExpression("(?P<jar>[^/ ]+)\\.jar"));
  EXPECT_EQ(Expand("${comm}"), "java");
  EXPECT_EQ(Expand("${user}"), "root");
  EXPECT_EQ(Expand("${unit}"), "orders.service");
  EXPECT_EQ(Expand("${cgroup}"), "worker");
  EXPECT_EQ(Expand("${jar} of ${user}"), "orders of root");
}

TEST_F(NameTemplateTest, WhatTheProcessDoesNotHaveIsAnUnderscore) {
  tree_.Put({.pid = 5});
  selectors_.command_lines.push_back(CompileExpression("fake(?P<none>x)?"));
  EXPECT_EQ(Expand("${unit}"), "_");
  EXPECT_EQ(Expand("${cgroup}"), "_");
  EXPECT_EQ(Expand("${none}"), "_");
}

TEST_F(NameTemplateTest, CaptureIsThatOfTheExpressionThatIsFound) {
  tree_.Put({.pid = 5, .cmdline = std::string("b-two\0", 6)});
  selectors_.command_lines.push_back(CompileExpression("^a-(?P<x>.*)"));
  selectors_.command_lines.push_back(CompileExpression("^b-(?P<x>.*)"));
  EXPECT_EQ(Expand("${x}"), "two");
}

TEST(NameTemplate, UntrustedTextCannotBreakAName) {
  EXPECT_EQ(Untrusted("a/b\nc\x1b[31m\x7f"), "a_b_c_[31m_");
  EXPECT_EQ(Untrusted(std::string_view("a\0b", 3)), "a_b");
  EXPECT_EQ(Untrusted("\"quoted\" {x} \\"), "\"quoted\" {x} \\");
  EXPECT_EQ(Untrusted("äö€😀"), "äö€😀");
  EXPECT_EQ(Untrusted("\xc2\x85"), "_");  // U+0085, a control character
}

// They would hide, join or reorder what people read.
TEST(NameTemplate, InvisibleCharactersBecomeUnderscores) {
  EXPECT_EQ(Untrusted("db\u200b"), "db_");            // zero width space
  EXPECT_EQ(Untrusted("\u202egpj.exe"), "_gpj.exe");  // right-to-left override
  EXPECT_EQ(Untrusted("a\u2028b\u2029c"), "a_b_c");   // line, paragraph
  EXPECT_EQ(Untrusted("a\u00adb\ufeff"), "a_b_");     // soft hyphen, BOM
  EXPECT_EQ(Untrusted("\U000e0041x"), "_x");          // tag
  EXPECT_EQ(Untrusted("\u2027\u202f\u00ae"), "\u2027\u202f\u00ae");
}

// RFC 3629: overlong forms, surrogates, beyond U+10FFFF, cut, stray.
TEST(NameTemplate, WhatIsNoUtf8BecomesUnderscores) {
  EXPECT_EQ(Untrusted("\xff"), "_");
  EXPECT_EQ(Untrusted("\xc0\xaf"), "__");
  EXPECT_EQ(Untrusted("\xe0\x80\xaf"), "___");
  EXPECT_EQ(Untrusted("\xed\xa0\x80"), "___");
  EXPECT_EQ(Untrusted("\xf4\x90\x80\x80"), "____");
  EXPECT_EQ(Untrusted("a\xe2\x82"), "a__");
  EXPECT_EQ(Untrusted("\x80z"), "_z");
}

TEST(NameTemplate, LongNameIsCutWithAHashOfTheWhole) {
  std::string just_fits(127, 'x');
  CutSeriesName(just_fits);
  EXPECT_EQ(just_fits, std::string(127, 'x'));

  std::string one(200, 'x');
  std::string other = one;
  other.back() = 'y';
  CutSeriesName(one);
  CutSeriesName(other);
  EXPECT_EQ(one.size(), 127U);
  EXPECT_THAT(one, StartsWith(std::string(110, 'x') + "_"));
  EXPECT_NE(one, other);
}

// FNV-1a of 200 times "x", by an independent implementation.
TEST(NameTemplate, HashIsTheSameOnEveryHost) {
  std::string name(200, 'x');
  CutSeriesName(name);
  EXPECT_THAT(name, EndsWith("_6ee14c8caecd5c45"));
}

TEST(NameTemplate, NoCharacterIsCutInTwo) {
  std::string name;
  for (int i = 0; i < 60; ++i) name += "€";
  CutSeriesName(name);
  EXPECT_EQ(name.size(), 108U + 17U);
  EXPECT_EQ(Untrusted(name), name);
}

}  // namespace
}  // namespace resource_attribution::discovery
