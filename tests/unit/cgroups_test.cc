#include "discovery/cgroups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include "child_process.h"
#include "proc_tree.h"

namespace resource_attribution::discovery {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// Directory trees that look like the kernel's.
class CgroupsTest : public testing::Test {
 protected:
  void SetUp() override {
    Mount("cgroup2 " + Root("v2") + " cgroup2 rw,nosuid 0 0\n");
    Put("v2", "", "1\n");
  }

  std::string Root(const std::string& hierarchy) {
    std::filesystem::create_directories(directory_.path() / hierarchy);
    return directory_.path() / hierarchy;
  }

  void Mount(const std::string& mounts) {
    Write(directory_.path() / "mounts", "proc /proc proc rw 0 0\n" + mounts);
  }

  void Put(const std::string& hierarchy, const std::string& path,
           const std::string& procs) {
    const auto cgroup = directory_.path() / hierarchy / path;
    std::filesystem::create_directories(cgroup);
    for (auto at = cgroup; at != directory_.path(); at = at.parent_path()) {
      if (!exists(at / "cgroup.procs")) Write(at / "cgroup.procs", "");
    }
    Write(cgroup / "cgroup.procs", procs);
  }

  std::vector<pid_t> List(const std::string& pattern) {
    return Pids([&](auto& members) {
      return cgroups_.List(SplitCgroupPath(pattern), members);
    });
  }

  std::vector<pid_t> ListUnit(const std::string& unit) {
    return Pids(
        [&](auto& members) { return cgroups_.ListUnit(unit, members); });
  }

  std::vector<pid_t> Pids(auto list) {
    EXPECT_TRUE(cgroups_.BeginPass());
    members_.clear();
    const procfs::Result<void> listed = list(members_);
    EXPECT_TRUE(listed) << listed.error().Message();
    std::vector<pid_t> pids;
    for (const CgroupMember& member : members_) pids.push_back(member.pid);
    return pids;
  }

  TemporaryDirectory directory_;
  Cgroups cgroups_{directory_.path() / "mounts"};
  std::vector<CgroupMember> members_;
};

TEST(CgroupPath, IsSplitAtSlashes) {
  EXPECT_THAT(SplitCgroupPath("a/b.service"), ElementsAre("a", "b.service"));
  EXPECT_THAT(SplitCgroupPath("/a//b/"), ElementsAre("a", "b"));
  EXPECT_THAT(SplitCgroupPath("/"), IsEmpty());
}

TEST(CgroupPath, UnitIsTheFirstThatIsNoSlice) {
  EXPECT_EQ(SystemdUnitOf("/system.slice/nginx.service"), "nginx.service");
  EXPECT_EQ(SystemdUnitOf("/system.slice/system-postgresql.slice/"
                          "postgresql@15-main.service"),
            "postgresql@15-main.service");
  EXPECT_EQ(SystemdUnitOf("/init.scope"), "init.scope");
  EXPECT_EQ(SystemdUnitOf("/system.slice/_cgroup.service"), "cgroup.service");
  // Cgroups below that of a unit belong to the unit.
  EXPECT_EQ(SystemdUnitOf("/user.slice/user-1000.slice/user@1000.service/"
                          "app.slice/nginx.service"),
            "user@1000.service");
  EXPECT_EQ(SystemdUnitOf("/system.slice"), "");
  EXPECT_EQ(SystemdUnitOf("/docker/4711"), "");
  // Dots alone make no unit: it has a name and a type.
  for (const char* const path : {"/a.slice/..", "/_..", "/.service", "/a."}) {
    EXPECT_EQ(SystemdUnitOf(path), "") << path;
  }
  EXPECT_EQ(SystemdUnitOf("/"), "");
  EXPECT_EQ(SystemdUnitOf(""), "");
}

// As the kernel shows it in a cgroup namespace: each level above the root of
// the namespace is `..`, and the names that both paths begin with are missing.
TEST(CgroupPath, UnitIsTheFirstThatIsVisible) {
  EXPECT_EQ(SystemdUnitOf("/../nginx.service"), "nginx.service");
  EXPECT_EQ(SystemdUnitOf("/../../../system.slice/nginx.service"),
            "nginx.service");
  EXPECT_EQ(SystemdUnitOf("/../.."), "");
  EXPECT_EQ(SystemdUnitOf("/..hidden.service"), "..hidden.service");
  EXPECT_EQ(LastComponent("/../.."), "");
  EXPECT_EQ(LastComponent("/../a"), "a");
}

TEST(CgroupPath, UnitIsFoundInTheSlicesAboveIt) {
  const auto path = "/system.slice/system-pg.slice/pg@15.service/sub";
  EXPECT_TRUE(IsOfUnit("pg@*.service", path));
  EXPECT_TRUE(IsOfUnit("system.slice", path));
  EXPECT_TRUE(IsOfUnit("system-pg.slice", path));
  EXPECT_FALSE(IsOfUnit("sub", path));
  EXPECT_TRUE(IsOfUnit("nginx.service", "/../nginx.service"));
  // A user's own services belong to the user's manager, not to the system.
  EXPECT_FALSE(
      IsOfUnit("nginx.service",
               "/user.slice/user-1.slice/user@1.service/nginx.service"));
  EXPECT_FALSE(IsOfUnit("*", "/"));
  EXPECT_FALSE(IsOfUnit("*.service", "/docker/x.service"));
}

TEST(CgroupPath, CgroupIsFoundFromTheRootOn) {
  const auto is_in = [](const char* pattern, const char* path) {
    return IsInCgroup(SplitCgroupPath(pattern), path);
  };
  EXPECT_EQ(is_in("a/b", "/a/b"), true);
  EXPECT_EQ(is_in("a/b", "/a/b/c"), true);
  EXPECT_EQ(is_in("/", "/a"), true);
  EXPECT_EQ(is_in("/", "/"), true);
  EXPECT_EQ(is_in("a/*.scope", "/a/x.scope/y"), true);
  EXPECT_EQ(is_in("a/b", "/a"), false);
  EXPECT_EQ(is_in("b", "/a/b"), false);
  EXPECT_EQ(is_in("a", "/ab"), false);
  EXPECT_FALSE(is_in("a", "/../a"));  // unknown: not visible
}

TEST_F(CgroupsTest, CgroupIsThatAndThoseBelow) {
  Put("v2", "a", "10\n11\n");
  Put("v2", "a/b/c", "12\n");
  Put("v2", "ab", "13\n");
  EXPECT_THAT(List("a"), UnorderedElementsAre(10, 11, 12));
  EXPECT_THAT(List("/a/b/"), ElementsAre(12));
  EXPECT_THAT(List("/"), UnorderedElementsAre(1, 10, 11, 12, 13));
}

TEST_F(CgroupsTest, MemberKnowsItsOwnCgroup) {
  Put("v2", "a/b", "12\n");
  List("a");
  ASSERT_EQ(members_.size(), 1U);
  EXPECT_EQ(members_[0].cgroup, "/a/b");
  List("/");
  EXPECT_EQ(members_[0].cgroup, "/");
}

TEST_F(CgroupsTest, StarStandsForAnyPartOfOneComponent) {
  Put("v2", "a.slice/x-1.scope", "10\n");
  Put("v2", "a.slice/x-2.scope", "11\n");
  Put("v2", "a.slice/y.scope", "12\n");
  Put("v2", "b.slice/x-3.scope", "13\n");
  EXPECT_THAT(List("a.slice/x-*.scope"), UnorderedElementsAre(10, 11));
  EXPECT_THAT(List("*/x-*"), UnorderedElementsAre(10, 11, 13));
  EXPECT_THAT(List("*.scope"), IsEmpty());
}

// systemd writes `-` in names as `\x2d`.
TEST_F(CgroupsTest, BackslashesStandForThemselves) {
  Put("v2", "a\\x2db.service", "10\n");
  EXPECT_THAT(List("a\\x2db.service"), ElementsAre(10));
  EXPECT_THAT(List("a\\x2d*"), ElementsAre(10));
}

TEST_F(CgroupsTest, WhatDoesNotExistIsEmptyUntilItDoes) {
  EXPECT_THAT(List("late"), IsEmpty());
  EXPECT_THAT(ListUnit("late.service"), IsEmpty());
  Put("v2", "late", "10\n");
  Put("v2", "system.slice/late.service", "11\n");
  EXPECT_THAT(List("late"), ElementsAre(10));
  EXPECT_THAT(ListUnit("late.service"), ElementsAre(11));
}

TEST_F(CgroupsTest, UnitIsFoundInWhateverSlice) {
  Put("v2", "a.slice/a-b.slice/x.service", "10\n");
  Put("v2", "a.slice/a-b.slice/x.service/worker", "11\n");
  Put("v2", "y.service", "12\n");
  EXPECT_THAT(ListUnit("x.service"), UnorderedElementsAre(10, 11));
  EXPECT_THAT(ListUnit("*.service"), UnorderedElementsAre(10, 11, 12));
  EXPECT_THAT(ListUnit("a-b.slice"), UnorderedElementsAre(10, 11));
}

// A user may have cgroups below his own unit, by any name.
TEST_F(CgroupsTest, UserCgroupCannotPassForAUnitOfTheSystem) {
  Put("v2", "user.slice/user@1000.service/app.slice/nginx.service", "666\n");
  Put("v2", "docker/nginx.service", "667\n");
  EXPECT_THAT(ListUnit("nginx.service"), IsEmpty());
  EXPECT_THAT(ListUnit("user@1000.service"), ElementsAre(666));
}

TEST_F(CgroupsTest, HybridHostHasTwoHierarchies) {
  Mount("cgroup " + Root("memory") + " cgroup rw,memory 0 0\ncgroup " +
        Root("systemd") + " cgroup rw,xattr,name=systemd 0 0\ncgroup2 " +
        Root("v2") + " cgroup2 rw 0 0\n");
  Put("systemd", "system.slice/a.service", "10\n");
  Put("v2", "system.slice/a.service", "10\n");
  Put("v2", "system.slice/b.service", "11\n");
  Put("memory", "system.slice/a.service", "12\n");
  EXPECT_THAT(List("system.slice/a.service"), ElementsAre(10, 10));
  EXPECT_THAT(ListUnit("b.service"), ElementsAre(11));
}

TEST_F(CgroupsTest, MountPointMayHoldBlanks) {
  const std::string root = Root("v 2");
  Mount("cgroup2 " + directory_.path().string() + "/v\\0402 cgroup2 rw 0 0\n");
  Put("v 2", "a", "10\n");
  EXPECT_THAT(List("a"), ElementsAre(10));
}

TEST_F(CgroupsTest, WithoutAHierarchyItSaysSoUntilThereIsOne) {
  Mount("");
  const auto begun = cgroups_.BeginPass();
  ASSERT_FALSE(begun);
  EXPECT_EQ(begun.error().Message(),
            "cgroup: expected the v2 hierarchy or v1's systemd to be mounted");
  SetUp();
  EXPECT_TRUE(cgroups_.BeginPass());
}

// PIDs that our namespace does not have are 0.
TEST_F(CgroupsTest, ProcessesOfOtherNamespacesAreLeftOut) {
  Put("v2", "a", "0\n10\n0\n");
  EXPECT_THAT(List("a"), ElementsAre(10));
}

TEST_F(CgroupsTest, NumberThatIsCutIsNone) {
  Put("v2", "a", "10\n41");
  EXPECT_TRUE(cgroups_.BeginPass());
  std::vector<CgroupMember> members;
  EXPECT_FALSE(cgroups_.List(SplitCgroupPath("a"), members));
  ASSERT_EQ(members.size(), 1U);
  EXPECT_EQ(members[0].pid, 10);
}

TEST_F(CgroupsTest, ListThatCannotBeReadHidesNoOther) {
  for (const char* name : {"a", "b", "c"}) {
    Put("v2", std::string("top/bad-") + name, "41");
    Put("v2", std::string("top/bad-") + name + "/below", "20\n");
    Put("v2", std::string("top/good-") + name, "10\n");
  }
  for (const char* pattern : {"top", "top/*", "*"}) {
    EXPECT_TRUE(cgroups_.BeginPass());
    members_.clear();
    const auto listed = cgroups_.List(SplitCgroupPath(pattern), members_);
    ASSERT_FALSE(listed) << pattern;
    EXPECT_THAT(listed.error().Message(), HasSubstr("cgroup /top/bad-"));
    EXPECT_EQ(members_.size(), 6U) << pattern;
  }
}

// Reads as a user who owns some of the cgroups; others lie beside them.
TEST_F(CgroupsTest, DirectoryThatMayNotBeReadHidesNoOther) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  for (const char* user : {"a", "b", "c"}) {
    const std::string unit = std::string("x.slice/") + user + ".service";
    Put("v2", unit, "10\n");
    Put("v2", unit + "/closed/below", "11\n");
    Put("v2", std::string("x.slice/closed-") + user + ".slice/d.service",
        "12\n");
    permissions(directory_.path() / "v2" / unit / "closed",
                std::filesystem::perms::none);
    permissions(directory_.path() / "v2/x.slice" /
                    (std::string("closed-") + user + ".slice"),
                std::filesystem::perms::none);
  }
  permissions(directory_.path(), std::filesystem::perms(0755));
  EXPECT_TRUE(HoldsInChild([this] {
    BecomeUser(4242)();
    const auto holds = [this](auto list) {
      members_.clear();
      const procfs::Result<void> listed = list();
      return !listed && listed.error().Denied() &&
             listed.error().Message().starts_with("cgroup /x.slice/") &&
             members_.size() == 3;
    };
    return cgroups_.BeginPass() &&
           holds([&] { return cgroups_.ListUnit("*.service", members_); }) &&
           holds([&] {
             return cgroups_.List(SplitCgroupPath("x.slice/*"), members_);
           });
  }));
}

TEST_F(CgroupsTest, WhatIsWalkedBelowOneCgroupIsBounded) {
  Put("v2", "a.slice/full.service", "10\n");
  for (int i = 0; i < 4200; ++i) {
    std::filesystem::create_directory(
        directory_.path() / "v2/a.slice/full.service" / std::to_string(i));
  }
  Put("v2", "a.slice/other.service/below", "11\n");
  EXPECT_TRUE(cgroups_.BeginPass());
  const auto listed = cgroups_.ListUnit("*.service", members_);
  ASSERT_FALSE(listed);
  EXPECT_EQ(listed.error().Message(),
            "cgroup /a.slice/full.service: expected at most 4096 cgroups and "
            "1 MiB of paths below it");
  std::vector<pid_t> pids;
  for (const CgroupMember& member : members_) pids.push_back(member.pid);
  EXPECT_THAT(pids, UnorderedElementsAre(10, 11));
}

TEST_F(CgroupsTest, LongPathsAreBoundedTooAndTheirMemoryIsGivenBack) {
  const std::string part(250, 'd');
  const std::string deep = "x.slice/long.service/" + part + "/" + part + "/" +
                           part + "/" + part + "/" + part;
  std::filesystem::create_directories(directory_.path() / "v2" / deep);
  for (int i = 0; i < 1500; ++i) {
    std::filesystem::create_directory(directory_.path() / "v2" / deep /
                                      (std::to_string(i) + part.substr(9)));
  }
  Put("v2", "x.slice/other.service", "11\n");
  const auto in_use = [] { return mallinfo2().uordblks; };
  const auto list = [this] {
    EXPECT_TRUE(cgroups_.BeginPass());
    members_.clear();
    return cgroups_.ListUnit("*.service", members_);
  };
  const size_t before = in_use();
  ASSERT_FALSE(list());
  EXPECT_EQ(members_.size(), 1U);
  EXPECT_LT(in_use() - before, size_t{2} << 20);

  std::filesystem::remove_all(directory_.path() / "v2/x.slice/long.service");
  ASSERT_TRUE(list());
  ASSERT_TRUE(list());
  EXPECT_EQ(members_.size(), 1U);
  EXPECT_LT(in_use() - before, size_t{128} << 10);
}

// A user who fills the room of one selector takes none from the units.
TEST_F(CgroupsTest, EachSelectorHasRoomOfItsOwn) {
  Put("v2", "system.slice/a.service", "11\n");
  const std::string part(250, 'd');
  for (int top = 0; top < 9; ++top) {
    auto deep = directory_.path() / "v2/user" / std::to_string(top);
    for (int depth = 0; depth < 13; ++depth) deep /= part;
    std::filesystem::create_directories(deep);
    for (int i = 0; i < 330; ++i) {
      std::filesystem::create_directory(deep / std::to_string(i));
    }
  }
  EXPECT_TRUE(cgroups_.BeginPass());
  const auto filled = cgroups_.List(SplitCgroupPath("user/*"), members_);
  ASSERT_FALSE(filled);
  members_.clear();
  EXPECT_TRUE(cgroups_.ListUnit("a.service", members_));
  ASSERT_EQ(members_.size(), 1U);
  EXPECT_EQ(members_[0].pid, 11);
}

TEST_F(CgroupsTest, DeepTreesAreWalkedAsFarAsAPathReaches) {
  std::string path = "deep";
  for (int depth = 0; depth < 900; ++depth) path += "/d";
  Put("v2", path, "10\n");
  EXPECT_THAT(List("deep"), ElementsAre(10));
}

}  // namespace
}  // namespace resource_attribution::discovery
