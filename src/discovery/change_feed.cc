#include "discovery/change_feed.h"

#include <algorithm>
#include <utility>

namespace resource_attribution::discovery {
namespace {

constexpr std::chrono::hours kSilentPeriod{1};
constexpr std::chrono::hours kPeriod{6};
constexpr std::chrono::minutes kRecent{1};

void SortAndUnify(std::vector<pid_t>& pids) {
  std::ranges::sort(pids);
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
}

bool Has(const std::vector<pid_t>& sorted, pid_t pid) {
  return std::ranges::binary_search(sorted, pid);
}

}  // namespace

bool ChangeFeed::Plan::StillHolds(pid_t pid) const {
  return !everything && !Has(processes, pid);
}

ChangeFeed::Plan& ChangeFeed::PlanPass(TimePoint now) {
  const bool was_up_to_date = std::exchange(is_up_to_date_, false);
  const bool scan_asked = std::exchange(scan_next_, false);
  std::swap(plan_.processes, again_);
  again_.clear();

  named_.clear();
  const bool is_complete = events_ && events_->Drain(named_);
  SortAndUnify(named_);
  plan_.everything =
      !is_complete || !was_up_to_date || scan_asked || !last_scan_ ||
      now - *last_scan_ >= (has_silent_changes_ ? kSilentPeriod : kPeriod);
  plan_.processes.insert(plan_.processes.end(), named_.begin(), named_.end());
  if (has_silent_changes_ && events_) {
    AddRecent(now, /*events_are_missing=*/!is_complete || !last_scan_);
  }
  ended_.clear();
  SortAndUnify(plan_.processes);
  return plan_;
}

// Names again the processes of recent events that are due, and remembers those
// of new events.
void ChangeFeed::AddRecent(TimePoint now, bool events_are_missing) {
  SortAndUnify(ended_);
  std::erase_if(recent_, [this](const Recent& one) {
    return Has(ended_, one.pid) || Has(named_, one.pid);
  });
  for (Recent& one : recent_) {
    if (one.TakeDue(now)) plan_.processes.push_back(one.pid);
  }
  std::erase_if(recent_, [](const Recent& one) { return one.IsOver(); });
  for (const pid_t pid : named_) recent_.push_back({pid, now, now});

  if (recent_of_all_ && recent_of_all_->TakeDue(now)) plan_.everything = true;
  if (recent_of_all_ && recent_of_all_->IsOver()) recent_of_all_.reset();
  if (events_are_missing) recent_of_all_ = {.named = now, .look_due = now};
}

// Returns whether a look is due, and if so, makes the next one due after twice
// as long.
bool ChangeFeed::Recent::TakeDue(TimePoint now) {
  if (look_due > now) return false;
  look_due = now + (now - named);
  return true;
}

bool ChangeFeed::Recent::IsOver() const {
  return look_due - named > 2 * kRecent;
}

void ChangeFeed::PassEnded(TimePoint now) {
  is_up_to_date_ = true;
  if (plan_.everything) last_scan_ = now;
}

}  // namespace resource_attribution::discovery
