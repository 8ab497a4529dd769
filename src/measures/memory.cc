#include "measures/memory.h"

#include <cerrno>
#include <utility>

#include "procfs/capabilities.h"

namespace resource_attribution::measures {
namespace {

using procfs::Result;

std::optional<uint64_t> Bytes(std::optional<uint64_t> kilobytes) {
  if (!kilobytes) return std::nullopt;
  return *kilobytes * 1024;
}

void AddTo(std::optional<uint64_t>& sum, std::optional<uint64_t> bytes) {
  if (sum && bytes) {
    *sum += *bytes;
  } else {
    sum.reset();
  }
}

std::optional<double> ToDouble(std::optional<uint64_t> bytes) {
  if (!bytes) return std::nullopt;
  return static_cast<double>(*bytes);
}

// The lines of `status` for want of which a series lacks a value, for people.
std::string MissingFields(PeakMemory peak_memory, const Values& values) {
  std::string missing;
  if (!values.process_memory_bytes) missing = "VmRSS for process_memory_bytes";
  if (!values.process_memory_peak_bytes) {
    missing += missing.empty() ? "" : ", ";
    missing += peak_memory == PeakMemory::kVmHwm
                   ? "VmHWM for process_memory_peak_bytes"
                   : "VmPeak for process_memory_peak_bytes";
  }
  return missing;
}

// For the Pss of each GiB of VmRSS the kernel takes about 6 ms, and VmRSS
// counts a page as often as it is mapped.
constexpr uint64_t kPssMaxKb = uint64_t{64} << 20;

bool HasNoMemoryOfItsOwn(const store::Record& record) {
  return record.stat.KernelThread() || record.shares_memory;
}

}  // namespace

void MemoryBytes::Add(const MemoryBytes& other) {
  AddTo(resident, other.resident);
  AddTo(peak_virtual, other.peak_virtual);
  AddTo(peak_resident, other.peak_resident);
  AddTo(proportional, other.proportional);
}

MemoryBytes MemoryOf(const store::Record& record) {
  if (HasNoMemoryOfItsOwn(record)) return {};
  const bool has_pss = record.pss_pass == record.pass;
  return {.resident = Bytes(record.status.vm_rss_kb),
          .peak_virtual = Bytes(record.status.vm_peak_kb),
          .peak_resident = Bytes(record.status.vm_hwm_kb),
          .proportional = has_pss ? Bytes(record.pss_kb) : std::nullopt};
}

Result<void> Memory::Read(const Pass& pass, store::Record& record) {
  if (type_ != MemoryType::kPss || HasNoMemoryOfItsOwn(record)) return {};
  resident_kb_ += record.status.vm_rss_kb.value_or(0);
  if (resident_kb_ > kPssMaxKb) is_too_large_ = true;
  if (is_too_large_ || record.pss_pass == record.pass) return {};
  return ReadPss(pass, record);
}

Result<void> Memory::ReadPss(const Pass& pass, store::Record& record) {
  const auto process = pass.proc.OpenProcess(record.id.pid);
  if (!process) return tl::unexpected(process.error());
  const auto pss = process->ReadPss(buffer_);
  // Until the directory was opened, its PID may have become another process's.
  if (auto same = process->IsStill(record.id, buffer_); !same) return same;
  if (pss) {
    record.pss_kb = *pss;
    record.pss_pass = record.pass;
    return {};
  }
  if (pss.error().OutOfResources() || pss.error().system_error == ESRCH) {
    return tl::unexpected(pss.error());
  }
  pss_refused_ = procfs::Explain(pss.error(), {procfs::kSysPtrace});
  pss_refused_of_ = record.id.pid;
  type_ = MemoryType::kRss;
  return {};
}

void Memory::Observe(const Pass& /*pass*/, const Observed& observed) {
  sums_[observed.series].Add(MemoryOf(observed.record));
}

std::optional<double> Memory::Reported(size_t series,
                                       const MemoryBytes& bytes) {
  const bool is_proportional =
      type() == MemoryType::kPss && sums_[series].proportional;
  return ToDouble(is_proportional ? bytes.proportional : bytes.resident);
}

void Memory::Finish(const Pass& /*pass*/, std::span<SeriesReport> series,
                    PassReport& report) {
  for (size_t i = 0; i < series.size(); ++i) {
    Values& values = series[i].values;
    const MemoryBytes& sum = sums_[i];
    values.process_memory_bytes = Reported(i, sum);
    values.process_memory_peak_bytes =
        ToDouble(service_.peak_memory == PeakMemory::kVmHwm ? sum.peak_resident
                                                            : sum.peak_virtual);
    const std::string missing = MissingFields(service_.peak_memory, values);
    if (missing.empty()) continue;
    report.Add({.service = index_,
                .kind = Notice::Kind::kMissingFields,
                .text = "/proc/PID/status lacks " + missing +
                        ": this is not reported"});
  }
  if (is_too_large_) {
    report.Add({.service = index_,
                .kind = Notice::Kind::kPssRefused,
                .text = "memory is Rss while that is more than 64 GiB, for "
                        "which the kernel would take too long for Pss"});
  }
  // The next pass does not begin to read what was too large in this one, until
  // it is clearly less.
  constexpr uint64_t kClearlyLessKb = kPssMaxKb / 8 * 7;
  stays_too_large_ =
      resident_kb_ > (is_too_large_ ? kClearlyLessKb : kPssMaxKb);
  if (pss_refused_.empty()) return;
  report.Add(
      {.service = index_,
       .kind = Notice::Kind::kPssRefused,
       .text = "memory is Rss from now on, Pss was refused: " + pss_refused_,
       .process = pss_refused_of_});
}

}  // namespace resource_attribution::measures
