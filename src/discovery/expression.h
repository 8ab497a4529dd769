#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_EXPRESSION_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_EXPRESSION_H_

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

// The only place that calls RE2. First it sets aside a reserve of 4 MiB; if
// memory runs out within RE2, RE2 gets the reserve and does not fail. If the
// reserve is not available, std::bad_alloc is thrown before RE2 begins.

namespace resource_attribution::discovery {

/// Text in the type that RE2 takes: a class of its own up to RE2 2023-03, later
/// absl::string_view. Debian 13 and sid keep that apart from std::string_view.
/// All of them have `data()` and `size()`.
inline re2::StringPiece TextForRe2(std::string_view text) {
  return {text.data(), text.size()};
}

/// Expressions, any of which may match.
using Expressions = std::vector<std::unique_ptr<const RE2>>;

/// An expression for Selectors::command_lines; its ok() and error() say whether
/// it is valid. It works on bytes, whatever their encoding. `.` matches line
/// breaks too: a process list shows a command line as one line.
std::unique_ptr<const RE2> CompileExpression(const std::string& expression);

/// All of them, each like this.
Expressions CompileExpressions(std::span<const char* const> expressions);

/// Whether the expression matches any part of `text`.
bool IsIn(const RE2& expression, std::string_view text);

/// Whether any of the expressions matches any part of `text`.
bool AnyIsIn(const Expressions& expressions, std::string_view text);

/// Whether `text` is UTF-8, not empty, and has no control characters.
bool IsPlainText(std::string_view text);

/// Whether the expression has the named group `(?P<group>...)`.
bool HasGroup(const RE2& expression, const std::string& group);

/// What the named group captures in `text`. Empty if the group takes no part in
/// the match. Absent if the expression does not match or has no such group.
std::optional<std::string_view> Capture(const RE2& expression,
                                        const std::string& group,
                                        std::string_view text);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_EXPRESSION_H_
