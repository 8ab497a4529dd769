#include "procfs/utf8.h"

#include <gtest/gtest.h>

namespace resource_attribution::procfs {
namespace {

TEST(Utf8, CharactersOfOneToFourBytes) {
  for (const auto& [text, size, code] :
       {std::tuple("ab", 1, U'a'), std::tuple("äb", 2, U'ä'),
        std::tuple("€b", 3, U'€'), std::tuple("😀b", 4, U'😀'),
        std::tuple("\xf4\x8f\xbf\xbf", 4, U'\x10ffff')}) {
    const Character first = FirstCharacter(text);
    EXPECT_EQ(first.size, static_cast<size_t>(size)) << text;
    EXPECT_EQ(first.code, code) << text;
  }
}

// RFC 3629: overlong forms, surrogates, beyond U+10FFFF, cut, stray.
TEST(Utf8, WhatIsNoneHasNoSize) {
  for (const char* text :
       {"", "\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
        "\xf4\x90\x80\x80", "\xe2\x82", "\x80z"}) {
    EXPECT_EQ(FirstCharacter(text).size, 0U) << text;
  }
}

TEST(Utf8, InvisibleCharactersAreKnown) {
  for (const char32_t code :
       {U'\u00ad', U'\u061c', U'\u200b', U'\u200f', U'\u2028', U'\u202e',
        U'\u2066', U'\ufeff', U'\U0001d173', U'\U000e007f'}) {
    EXPECT_TRUE(IsInvisible(code)) << std::hex << static_cast<uint32_t>(code);
  }
  for (const char32_t code : {U' ', U'a', U'\u00ae', U'\u200a', U'\u202f',
                              U'\u2065', U'\ufffc', U'\U000e0080'}) {
    EXPECT_FALSE(IsInvisible(code)) << std::hex << static_cast<uint32_t>(code);
  }
}

}  // namespace
}  // namespace resource_attribution::procfs
