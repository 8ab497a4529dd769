#ifndef RESOURCE_ATTRIBUTION_MEASURES_WORD_SEARCH_H_
#define RESOURCE_ATTRIBUTION_MEASURES_WORD_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace resource_attribution::measures {

/// Finds any of several words in large texts. It looks at two of every few
/// bytes only, and at the rest where these two may belong to a word (S. Wu and
/// U. Manber, "A fast algorithm for multi-pattern searching", 1994): a
/// megabyte takes about 1 ms.
class WordSearch {
 public:
  /// At most 255 words, of at least two bytes each; the longer the shortest,
  /// the faster. The texts of the words have to outlive this.
  explicit WordSearch(std::vector<std::string_view> words);

  /// Calls `found` with the index of a word for each place where it stands.
  template <typename Found>
  void ForEach(std::string_view text, Found found) const {
    if (text.size() < shortest_) return;
    for (size_t last = shortest_ - 1; last < text.size();) {
      const size_t block = Block(text, last);
      if (skip_[block] > 0) {
        last += skip_[block];
        continue;
      }
      const size_t begin = last + 1 - shortest_;
      for (size_t i = first_[block]; i < first_[block + 1]; ++i) {
        if (text.substr(begin).starts_with(words_[by_block_[i]])) {
          found(by_block_[i]);
        }
      }
      ++last;
    }
  }

  size_t longest() const { return longest_; }

 private:
  static constexpr size_t kBlocks = size_t{1} << 16;

  // The number that the byte at `last` and the one before it make.
  static size_t Block(std::string_view text, size_t last) {
    return size_t{static_cast<uint8_t>(text[last - 1])} << 8 |
           static_cast<uint8_t>(text[last]);
  }

  std::vector<std::string_view> words_;
  size_t shortest_;
  size_t longest_;

  // How far the next place can be where a word may have these two bytes; 0:
  // they may be the last two of the first `shortest_` bytes of a word.
  std::vector<uint8_t> skip_;

  // The words for each block: by_block_ from first_[block] on.
  std::vector<uint8_t> first_;
  std::vector<uint8_t> by_block_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_WORD_SEARCH_H_
