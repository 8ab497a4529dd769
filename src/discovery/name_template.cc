#include "discovery/name_template.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <optional>

#include "procfs/utf8.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Result;
using Kind = NameTemplate::Kind;

Kind KindOf(std::string_view placeholder) {
  if (placeholder == "comm") return Kind::kComm;
  if (placeholder == "user") return Kind::kUser;
  if (placeholder == "unit") return Kind::kUnit;
  if (placeholder == "cgroup") return Kind::kCgroup;
  return Kind::kCapture;
}

// FNV-1a, 64 bits: the same on every host.
uint64_t Hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char byte : text) {
    hash ^= static_cast<unsigned char>(byte);
    hash *= 0x100000001b3U;
  }
  return hash;
}

// What the group called `group` captured in the command line. Empty if the
// expression that matched has no such group, or if the group took no part.
Result<std::string_view> Captured(const std::string& group,
                                  const Selectors& selectors,
                                  Candidate& candidate) {
  const auto& cmdline = candidate.Cmdline();
  if (!cmdline) return tl::unexpected(cmdline.error());
  for (const auto& expression : selectors.command_lines) {
    const auto value = Capture(*expression, group, cmdline->joined);
    if (value) return *value;
  }
  return std::string_view();
}

Result<std::string_view> ValueOf(const NameTemplate::Part& part,
                                 const Selectors& selectors, Users& users,
                                 Candidate& candidate) {
  switch (part.kind) {
    case Kind::kComm:
      return candidate.Comm();
    case Kind::kUser:
      return candidate.EffectiveUser().map([&](std::optional<uid_t> id) {
        std::string_view name;
        if (id) name = users.Name(*id);
        return name;
      });
    case Kind::kUnit:
      return candidate.Cgroup().map(SystemdUnitOf);
    case Kind::kCgroup:
      return candidate.Cgroup().map(LastComponent);
    default:
      return Captured(part.text, selectors, candidate);
  }
}

}  // namespace

NameTemplate::NameTemplate(std::string_view text) : text_(text) {
  const auto add_text = [this](std::string_view plain) {
    if (!plain.empty()) parts_.push_back({Kind::kText, std::string(plain)});
  };
  while (true) {
    const size_t open = text.find("${");
    const size_t close = text.find('}', std::min(open, text.size()));
    if (close == std::string_view::npos) break;
    add_text(text.substr(0, open));
    const auto placeholder = text.substr(open + 2, close - open - 2);
    parts_.push_back({KindOf(placeholder), std::string(placeholder)});
    text.remove_prefix(close + 1);
  }
  add_text(text);
}

bool NameTemplate::HasPlaceholders() const {
  return std::ranges::any_of(
      parts_, [](const Part& part) { return part.kind != Kind::kText; });
}

bool NameTemplate::IsTrusted() const {
  return std::ranges::all_of(parts_, [](const Part& part) {
    return part.kind == Kind::kText || part.kind == Kind::kUnit ||
           part.kind == Kind::kUser;
  });
}

bool NameTemplate::NeedsCgroup() const {
  return std::ranges::any_of(parts_, [](const Part& part) {
    return part.kind == Kind::kUnit || part.kind == Kind::kCgroup;
  });
}

Result<void> NameTemplate::Expand(const Selectors& selectors, Users& users,
                                  Candidate& candidate,
                                  std::string& name) const {
  name.clear();
  for (const Part& part : parts_) {
    if (part.kind == Kind::kText) {
      name += part.text;
      continue;
    }
    const auto value = ValueOf(part, selectors, users, candidate);
    if (!value) return tl::unexpected(value.error());
    AppendUntrusted(*value, name);
  }
  CutSeriesName(name);
  return {};
}

void AppendUntrusted(std::string_view value, std::string& name) {
  if (value.empty()) name += '_';
  while (!value.empty()) {
    const auto [size, code] = procfs::FirstCharacter(value);
    if (size == 0 || code == U'/' || procfs::IsControl(code) ||
        procfs::IsInvisible(code)) {
      name += '_';
    } else {
      name += value.substr(0, size);
    }
    value.remove_prefix(std::max<size_t>(size, 1));
  }
}

void CutSeriesName(std::string& name) {
  if (name.size() <= kSeriesNameMax) return;
  std::array<char, 18> hash{};
  std::snprintf(hash.data(), hash.size(), "_%016llx",
                static_cast<unsigned long long>(Hash(name)));
  size_t size = kSeriesNameMax - (hash.size() - 1);
  while (size > 0 && procfs::IsContinuation(name[size])) --size;
  name.resize(size);
  name += hash.data();
}

}  // namespace resource_attribution::discovery
