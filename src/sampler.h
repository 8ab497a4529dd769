#ifndef RESOURCE_ATTRIBUTION_SAMPLER_H_
#define RESOURCE_ATTRIBUTION_SAMPLER_H_

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "attribution/reading.h"
#include "attribution/values.h"
#include "config.h"
#include "discovery/discovery.h"
#include "procfs/procfs.h"

namespace resource_attribution {

/// What one pass says of one block.
struct BlockReport {
  /// How many processes the values are of.
  size_t processes = 0;

  /// The values; none when no process matches.
  std::optional<attribution::Values> values;

  /// What may have kept processes out of the values, for people; empty when
  /// nothing did.
  std::string problem;
};

/// Reads the clocks.
attribution::Instant Now();

/// Samples the processes of all configured blocks, pass by pass.
///
/// Not thread-safe: collectd never runs a read callback twice at once.
class Sampler {
 public:
  /// `clock` is read at the beginning of a pass and for each process.
  explicit Sampler(Config config,
                   std::function<attribution::Instant()> clock = Now);

  // Discovery refers to the selectors in config_.
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  const Config& config() const { return config_; }

  /// One pass: finds the processes of every block, reads each once, adds up and
  /// fills one report per block, in the order of the configuration. When it
  /// fails, no block has values and the next pass goes on from the last one
  /// that did not.
  procfs::Result<void> Pass(std::vector<BlockReport>& reports);

 private:
  procfs::Result<void> OpenProc();
  procfs::Result<attribution::Reading> Read(const procfs::ProcessId& id);

  const Config config_;
  const std::function<attribution::Instant()> clock_;
  const double ticks_per_second_;
  const std::chrono::duration<double> shortest_measurement_;
  discovery::Discovery discovery_;
  std::optional<procfs::Procfs> proc_;
  attribution::Snapshot previous_;
  attribution::Snapshot current_;
  std::vector<discovery::Match> matches_;
  std::vector<attribution::BlockSum> sums_;
  std::string content_;
};

}  // namespace resource_attribution

#endif  // RESOURCE_ATTRIBUTION_SAMPLER_H_
