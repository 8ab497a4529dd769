#ifndef RESOURCE_ATTRIBUTION_PROCFS_KILOBYTES_H_
#define RESOURCE_ATTRIBUTION_PROCFS_KILOBYTES_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace resource_attribution::procfs {

/// Takes the next word off the front of `text`, blanks and tabs before it
/// included; empty when none is left.
std::string_view NextWord(std::string_view& text);

/// A size such as `    1744 kB`, in kB, whose number of bytes fits 64 bits too.
std::optional<uint64_t> ParseKilobytes(std::string_view value);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_KILOBYTES_H_
