#include "discovery/expression.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace resource_attribution::discovery {
namespace {

bool Finds(const std::string& expression, const std::string& text) {
  const auto compiled = CompileExpression(expression);
  EXPECT_TRUE(compiled->ok()) << compiled->error();
  return RE2::PartialMatch(text, *compiled);
}

TEST(Expression, IsFoundAnywhereUnlessAnchored) {
  EXPECT_TRUE(Finds("orders\\.jar", "/usr/bin/java -jar orders.jar"));
  EXPECT_FALSE(Finds("^orders\\.jar", "/usr/bin/java -jar orders.jar"));
}

TEST(Expression, MatchesBytesOfAnyEncoding) {
  EXPECT_TRUE(Finds("^java .*orders", "java \xff\xfe orders"));
  EXPECT_TRUE(Finds("M\xc3\xbcller", "java M\xc3\xbcller"));
}

TEST(Expression, DotMatchesALineBreakInAnArgument) {
  EXPECT_TRUE(Finds("^sh .*worker", "sh -c 'set -e\nexec worker'"));
}

TEST(Expression, InvalidOneSaysWhy) {
  const auto compiled = CompileExpression("([");
  EXPECT_FALSE(compiled->ok());
  EXPECT_EQ(compiled->error(), "missing ]: [");
}

// With a backtracking engine this takes years, with a recursive one the stack.
TEST(Expression, HostileCommandLineCostsLinearTimeAndNoStack) {
  EXPECT_FALSE(Finds("(a*)*(a|aa)+$", std::string(256 << 10, 'a') + "b"));
  EXPECT_FALSE(Finds("(x+x+)+y", std::string(256 << 10, 'x')));
}

TEST(Capture, IsWhatTheNamedGroupMatched) {
  const auto compiled = CompileExpression("(?P<jar>[^/ ]+)\\.jar");
  EXPECT_EQ(Capture(*compiled, "jar", "java -jar /opt/orders.jar"), "orders");
  EXPECT_EQ(Capture(*compiled, "jar", "java -version"), std::nullopt);
  EXPECT_EQ(Capture(*compiled, "war", "java -jar orders.jar"), std::nullopt);
}

TEST(Capture, IsEmptyWhereTheGroupTakesNoPart) {
  const auto compiled = CompileExpression("a(?P<b>b)?");
  EXPECT_EQ(Capture(*compiled, "b", "a"), "");
}

}  // namespace
}  // namespace resource_attribution::discovery
