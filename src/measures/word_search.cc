#include "measures/word_search.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace resource_attribution::measures {

WordSearch::WordSearch(std::vector<std::string_view> words)
    : words_(std::move(words)),
      shortest_(std::ranges::min(words_, {}, &std::string_view::size).size()),
      longest_(std::ranges::max(words_, {}, &std::string_view::size).size()),
      skip_(kBlocks,
            static_cast<uint8_t>(std::min<size_t>(shortest_ - 1, 255))),
      first_(kBlocks + 1),
      by_block_(words_.size()) {
  const auto block_of = [this](size_t word) {
    return Block(words_[word], shortest_ - 1);
  };
  std::iota(by_block_.begin(), by_block_.end(), uint8_t{0});
  std::ranges::sort(by_block_, {}, block_of);
  for (const std::string_view word : words_) {
    for (size_t last = 1; last < shortest_; ++last) {
      uint8_t& skip = skip_[Block(word, last)];
      skip = static_cast<uint8_t>(std::min<size_t>(skip, shortest_ - 1 - last));
    }
  }
  for (size_t block = 0, next = 0; block < kBlocks; ++block) {
    first_[block] = static_cast<uint8_t>(next);
    while (next < by_block_.size() && block_of(by_block_[next]) == block) {
      ++next;
    }
    first_[block + 1] = static_cast<uint8_t>(next);
  }
}

}  // namespace resource_attribution::measures
