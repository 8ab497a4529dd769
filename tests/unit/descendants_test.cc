#include "discovery/descendants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace resource_attribution::discovery {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// The PIDs of the descendants, and of their ancestors in block 0.
std::vector<pid_t> Find(const std::vector<Match>& ancestors,
                        std::vector<Parenthood> parents) {
  std::vector<Descendant> found;
  FindDescendants(ancestors, parents, found);
  std::vector<pid_t> pids;
  for (const Descendant& one : found) {
    EXPECT_TRUE(one.match.inherited);
    if (one.via) {
      EXPECT_EQ(found[*one.via].match.pid, one.parent);
    }
    pids.push_back(one.match.pid);
  }
  return pids;
}

TEST(Descendants, ParentsComeBeforeTheirChildren) {
  EXPECT_THAT(Find({{.pid = 5}}, {{9, 3}, {5, 9}, {5, 7}, {1, 5}, {1, 8}}),
              ElementsAre(7, 9, 3));
}

TEST(Descendants, AncestorIsNoDescendantForTheSameBlock) {
  EXPECT_THAT(Find({{.pid = 5}, {.pid = 6}}, {{5, 6}, {6, 7}}), ElementsAre(7));
  EXPECT_THAT(Find({{.pid = 5}, {.pid = 6, .service = 1}}, {{5, 6}}),
              ElementsAre(6));
}

TEST(Descendants, LowestOfSeveralParentsCounts) {
  EXPECT_THAT(Find({{.pid = 5}}, {{4, 7}, {5, 7}}), IsEmpty());
  EXPECT_THAT(Find({{.pid = 4}}, {{4, 7}, {5, 7}}), ElementsAre(7));
}

TEST(Descendants, CircleOfParentsEnds) {
  EXPECT_THAT(Find({{.pid = 5}}, {{7, 5}, {5, 6}, {6, 7}}), ElementsAre(6, 7));
}

TEST(Descendants, BelongToTheInstanceOfTheirAncestor) {
  std::vector<Descendant> found;
  std::vector<Parenthood> parents{{5, 6}};
  FindDescendants(std::vector<Match>{{.pid = 5, .service = 2, .series = 9}},
                  parents, found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].match.service, 2U);
  EXPECT_EQ(found[0].match.series, 9U);
}

}  // namespace
}  // namespace resource_attribution::discovery
