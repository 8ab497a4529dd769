#include "fuzz.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "discovery/expression.h"

using resource_attribution::discovery::TextForRe2;

// Called by libFuzzer; https://llvm.org/docs/LibFuzzer.html
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}

void Require(bool holds, const char* property) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", property);
  std::abort();
}

FuzzedDataProvider ChoicesFrom(std::string_view bytes) {
  return {reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()};
}

bool IsPlainText(std::string_view text) {
  // What is no UTF-8 matches no character class.
  static const RE2 kPlainText(R"([^\p{Cc}\p{Cs}]*)");
  return RE2::FullMatch(TextForRe2(text), kPlainText);
}

bool HasControlCharacter(std::string_view text) {
  static const RE2 kControl(R"([\x00-\x1f\x7f]|\xc2[\x80-\x9f])", RE2::Latin1);
  return RE2::PartialMatch(TextForRe2(text), kControl);
}

bool HasInvisibleCharacter(std::string_view text) {
  static const RE2 kInvisible(R"([\p{Cf}\p{Zl}\p{Zp}])");
  return RE2::PartialMatch(TextForRe2(text), kInvisible);
}

void RequireSeriesName(std::string_view name) {
  Require(!name.empty() && name.size() <= 127, "a name has 1 to 127 bytes");
  Require(IsPlainText(name), "a name is UTF-8 without control characters");
  Require(name.find('/') == std::string_view::npos, "a name has no /");
}
