#include "discovery/cgroups.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <malloc.h>
#include <mntent.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <memory>
#include <type_traits>

#include "procfs/decimal.h"
#include "procfs/proc_exe.h"

namespace resource_attribution::discovery {
namespace {

using procfs::Error;
using procfs::Failed;
using procfs::FileDescriptor;
using procfs::Oversize;
using procfs::Result;

constexpr const char* kCgroup = "cgroup";

const std::string kRootPath = "/";

// How many cgroups are walked: below one cgroup, and in a pass. A user can make
// as many as the kernel lets him, and give them paths of 4 KiB.
struct Bound {
  size_t cgroups;
  size_t path_bytes;
  const char* expected;
};
constexpr Bound kBelowOne{4096, size_t{1} << 20,
                          "at most 4096 cgroups and 1 MiB of paths below it"};
constexpr Bound kForOne{65536, size_t{8} << 20,
                        "at most 65536 cgroups and 8 MiB of paths for one "
                        "selector"};

void Drop(auto& container) {
  std::remove_reference_t<decltype(container)>().swap(container);
}

bool IsPattern(const std::string& text) {
  return text.find_first_of("*?[") != std::string::npos;
}

bool Matches(const std::string& pattern, std::string_view name) {
  // For plain names this is much the cheaper comparison.
  if (pattern == name) return true;
  if (!IsPattern(pattern)) return false;
  std::array<char, NAME_MAX + 1> terminated{};
  name.copy(terminated.data(), NAME_MAX);
  return fnmatch(pattern.c_str(), terminated.data(), FNM_NOESCAPE) == 0;
}

bool IsSlice(std::string_view name) { return name.ends_with(".slice"); }

// The unit of a cgroup called `name`; empty if it belongs to no unit. A unit's
// name ends with a dot and a type, systemd.unit(5). systemd puts a `_` before
// names that the kernel could mistake for a file of its own.
std::string_view UnitNamed(std::string_view name) {
  if (name.starts_with('_')) name.remove_prefix(1);
  const size_t dot = name.rfind('.');
  const bool has_type = dot != std::string_view::npos && dot + 1 < name.size();
  return has_type && dot > 0 ? name : std::string_view();
}

// A cgroup may be removed at any time: ENOENT before it is opened, ENODEV
// after. EOPNOTSUPP: the cgroup is threaded, and a cgroup further up lists its
// processes.
bool IsNoCgroupAnyMore(const Error& error) {
  return error.system_error == ENOENT || error.system_error == ENODEV ||
         error.system_error == EOPNOTSUPP;
}

// The path relative to the root of its hierarchy.
const char* Relative(const std::string& path) {
  return path == "/" ? "." : path.c_str() + 1;
}

Result<FileDescriptor> OpenDirectory(int root, const std::string& path) {
  FileDescriptor opened(
      openat(root, Relative(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0) return Failed(kCgroup);
  return opened;
}

}  // namespace

Result<std::vector<CgroupMount>> CgroupMounts(const std::string& mounts) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(
      setmntent(mounts.c_str(), "re"), endmntent);
  if (file == nullptr) return Failed(mounts.c_str());
  std::vector<CgroupMount> found;
  mntent mount{};
  std::array<char, size_t{2} * PATH_MAX> strings{};
  while (getmntent_r(file.get(), &mount, strings.data(), strings.size())) {
    const bool is_v2 = strcmp(mount.mnt_type, "cgroup2") == 0;
    if (is_v2 || (strcmp(mount.mnt_type, "cgroup") == 0 &&
                  hasmntopt(&mount, "name=systemd") != nullptr)) {
      found.push_back({.directory = mount.mnt_dir, .is_v2 = is_v2});
    }
  }
  return found;
}

CgroupPattern SplitCgroupPath(std::string_view path) {
  CgroupPattern components;
  while (!path.empty()) {
    const std::string_view component = path.substr(0, path.find('/'));
    if (!component.empty()) components.emplace_back(component);
    path.remove_prefix(std::min(component.size() + 1, path.size()));
  }
  return components;
}

Result<bool> IsInCgroup(const CgroupPattern& pattern, std::string_view path) {
  if (VisiblePart(path).size() != path.size()) {
    return procfs::Invalid(
        "/proc/PID/cgroup",
        "a path from the root of the hierarchy: the daemon is "
        "in a cgroup namespace of its own, which hides the "
        "beginnings of paths from Cgroup");
  }
  const auto next_component = [&path] {
    path.remove_prefix(std::min<size_t>(1, path.size()));  // the slash
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(component.size());
    return component;
  };
  return std::ranges::all_of(pattern, [&](const std::string& component) {
    const auto name = next_component();
    return !name.empty() && Matches(component, name);
  });
}

bool IsOfUnit(const std::string& unit, std::string_view path) {
  path = VisiblePart(path);
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view component = path.substr(0, path.find('/'));
    if (UnitNamed(component).empty()) return false;
    if (Matches(unit, UnitNamed(component))) return true;
    if (!IsSlice(component)) return false;
    path.remove_prefix(component.size());
  }
  return false;
}

std::string_view VisiblePart(std::string_view path) {
  constexpr std::string_view kAbove = "/..";
  while (path.starts_with(kAbove) &&
         (path.size() == kAbove.size() || path[kAbove.size()] == '/')) {
    path.remove_prefix(kAbove.size());
  }
  return path;
}

std::string_view SystemdUnitOf(std::string_view path) {
  path = VisiblePart(path);
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::string_view component = path.substr(0, path.find('/'));
    if (!IsSlice(component)) return UnitNamed(component);
    path.remove_prefix(component.size());
  }
  return {};
}

std::string_view LastComponent(std::string_view path) {
  return procfs::BaseName(VisiblePart(path));
}

Result<void> Cgroups::BeginPass() {
  GiveBack();
  paths_used_ = 0;
  path_bytes_ = 0;
  units_listed_ = false;
  units_.clear();
  // The hierarchies may be mounted after the daemon has started.
  return roots_.empty() ? FindHierarchies() : Result<void>();
}

// Gives the memory back that the last pass did not need, unless it is little:
// whose cgroups are gone must not cost the daemon memory for ever.
void Cgroups::GiveBack() {
  constexpr size_t kLittle = size_t{64} << 10;
  size_t kept = 0;
  for (const std::string& path : paths_) kept += path.capacity();
  if (kept <= kLittle || kept <= 4 * path_bytes_) return;
  Drop(paths_);
  Drop(units_);
  Drop(level_);
  Drop(next_level_);
  Drop(below_);
  Drop(buffer_);
#ifdef __GLIBC__
  // What was freed lies between what is still in use.
  malloc_trim(0);
#endif
}

Result<void> Cgroups::FindHierarchies() {
  const auto mounts = CgroupMounts(mounts_);
  if (!mounts) return tl::unexpected(mounts.error());
  bool has_v2 = false;
  bool has_systemd = false;
  for (const CgroupMount& mount : *mounts) {
    bool& has_one = mount.is_v2 ? has_v2 : has_systemd;
    if (has_one) continue;
    FileDescriptor root(
        open(mount.directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (root.get() < 0) {
      const Error error{.file = kCgroup, .system_error = errno};
      if (error.OutOfResources()) return tl::unexpected(error);
      continue;
    }
    has_one = true;
    roots_.push_back(std::move(root));
  }
  if (roots_.empty()) {
    return procfs::Invalid(kCgroup,
                           "the v2 hierarchy or v1's systemd to be mounted");
  }
  return {};
}

Cgroups::Cgroup Cgroups::Child(const Cgroup& parent, std::string_view name) {
  if (paths_used_ == paths_.size()) paths_.emplace_back();
  std::string& path = paths_[paths_used_++];
  path = *parent.path;
  if (path != "/") path += '/';
  path += name;
  path_bytes_ += path.size();
  return {parent.root, &path};
}

// Begins to count the cgroups of a selector: nothing that a user makes below
// one selector takes room from another.
void Cgroups::BeginSelector() { selector_begun_ = {paths_used_, path_bytes_}; }

// Begins to count the cgroups of a walk below one cgroup.
void Cgroups::BeginWalk() { walk_begun_ = {paths_used_, path_bytes_}; }

// Calls `take` with the name of each cgroup directly below `cgroup` for which
// the walk, which began at `top`, and the selector have room.
Result<void> Cgroups::WalkChildren(const Cgroup& top, const Cgroup& cgroup,
                                   auto take) {
  const auto is_full = [this](const Used& begun, const Bound& bound) {
    return paths_used_ - begun.paths >= bound.cgroups ||
           path_bytes_ - begun.bytes >= bound.path_bytes;
  };
  const Bound* full = nullptr;
  const auto listed = ForEachChild(cgroup, [&](std::string_view name) {
    if (full != nullptr) return;
    if (walk_begun_ && is_full(*walk_begun_, kBelowOne)) {
      full = &kBelowOne;
    } else if (is_full(selector_begun_, kForOne)) {
      full = &kForOne;
    } else {
      take(name);
    }
  });
  if (!listed || full == nullptr) return listed;
  return LeaveOut(top, {.file = kCgroup, .expected = full->expected});
}

// Leaves out a cgroup, or what is below it, and takes note of the first that
// was. Only a lack of descriptors or memory ends the listing: whose cgroups may
// not be read must not decide whose are listed.
Result<void> Cgroups::LeaveOut(const Cgroup& cgroup, const Error& error) {
  if (error.OutOfResources()) return tl::unexpected(error);
  if (IsNoCgroupAnyMore(error) || left_out_) return {};
  constexpr size_t kPathMax = 120;  // so that the reason stands behind it
  LeftOut& left_out = left_out_.emplace();
  left_out.file = std::string(kCgroup) + ' ' + cgroup.path->substr(0, kPathMax);
  if (cgroup.path->size() > kPathMax) left_out.file += "...";
  left_out.error = error;
  return {};
}

// Whether all was listed. Valid until the next listing.
Result<void> Cgroups::Outcome() const {
  if (!left_out_) return {};
  Error error = left_out_->error;
  error.file = left_out_->file.c_str();
  return tl::unexpected(error);
}

// Calls `take` with the name of each cgroup directly below `cgroup`.
Result<void> Cgroups::ForEachChild(const Cgroup& cgroup, auto take) {
  const auto directory = OpenDirectory(cgroup.root, *cgroup.path);
  if (!directory) return LeaveOut(cgroup, directory.error());
  alignas(dirent64) std::array<char, 16384> entries{};
  const auto take_cgroup = [&take](std::string_view name, int type) {
    if (type == DT_DIR && name != "." && name != "..") take(name);
  };
  const auto listed =
      procfs::ForEachEntry(directory->get(), kCgroup, entries, take_cgroup);
  return listed ? listed : LeaveOut(cgroup, listed.error());
}

void Cgroups::SetToRoots(std::vector<Cgroup>& cgroups) const {
  cgroups.clear();
  for (const FileDescriptor& root : roots_) {
    cgroups.push_back({root.get(), &kRootPath});
  }
}

Result<void> Cgroups::List(const CgroupPattern& pattern,
                           std::vector<CgroupMember>& members) {
  left_out_.reset();
  BeginSelector();
  BeginWalk();
  SetToRoots(level_);
  for (const std::string& component : pattern) {
    if (auto next = NextLevel(component); !next) return next;
  }
  for (const Cgroup& cgroup : level_) {
    if (auto listed = ListBelow(cgroup, members); !listed) return listed;
  }
  return Outcome();
}

// Goes from the cgroups in level_ to those directly below that match.
Result<void> Cgroups::NextLevel(const std::string& component) {
  next_level_.clear();
  for (const Cgroup& cgroup : level_) {
    if (!IsPattern(component)) {
      next_level_.push_back(Child(cgroup, component));
      continue;
    }
    const auto listed = WalkChildren(cgroup, cgroup, [&](auto name) {
      if (Matches(component, name)) next_level_.push_back(Child(cgroup, name));
    });
    if (!listed) return listed;
  }
  std::swap(level_, next_level_);
  return {};
}

Result<void> Cgroups::ListUnit(const std::string& unit,
                               std::vector<CgroupMember>& members) {
  if (!units_listed_) {
    left_out_.reset();
    BeginSelector();
    if (auto listed = ListUnits(); !listed) return listed;
    units_listed_ = true;
    units_left_out_ = left_out_;
  }
  left_out_ = units_left_out_;
  BeginSelector();
  for (const Unit& one : units_) {
    if (!Matches(unit, one.name)) continue;
    if (auto listed = ListBelow(one.cgroup, members); !listed) return listed;
  }
  return Outcome();
}

Result<void> Cgroups::ListUnits() {
  walk_begun_.reset();  // only root makes slices
  SetToRoots(below_);
  for (size_t next = 0; next < below_.size(); ++next) {
    const Cgroup slice = below_[next];
    const auto listed = WalkChildren(slice, slice, [&](auto name) {
      if (UnitNamed(name).empty()) return;
      const Cgroup child = Child(slice, name);
      units_.push_back({child, UnitNamed(LastComponent(*child.path))});
      if (IsSlice(name)) below_.push_back(child);
    });
    if (!listed) return listed;
  }
  return {};
}

// No recursion: a user who may make cgroups can nest them as deep as he likes.
Result<void> Cgroups::ListBelow(const Cgroup& cgroup,
                                std::vector<CgroupMember>& members) {
  BeginWalk();
  below_.assign(1, cgroup);
  for (size_t next = 0; next < below_.size(); ++next) {
    const Cgroup parent = below_[next];
    auto listed = ListProcesses(parent, members).and_then([&] {
      return WalkChildren(cgroup, parent, [&](auto name) {
        below_.push_back(Child(parent, name));
      });
    });
    if (!listed) return listed;
  }
  return {};
}

Result<void> Cgroups::ListProcesses(const Cgroup& cgroup,
                                    std::vector<CgroupMember>& members) {
  constexpr size_t kListMax = size_t{64} << 20;  // 4 million PIDs and more
  std::array<char, PATH_MAX> name{};
  const int size = std::snprintf(name.data(), name.size(), "%s/cgroup.procs",
                                 Relative(*cgroup.path));
  if (static_cast<size_t>(size) >= name.size()) {
    return LeaveOut(cgroup, {.file = kCgroup, .system_error = ENAMETOOLONG});
  }
  const FileDescriptor file(
      openat(cgroup.root, name.data(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) {
    return LeaveOut(cgroup, {.file = kCgroup, .system_error = errno});
  }
  auto bytes =
      procfs::ReadAll(file.get(), kCgroup, kListMax, Oversize::kFail, buffer_);
  if (!bytes) return LeaveOut(cgroup, bytes.error());
  while (!bytes->empty()) {
    const size_t end = bytes->find('\n');
    // A number that was cut would be a different number.
    if (end == std::string_view::npos) {
      return LeaveOut(cgroup, {.file = kCgroup,
                               .expected = "a line break behind each PID"});
    }
    const std::string_view line = bytes->substr(0, end);
    bytes->remove_prefix(end + 1);
    // 0 is a process outside of our PID namespace.
    const auto pid = procfs::ParseDecimal<pid_t>(line);
    if (pid && *pid > 0) members.push_back({*pid, *cgroup.path});
  }
  return {};
}

}  // namespace resource_attribution::discovery
