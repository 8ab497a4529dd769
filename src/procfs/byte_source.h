#ifndef RESOURCE_ATTRIBUTION_PROCFS_BYTE_SOURCE_H_
#define RESOURCE_ATTRIBUTION_PROCFS_BYTE_SOURCE_H_

#include <cstdint>
#include <functional>
#include <span>

namespace resource_attribution::procfs {

/// The bytes of a file that is too large to be read whole.
struct ByteSource {
  uint64_t size = 0;

  /// Fills `to` with the bytes from `offset` on. False if the file has fewer
  /// bytes or cannot be read.
  std::function<bool(uint64_t offset, std::span<char> to)> read{};
};

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_BYTE_SOURCE_H_
