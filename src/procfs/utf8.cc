#include "procfs/utf8.h"

#include <algorithm>

namespace resource_attribution::procfs {

bool IsContinuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0U) == 0x80U;
}

Character FirstCharacter(std::string_view text) {
  const auto byte = [text](size_t at) {
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
  };
  if (text.empty()) return {};
  const unsigned first = byte(0);
  const unsigned second = byte(1);
  size_t size = 0;
  if (first < 0x80) return {1, first};
  if (first >= 0xc2 && first <= 0xdf) size = 2;
  if (first >= 0xe0 && first <= 0xef) size = 3;
  if (first >= 0xf0 && first <= 0xf4) size = 4;
  // Overlong forms, surrogates, and what is above U+10FFFF.
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
      (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) {
    return {};
  }
  if (size == 0 || text.size() < size) return {};
  char32_t code = first & (0x7fU >> size);
  for (size_t at = 1; at < size; ++at) {
    if (!IsContinuation(text[at])) return {};
    code = code << 6 | (byte(at) & 0x3fU);
  }
  return {size, code};
}

bool IsControl(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

bool IsInvisible(char32_t code) {
  struct Range {
    char32_t first;
    char32_t last;
  };
  // DerivedGeneralCategory.txt of Unicode 15.1: Cf, Zl and Zp.
  static constexpr Range kRanges[] = {
      {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
      {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},
      {0x8e2, 0x8e2},     {0x180e, 0x180e},   {0x200b, 0x200f},
      {0x2028, 0x202e},   {0x2060, 0x2064},   {0x2066, 0x206f},
      {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd},
      {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3},
      {0x1d173, 0x1d17a}, {0xe0001, 0xe0001}, {0xe0020, 0xe007f}};
  return std::ranges::any_of(kRanges, [code](const Range& range) {
    return code >= range.first && code <= range.last;
  });
}

}  // namespace resource_attribution::procfs
