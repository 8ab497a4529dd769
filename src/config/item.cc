#include "config/item.h"

#include <strings.h>

#include <array>
#include <cstdio>

#include "procfs/printable.h"

namespace resource_attribution::options {
namespace {

std::string TextOf(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return '"' + *text + '"';
  }
  if (const auto* number = std::get_if<double>(&value)) {
    return FormatNumber(*number);
  }
  return std::get<bool>(value) ? "true" : "false";
}

}  // namespace

bool Item::Is(std::string_view name) const {
  return key.size() == name.size() &&
         strncasecmp(key.data(), name.data(), name.size()) == 0;
}

std::string Item::Text() const {
  std::string text = key;
  for (const Value& value : values) text += ' ' + TextOf(value);
  return procfs::Printable(text);
}

std::string FormatNumber(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.15g", number);
  return text.data();
}

}  // namespace resource_attribution::options
