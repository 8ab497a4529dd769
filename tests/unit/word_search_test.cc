#include "measures/word_search.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace resource_attribution::measures {
namespace {

using Words = std::vector<std::string_view>;

std::multiset<size_t> Find(const Words& words, std::string_view text) {
  std::multiset<size_t> found;
  WordSearch(words).ForEach(text, [&](size_t word) { found.insert(word); });
  return found;
}

std::multiset<size_t> FindSlowly(const Words& words, std::string_view text) {
  std::multiset<size_t> found;
  for (size_t at = 0; at < text.size(); ++at) {
    for (size_t word = 0; word < words.size(); ++word) {
      if (text.substr(at).starts_with(words[word])) found.insert(word);
    }
  }
  return found;
}

TEST(WordSearch, FindsEachWordWhereverItStands) {
  const Words words{"jaeger", "OTEL_TRACES_", "OTEL_BSP_"};
  EXPECT_EQ(Find(words, "jaeger"), std::multiset<size_t>{0});
  EXPECT_EQ(Find(words, "xxOTEL_BSP_xjaeger"), (std::multiset<size_t>{0, 2}));
  EXPECT_EQ(Find(words, "jaegerjaeger"), (std::multiset<size_t>{0, 0}));
  EXPECT_TRUE(Find(words, "").empty());
  EXPECT_TRUE(Find(words, "jaege").empty());
  EXPECT_TRUE(Find(words, "OTEL_BSP").empty());
}

TEST(WordSearch, WordsMayOverlapAndContainEachOther) {
  const Words words{"abab", "bab", "aba", "ababab"};
  EXPECT_EQ(Find(words, "xababab"), FindSlowly(words, "xababab"));
}

TEST(WordSearch, FindsTheSameAsLookingEverywhere) {
  std::mt19937 random(1);  // NOLINT: the same in each run
  for (int round = 0; round < 300; ++round) {
    const auto text_of = [&random](size_t size) {
      std::string text;
      while (text.size() < size) text += static_cast<char>('a' + random() % 3);
      return text;
    };
    std::vector<std::string> words;
    for (int i = 0; i < 5; ++i) words.push_back(text_of(2 + random() % 5));
    const Words views(words.begin(), words.end());
    const std::string text = text_of(random() % 200);
    ASSERT_EQ(Find(views, text), FindSlowly(views, text)) << text;
  }
}

}  // namespace
}  // namespace resource_attribution::measures
