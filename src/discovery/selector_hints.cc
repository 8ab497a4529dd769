#include "discovery/selector_hints.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>
#include <tuple>
#include <utility>

#include "discovery/pid_file.h"
#include "discovery/selector_warnings.h"
#include "procfs/being_read.h"
#include "procfs/capabilities.h"
#include "procfs/printable.h"
#include "procfs/proc_exe.h"

namespace resource_attribution::discovery {
namespace {

using procfs::BaseName;
using procfs::Printable;
using procfs::Quoted;

constexpr size_t kExamplesMax = 3;

bool MatchesGlob(const std::string& pattern, std::string_view text) {
  return fnmatch(pattern.c_str(), std::string(text).c_str(), FNM_NOESCAPE) == 0;
}

bool IsArgument(std::string_view name, const Subject& one) {
  return std::ranges::find(one.arguments, name) != one.arguments.end();
}

// An expression that matches `text` literally. RE2::QuoteMeta escapes more than
// people would.
std::string Literally(std::string_view text) {
  std::string expression;
  for (const char byte : text) {
    if (std::string_view("\\.+*?()[]{}|^$").find(byte) !=
        std::string_view::npos) {
      expression += '\\';
    }
    expression += byte;
  }
  return expression;
}

// A selector that matches processes by the program or script that they execute.
std::string ByArgument(std::string_view base_name) {
  return "CommandLine " + Quoted("(^|[ /])" + Literally(base_name) + "( |$)");
}

// The path without symbolic links; empty if there is no such file.
std::string RealPath(const std::string& path) {
  const procfs::Reading reading(path.c_str());
  const std::unique_ptr<char, decltype(&std::free)> real(
      realpath(path.c_str(), nullptr), std::free);
  return real == nullptr ? std::string() : real.get();
}

bool IsScript(const std::string& path) {
  const procfs::Reading reading(path.c_str());
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return false;
  }
  const procfs::FileDescriptor file(
      open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  std::array<char, 2> beginning{};
  return read(file.get(), beginning.data(), beginning.size()) == 2 &&
         beginning[0] == '#' && beginning[1] == '!';
}

class NameHint : public SelectorHint {
 public:
  explicit NameHint(std::string name)
      : name_(std::move(name)),
        is_path_(name_.starts_with('/')),
        base_name_(BaseName(name_)),
        real_path_(is_path_ ? RealPath(name_) : std::string()) {}

  void Look(const Subject& one) override {
    const std::string_view comm = one.comm;
    if (is_path_) {
      const bool executes = one.exe == name_ || one.exe == real_path_;
      executed_ += executes && !one.exe.empty() ? 1 : 0;
      called_ += comm == base_name_ ? 1 : 0;
    } else if (HasWildcard(name_)) {
      if (MatchesGlob(name_, comm)) by_pattern_.Add(comm);
    } else if (!one.exe.empty() && BaseName(one.exe) == name_) {
      by_executable_.Add(one.exe);
      executing_.Add(comm);
    } else if (comm.starts_with(name_)) {
      longer_.Add(comm);
      titled_ += one.cmdline.starts_with(name_) ? 1 : 0;
    } else if (strcasecmp(std::string(comm).c_str(), name_.c_str()) == 0) {
      other_case_.Add(comm);
    } else if (IsArgument(name_, one)) {
      by_argument_.Add(comm);
    }
  }

  void Say(std::vector<std::string>& lines) const override {
    if (is_path_) return SayPath(lines);
    if (HasWildcard(name_)) return SayPattern(lines);
    for (const auto& [path, processes] : by_executable_.Most(kExamplesMax)) {
      lines.push_back(
          ProcessesThat("execute", processes) + " " + Printable(path) +
          (by_executable_.distinct() > 1
               ? ": "
               : ", with the command name " + executing_.Describe() + ": ") +
          "use Executable " + Quoted(path));
    }
    if (longer_.total() > 0) {
      const bool are_titled = titled_ == longer_.total();
      lines.push_back("command names that begin with " + Quoted(name_) + ": " +
                      longer_.Describe() + "; use " +
                      (are_titled
                           ? "CommandLine " + Quoted("^" + Literally(name_))
                           : "Name " + Quoted(longer_.Most(1)[0].value)));
    }
    if (other_case_.total() > 0) {
      lines.push_back("the case of letters differs: use Name " +
                      Quoted(other_case_.Most(1)[0].value) + ", which " +
                      ProcessesThat("have", other_case_.total()));
    }
    // The program that started these often has the name among its arguments.
    const bool is_found = by_executable_.total() + longer_.total() > 0;
    if (!is_found && by_argument_.total() > 0) {
      lines.push_back(Quoted(name_) + " is among the first arguments of " +
                      Processes(by_argument_.total()) +
                      ", whose command name is " + by_argument_.Describe() +
                      ": use " + ByArgument(name_));
    }
  }

 private:
  void SayPath(std::vector<std::string>& lines) const {
    const std::string& path = real_path_.empty() ? name_ : real_path_;
    lines.push_back(
        Printable(name_) + " is a path, not a command name: use Executable " +
        Quoted(path) + ", which " + ProcessesThat("execute", executed_) +
        ", or Name " + Quoted(base_name_) + ", which " +
        ProcessesThat("have", called_));
  }

  void SayPattern(std::vector<std::string>& lines) const {
    if (by_pattern_.total() == 0) {
      lines.push_back(Quoted(name_) +
                      " is not a pattern: use CommandLine with an expression");
      return;
    }
    std::string names;
    for (const auto& [name, processes] : by_pattern_.Most(kExamplesMax)) {
      names += (names.empty() ? "Name " : ", Name ") + Quoted(name);
    }
    lines.push_back(Quoted(name_) + " is not a pattern, although " +
                    ProcessesThat("have", by_pattern_.total()) +
                    " such a name: use " + names +
                    (by_pattern_.distinct() > kExamplesMax ? ", ..." : ""));
  }

  const std::string name_;
  const bool is_path_;
  const std::string base_name_;
  const std::string real_path_;
  size_t executed_ = 0;
  size_t called_ = 0;
  size_t titled_ = 0;
  Tally by_pattern_;
  Tally by_executable_;
  Tally executing_;
  Tally longer_;
  Tally other_case_;
  Tally by_argument_;
};

class ExecutableHint : public SelectorHint {
 public:
  explicit ExecutableHint(std::string path)
      : path_(std::move(path)), real_path_(RealPath(path_)) {}

  void Look(const Subject& one) override {
    refused_ += one.exe_refused ? 1 : 0;
    if (one.exe == real_path_ && !one.exe.empty()) {
      ++executed_;
    } else if (BaseName(one.exe) == BaseName(path_)) {
      elsewhere_.Add(one.exe);
    }
    if (IsArgument(BaseName(path_), one)) by_argument_.Add(one.exe);
  }

  void Say(std::vector<std::string>& lines) const override {
    if (real_path_.empty()) {
      lines.push_back("there is no file " + Printable(path_));
    } else if (IsScript(real_path_)) {
      lines.push_back(Printable(path_) +
                      " is a script, which its interpreter executes: use " +
                      ByArgument(BaseName(path_)) + ", which " +
                      ProcessesThat("match", by_argument_.total()));
    } else if (real_path_ != path_) {
      lines.push_back(Printable(path_) + " is a link to " +
                      Printable(real_path_) + ": use Executable " +
                      Quoted(real_path_) + ", which " +
                      ProcessesThat("execute", executed_));
    }
    for (const auto& [path, processes] : elsewhere_.Most(kExamplesMax)) {
      lines.push_back(ProcessesThat("execute", processes) + " " +
                      Printable(path) + ": use Executable " + Quoted(path));
    }
    if (refused_ > 0) {
      lines.push_back("the executable of " + Processes(refused_) +
                      " may not be read (" +
                      procfs::WhyRefused({procfs::kSysPtrace}) + ")");
    }
  }

 private:
  const std::string path_;
  const std::string real_path_;
  size_t executed_ = 0;
  size_t refused_ = 0;
  Tally elsewhere_;
  Tally by_argument_;
};

// Shows no command line, because it may hold secrets.
class ExpressionHint : public SelectorHint {
 public:
  explicit ExpressionHint(const Expressions::value_type& expression) {
    const std::string& pattern = expression->pattern();
    if (pattern.starts_with('^')) Add("without ^", pattern.substr(1));
    if (pattern.ends_with('$') && !pattern.ends_with("\\$")) {
      Add("without $", pattern.substr(0, pattern.size() - 1));
    }
    Add("whatever the case", "(?i)" + pattern);
  }

  void Look(const Subject& one) override {
    for (Variant& variant : variants_) {
      if (!IsIn(*variant.expression, one.cmdline)) continue;
      if (variant.processes++ > 0) continue;
      variant.example =
          "PID " + std::to_string(one.pid) + ", " + Quoted(one.comm);
    }
  }

  void Say(std::vector<std::string>& lines) const override {
    for (const Variant& variant : variants_) {
      if (variant.processes == 0) continue;
      lines.push_back(std::string(variant.how) + " it matches " +
                      Processes(variant.processes) + ", such as " +
                      variant.example + ": use CommandLine " +
                      Quoted(variant.expression->pattern()));
    }
  }

 private:
  struct Variant {
    const char* how;
    std::unique_ptr<const RE2> expression;
    size_t processes = 0;
    std::string example{};
  };

  void Add(const char* how, const std::string& pattern) {
    auto expression = CompileExpression(pattern);
    if (pattern.empty() || !expression->ok()) return;
    variants_.push_back({.how = how, .expression = std::move(expression)});
  }

  std::vector<Variant> variants_;
};

class UserHint : public SelectorHint {
 public:
  UserHint(std::string name, const Users& users)
      : name_(std::move(name)), users_(users) {}

  void Say(std::vector<std::string>& lines) const override {
    if (const auto failure = users_.Failure(name_)) {
      lines.push_back("User " + Quoted(name_) + ": " + failure->Message());
    } else if (const auto id = users_.Id(name_)) {
      lines.push_back("no process runs as user ID " + std::to_string(*id));
    } else {
      lines.push_back("there is no user " + Quoted(name_));
    }
  }

 private:
  const std::string name_;
  const Users& users_;
};

class UnitHint : public SelectorHint {
 public:
  explicit UnitHint(std::string unit)
      : unit_(std::move(unit)), instances_(Instances(unit_)) {}

  void Look(const Subject& one) override {
    CgroupPattern up_to;
    for (std::string& component : SplitCgroupPath(one.cgroup)) {
      up_to.push_back(std::move(component));
      if (MatchesGlob(unit_, up_to.back())) {
        return below_others_.Add(CgroupPath(up_to));
      }
    }
    if (!instances_.empty() && IsOfUnit(instances_, one.cgroup)) {
      of_template_.Add(SystemdUnitOf(one.cgroup));
    }
  }

  void Say(std::vector<std::string>& lines) const override {
    for (const auto& [path, processes] : below_others_.Most(kExamplesMax)) {
      const bool is_of_user =
          path.find("/user@") != std::string::npos || path.starts_with("user@");
      lines.push_back(Processes(processes) + (processes == 1 ? " is" : " are") +
                      " in a unit of " +
                      (is_of_user ? "a user's manager, which is"
                                  : "that name below another unit, which is") +
                      " not searched: use Cgroup " + Quoted(path));
    }
    if (of_template_.total() > 0) {
      lines.push_back("units of that template run, " + of_template_.Describe() +
                      ": use SystemdUnit " + Quoted(instances_));
    }
  }

 private:
  // The instances of the template of that name, as a pattern.
  static std::string Instances(const std::string& unit) {
    const size_t suffix = unit.rfind('.');
    if (suffix == std::string::npos || unit.find('@') < suffix) return "";
    return unit.substr(0, suffix) + "@*" + unit.substr(suffix);
  }

  const std::string unit_;
  const std::string instances_;
  Tally below_others_;
  Tally of_template_;
};

class CgroupHint : public SelectorHint {
 public:
  CgroupHint(CgroupPattern pattern,
             const std::vector<std::string>& mount_points)
      : path_(CgroupPath(pattern)),
        relative_(Relative(pattern, mount_points)),
        anywhere_(std::move(pattern)) {
    const auto exists = [this](const std::string& mount_point) {
      return access((mount_point + "/" + path_).c_str(), F_OK) == 0;
    };
    exists_ = std::ranges::any_of(mount_points, exists);
  }

  void Look(const Subject& one) override {
    if (relative_) {
      in_relative_ +=
          IsInCgroup(*relative_, one.cgroup).value_or(false) ? 1 : 0;
      return;
    }
    for (size_t at = one.cgroup.find('/', 1); at != std::string_view::npos;
         at = one.cgroup.find('/', at + 1)) {
      const std::string_view rest = one.cgroup.substr(at);
      if (!IsInCgroup(anywhere_, rest).value_or(false)) continue;
      CgroupPattern found = SplitCgroupPath(rest);
      found.resize(anywhere_.size());
      return elsewhere_.Add(std::string(one.cgroup.substr(1, at)) +
                            CgroupPath(found));
    }
  }

  void Say(std::vector<std::string>& lines) const override {
    if (relative_) {
      lines.push_back(
          "/" + Printable(path_) +
          " is not a path relative to the root of the hierarchy: use "
          "Cgroup " +
          Quoted(CgroupPath(*relative_)) + ", which has " +
          Processes(in_relative_));
      return;
    }
    if (!HasWildcard(path_)) {
      lines.push_back(exists_
                          ? "the cgroup " + Printable(path_) + " has no process"
                          : "there is no cgroup " + Printable(path_));
    }
    for (const auto& [path, processes] : elsewhere_.Most(kExamplesMax)) {
      lines.push_back(Processes(processes) + (processes == 1 ? " is" : " are") +
                      " in " + Printable(path) + ": use Cgroup " +
                      Quoted(path));
    }
  }

 private:
  // The pattern without the directory where a hierarchy is mounted.
  static std::optional<CgroupPattern> Relative(
      const CgroupPattern& pattern,
      const std::vector<std::string>& mount_points) {
    size_t longest = 0;
    for (const std::string& mount_point : mount_points) {
      const CgroupPattern mounted = SplitCgroupPath(mount_point);
      if (mounted.size() > longest && mounted.size() < pattern.size() &&
          std::equal(mounted.begin(), mounted.end(), pattern.begin())) {
        longest = mounted.size();
      }
    }
    if (longest == 0) return WithoutMountPoint(pattern);
    return CgroupPattern(
        pattern.begin() + static_cast<CgroupPattern::difference_type>(longest),
        pattern.end());
  }

  const std::string path_;
  const std::optional<CgroupPattern> relative_;
  const CgroupPattern anywhere_;
  bool exists_ = false;
  size_t in_relative_ = 0;
  Tally elsewhere_;
};

class PidFileHint : public SelectorHint {
 public:
  PidFileHint(std::string path, const procfs::Procfs& proc)
      : path_(std::move(path)), proc_(proc) {}

  void Say(std::vector<std::string>& lines) const override {
    procfs::Buffer buffer;
    const auto pid = ReadPidFile(path_, buffer);
    if (pid) {
      SayProcess(*pid, lines);
    } else if (pid.error().system_error == ENOENT && HasWildcard(path_)) {
      SayPattern(lines);
    } else {
      lines.push_back(Printable(pid.error().Message()));
    }
  }

 private:
  void SayProcess(pid_t pid, std::vector<std::string>& lines) const {
    procfs::Buffer buffer;
    const auto status = proc_.GlanceAt(pid).ReadStatus(buffer);
    const std::string text =
        Printable(path_) + " names " + std::to_string(pid) + ", which ";
    if (!status) {
      lines.push_back(text + "does not run");
    } else if (status->thread_group.value_or(pid) != pid) {
      lines.push_back(text + "is a thread of process " +
                      std::to_string(*status->thread_group));
    }
  }

  void SayPattern(std::vector<std::string>& lines) const {
    glob_t found{};
    const int failed = glob(path_.c_str(), 0, nullptr, &found);
    std::string files;
    for (size_t i = 0; failed == 0 && i < found.gl_pathc; ++i) {
      files += i < kExamplesMax ? " PIDFile " + Quoted(found.gl_pathv[i]) : "";
    }
    lines.push_back("PIDFile is not a pattern: use PIDFile once for each file" +
                    (files.empty() ? "" : ":" + files));
    globfree(&found);
  }

  const std::string path_;
  const procfs::Procfs& proc_;
};

template <typename Hint, typename Value, typename... Context>
Hints Make(const std::vector<Value>& values, const Context&... context) {
  Hints hints;
  for (const Value& value : values) {
    hints.push_back(std::make_unique<Hint>(value, context...));
  }
  return hints;
}

}  // namespace

void Tally::Add(std::string_view value) {
  // Any user can start many processes with different values.
  constexpr size_t kDistinctMax = 1000;
  ++total_;
  const auto found = counts_.find(value);
  if (found != counts_.end()) {
    ++found->second;
  } else if (counts_.size() < kDistinctMax) {
    counts_.emplace(value, 1);
  }
}

std::vector<Tally::Count> Tally::Most(size_t max) const {
  std::vector<Count> most;
  for (const auto& [value, count] : counts_) most.push_back({value, count});
  // Not stable_sort: Clang 19 warns of that of GCC 12's library.
  std::ranges::sort(most, [](const Count& a, const Count& b) {
    return std::tie(b.processes, a.value) < std::tie(a.processes, b.value);
  });
  most.resize(std::min(most.size(), max));
  return most;
}

std::string Tally::Describe() const {
  std::string text;
  for (const auto& [value, processes] : Most(kExamplesMax)) {
    text += (text.empty() ? "" : ", ") + Quoted(value);
    if (distinct() > 1) text += " (" + std::to_string(processes) + ")";
  }
  return text + (distinct() > kExamplesMax ? ", ..." : "");
}

std::string Processes(size_t count) {
  if (count == 0) return "no process";
  return std::to_string(count) + (count == 1 ? " process" : " processes");
}

std::string ProcessesThat(const char* verb, size_t count) {
  const std::string text = Processes(count) + " ";
  if (count > 1) return text + verb;
  if (std::string_view(verb) == "have") return text + "has";
  return text + verb + (std::string_view(verb).ends_with("ch") ? "es" : "s");
}

Hints HintsOfNames(const std::vector<std::string>& names) {
  return Make<NameHint>(names);
}

Hints HintsOfExecutables(const std::vector<std::string>& paths) {
  return Make<ExecutableHint>(paths);
}

Hints HintsOfExpressions(const Expressions& expressions) {
  return Make<ExpressionHint>(expressions);
}

Hints HintsOfUsers(const std::vector<std::string>& names, const Users& users) {
  return Make<UserHint>(names, users);
}

Hints HintsOfUnits(const std::vector<std::string>& units) {
  return Make<UnitHint>(units);
}

Hints HintsOfCgroups(const std::vector<CgroupPattern>& patterns,
                     const std::vector<std::string>& mount_points) {
  return Make<CgroupHint>(patterns, mount_points);
}

Hints HintsOfPidFiles(const std::vector<std::string>& paths,
                      const procfs::Procfs& proc) {
  return Make<PidFileHint>(paths, proc);
}

}  // namespace resource_attribution::discovery
