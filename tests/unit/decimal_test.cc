#include "procfs/decimal.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace resource_attribution::procfs {
namespace {

TEST(Decimal, TakesAllOfTheTextOrNothing) {
  EXPECT_EQ(ParseDecimal<uint32_t>("0"), 0U);
  EXPECT_EQ(ParseDecimal<uint32_t>("4294967295"), 4294967295U);
  EXPECT_EQ(ParseDecimal<int>("-7"), -7);
  EXPECT_EQ(ParseDecimal<double>("2.5"), 2.5);
  for (const char* text : {"", " 1", "1 ", "+1", "1x", "0x10", "4294967296",
                           "-1", "1.5", "99999999999999999999"}) {
    EXPECT_EQ(ParseDecimal<uint32_t>(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace resource_attribution::procfs
