#ifndef RESOURCE_ATTRIBUTION_PROCFS_PASS_FAILED_H_
#define RESOURCE_ATTRIBUTION_PROCFS_PASS_FAILED_H_

#include "procfs/result.h"

namespace resource_attribution::procfs {

/// Ends a pass: this process is out of descriptors or memory, or /proc cannot
/// be listed, so the state of every process is unknown. Thrown like
/// std::bad_alloc; the next pass goes on from the last one that succeeded.
///
/// A process that has ended, or that the plugin may not read, does not end the
/// pass: that is a Result. Sampler::Pass catches this exception.
class PassFailed {
 public:
  explicit PassFailed(const Error& error) : error_(error) {}

  const Error& error() const { return error_; }

 private:
  Error error_;
};

/// Throws if this process is out of descriptors or memory.
inline void ThrowIfOutOfResources(const Error& error) {
  if (error.OutOfResources()) throw PassFailed(error);
}

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_PASS_FAILED_H_
