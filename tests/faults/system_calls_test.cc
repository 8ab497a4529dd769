// Every system call of the module fails in turn, with each error of its manual
// page that can happen.

#include <gtest/gtest.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>

#include "libc_faults.h"
#include "scenario.h"

namespace {

using libc::Call;
using libc::Fault;

// The errors of each function, without errors of arguments that we do not pass.
const std::map<std::string, std::vector<int>> kErrors = {
    {"open",
     {EACCES, EINTR, EIO, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENODEV, ENOENT,
      ENOMEM, ENOTDIR, ENXIO, EOVERFLOW, EPERM, EWOULDBLOCK}},
    {"openat",
     {EACCES, EINTR, EIO, ELOOP, EMFILE, ENAMETOOLONG, ENFILE, ENODEV, ENOENT,
      ENOMEM, ENOTDIR, EPERM, ESRCH}},
    {"read", {EACCES, EAGAIN, EINTR, EIO, EISDIR, ENODEV, ENOMEM, EOPNOTSUPP}},
    {"pread", {EACCES, EINTR, EIO, ENOMEM, EPERM, ESRCH}},
    {"readlinkat",
     {EACCES, EINVAL, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR, EPERM,
      ESRCH}},
    {"close", {EINTR, EIO, ENOSPC, EDQUOT}},
    {"lseek", {EINVAL, EOVERFLOW}},
    {"readdir", {EIO, ENOENT, ENOMEM}},
    {"getdents64", {EIO, ENODEV, ENOENT, ENOMEM, ENOTDIR}},
    {"fstat", {EIO, ENOMEM, EOVERFLOW}},
    {"fstatat", {EACCES, EIO, ELOOP, ENOENT, ENOMEM, ENOTDIR}},
    {"fstatfs", {EINTR, EIO, ENOMEM, ENOSYS, EOVERFLOW}},
    {"setmntent", {EACCES, EINTR, EMFILE, ENFILE, ENOENT, ENOMEM}},
    {"getmntent_r", {EIO}},
    {"getpwnam_r",
     {EINTR, EIO, EMFILE, ENFILE, ENOENT, ENOMEM, EPERM, ERANGE, ESRCH}},
    {"getpwuid_r",
     {EINTR, EIO, EMFILE, ENFILE, ENOENT, ENOMEM, EPERM, ERANGE, ESRCH}},
    {"socket",
     {EACCES, EAFNOSUPPORT, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPERM,
      EPROTONOSUPPORT}},
    {"setsockopt", {EINVAL, ENOMEM, ENOPROTOOPT, EPERM}},
    {"bind", {EACCES, EADDRINUSE, EINVAL, ENOMEM, EPERM}},
    {"getsockname", {EINVAL, ENOBUFS}},
    {"sendto", {EACCES, EAGAIN, ECONNREFUSED, EINTR, ENOBUFS, ENOMEM, EPERM}},
    {"poll", {EINTR, EINVAL, ENOMEM}},
    // ENOSPC is libmnl's: the datagram was cut (MSG_TRUNC).
    {"recvmmsg", {ECONNREFUSED, EINTR, EINVAL, ENOBUFS, ENOMEM}},
    {"recvmsg", {ECONNREFUSED, EINTR, EINVAL, ENOBUFS, ENOMEM, ENOSPC}},
};

// After how many bytes a file ends, or a read returns.
constexpr size_t kLengths[] = {0, 1, 3, 20, 60};

enum Phase { kInit, kFirstPass, kSteadyPass, kChanges, kPhases };
constexpr const char* kPhaseNames[] = {"init", "first pass", "steady pass",
                                       "pass with changes"};

constexpr int kLastingPasses = 5;
// The reason may change when the module tries in another way.
constexpr int kSettled = 3;
constexpr int kThinnedTo = THINNED_TO;

// With these errors the kernel says so for good, or says that the process has
// ended: the module need not ask again before it looks at everything anyway.
bool IsConclusive(int error) {
  return error == EACCES || error == EPERM || error == ENOENT ||
         error == ESRCH || error == ENODEV || error == EOPNOTSUPP;
}

// The end of a process is not logged.
bool LooksLikeAnEnd(const Fault& fault) {
  return fault.cut || fault.error == ENOENT || fault.error == ESRCH ||
         fault.error == ENODEV || fault.error == EOPNOTSUPP;
}

std::string Describe(const Fault& fault, Phase phase) {
  std::ostringstream text;
  text << kPhaseNames[phase] << ": " << fault.call.function << ' '
       << fault.call.path;
  if (fault.position >= 0) text << " (call " << fault.position << ')';
  if (fault.cut) {
    text << (fault.goes_on ? " returns " : " ends after ") << fault.length;
  } else {
    text << " fails with " << strerrorname_np(fault.error);
  }
  return text.str();
}

size_t OpenFiles() {
  size_t count = 0;
  for (const auto& file :
       std::filesystem::directory_iterator("/proc/self/fd")) {
    count += file.exists() ? 1 : 0;
  }
  return count;
}

class SystemCallsTest : public testing::TestWithParam<Variant> {
 protected:
  // The test writes files over and over again; on a disk it would wait for
  // them.
  static void SetUpTestSuite() { setenv("TMPDIR", "/dev/shm", 0); }

  SystemCallsTest() : scenario_(GetParam()) {
    libc::SetTime(std::chrono::seconds(100000));
    libc::SetConnector(GetParam().is_answered);
  }

  ~SystemCallsTest() override {
    std::printf(
        "[ COUNTS   ] %s: %d faults injected into %d calls at %d "
        "positions, and %d lasting ones; right again in the next pass: "
        "%d, after a minute: %d, when all is looked at: %d\n",
        GetParam().name, injected_, hit_, positions_, lasting_, next_pass_,
        a_minute_, all_);
  }

  // Runs the module with the fault in one phase, or in all passes from there
  // on.
  void Inject(Phase phase, const Fault& fault);
  std::vector<Call> DryRun(Phase phase);
  std::vector<Fault> FaultsOf(const Call& call) const;
  void Transient(Phase phase);
  void Lasting(Phase phase);

  void UpTo(Phase phase);
  void Do(Phase phase);
  void JudgeUnderFault(const Fault& fault, size_t log_begin);
  void JudgeRecovery(const Fault& fault);

  // One in many faults of a pass, or with FAULTS=all every one. The divisor is
  // a prime, so it meets each error at some positions.
  bool IsItsTurn(Phase phase) {
    static const bool all = std::getenv("FAULTS") != nullptr;
    return ++turn_ % kThinnedTo == 0 || all || phase == kInit;
  }

  Scenario scenario_;
  int turn_ = 0;
  int injected_ = 0;
  int hit_ = 0;
  int positions_ = 0;
  int lasting_ = 0;
  int next_pass_ = 0;
  int a_minute_ = 0;
  int all_ = 0;
};

void SystemCallsTest::Do(Phase phase) {
  switch (phase) {
    case kInit:
      scenario_.Init();
      break;
    default:
      scenario_.Pass();
  }
}

void SystemCallsTest::UpTo(Phase phase) {
  scenario_.ChangeBack();
  ASSERT_TRUE(scenario_.Configure()) << scenario_.LogFrom(0)[0].text;
  for (int before = kInit; before < phase; ++before) {
    libc::Arm(nullptr);
    Do(static_cast<Phase>(before));
    libc::Disarm();
    if (before == kInit) continue;
    const auto judgement = scenario_.Judge();
    ASSERT_EQ(judgement.wrong, "");
    ASSERT_TRUE(judgement.incomplete.empty()) << *judgement.incomplete.begin();
    ASSERT_EQ(judgement.lacks_cpu, before == kFirstPass);
    ASSERT_EQ(judgement.lacks_measurement,
              GetParam().measures && before == kFirstPass);
  }
  if (phase == kChanges) scenario_.Change();
}

std::vector<Call> SystemCallsTest::DryRun(Phase phase) {
  UpTo(phase);
  libc::Arm(nullptr);
  Do(phase);
  const auto calls = libc::Disarm();
  scenario_.Shutdown();
  return calls;
}

void SystemCallsTest::JudgeUnderFault(const Fault& fault, size_t log_begin) {
  const auto judgement = scenario_.Judge();
  EXPECT_EQ(judgement.wrong, "");
  EXPECT_TRUE(!judgement.has_number || fault.call.function == "getpwuid_r");
  std::set<std::string> silent = judgement.incomplete;
  if (judgement.has_number) silent.erase("user ${user}");
  for (const auto& line : scenario_.LogFrom(log_begin)) {
    if (line.severity > LOG_WARNING) continue;
    if (line.text.find("pass failed") != std::string::npos) silent.clear();
    std::erase_if(silent, [&](const std::string& block) {
      return line.text.find('"' + block + '"') != std::string::npos;
    });
  }
  if (LooksLikeAnEnd(fault)) return;
  for (const std::string& block : silent) {
    ADD_FAILURE() << "nothing is said of what is missing in " << block;
  }
}

void SystemCallsTest::JudgeRecovery(const Fault& fault) {
  const auto recovers = [&](int seconds) {
    libc::Arm(nullptr);
    scenario_.Pass(seconds);
    libc::Disarm();
    const auto judgement = scenario_.Judge();
    EXPECT_EQ(judgement.wrong, "");
    return judgement.incomplete.empty() && !judgement.has_number;
  };
  const bool looks_up = fault.call.function.starts_with("getpw");
  if (recovers(1)) {
    ++next_pass_;
  } else if (looks_up && recovers(61)) {
    ++a_minute_;
  } else if (GetParam().events && (fault.cut || IsConclusive(fault.error)) &&
             recovers(6 * 3600)) {
    ++all_;
  } else {
    ADD_FAILURE() << "not right again";
    for (const auto& block : scenario_.Judge().incomplete) {
      ADD_FAILURE() << block;
    }
  }
  EXPECT_TRUE(recovers(1));
  EXPECT_FALSE(scenario_.Judge().lacks_cpu);
  const size_t end = scenario_.log_size();
  EXPECT_TRUE(recovers(1));
  // The module does not read again the environment with which a process was
  // started.
  EXPECT_FALSE(scenario_.Judge().lacks_measurement &&
               !IsConclusive(fault.error));
  for (const auto& line : scenario_.LogFrom(end)) ADD_FAILURE() << line.text;
}

void SystemCallsTest::Inject(Phase phase, const Fault& fault) {
  SCOPED_TRACE(Describe(fault, phase));
  const size_t files = OpenFiles();
  UpTo(phase);
  const size_t log_begin = scenario_.log_size();
  const int passes = fault.position >= 0 ? 1 : kLastingPasses;
  std::map<std::string, int> said;
  for (int pass = 0; pass < passes; ++pass) {
    const size_t log_before = scenario_.log_size();
    libc::Arm(&fault);
    Do(pass == 0 ? phase : std::max(phase, kFirstPass));
    libc::Disarm();
    if (pass == 0) {
      ASSERT_GT(libc::Hits(), 0);
    }
    ++injected_;
    hit_ += libc::Hits();
    if (phase != kInit || pass > 0) JudgeUnderFault(fault, log_begin);
    for (const auto& line : scenario_.LogFrom(log_before)) {
      if (line.severity > LOG_WARNING) continue;
      // The first field that a cut file lacks depends on the parser.
      EXPECT_LE(++said[line.text], fault.cut ? 2 : 1) << line.text;
      EXPECT_LT(pass, kSettled) << "said late: " << line.text;
    }
  }
  JudgeRecovery(fault);
  libc::Arm(nullptr);
  scenario_.Shutdown();
  libc::Disarm();
  EXPECT_EQ(OpenFiles(), files);
}

std::vector<Fault> SystemCallsTest::FaultsOf(const Call& call) const {
  std::vector<Fault> faults;
  const auto errors = kErrors.find(call.function);
  if (errors == kErrors.end()) {
    ADD_FAILURE() << "no errors are known of " << call.function;
    return faults;
  }
  for (const int error : errors->second) {
    faults.push_back({.call = call, .error = error});
  }
  if (call.function != "read" && call.function != "pread") return faults;
  // These files do not show where they end.
  for (const char* name : {"/comm", "/cmdline", "/environ", "/maps"}) {
    if (call.path.ends_with(name)) return faults;
  }
  if (GetParam().measures && call.path.empty()) return faults;
  for (const size_t length : kLengths) {
    // The file is empty if no hierarchy is mounted.
    if (length == 0 && call.path.ends_with("/cgroup")) continue;
    faults.push_back({.call = call, .cut = true, .length = length});
    if (call.function == "read" && length > 0) {
      faults.push_back(
          {.call = call, .cut = true, .length = length, .goes_on = true});
    }
  }
  return faults;
}

void SystemCallsTest::Transient(Phase phase) {
  const auto calls = DryRun(phase);
  for (size_t position = 0; position < calls.size(); ++position) {
    ++positions_;
    for (Fault fault : FaultsOf(calls[position])) {
      fault.position = static_cast<int>(position);
      if (!IsItsTurn(phase)) continue;
      Inject(phase, fault);
      if (HasFatalFailure()) return;
    }
  }
}

void SystemCallsTest::Lasting(Phase phase) {
  const auto calls = DryRun(phase);
  std::set<Call> kinds(calls.begin(), calls.end());
  for (const Call& call : calls) kinds.insert({call.function, ""});
  for (const Call& call : kinds) {
    for (const Fault& fault : FaultsOf(call)) {
      // The kernel returns these errors once.
      if (fault.error == EINTR || fault.error == ENOBUFS) continue;
      if (!IsItsTurn(phase)) continue;
      ++lasting_;
      Inject(phase, fault);
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(SystemCallsTest, OneFailsOnce) {
  for (int phase = kInit; phase < kPhases; ++phase) {
    Transient(static_cast<Phase>(phase));
  }
}

TEST_P(SystemCallsTest, OneFailsPassAfterPass) {
  for (int phase = kInit; phase < kPhases; ++phase) {
    Lasting(static_cast<Phase>(phase));
  }
}

INSTANTIATE_TEST_SUITE_P(
    , SystemCallsTest,
    testing::Values(Variant{"Scan", false, true, true},
                    Variant{"ScanWithoutOpenFiles", false, true, false},
                    Variant{"Events", true, true, true},
                    Variant{"EventsWithoutOpenFiles", true, true, false},
                    Variant{"EventsAlone", true, false, true},
                    Variant{"EventsAloneWithoutOpenFiles", true, false, false},
                    Variant{"EventsWithoutAnswer", true, false, true, false},
                    Variant{.name = "Measured",
                            .events = true,
                            .rescans = false,
                            .keeps_files = true,
                            .measures = true}),
    [](const auto& info) { return info.param.name; });

}  // namespace
