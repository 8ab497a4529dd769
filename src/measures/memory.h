#ifndef RESOURCE_ATTRIBUTION_MEASURES_MEMORY_H_
#define RESOURCE_ATTRIBUTION_MEASURES_MEMORY_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "config/config.h"
#include "measures/measure.h"

namespace resource_attribution::measures {

/// Sizes of a process, or of several together, in bytes. None: the kernel does
/// not show that size of one of them.
struct MemoryBytes {
  std::optional<uint64_t> resident = 0;       ///< VmRSS
  std::optional<uint64_t> peak_virtual = 0;   ///< VmPeak
  std::optional<uint64_t> peak_resident = 0;  ///< VmHWM
  std::optional<uint64_t> proportional = 0;   ///< Pss

  void Add(const MemoryBytes& other);
};

/// The sizes of a process that was read. All are 0 where it has no memory of
/// its own: a kernel thread, or a child with the address space of its parent.
MemoryBytes MemoryOf(const store::Record& record);

/// `process_memory_bytes` and `process_memory_peak_bytes` of a service, which
/// has to outlive this.
///
/// If the kernel refuses Pss, the service has Rss from then on. While its
/// processes together have more than 64 GiB of Rss, it has Rss: the kernel
/// takes about 6 ms for the Pss of each GiB.
class Memory : public Measure {
 public:
  Memory(const Service& service, size_t index)
      : service_(service), index_(index), type_(service.memory_type) {}

  void Begin() override {
    sums_.Clear();
    resident_kb_ = 0;
    is_too_large_ = stays_too_large_;
  }
  procfs::Result<void> Read(const Pass& pass, store::Record& record) override;
  void Observe(const Pass& pass, const Observed& observed) override;
  void Finish(const Pass& pass, std::span<SeriesReport> series,
              PassReport& report) override;

  /// The memory that is reported in this pass.
  MemoryType type() const { return is_too_large_ ? MemoryType::kRss : type_; }

  /// What is reported of `bytes`, which are all of a series or a part of it.
  /// The resident set where a process of the series has no Pss: never a
  /// mixture.
  std::optional<double> Reported(size_t series, const MemoryBytes& bytes);

 private:
  procfs::Result<void> ReadPss(const Pass& pass, store::Record& record);

  const Service& service_;
  const size_t index_;
  MemoryType type_;
  std::string pss_refused_;  // why; empty: it was not
  pid_t pss_refused_of_ = 0;
  uint64_t resident_kb_ = 0;      // of the processes in this pass
  bool is_too_large_ = false;     // for Pss, in this pass
  bool stays_too_large_ = false;  // in the next one
  BySeries<MemoryBytes> sums_;
  procfs::Buffer buffer_;
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_MEMORY_H_
