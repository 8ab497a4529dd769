#include "store/threads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <map>
#include <memory>
#include <system_error>
#include <thread>

#include "failing_allocation.h"
#include "proc_tree.h"
#include "procfs/procfs.h"

namespace resource_attribution::store {
namespace {

using procfs::ProcessId;
using procfs::Procfs;
using procfs::Result;
using testing::ElementsAre;
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
  constexpr pid_t kCount = 2 * ThreadReader::kFew + 100;
  Put(11, "a");
  for (pid_t tid = 100; tid < 100 + kCount; ++tid) Put(tid, "b");
  const auto read = [this] {
    const auto threads = TryRead();
    EXPECT_TRUE(threads);
    return *threads;
  };
  EXPECT_FALSE(read()->complete);
  EXPECT_EQ(asked_, static_cast<int>(ThreadReader::kFew));
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
  constexpr size_t kPasses = kCount / ThreadReader::kInTurn + 1;
  for (size_t pass = 0; pass < kPasses; ++pass) Used();
  EXPECT_TRUE(Used().contains(100 + kCount - 1));
}

// A thread of this process that waits until it is destroyed.
class Waiting {
 public:
  explicit Waiting(const char* name = "waiting") : name_(name) {
    pthread_attr_t attributes{};
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, size_t{256} << 10);
    const int failed = pthread_create(
        &thread_, &attributes,
        [](void* self) -> void* {
          static_cast<Waiting*>(self)->Wait();
          return nullptr;
        },
        this);
    pthread_attr_destroy(&attributes);
    if (failed != 0) throw std::system_error(failed, std::generic_category());
    tid_ = started_.get_future().get();
  }
  // Until the kernel has forgotten it.
  ~Waiting() {
    end_.set_value();
    pthread_join(thread_, nullptr);
    const auto path = "/proc/self/task/" + std::to_string(tid_);
    while (std::filesystem::exists(path)) std::this_thread::yield();
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  pid_t tid() const { return tid_; }

 private:
  void Wait() {
    prctl(PR_SET_NAME, name_);
    started_.set_value(gettid());
    end_.get_future().get();
  }

  const char* name_;
  pthread_t thread_{};
  std::promise<pid_t> started_;
  std::promise<void> end_;
  pid_t tid_ = 0;
};

// Then the kernel's list of them is not read again unless it has changed.
class ManyThreadsTest : public testing::Test {
 protected:
  ManyThreadsTest() {
    const auto stat = process_->ReadStat(buffer_);
    id_ = {getpid(), stat->start_time};
    for (size_t i = 0; i < ThreadReader::kFew; ++i) {
      waiting_.push_back(std::make_unique<Waiting>());
    }
    // Each is looked at, and then there is nothing new.
    for (int pass = 0; pass < 3; ++pass) Tids();
  }

  std::vector<pid_t> Tids() {
    const auto read = reader_.Read(
        *process_, id_, [] { return procfs::Instant{}; },
        [](std::string_view comm) { return ThreadGroups{comm == "another"}; },
        threads_);
    EXPECT_TRUE(read);
    std::vector<pid_t> tids;
    for (const Thread& thread : threads_.threads) tids.push_back(thread.tid);
    return tids;
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
  std::vector<std::unique_ptr<Waiting>> waiting_;
  ThreadReader reader_;
  Threads threads_;
};

TEST_F(ManyThreadsTest, AreListedInTheOrderInWhichTheyStarted) {
  const std::vector<pid_t> all = Listed(0);
  ASSERT_GT(all.size(), ThreadReader::kFew);
  EXPECT_EQ(all[0], getpid());
  EXPECT_EQ(all.back(), waiting_.back()->tid());
  EXPECT_THAT(Listed(all.size() - 1), ElementsAre(waiting_.back()->tid()));
  EXPECT_THAT(Listed(all.size()), ElementsAre());
  EXPECT_THAT(Listed(all.size() + 1), ElementsAre());
}

TEST_F(ManyThreadsTest, OneThatHasStartedIsFound) {
  const Waiting another("another");
  EXPECT_THAT(Tids(), testing::Contains(another.tid()));
  EXPECT_EQ(threads_.groups_seen, ThreadGroups{1});
}

TEST_F(ManyThreadsTest, OneThatTakesThePlaceOfAnotherIsFound) {
  const pid_t ended = waiting_[100]->tid();
  waiting_.erase(waiting_.begin() + 100);
  const Waiting another("another");
  EXPECT_THAT(Tids(), testing::AllOf(testing::Contains(another.tid()),
                                     testing::Not(testing::Contains(ended))));
  EXPECT_EQ(threads_.groups_seen, ThreadGroups{1});
}

TEST_F(ManyThreadsTest, OneThatHasEndedIsForgotten) {
  const pid_t newest = waiting_.back()->tid();
  EXPECT_THAT(Tids(), testing::Contains(newest));
  waiting_.pop_back();
  EXPECT_THAT(Tids(), testing::Not(testing::Contains(newest)));
}

TEST_F(ManyThreadsTest, ReadingThemAgainAllocatesNothing) {
  failing_allocation = 0;
  const auto read = reader_.Read(
      *process_, id_, [] { return procfs::Instant{}; },
      [](std::string_view) { return ThreadGroups{0}; }, threads_);
  failing_allocation = -1;
  EXPECT_TRUE(read);
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
  EXPECT_THAT(names, testing::Contains("a thread (x) yz"));
  std::vector<pid_t> tids;
  for (const Thread& one : threads.threads) tids.push_back(one.tid);
  EXPECT_THAT(tids, testing::IsSupersetOf({getpid(), tid}));
  EXPECT_TRUE(std::is_sorted(tids.begin(), tids.end()));
}

}  // namespace
}  // namespace resource_attribution::store
