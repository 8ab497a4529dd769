#include "trace_sampling/strategies.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace resource_attribution::trace_sampling {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kComment =
    "Written by collectd's resource_attribution plugin, which replaces it";

std::string TextOf(const Json& json) { return json.dump(2) + '\n'; }

Json Parse(std::string_view text) {
  return Json::parse(text, /*cb=*/nullptr, /*allow_exceptions=*/false);
}

}  // namespace

std::string StrategiesText(const std::vector<ServiceRatio>& ratios,
                           double other_ratio) {
  Json services = Json::array();
  for (const ServiceRatio& one : ratios) {
    services.push_back(Json::object({{"service", one.service},
                                     {"type", "probabilistic"},
                                     {"param", one.ratio}}));
  }
  return TextOf(Json::object(
      {{"_comment", kComment},
       {"default_strategy",
        Json::object({{"type", "probabilistic"}, {"param", other_ratio}})},
       {"service_strategies", std::move(services)}}));
}

std::string AnswerText(double ratio) {
  return TextOf(Json::object(
      {{"strategyType", "PROBABILISTIC"},
       {"probabilisticSampling", Json::object({{"samplingRate", ratio}})}}));
}

bool IsStrategiesText(std::string_view text) {
  const Json json = Parse(text);
  return json.is_object() && json.value("_comment", Json()) == kComment;
}

bool IsAnswerText(std::string_view text) {
  const Json json = Parse(text);
  if (!json.is_object() || json.size() != 2 ||
      json.value("strategyType", Json()) != "PROBABILISTIC") {
    return false;
  }
  const Json sampling = json.value("probabilisticSampling", Json());
  return sampling.is_object() && sampling.size() == 1 &&
         sampling.value("samplingRate", Json()).is_number();
}

}  // namespace resource_attribution::trace_sampling
