#include "environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace resource_attribution {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class EnvironmentTest : public testing::Test {
 protected:
  ~EnvironmentTest() override {
    unsetenv(kEnabledVariable);
    unsetenv(kIntervalVariable);
    unsetenv(kCheckVariable);
  }
};

TEST_F(EnvironmentTest, UnsetAndEmptyAreNotSet) {
  EXPECT_EQ(ReadEnvironment().enabled, std::nullopt);
  EXPECT_EQ(ReadEnvironment().interval_seconds, std::nullopt);
  setenv(kEnabledVariable, "", 1);
  setenv(kIntervalVariable, "", 1);
  const Environment environment = ReadEnvironment();
  EXPECT_EQ(environment.enabled, std::nullopt);
  EXPECT_EQ(environment.interval_seconds, std::nullopt);
  EXPECT_THAT(environment.errors, IsEmpty());
}

TEST_F(EnvironmentTest, BooleansInAnySpellingAndCase) {
  for (const char* yes : {"true", "TRUE", "Yes", "on", "1"}) {
    setenv(kEnabledVariable, yes, 1);
    EXPECT_EQ(ReadEnvironment().enabled, true) << yes;
  }
  for (const char* no : {"false", "False", "NO", "Off", "0"}) {
    setenv(kEnabledVariable, no, 1);
    EXPECT_EQ(ReadEnvironment().enabled, false) << no;
  }
}

TEST_F(EnvironmentTest, IntervalMayBeAFraction) {
  for (const auto& [text, seconds] :
       {std::pair{"60", 60.0}, {"0.1", 0.1}, {"2.5", 2.5}, {"1e3", 1000.0}}) {
    setenv(kIntervalVariable, text, 1);
    EXPECT_EQ(ReadEnvironment().interval_seconds, seconds) << text;
  }
}

TEST_F(EnvironmentTest, CheckIsWhatTheVariableAsksFor) {
  EXPECT_EQ(ReadEnvironment().check, Check::kNothing);
  for (const auto& [text, check] : {std::pair{"1", Check::kProcesses},
                                    {"options", Check::kOptions},
                                    {"options=json", Check::kOptionsAsJson}}) {
    setenv(kCheckVariable, text, 1);
    EXPECT_EQ(ReadEnvironment().check, check) << text;
  }
}

TEST_F(EnvironmentTest, InvalidValuesAreNamed) {
  setenv(kEnabledVariable,
         "m\xc2\x9b"
         "ay\nbe",
         1);
  setenv(kIntervalVariable, "60s", 1);
  EXPECT_THAT(
      ReadEnvironment().errors,
      ElementsAre(
          "environment variable "
          "RESOURCE_ATTRIBUTION_ENABLED=\"m\xc2\\x9bay\\x0abe\": "
          "expected true or false (or yes/no, on/off, 1/0)",
          "environment variable "
          "RESOURCE_ATTRIBUTION_UPDATE_INTERVAL_SECS=\"60s\": expected a "
          "number of seconds from 0.1 to 31536000 (a year)"));
}

TEST_F(EnvironmentTest, IntervalsThatAreNone) {
  for (const char* text : {"0", "0.09", "-60", "nan", "inf", "1e300", " 60",
                           "60 ", "+60", "0x3c", "sixty", "31536001"}) {
    setenv(kIntervalVariable, text, 1);
    EXPECT_EQ(ReadEnvironment().errors.size(), 1U) << text;
  }
}

}  // namespace
}  // namespace resource_attribution
