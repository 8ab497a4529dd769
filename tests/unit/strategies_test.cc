#include "trace_sampling/strategies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace resource_attribution::trace_sampling {
namespace {

TEST(StrategiesTest, FileIsThatOfJaeger) {
  EXPECT_EQ(StrategiesText({{"checkout", 0.05}, {"a \"b\"", 0.1}}, 0.001), R"({
  "_comment": "Written by collectd's resource_attribution plugin, which replaces it",
  "default_strategy": {
    "type": "probabilistic",
    "param": 0.001
  },
  "service_strategies": [
    {
      "service": "checkout",
      "type": "probabilistic",
      "param": 0.05
    },
    {
      "service": "a \"b\"",
      "type": "probabilistic",
      "param": 0.1
    }
  ]
}
)");
}

TEST(StrategiesTest, AnswerIsThatOfJaeger) {
  EXPECT_EQ(AnswerText(0.05), R"({
  "strategyType": "PROBABILISTIC",
  "probabilisticSampling": {
    "samplingRate": 0.05
  }
}
)");
}

TEST(StrategiesTest, KnowsWhatItWrote) {
  EXPECT_TRUE(IsStrategiesText(StrategiesText({}, 0.001)));
  EXPECT_TRUE(IsStrategiesText(StrategiesText({{"a", 1}}, 0)));
  EXPECT_TRUE(IsAnswerText(AnswerText(0.001)));
  EXPECT_TRUE(IsAnswerText(AnswerText(1)));
}

TEST(StrategiesTest, KnowsWhatItDidNotWrite) {
  for (const char* const text :
       {"", " ", "{}", "[]", "null", "{", "\xff", "{\"_comment\": \"mine\"}",
        "{\"_comment\": 1}",
        "{\"default_strategy\": {\"type\": \"probabilistic\", \"param\": "
        "1}}"}) {
    EXPECT_FALSE(IsStrategiesText(text)) << text;
    EXPECT_FALSE(IsAnswerText(text)) << text;
  }
  EXPECT_FALSE(IsAnswerText(StrategiesText({}, 0.001)));
  EXPECT_FALSE(IsStrategiesText(AnswerText(0.1)));
  EXPECT_FALSE(IsAnswerText(
      R"({"strategyType": "RATE_LIMITING",
          "rateLimitingSampling": {"maxTracesPerSecond": 2}})"));
  EXPECT_FALSE(IsAnswerText(
      R"({"strategyType": "PROBABILISTIC", "operationSampling": {},
          "probabilisticSampling": {"samplingRate": 0.1}})"));
}

TEST(StrategiesTest, DeepNestingIsRefused) {
  EXPECT_FALSE(IsStrategiesText(std::string(1 << 20, '[')));
}

}  // namespace
}  // namespace resource_attribution::trace_sampling
