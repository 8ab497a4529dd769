#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_EXPRESSION_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_EXPRESSION_H_

#include <re2/re2.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// The only place that calls RE2. Its calls do not fail for want of memory: they
// may use a reserve of 4 MiB that is set aside first. Where even that cannot be
// had, std::bad_alloc is thrown before RE2 begins.

namespace resource_attribution::discovery {

/// Text as RE2 takes it: a class of its own up to RE2 2023-03, later
/// absl::string_view, which Debian 13 and sid keep apart from std::string_view.
/// All of them have `data()` and `size()`.
inline re2::StringPiece TextForRe2(std::string_view text) {
  return {text.data(), text.size()};
}

/// Expressions of which any is to be found.
using Expressions = std::vector<std::unique_ptr<const RE2>>;

/// An expression for Selectors::command_lines; its ok() and error() tell
/// whether it is valid. It searches bytes, whatever their encoding, and `.`
/// matches line breaks too: a process list shows a command line as one line.
std::unique_ptr<const RE2> CompileExpression(const std::string& expression);

/// Whether the expression is found in `text`.
bool IsIn(const RE2& expression, std::string_view text);

/// Whether any of the expressions is found in `text`.
bool AnyIsIn(const Expressions& expressions, std::string_view text);

/// Whether `text` is UTF-8, not empty, and has no control characters.
bool IsPlainText(std::string_view text);

/// Whether the expression has the named group `(?P<group>...)`.
bool HasGroup(const RE2& expression, const std::string& group);

/// What the named group captures in `text`. Empty where the group takes no part
/// in the match; absent where the expression has no such group or is not found.
std::optional<std::string_view> Capture(const RE2& expression,
                                        const std::string& group,
                                        std::string_view text);

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_EXPRESSION_H_
