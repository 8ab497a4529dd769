#include "procfs/kilobytes.h"

#include <algorithm>
#include <limits>

#include "procfs/decimal.h"

namespace resource_attribution::procfs {

std::string_view NextWord(std::string_view& text, std::string_view separators) {
  // find_first_of would call memchr(3) for each character.
  const auto is_separator = [separators](char character) {
    return std::ranges::find(separators, character) != separators.end();
  };
  const auto begin = std::ranges::find_if_not(text, is_separator);
  const auto end = std::find_if(begin, text.end(), is_separator);
  text = {end, text.end()};
  return {begin, end};
}

std::optional<uint64_t> ParseKilobytes(std::string_view value) {
  constexpr std::string_view kUnit = " kB";
  if (!value.ends_with(kUnit)) return std::nullopt;
  value.remove_suffix(kUnit.size());
  const auto kilobytes = ParseDecimal<uint64_t>(NextWord(value));
  if (!kilobytes || !value.empty() ||
      *kilobytes > std::numeric_limits<uint64_t>::max() / 1024) {
    return std::nullopt;
  }
  return kilobytes;
}

}  // namespace resource_attribution::procfs
