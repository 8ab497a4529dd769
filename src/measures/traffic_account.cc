#include "measures/traffic_account.h"

#include <algorithm>
#include <utility>

#include "measures/started_after.h"

namespace resource_attribution::measures {
namespace {

// What was added to a counter. One that went backwards starts anew.
uint64_t Delta(uint64_t before, uint64_t now) {
  return now >= before ? now - before : 0;
}

// The elements of a list, sorted by `field`, that have `key` there.
template <typename T, typename Key>
std::span<const T> With(std::span<const T> list, const Key& key,
                        Key T::*field) {
  const auto first = std::ranges::lower_bound(list, key, {}, field);
  return {first, std::ranges::upper_bound(first, list.end(), key, {}, field)};
}

}  // namespace

TrafficAccount::TrafficAccount(
    std::vector<std::vector<uint16_t>> ports_by_service)
    : ports_by_service_(std::move(ports_by_service)) {
  for (auto& ports : ports_by_service_) {
    std::ranges::sort(ports);
    for (const uint16_t port : ports) unknown_[port] = 0;
  }
}

bool TrafficAccount::HasUnknown(std::span<const Socket> sockets) const {
  auto known = known_.begin();
  return std::ranges::any_of(sockets, [&](const Socket& socket) {
    while (known != known_.end() && known->cookie < socket.cookie) ++known;
    const bool is_known =
        known != known_.end() && known->cookie == socket.cookie;
    return !is_known && socket.inode != 0;
  });
}

bool TrafficAccount::WasMember(const Member& member) const {
  return std::ranges::binary_search(members_, member);
}

void TrafficAccount::Add(const Pass& pass, double ticks_per_second) {
  next_known_.clear();
  next_claims_.clear();
  additions_.clear();
  unknown_additions_.clear();
  next_members_.assign(pass.members.begin(), pass.members.end());
  next_newcomers_.clear();
  for (const Member& member : pass.members) {
    totals_[member.series].service = member.service;
    if (!HasOpened(member, ticks_per_second)) next_newcomers_.push_back(member);
  }

  Claims claims = claims_;
  auto known = known_.begin();
  const auto carry_over_before = [&](uint64_t cookie) {
    for (; known != known_.end() && known->cookie < cookie; ++known) {
      CarryOver(*known, TakeClaims(claims, known->cookie));
    }
  };
  for (const Socket& socket : pass.sockets) {
    carry_over_before(socket.cookie);
    if (known != known_.end() && known->cookie == socket.cookie) {
      Continue(socket, *known, TakeClaims(claims, socket.cookie), pass);
      ++known;
    } else if (socket.inode != 0) {
      Begin(socket, pass, ticks_per_second);
    }
  }
  carry_over_before(UINT64_MAX);
  for (const Ended& ended : pass.ended) End(ended, pass, ticks_per_second);

  // Nothing fails from here on.
  for (const Addition& addition : additions_) {
    Total& total = totals_.find(addition.series)->second;
    total.traffic.sent += addition.traffic.sent;
    total.traffic.received += addition.traffic.received;
    total.has_connection = true;
  }
  for (const auto& [port, bytes] : unknown_additions_) {
    unknown_.find(port)->second += bytes;
  }
  ForgetEnded(pass.ended);
  NoteLoss(pass.has_all_ended);
  for (const Claim& claim : next_claims_) {
    totals_.find(claim.series)->second.has_connection = true;
  }
  begun_ = pass.begun;
  std::swap(known_, next_known_);
  std::swap(claims_, next_claims_);
  std::swap(members_, next_members_);
  std::swap(newcomers_, next_newcomers_);
}

// A socket of which the previous pass knew nothing has been opened since.
void TrafficAccount::Begin(const Socket& socket, const Pass& pass,
                           double ticks_per_second) {
  const Traffic traffic{socket.bytes_sent, socket.bytes_received};
  const Claims by_holdings =
      ClaimByHoldings(socket, pass, /*first=*/next_claims_.size());
  ForEachSeries(by_holdings, [&](Claims claims) {
    if (std::ranges::any_of(claims, [&](const Claim& claim) {
          return HasOpened(claim.member, ticks_per_second);
        })) {
      additions_.push_back({claims.front().series, traffic});
    }
  });
  next_known_.push_back({.cookie = socket.cookie, .traffic = traffic});
  // One that is there at first is of no interest.
  if (begun_ && by_holdings.empty()) next_known_.back().unheld_since = 0;
}

// A socket that was known already counts for the series that held it in the
// previous pass and hold it now.
void TrafficAccount::Continue(const Socket& socket, const Known& known,
                              Claims claims, const Pass& pass) {
  const Traffic traffic{socket.bytes_sent, socket.bytes_received};
  const Traffic delta{Delta(known.traffic.sent, traffic.sent),
                      Delta(known.traffic.received, traffic.received)};
  const size_t first = next_claims_.size();
  for (const Claim& claim : claims) {
    // A closed socket stays with the process that closed it or has ended.
    if (socket.inode == 0 ||
        std::ranges::binary_search(pass.members, claim.member)) {
      next_claims_.push_back(claim);
    }
  }
  ForEachSeries(ClaimByHoldings(socket, pass, first), [&](Claims now) {
    const size_t series = now.front().series;
    if (std::ranges::any_of(claims, [&](const Claim& before) {
          return before.series == series;
        })) {
      additions_.push_back({series, delta});
    }
  });
  next_known_.push_back({.cookie = socket.cookie, .traffic = traffic});
  // If it is open, it was open when its holders were looked for.
  if (known.unheld_since && socket.inode == 0) {
    next_known_.back().unheld_since = *known.unheld_since + 1;
  }
}

// A listing may miss a live socket once; twice is unlikely. If the account
// forgot the socket at once, it would count from zero again. While the kernel
// tells of every socket that ends, the account waits for that.
void TrafficAccount::CarryOver(const Known& known, Claims claims) {
  if (known.missed && doubtful_passes_ > 0) return;
  next_known_.push_back(known);
  next_known_.back().missed = true;
  if (known.unheld_since) ++*next_known_.back().unheld_since;
  next_claims_.insert(next_claims_.end(), claims.begin(), claims.end());
}

// Adds what a socket that a pass saw has sent and received since.
void TrafficAccount::End(const Ended& ended, const Pass& pass,
                         double ticks_per_second) {
  const Socket& socket = ended.socket;
  const auto known =
      std::ranges::lower_bound(next_known_, socket.cookie, {}, &Known::cookie);
  if (known == next_known_.end() || known->cookie != socket.cookie) {
    return EndUnheld(ended, 0, pass, ticks_per_second);
  }
  if (known->unheld_since) {
    return EndUnheld(ended, *known->unheld_since, pass, ticks_per_second);
  }
  Traffic delta{Delta(known->traffic.sent, socket.bytes_sent),
                Delta(known->traffic.received, socket.bytes_received)};
  // A single byte is the FIN of the peer.
  if (delta.received == 1) delta.received = 0;
  const Claims of_socket =
      With(Claims(next_claims_), socket.cookie, &Claim::cookie);
  ForEachSeries(of_socket, [&](Claims claims) {
    additions_.push_back({claims.front().series, delta});
  });
}

// Adds a socket of which no holder was seen, and which was found, or ended
// unseen, so many passes ago. One that ended before the first pass is of no
// interest.
void TrafficAccount::EndUnheld(const Ended& ended, int passes, const Pass& pass,
                               double ticks_per_second) {
  const Socket& socket = ended.socket;
  const Traffic traffic{socket.bytes_sent, socket.bytes_received};
  if (!begun_ || traffic == Traffic{}) return;
  // Who was a member more than a pass ago is not known any more.
  if (!ended.opened_by || passes > 1) {
    if (unknown_.contains(socket.remote_port)) {
      unknown_additions_.emplace_back(socket.remote_port,
                                      traffic.sent + traffic.received);
    }
    return;
  }
  for (const Member& member :
       With(pass.members, *ended.opened_by, &Member::process)) {
    if (HasPort(member, socket) && HasOpened(member, ticks_per_second) &&
        (passes == 0 || !std::ranges::binary_search(newcomers_, member))) {
      additions_.push_back({member.series, traffic});
    }
  }
}

void TrafficAccount::ForgetEnded(std::span<const Ended> ended) {
  if (ended.empty()) return;
  const auto has_ended = [ended](const auto& one) {
    return std::ranges::binary_search(
        ended, one.cookie, {},
        [](const Ended& other) { return other.socket.cookie; });
  };
  std::erase_if(next_known_, has_ended);
  std::erase_if(next_claims_, has_ended);
}

// A socket whose end went unnoticed may still be listed in the pass that
// notices the loss, and be missed by the two after it.
void TrafficAccount::NoteLoss(bool has_all_ended) {
  if (!has_all_ended) {
    lost_some_ = true;
    doubtful_passes_ = 3;
  } else if (doubtful_passes_ > 0) {
    --doubtful_passes_;
  }
}

void TrafficAccount::AddIdle(const procfs::Instant& begun, bool has_all_ended) {
  begun_ = begun;
  NoteLoss(has_all_ended);
}

bool TrafficAccount::MayHaveMissed(size_t service) const {
  const auto& ports = ports_by_service_[service];
  return lost_some_ || std::ranges::any_of(ports, [this](uint16_t port) {
           return unknown_.find(port)->second > 0;
         });
}

TrafficAccount::Claims TrafficAccount::TakeClaims(Claims& claims,
                                                  uint64_t cookie) {
  size_t size = 0;
  while (size < claims.size() && claims[size].cookie == cookie) ++size;
  const Claims taken = claims.first(size);
  claims = claims.subspan(size);
  return taken;
}

// Adds the claims of the members that hold the socket to those from `first` on.
// Returns all of these, sorted and each once.
TrafficAccount::Claims TrafficAccount::ClaimByHoldings(const Socket& socket,
                                                       const Pass& pass,
                                                       size_t first) {
  if (socket.inode != 0) {
    for (const Holding& holding :
         With(pass.holdings, socket.inode, &Holding::inode)) {
      for (const Member& member :
           With(pass.members, holding.process, &Member::process)) {
        if (HasPort(member, socket)) {
          next_claims_.push_back({socket.cookie, member.series, member});
        }
      }
    }
  }
  const auto begin = next_claims_.begin() + static_cast<ptrdiff_t>(first);
  std::sort(begin, next_claims_.end());
  next_claims_.erase(std::unique(begin, next_claims_.end()),
                     next_claims_.end());
  return Claims(next_claims_).subspan(first);
}

// Whether the socket leads to a port of the member's service.
bool TrafficAccount::HasPort(const Member& member, const Socket& socket) const {
  return std::ranges::binary_search(ports_by_service_[member.service],
                                    socket.remote_port);
}

// Whether a socket that was opened since the previous pass was so by this
// member, rather than before it became one.
bool TrafficAccount::HasOpened(const Member& member,
                               double ticks_per_second) const {
  return begun_ && (WasMember(member) ||
                    StartedAfter(*begun_, member.process, ticks_per_second));
}

void TrafficAccount::ForEachSeries(Claims claims, auto take) {
  while (!claims.empty()) {
    const size_t series = claims.front().series;
    size_t size = 0;
    while (size < claims.size() && claims[size].series == series) ++size;
    take(claims.first(size));
    claims = claims.subspan(size);
  }
}

std::optional<Traffic> TrafficAccount::Of(size_t series) const {
  const auto total = totals_.find(series);
  if (total == totals_.end()) return std::nullopt;
  if (!total->second.has_connection && MayHaveMissed(total->second.service)) {
    return std::nullopt;
  }
  return total->second.traffic;
}

void TrafficAccount::Forget(size_t series) {
  totals_.erase(series);
  std::erase_if(
      claims_, [series](const Claim& claim) { return claim.series == series; });
}

}  // namespace resource_attribution::measures
