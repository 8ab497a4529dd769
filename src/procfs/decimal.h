#ifndef RESOURCE_ATTRIBUTION_PROCFS_DECIMAL_H_
#define RESOURCE_ATTRIBUTION_PROCFS_DECIMAL_H_

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace resource_attribution::procfs {

/// The number in decimal that is all of `text`: no blanks, no `+`, no
/// remainder. None if it is something else or does not fit `Number`.
/// Independent of the locale.
template <typename Number>
std::optional<Number> ParseDecimal(std::string_view text) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_DECIMAL_H_
