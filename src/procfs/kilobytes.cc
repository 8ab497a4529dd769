#include "procfs/kilobytes.h"

#include <algorithm>
#include <limits>

#include "procfs/decimal.h"

namespace resource_attribution::procfs {

std::string_view NextWord(std::string_view& text, std::string_view separators) {
  text.remove_prefix(std::min(text.find_first_not_of(separators), text.size()));
  const std::string_view word = text.substr(0, text.find_first_of(separators));
  text.remove_prefix(word.size());
  return word;
}

std::optional<uint64_t> ParseKilobytes(std::string_view value) {
  const auto kilobytes = ParseDecimal<uint64_t>(NextWord(value));
  if (!kilobytes || *kilobytes > std::numeric_limits<uint64_t>::max() / 1024) {
    return std::nullopt;
  }
  if (NextWord(value) != "kB" || !NextWord(value).empty()) return std::nullopt;
  return kilobytes;
}

}  // namespace resource_attribution::procfs
