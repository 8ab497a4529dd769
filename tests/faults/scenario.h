#ifndef RESOURCE_ATTRIBUTION_TESTS_FAULTS_SCENARIO_H_
#define RESOURCE_ATTRIBUTION_TESTS_FAULTS_SCENARIO_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "fake_collectd.h"
#include "proc_tree.h"

/// A variant of the configuration.
struct Variant {
  const char* name;
  bool events;       ///< or else it scans
  bool rescans;      ///< some block asks for what changes without an event
  bool keeps_files;  ///< or else MaxOpenFiles 0
  bool is_answered = true;  ///< by the kernel, when it subscribes to events
  bool measures = false;    ///< tracing, instead of estimating
};

/// The module with a block of every kind, called as by the daemon, over a tree
/// of processes with known values. Time passes only on command.
class Scenario {
 public:
  explicit Scenario(const Variant& variant);
  ~Scenario();
  Scenario(const Scenario&) = delete;
  Scenario& operator=(const Scenario&) = delete;

  /// The daemon's calls into the module, whatever their result. A pass comes
  /// some seconds after the one before.
  bool Configure();
  bool Init();
  void Pass(int seconds = 1);
  void Shutdown();

  /// In the next of these calls, the first `after` allocations succeed and the
  /// next one fails.
  void FailAllocation(int after) { fail_allocation_ = after; }

  /// Whether the allocation that should fail was made.
  bool AllocationMet() const { return allocation_met_; }

  /// Whether it failed: RE2's reserve may have given it memory.
  bool AllocationFailed() const { return allocation_failed_; }

  /// Processes start, end, and change, or return to what they were.
  void Change();
  void ChangeBack();

  /// The values that the last pass dispatched, compared with the truth.
  struct Judgement {
    std::string wrong;  ///< a value that is not true; empty when there is none
    std::set<std::string>
        incomplete;           ///< blocks of which processes are missing
    bool lacks_cpu = false;   ///< some instance
    bool has_number = false;  ///< a user is reported by number, not by name
    bool lacks_measurement = false;  ///< of tracing, or has an estimate for it
  };
  Judgement Judge() const;

  /// The log lines from index `begin` on.
  size_t log_size() const { return collectd_.log.size(); }
  std::vector<FakeCollectd::Line> LogFrom(size_t begin) const;

 private:
  struct Process {
    FakeProcess fake;
    double cpu_percent = 0;
    double begun = 0;  // seconds, from which on it uses CPU
    int stat = -1;
    std::map<pid_t, int> thread_stats{};
  };
  // The values that the module reports under one name.
  struct Instance {
    std::string block;
    std::vector<pid_t> members;
    bool is_pss = false;
    bool is_hwm = false;
    double memory_percent = 1.5;
    double tracing_cpu_percent = 0.5;
    bool per_process = false;
    bool is_number = false;    // may be there in place of a name
    bool has_threads = false;  // that trace, and a component
    std::set<pid_t> untraced;
  };
  using Values = std::map<std::string, double>;  // by type

  int Call(auto callback);
  void AddProcess(FakeProcess fake);
  void Put(pid_t pid);
  void WriteStats(const Process& process) const;
  void WriteStat(const Process& process, const FakeThread& thread, double share,
                 int file) const;
  void PutCgroup(const std::string& path, const std::string& procs);
  void Start(pid_t parent, pid_t pid);
  void End(pid_t pid);
  void AddInstances();
  ConfigTree::Children Options() const;
  bool AreTrue(const Values& values, const Instance& instance,
               const std::vector<pid_t>& members) const;
  bool AreTrueEstimates(const Values& values, const Instance& instance,
                        const std::vector<pid_t>& members,
                        const std::set<pid_t>& untraced) const;
  double Cpus() const;
  bool IsTrueCpu(double percent, const std::vector<pid_t>& members) const;
  void JudgeTracing(const Values& values, const Instance& instance,
                    const std::vector<pid_t>& members,
                    Judgement& judgement) const;

  const Variant variant_;
  FakeCollectd collectd_;
  ProcTree tree_;
  TemporaryDirectory files_;  // cgroups, PID file, processes that do not run
  std::map<pid_t, Process> processes_;
  std::map<std::string, Instance> instances_;  // by name
  std::set<pid_t> running_;
  std::string user_name_;
  uid_t user_ = 0;
  double now_ = 100000;  // seconds since boot
  std::unique_ptr<ConfigTree> config_;
  int fail_allocation_ = -1;
  bool allocation_met_ = false;
  bool allocation_failed_ = false;
};

#endif  // RESOURCE_ATTRIBUTION_TESTS_FAULTS_SCENARIO_H_
