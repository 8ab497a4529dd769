#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_MEMORY_SOURCE_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_MEMORY_SOURCE_H_

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>

#include "procfs/byte_source.h"

namespace resource_attribution::procfs {

/// Bytes in memory. They have to outlive the result.
inline ByteSource SourceOf(std::string_view bytes) {
  return {.size = bytes.size(),
          .read = [bytes](uint64_t offset, std::span<char> to) {
            if (offset > bytes.size() || to.size() > bytes.size() - offset) {
              return false;
            }
            std::ranges::copy(bytes.substr(offset, to.size()), to.begin());
            return true;
          }};
}

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_MEMORY_SOURCE_H_
