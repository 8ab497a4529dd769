#ifndef RESOURCE_ATTRIBUTION_CHILD_WIRE_H_
#define RESOURCE_ATTRIBUTION_CHILD_WIRE_H_

#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

namespace resource_attribution::child {

/// A message between the daemon and its child. Both are of one build and on one
/// machine: numbers are as in memory, text and lists have their size in front.
using Bytes = std::vector<char>;

/// The fields of a struct in a message, in order, as pointers to members.
template <typename T>
constexpr auto kFields = nullptr;

template <typename T>
constexpr bool kIsNumber = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <typename T>
constexpr bool kIsText = std::is_convertible_v<T, std::string_view>;
template <typename T>
constexpr bool kIsList = requires(T list) {
  list.emplace_back();
};
template <typename T>
constexpr bool kIsOptional = requires(T value) {
  value.has_value();
};

/// Appends to a message.
class Writer {
 public:
  explicit Writer(Bytes& bytes) : bytes_(bytes) {}

  template <typename T>
  void Put(const T& value) {
    if constexpr (kIsNumber<T>) {
      PutBytes(reinterpret_cast<const char*>(&value), sizeof(value));
    } else if constexpr (kIsText<T>) {
      const std::string_view text = value;
      Put(text.size());
      PutBytes(text.data(), text.size());
    } else if constexpr (kIsOptional<T>) {
      Put(value.has_value());
      if (value) Put(*value);
    } else if constexpr (kIsList<T>) {
      Put(value.size());
      for (const auto& one : value) Put(one);
    } else {
      std::apply([&](auto... fields) { (Put(value.*fields), ...); },
                 kFields<T>);
    }
  }

 private:
  void PutBytes(const char* bytes, size_t size) {
    bytes_.insert(bytes_.end(), bytes, bytes + size);
  }

  Bytes& bytes_;
};

/// Takes a message apart. After the first field that the message does not have,
/// all further ones are 0 or empty, and IsWhole is false.
class Reader {
 public:
  explicit Reader(std::span<const char> bytes) : left_(bytes) {}

  template <typename T>
  T Take() {
    T value{};
    Take(value);
    return value;
  }

  /// A std::string_view refers to the message.
  template <typename T>
  void Take(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = Take<uint8_t>() != 0;
    } else if constexpr (kIsNumber<T>) {
      const auto bytes = TakeBytes(sizeof(value));
      if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(value));
    } else if constexpr (kIsText<T>) {
      const auto bytes = TakeBytes(Take<size_t>());
      value = std::string_view(bytes.data(), bytes.size());
    } else if constexpr (kIsOptional<T>) {
      value.reset();
      if (Take<bool>()) Take(value.emplace());
    } else if constexpr (kIsList<T>) {
      TakeList(value);
    } else {
      if (++depth_ > kDeepest) Fail();
      std::apply([&](auto... fields) { (Take(value.*fields), ...); },
                 kFields<T>);
      --depth_;
    }
  }

  /// Makes the message invalid.
  void Fail() {
    failed_ = true;
    left_ = {};
  }

  /// Whether the message had all that was taken, and nothing else.
  bool IsWhole() const { return !failed_ && left_.empty(); }

 private:
  // The parser of collectd's configuration is deeper than this only for a file
  // that the plugin refuses.
  static constexpr int kDeepest = 10;

  // Each element has at least one byte.
  void TakeList(auto& list) {
    list.clear();
    const auto size = Take<size_t>();
    if (size > left_.size()) return Fail();
    for (size_t i = 0; i < size && !failed_; ++i) Take(list.emplace_back());
  }

  std::span<const char> TakeBytes(size_t size) {
    if (size > left_.size()) Fail();
    if (failed_) return {};
    const auto bytes = left_.first(size);
    left_ = left_.subspan(size);
    return bytes;
  }

  std::span<const char> left_;
  bool failed_ = false;
  int depth_ = 0;
};

}  // namespace resource_attribution::child

#endif  // RESOURCE_ATTRIBUTION_CHILD_WIRE_H_
