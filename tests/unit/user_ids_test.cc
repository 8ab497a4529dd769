#include "discovery/user_ids.h"

#include <gtest/gtest.h>

namespace resource_attribution::discovery {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(UserIds, LooksNamesUp) {
  UserIds users;
  users.Add("root");
  users.Add("no-such-user-here");
  EXPECT_EQ(users.Get("root"), std::nullopt);  // not looked up yet
  users.Refresh(steady_clock::time_point(seconds(5)));
  EXPECT_EQ(users.Get("root"), 0U);
  EXPECT_EQ(users.Get("no-such-user-here"), std::nullopt);
}

TEST(UserIds, NumberStandsForItself) {
  UserIds users;
  users.Add("4242");
  EXPECT_EQ(users.Get("4242"), 4242U);
}

// A name that is added after a look-up shows when the next one happens.
TEST(UserIds, AreLookedUpAtMostOnceAMinute) {
  UserIds users;
  users.Refresh(steady_clock::time_point(seconds(5)));
  users.Add("root");
  users.Refresh(steady_clock::time_point(seconds(64)));
  EXPECT_EQ(users.Get("root"), std::nullopt);
  users.Refresh(steady_clock::time_point(seconds(65)));
  EXPECT_EQ(users.Get("root"), 0U);
}

}  // namespace
}  // namespace resource_attribution::discovery
