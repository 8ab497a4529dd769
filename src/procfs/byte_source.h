#ifndef RESOURCE_ATTRIBUTION_PROCFS_BYTE_SOURCE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_BYTE_SOURCE_H_

#include <cstdint>
#include <cstring>
#include <functional>
#include <span>
#include <string_view>

namespace resource_attribution::procfs {

/// The bytes of a file that is too large to be read whole.
struct ByteSource {
  uint64_t size = 0;

  /// Fills `to` with the bytes from `offset` on. False if the file has fewer
  /// bytes or cannot be read.
  std::function<bool(uint64_t offset, std::span<char> to)> read{};
};

/// Bytes in memory. They have to outlive the result.
inline ByteSource SourceOf(std::string_view bytes) {
  return {.size = bytes.size(),
          .read = [bytes](uint64_t offset, std::span<char> to) {
            if (offset > bytes.size() || to.size() > bytes.size() - offset) {
              return false;
            }
            if (!to.empty()) {
              std::memcpy(to.data(), bytes.data() + offset, to.size());
            }
            return true;
          }};
}

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_BYTE_SOURCE_H_
