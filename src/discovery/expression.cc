#include "discovery/expression.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace resource_attribution::discovery {

std::unique_ptr<const RE2> CompileExpression(const std::string& expression) {
  RE2::Options options(RE2::Latin1);
  options.set_dot_nl(true);
  options.set_log_errors(false);
  // RE2 keeps what it learns about an expression up to this size and starts
  // over when it is full: hostile command lines cannot make it grow further.
  options.set_max_mem(int64_t{1} << 20);
  return std::make_unique<const RE2>(expression, options);
}

bool IsIn(const RE2& expression, std::string_view text) {
  return RE2::PartialMatch(TextForRe2(text), expression);
}

bool AnyIsIn(const Expressions& expressions, std::string_view text) {
  return std::any_of(
      expressions.begin(), expressions.end(),
      [text](const auto& expression) { return IsIn(*expression, text); });
}

std::optional<std::string_view> Capture(const RE2& expression,
                                        const std::string& group,
                                        std::string_view text) {
  const auto& groups = expression.NamedCapturingGroups();
  const auto number = groups.find(group);
  if (number == groups.end()) return std::nullopt;
  std::vector<re2::StringPiece> captured(static_cast<size_t>(number->second) +
                                         1);
  if (!expression.Match(TextForRe2(text), 0, text.size(), RE2::UNANCHORED,
                        captured.data(), static_cast<int>(captured.size()))) {
    return std::nullopt;
  }
  const re2::StringPiece& value = captured.back();
  return std::string_view(value.data(), value.size());
}

}  // namespace resource_attribution::discovery
