#ifndef RESOURCE_ATTRIBUTION_TRACE_SAMPLING_REPLACED_FILE_H_
#define RESOURCE_ATTRIBUTION_TRACE_SAMPLING_REPLACED_FILE_H_

#include <optional>
#include <string>
#include <string_view>

#include "procfs/result.h"

namespace resource_attribution::trace_sampling {

/// A file that is only ever replaced as a whole, and only if the plugin wrote
/// what is there. A reader sees the old text or the new one, also after a
/// crash. Not thread-safe.
class ReplacedFile {
 public:
  using IsOurs = bool (*)(std::string_view text);

  /// `path` is absolute. `is_ours` tells whether the plugin wrote a text.
  ReplacedFile(std::string path, IsOurs is_ours);

  /// An error if the file may not be replaced, or its directory is not there.
  /// Changes nothing.
  procfs::Result<void> Check() const;

  /// Writes a new file in the same directory, mode 0644, syncs it, and renames
  /// it. Follows no link at the end of the path. After an error the old file is
  /// as it was. Does nothing if it wrote the same text last.
  procfs::Result<void> Replace(std::string_view text);

  /// Makes the next Replace write, whatever the text.
  void Forget() { written_.reset(); }

 private:
  procfs::Result<void> CheckIn(int directory) const;
  procfs::Result<void> WriteIn(int directory, std::string_view text) const;

  std::string path_;
  std::string directory_;
  std::string name_;
  std::string new_name_;  // of the file until it is renamed
  IsOurs is_ours_;
  std::optional<std::string> written_;
};

}  // namespace resource_attribution::trace_sampling

#endif  // RESOURCE_ATTRIBUTION_TRACE_SAMPLING_REPLACED_FILE_H_
