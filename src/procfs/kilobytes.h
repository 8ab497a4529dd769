#ifndef RESOURCE_ATTRIBUTION_PROCFS_KILOBYTES_H_
#define RESOURCE_ATTRIBUTION_PROCFS_KILOBYTES_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace resource_attribution::procfs {

/// Removes the next word and the separators before it from the front of `text`,
/// and returns the word; empty if there is none.
std::string_view NextWord(std::string_view& text,
                          std::string_view separators = " \t");

/// A size such as `    1744 kB`, in kB: one blank before the unit, and nothing
/// behind it. Its number of bytes fits into 64 bits, too.
std::optional<uint64_t> ParseKilobytes(std::string_view value);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_KILOBYTES_H_
