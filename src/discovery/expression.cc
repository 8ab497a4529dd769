#include "discovery/expression.h"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <new>

namespace resource_attribution::discovery {
namespace {

// Four times the most that RE2 keeps for one expression. The reserve is never
// touched, so it is address space and not memory.
constexpr size_t kReserveSize = size_t{4} << 20;
std::atomic<void*> reserve = nullptr;

// operator new calls this if malloc(3) fails, and then tries again.
void GiveReserveBack() {
  void* const memory = reserve.exchange(nullptr);
  if (memory == nullptr) throw std::bad_alloc();
  munmap(memory, kReserveSize);
}

// While this object lives, RE2 may be called. RE2 does not survive a failed
// allocation: it leaks, and from 2023-06 on, if an exception passes through
// absl::call_once, it crashes or waits for ever in a later call.
class MemoryForRe2 {
 public:
  MemoryForRe2() {
    if (reserve == nullptr) {
      void* const memory =
          mmap(nullptr, kReserveSize, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS, /*fd=*/-1, /*offset=*/0);
      if (memory == MAP_FAILED) throw std::bad_alloc();
      reserve = memory;
    }
    previous_ = std::set_new_handler(GiveReserveBack);
  }
  ~MemoryForRe2() { std::set_new_handler(previous_); }
  MemoryForRe2(const MemoryForRe2&) = delete;
  MemoryForRe2& operator=(const MemoryForRe2&) = delete;

 private:
  std::new_handler previous_;
};

}  // namespace

std::unique_ptr<const RE2> CompileExpression(const std::string& expression) {
  const MemoryForRe2 memory;
  RE2::Options options(RE2::Latin1);
  options.set_dot_nl(true);
  options.set_log_errors(false);
  // RE2 caches what it learns about an expression up to this size, and starts
  // over when the cache is full: hostile command lines cannot make it grow
  // further.
  options.set_max_mem(int64_t{1} << 20);
  return std::make_unique<const RE2>(expression, options);
}

Expressions CompileExpressions(std::span<const char* const> expressions) {
  Expressions compiled;
  for (const char* const one : expressions) {
    compiled.push_back(CompileExpression(one));
  }
  return compiled;
}

bool IsIn(const RE2& expression, std::string_view text) {
  const MemoryForRe2 memory;
  return RE2::PartialMatch(TextForRe2(text), expression);
}

bool AnyIsIn(const Expressions& expressions, std::string_view text) {
  return std::ranges::any_of(expressions, [text](const auto& expression) {
    return IsIn(*expression, text);
  });
}

bool IsPlainText(std::string_view text) {
  const MemoryForRe2 memory;
  // Bytes that are no UTF-8 match no character class.
  static const RE2 kPlainText(R"([^\p{Cc}\p{Cs}]+)");
  return RE2::FullMatch(TextForRe2(text), kPlainText);
}

bool HasGroup(const RE2& expression, const std::string& group) {
  const MemoryForRe2 memory;
  return expression.NamedCapturingGroups().contains(group);
}

std::optional<std::string_view> Capture(const RE2& expression,
                                        const std::string& group,
                                        std::string_view text) {
  const MemoryForRe2 memory;
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
