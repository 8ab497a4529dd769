#include "procfs/printable.h"

#include <gtest/gtest.h>

namespace resource_attribution::procfs {
namespace {

TEST(Printable, ControlCharactersAreEscaped) {
  EXPECT_EQ(Printable("a\nb\x1b[31m\x7f"), "a\\x0ab\\x1b[31m\\x7f");
  EXPECT_EQ(Printable("\u0085"), "\xc2\\x85");
  EXPECT_EQ(Printable("\"a\" \\ äö€😀"), "\"a\" \\ äö€😀");
}

TEST(Printable, InvisibleCharactersAreEscaped) {
  EXPECT_EQ(Printable("db\u200b"), "db\\xe2\\x80\\x8b");
  EXPECT_EQ(Printable("\u202egpj"), "\\xe2\\x80\\xaegpj");
  EXPECT_EQ(Printable("\u2028"), "\\xe2\\x80\\xa8");
  EXPECT_EQ(Printable("\U000e0041"), "\\xf3\\xa0\\x81\\x81");
  EXPECT_EQ(Printable("\u2027\u202f"), "\u2027\u202f");
}

TEST(Printable, WhatIsNoUtf8StaysAsItIs) {
  EXPECT_EQ(Printable("\xff\xe2\x80"), "\xff\xe2\x80");
}

TEST(Printable, IsTheSameWhenItIsMadePrintableTwice) {
  const std::string once = Printable("a\n\u202e\u0085");
  EXPECT_EQ(Printable(once), once);
}

TEST(Printable, LongTextIsCut) {
  EXPECT_EQ(Printable(std::string(300, 'x')), std::string(200, 'x') + "...");
}

}  // namespace
}  // namespace resource_attribution::procfs
