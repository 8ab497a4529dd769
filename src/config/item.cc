#include "config/item.h"

#include <strings.h>

#include <array>
#include <cstdio>

#include "procfs/printable.h"

namespace resource_attribution::options {
namespace {

std::string TextOf(const Value& value) {
  if (value.text) return '"' + *value.text + '"';
  if (value.number) return FormatNumber(*value.number);
  return value.boolean == true ? "true" : "false";
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
