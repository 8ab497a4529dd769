#ifndef RESOURCE_ATTRIBUTION_CHILD_WIRE_H_
#define RESOURCE_ATTRIBUTION_CHILD_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace resource_attribution::child {

/// A message between the daemon and its child. Both are of one build and on one
/// machine: numbers are as in memory, text has its size in front.
using Bytes = std::vector<char>;

/// Appends to a message.
class Writer {
 public:
  explicit Writer(Bytes& bytes) : bytes_(bytes) {}

  template <typename T>
  void Put(T value) requires std::is_arithmetic_v<T> {
    const auto* begin = reinterpret_cast<const char*>(&value);
    bytes_.insert(bytes_.end(), begin, begin + sizeof(value));
  }

  void Put(std::string_view text) {
    Put(uint64_t{text.size()});
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  }

  /// The size, and each element by `put`.
  void PutEach(const auto& list, auto put) {
    Put(uint64_t{list.size()});
    for (const auto& one : list) put(one);
  }

 private:
  Bytes& bytes_;
};

/// Takes a message apart. After the first field that the message does not have,
/// all further ones are 0 or empty, and IsWhole is false.
class Reader {
 public:
  explicit Reader(std::span<const char> bytes) : left_(bytes) {}

  template <typename T>
  T Take() requires std::is_arithmetic_v<T> {
    if constexpr (std::is_same_v<T, bool>) return Take<uint8_t>() != 0;
    T value{};
    const auto bytes = TakeBytes(sizeof(value));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(value));
    return value;
  }

  /// Refers to the message.
  std::string_view TakeText() {
    const auto bytes = TakeBytes(Take<uint64_t>());
    return {bytes.data(), bytes.size()};
  }

  /// Calls `take` for each element of a list, which has at least one byte.
  void TakeEach(auto take) {
    const auto size = Take<uint64_t>();
    if (size > left_.size()) return Fail();
    for (uint64_t i = 0; i < size && !failed_; ++i) take();
  }

  /// Makes the message invalid.
  void Fail() {
    failed_ = true;
    left_ = {};
  }

  /// Whether the message had all that was taken, and nothing else.
  bool IsWhole() const { return !failed_ && left_.empty(); }

 private:
  std::span<const char> TakeBytes(uint64_t size) {
    if (size > left_.size()) Fail();
    if (failed_) return {};
    const auto bytes = left_.first(size);
    left_ = left_.subspan(size);
    return bytes;
  }

  std::span<const char> left_;
  bool failed_ = false;
};

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_WIRE_H_
