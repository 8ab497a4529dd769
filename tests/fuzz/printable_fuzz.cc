#include <cmath>
#include <string>

#include "config/item.h"
#include "fuzz.h"
#include "procfs/decimal.h"
#include "procfs/printable.h"
#include "procfs/utf8.h"

using resource_attribution::options::FormatNumber;
using resource_attribution::procfs::FirstCharacter;
using resource_attribution::procfs::IsInvisible;
using resource_attribution::procfs::Printable;

namespace {

// By our table, which may be of a newer Unicode than that of RE2.
bool MayHideSomething(std::string_view bytes) {
  for (; !bytes.empty(); bytes.remove_prefix(1)) {
    if (IsInvisible(FirstCharacter(bytes).code)) return true;
  }
  return false;
}

}  // namespace

void Fuzz(std::string_view bytes) {
  constexpr size_t kMax = 200;  // bytes that are shown
  const std::string printable = Printable(bytes);
  Require(!HasControlCharacter(printable), "no control character is left");
  Require(printable.size() <= 4 * kMax + 3, "its length is bounded");
  Require(!HasInvisibleCharacter(printable), "no invisible character is left");
  if (bytes.size() <= kMax && !HasControlCharacter(bytes) &&
      !MayHideSomething(bytes)) {
    Require(printable == bytes, "what is printable stays as it is");
  }

  double number = 0;
  bytes.copy(reinterpret_cast<char*>(&number), sizeof(number));
  // The largest, to 15 digits, is more than a double holds.
  if (!(std::abs(number) > 1e308)) {
    const auto again = resource_attribution::procfs::ParseDecimal<double>(
        FormatNumber(number));
    Require(again && (std::isnan(number)
                          ? std::isnan(*again)
                          : FormatNumber(*again) == FormatNumber(number)),
            "a number is written so that it reads the same");
  }
}
