#include "discovery/selectors.h"

#include <gtest/gtest.h>

namespace resource_attribution::discovery {
namespace {

TEST(Selectors, KnowWhetherTheyAreEmpty) {
  Selectors selectors;
  EXPECT_TRUE(selectors.empty());
  selectors.users = {"root"};
  EXPECT_FALSE(selectors.empty());
}

}  // namespace
}  // namespace resource_attribution::discovery
