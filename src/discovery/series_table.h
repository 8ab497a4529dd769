#ifndef RESOURCE_ATTRIBUTION_DISCOVERY_SERIES_TABLE_H_
#define RESOURCE_ATTRIBUTION_DISCOVERY_SERIES_TABLE_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace resource_attribution::discovery {

/// How good a service's claim to a name is, the best first: any user can give a
/// process that is searched the name of a unit.
enum class Claim {
  kFixed,     ///< the name of a service without placeholders
  kTrusted,   ///< of ${unit} and ${user} alone, made by a process on a list
  kListed,    ///< made by a process on a list: unit, cgroup, PID file, Self
  kSearched,  ///< made by a process that was searched
};

/// What is reported under one name: a service, or of a service whose name holds
/// placeholders each name that its processes made. Several services may claim
/// one name, each with a series of its own; at most one of these has it. Not
/// thread-safe.
class SeriesTable {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  struct Series {
    std::string name;  ///< empty: this place is free
    size_t service = 0;
    size_t empty_passes = 0;
    bool lasting = false;  ///< of a service without placeholders
    Claim claim = Claim::kFixed;
    std::optional<size_t> rival{};  ///< see RivalOf
  };

  /// Why a name makes no series.
  enum class Refusal {
    kTooMany,     ///< the service has as many as it may
    kTooManyNew,  ///< the service made as many as it may in this hour
    kTaken,       ///< the name is that of a service without placeholders
  };
  struct Made {
    size_t index = 0;  ///< kTaken: of the series that has the name
    std::optional<Refusal> refusal{};
  };

  /// Passes without a process after which a series is forgotten.
  static constexpr size_t kEmptyPassesMax = 10;

  /// Adds the series of a service without placeholders. Returns its index.
  size_t AddLasting(const std::string& name, size_t service);

  /// Begins a pass. Returns whether an hour is over, so that a service may make
  /// new names again.
  bool BeginPass(TimePoint now);

  /// How many new ones a service may make in an hour, however few it may have.
  static constexpr size_t kNewInAnHour = 60;

  /// The series `name` of `service`, new where there is none. The service has
  /// at most `max`, and makes at most `max` new ones, or 60 if that is more, in
  /// an hour after the first pass: each is a series that a database keeps.
  Made Make(const std::string& name, size_t service, Claim claim, size_t max);

  /// The series of another service with a better or an equal claim, which keeps
  /// this one from its name; none: this one has it. Two equal claims keep each
  /// other from it. A claim lasts as long as its series.
  std::optional<size_t> RivalOf(size_t index) const {
    return series_[index].rival;
  }

  Claim ClaimOf(size_t index) const { return series_[index].claim; }

  /// Ends a pass: forgets the series that had no process for ten passes.
  /// `used` says for each whether it had one in this pass. Returns whether an
  /// series was forgotten.
  bool EndPass(const std::vector<bool>& used);

  /// An index stays the same as long as its series exists. A series that
  /// was forgotten is without a name for a pass at least.
  const Series& operator[](size_t index) const { return series_[index]; }
  size_t size() const { return series_.size(); }

 private:
  size_t FreePlace();
  bool MayMake(const std::string& name, size_t service, size_t max);
  void FindRivals(const std::string& name);

  std::vector<Series> series_;
  std::multimap<std::string, size_t, std::less<>> indices_by_name_;
  std::map<size_t, size_t> count_by_service_;

  bool first_pass_is_over_ = false;
  std::optional<TimePoint> hour_began_;
  // Hashes of the names that a service made anew in this hour.
  std::map<size_t, std::set<size_t>> new_by_service_;
};

}  // namespace resource_attribution::discovery

#endif  // RESOURCE_ATTRIBUTION_DISCOVERY_SERIES_TABLE_H_
