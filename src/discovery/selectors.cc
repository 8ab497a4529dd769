#include "discovery/selectors.h"

#include <algorithm>

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

bool AnyIsIn(const Expressions& expressions, std::string_view text) {
  return std::any_of(expressions.begin(), expressions.end(),
                     [text](const auto& expression) {
                       return RE2::PartialMatch(text, *expression);
                     });
}

}  // namespace resource_attribution::discovery
