#include "store/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <thread>

#include "failing_allocation.h"
#include "proc_tree.h"
#include "procfs/procfs.h"

namespace resource_attribution::store {
namespace {

using procfs::ProcessId;
using procfs::Procfs;
using procfs::Result;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Not;
using testing::UnorderedElementsAre;

// Threads in a directory tree like procfs.
class ThreadsTest : public testing::Test {
 protected:
  static constexpr pid_t kPid = 10;
  static constexpr ProcessId kId{kPid, 1000};

  ThreadsTest() { Put(kPid, "main"); }

  std::filesystem::path Task() const {
    return std::filesystem::path(tree_.path()) / std::to_string(kPid) / "task";
  }

  void Put(pid_t tid, const std::string& comm, uint64_t ticks = 0,
           uint64_t start_time = 1000) {
    std::filesystem::create_directories(Task() / std::to_string(tid));
    Write(Task() / std::to_string(tid) / "stat",
          std::to_string(tid) + " (" + comm + ") S 1 1 1 0 -1 0 0 0 0 0 " +
              std::to_string(ticks) + " 0 0 0 20 0 1 0 " +
              std::to_string(start_time) + " 4096 1 0\n");
  }

  void Remove(pid_t tid) {
    std::filesystem::remove_all(Task() / std::to_string(tid));
  }

  Result<const Threads*> TryRead(const ProcessId& id = kId) {
    const auto proc = Procfs::Open(path_);
    const auto process = proc->OpenProcess(id.pid);
    now_.monotonic += std::chrono::seconds(1);
    return reader_
        .Read(
            *process, id, [this] { return now_; },
            [this](std::string_view comm) {
              ++asked_;
              return ThreadGroups{comm.starts_with("a")} |
                     ThreadGroups{comm.ends_with("z")} << 1;
            },
            threads_)
        .map([this]() -> const Threads* { return &threads_; });
  }

  // The threads of group 0 or 1, and the CPU that they used since the previous
  // reading.
  std::map<pid_t, std::optional<uint64_t>> Used() {
    std::map<pid_t, std::optional<uint64_t>> used;
    const auto read = TryRead();
    EXPECT_TRUE(read);
    if (!read) return used;
    for (const Thread& thread : (*read)->threads) {
      if (thread.groups == 0) continue;
      used[thread.tid] =
          thread.cpu_ticks_before
              ? std::optional(thread.cpu_ticks - *thread.cpu_ticks_before)
              : std::nullopt;
    }
    return used;
  }

  using Map = std::map<pid_t, std::optional<uint64_t>>;

  ProcTree tree_;
  const std::string path_ = tree_.path();
  ThreadReader reader_;
  Threads threads_;
  procfs::Instant now_{};
  int asked_ = 0;  // for the groups of a name
};

TEST_F(ThreadsTest, ReadsThoseOfAGroup) {
  Put(11, "a", 5);
  Put(12, "b", 6);
  Put(13, "yz", 7);
  EXPECT_EQ(Used(), (Map{{11, std::nullopt}, {13, std::nullopt}}));
  Put(11, "a", 8);
  EXPECT_EQ(Used(), (Map{{11, 3}, {13, 0}}));
}

TEST_F(ThreadsTest, ThreadMayBeOfTwoGroups) {
  Put(11, "az");
  const auto read = TryRead();
  ASSERT_TRUE(read);
  EXPECT_EQ((*read)->threads.at(1).groups, 3U);
}

TEST_F(ThreadsTest, FollowsThreadsThatComeGoAndRenameThemselves) {
  Put(11, "a", 5);
  Put(12, "b", 6);
  Used();
  Remove(11);
  Put(12, "a", 10);
  Put(13, "a", 1);
  EXPECT_EQ(Used(), (Map{{12, 4}, {13, std::nullopt}}));
}

TEST_F(ThreadsTest, ReusedIdIsAnotherThread) {
  Put(11, "a", 500, 2000);
  Used();
  Put(11, "a", 600, 3000);
  EXPECT_EQ(Used(), (Map{{11, std::nullopt}}));
}

TEST_F(ThreadsTest, NameIsJudgedOnceWhileItStaysTheSame) {
  Put(11, "a");
  Used();
  EXPECT_EQ(asked_, 2);
  Used();
  EXPECT_EQ(asked_, 2);
  Put(11, "b");
  Used();
  EXPECT_EQ(asked_, 3);
}

TEST_F(ThreadsTest, ProcessThatIsNotTheOneAskedForIsGone) {
  Used();
  const auto read = TryRead({kPid, 999});
  ASSERT_FALSE(read);
  EXPECT_TRUE(read.error().Gone());
}

TEST_F(ThreadsTest, FailureLeavesWhatWasReadBefore) {
  Put(11, "a", 5);
  Put(12, "a", 5);
  Used();
  Put(11, "a", 8);
  Write(Task() / "12" / "stat", "nonsense");
  EXPECT_FALSE(TryRead());
  Put(12, "a", 9);
  EXPECT_EQ(Used(), (Map{{11, 3}, {12, 4}}));
}

TEST_F(ThreadsTest, LooksAtManyThreadsInTurn) {
  constexpr pid_t kCount = 2 * ThreadReader::kOthersAPass + 100;
  Put(11, "a");
  for (pid_t tid = 100; tid < 100 + kCount; ++tid) Put(tid, "b");
  const auto read = [this] {
    const auto threads = TryRead();
    EXPECT_TRUE(threads);
    return *threads;
  };
  EXPECT_FALSE(read()->complete);
  EXPECT_EQ(asked_, static_cast<int>(ThreadReader::kOthersAPass));
  EXPECT_FALSE(read()->complete);
  const Threads* third = read();
  EXPECT_TRUE(third->complete);
  EXPECT_FALSE(third->complete_before);
  EXPECT_TRUE(read()->complete_before);

  // A thread that renames itself is found when its turn comes; new ones at
  // once.
  Put(100 + kCount - 1, "a");
  Put(100 + kCount, "a");
  EXPECT_TRUE(Used().contains(100 + kCount));
  for (int pass = 0; pass < 5; ++pass) Used();
  EXPECT_TRUE(Used().contains(100 + kCount - 1));
}

// A thread of this process that waits until it is destroyed.
class WaitingThread {
 public:
  explicit WaitingThread(const char* name) : name_(name) {
    tid_ = started_.get_future().get();
  }
  ~WaitingThread() {
    end_.set_value();
    thread_.join();
    // The kernel lists it for a moment more.
    const auto path = "/proc/self/task/" + std::to_string(tid_);
    while (std::filesystem::exists(path)) std::this_thread::yield();
  }
  WaitingThread(const WaitingThread&) = delete;
  WaitingThread& operator=(const WaitingThread&) = delete;

  pid_t tid() const { return tid_; }

 private:
  void Wait() {
    prctl(PR_SET_NAME, name_);
    started_.set_value(gettid());
    end_.get_future().get();
  }

  const char* name_;
  std::promise<pid_t> started_;
  std::promise<void> end_;
  std::thread thread_{[this] { Wait(); }};
  pid_t tid_ = 0;
};

// A process with more threads than are looked at in a pass. The reader lists
// them only if some have started or ended.
class ManyThreadsTest : public testing::Test {
 protected:
  static constexpr size_t kOthersAPass = 8;
  static constexpr size_t kWaiting = 20;

  ManyThreadsTest() {
    const auto stat = process_->ReadStat(buffer_);
    id_ = {getpid(), stat->start_time};
    for (size_t i = 0; i < kWaiting; ++i) {
      waiting_.push_back(std::make_unique<WaitingThread>("waiting"));
    }
    Settle();
  }

  // Until each is known, and none is new.
  void Settle() {
    for (int pass = 0; pass < 10; ++pass) Read();
    ASSERT_TRUE(threads_.complete);
    ASSERT_GT(threads_.listed, 0U);
  }

  void Read() {
    const auto read = reader_.Read(
        *process_, id_, [] { return procfs::Instant{}; },
        [](std::string_view comm) { return ThreadGroups{comm == "another"}; },
        threads_);
    ASSERT_TRUE(read) << read.error().Message();
  }

  std::vector<pid_t> Known() const {
    std::vector<pid_t> tids;
    for (const Thread& thread : threads_.threads) tids.push_back(thread.tid);
    return tids;
  }

  // The thread as the reader knows it.
  std::vector<Thread>::iterator Find(pid_t tid) {
    return std::ranges::find(threads_.threads, tid, &Thread::tid);
  }

  std::vector<pid_t> Listed(size_t skip) {
    std::vector<pid_t> tids;
    EXPECT_TRUE(process_->ListThreads(tids, buffer_, skip));
    return tids;
  }

  const Result<Procfs> proc_ = Procfs::Open("/proc");
  const Result<procfs::Process> process_ = proc_->OpenProcess(getpid());
  procfs::Buffer buffer_;
  ProcessId id_{};
  std::vector<std::unique_ptr<WaitingThread>> waiting_;
  ThreadReader reader_{kOthersAPass};
  Threads threads_;
};

TEST_F(ManyThreadsTest, AreListedInTheOrderInWhichTheyStarted) {
  std::vector<pid_t> started;
  for (const auto& thread : waiting_) started.push_back(thread->tid());
  const std::vector<pid_t> all = Listed(0);
  ASSERT_GT(all.size(), kWaiting);
  EXPECT_EQ(all[0], getpid());
  EXPECT_EQ(Listed(all.size() - kWaiting), started);
  EXPECT_THAT(Listed(all.size() - 1), ElementsAre(started.back()));
  EXPECT_THAT(Listed(all.size()), ElementsAre());
  EXPECT_THAT(Listed(all.size() + 1), ElementsAre());
}

TEST_F(ManyThreadsTest, AreNotListedWhileTheyAreTheSame) {
  const pid_t forgotten = waiting_[3]->tid();
  threads_.threads.erase(Find(forgotten));
  Read();
  EXPECT_THAT(Known(), Not(Contains(forgotten)));
}

TEST_F(ManyThreadsTest, HalfOfThoseOfAPassMayBeOld) {
  Read();
  EXPECT_EQ(
      std::ranges::count(threads_.threads, threads_.readings, &Thread::reading),
      kOthersAPass / 2);
}

TEST_F(ManyThreadsTest, ReadingThemAgainAllocatesNothing) {
  failing_allocation = 0;
  const auto read = reader_.Read(
      *process_, id_, [] { return procfs::Instant{}; },
      [](std::string_view) { return ThreadGroups{0}; }, threads_);
  failing_allocation = -1;
  EXPECT_TRUE(read);
}

TEST_F(ManyThreadsTest, OneThatHasStartedIsFound) {
  const WaitingThread another("another");
  Read();
  EXPECT_THAT(Known(), Contains(another.tid()));
  EXPECT_EQ(threads_.groups_seen, ThreadGroups{1});
}

TEST_F(ManyThreadsTest, OneThatHasEndedIsForgotten) {
  for (const size_t place : {size_t{3}, waiting_.size() - 2}) {
    Settle();
    const pid_t ended = waiting_[place]->tid();
    EXPECT_THAT(Known(), Contains(ended));
    waiting_.erase(waiting_.begin() + static_cast<ptrdiff_t>(place));
    Read();
    EXPECT_THAT(Known(), Not(Contains(ended))) << place;
  }
}

TEST_F(ManyThreadsTest, OneThatTakesThePlaceOfAnotherIsFound) {
  const pid_t ended = waiting_[3]->tid();
  waiting_.erase(waiting_.begin() + 3);
  const WaitingThread another("another");
  Read();
  EXPECT_THAT(Known(), AllOf(Contains(another.tid()), Not(Contains(ended))));
  EXPECT_EQ(threads_.groups_seen, ThreadGroups{1});
}

TEST_F(ManyThreadsTest, ReusedIdOfTheNewestIsAnotherThread) {
  const pid_t forgotten = waiting_[3]->tid();
  threads_.threads.erase(Find(forgotten));
  --Find(waiting_.back()->tid())->start_time;
  Read();
  EXPECT_THAT(Known(), Contains(forgotten));
}

// One list may have a thread that has ended and leave out one that has not.
TEST_F(ManyThreadsTest, AListIsTrustedIfItIsTheSameTwice) {
  const WaitingThread another("another");
  Read();
  EXPECT_EQ(threads_.listed, 0U);
  Read();
  EXPECT_EQ(threads_.listed, threads_.threads.size());
}

TEST_F(ManyThreadsTest, TheyAreListedAgainIfOneHasEndedAfterAll) {
  const pid_t forgotten = waiting_[3]->tid();
  *Find(forgotten) = {.tid = 1, .looked_at = true};
  std::ranges::sort(threads_.threads, {}, &Thread::tid);
  for (size_t pass = 0; pass < kWaiting; ++pass) Read();
  EXPECT_THAT(Known(), Contains(forgotten));
}

TEST_F(ThreadsTest, RealThreadsAreReadByTheirNames) {
  std::promise<void> end;
  const std::shared_future<void> ended(end.get_future());
  std::promise<pid_t> id;
  std::thread thread([&] {
    prctl(PR_SET_NAME, "a thread (x) yz");
    id.set_value(gettid());
    ended.wait();
  });
  const pid_t tid = id.get_future().get();
  const auto proc = Procfs::Open("/proc");
  const auto process = proc->OpenProcess(getpid());
  procfs::Buffer buffer;
  const auto stat = process->ReadStat(buffer);
  ASSERT_TRUE(stat);
  Threads threads;
  std::vector<std::string> names;
  const auto read = ThreadReader().Read(
      *process, {getpid(), stat->start_time}, [] { return procfs::Instant{}; },
      [&](std::string_view comm) {
        names.emplace_back(comm);
        return ThreadGroups{0};
      },
      threads);
  end.set_value();
  thread.join();
  ASSERT_TRUE(read) << read.error().Message();
  EXPECT_THAT(names, Contains("a thread (x) yz"));
  std::vector<pid_t> tids;
  for (const Thread& one : threads.threads) tids.push_back(one.tid);
  EXPECT_THAT(tids, testing::IsSupersetOf({getpid(), tid}));
  EXPECT_TRUE(std::is_sorted(tids.begin(), tids.end()));
}

}  // namespace
}  // namespace resource_attribution::store
