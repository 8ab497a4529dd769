#include "discovery/users.h"

#include <gtest/gtest.h>

namespace resource_attribution::discovery {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

TEST(Users, LooksNamesUp) {
  Users users;
  users.Add("root");
  users.Add("no-such-user-here");
  EXPECT_EQ(users.Id("root"), std::nullopt);  // not looked up yet
  users.Refresh(steady_clock::time_point(seconds(5)));
  EXPECT_EQ(users.Id("root"), 0U);
  EXPECT_EQ(users.Id("no-such-user-here"), std::nullopt);
}

TEST(Users, NumberStandsForItself) {
  Users users;
  users.Add("4242");
  EXPECT_EQ(users.Id("4242"), 4242U);
}

// A name that is added after a look-up shows when the next one happens.
TEST(Users, AreLookedUpAtMostOnceAMinute) {
  Users users;
  users.Refresh(steady_clock::time_point(seconds(5)));
  users.Add("root");
  users.Refresh(steady_clock::time_point(seconds(64)));
  EXPECT_EQ(users.Id("root"), std::nullopt);
  users.Refresh(steady_clock::time_point(seconds(65)));
  EXPECT_EQ(users.Id("root"), 0U);
}

TEST(Users, RefreshTellsWhetherAnIdChanged) {
  Users users;
  users.Add("root");
  EXPECT_TRUE(users.Refresh(steady_clock::time_point(seconds(5))));
  EXPECT_FALSE(users.Refresh(steady_clock::time_point(seconds(65))));
  EXPECT_FALSE(users.Refresh(steady_clock::time_point(seconds(66))));
}

TEST(Users, HaveNamesOrElseNumbers) {
  Users users;
  EXPECT_EQ(users.Name(0), "root");
  EXPECT_EQ(users.Name(987654), "987654");
  EXPECT_EQ(users.Name(987654), "987654");
}

// A user namespace can bring 65,536 IDs, of which each might ask a directory
// server.
TEST(Users, NamesAreLookedUpForSixtyFourAMinute) {
  Users users;
  users.Refresh(steady_clock::time_point(seconds(5)));
  for (uid_t id = 900001; id <= 900064; ++id) users.Name(id);
  EXPECT_EQ(users.Name(0), "0");
  users.Refresh(steady_clock::time_point(seconds(65)));
  EXPECT_EQ(users.Name(0), "root");
}

}  // namespace
}  // namespace resource_attribution::discovery
