#include <string>
#include <tuple>

#include "fuzz.h"
#include "procfs/proc_stat.h"

using resource_attribution::procfs::ParseStat;
using resource_attribution::procfs::Stat;

namespace {

auto Fields(const Stat& stat) {
  return std::tuple(stat.pid, stat.comm, stat.state, stat.parent, stat.flags,
                    stat.utime, stat.stime, stat.start_time, stat.env_start);
}

std::string Render(const Stat& stat) {
  return std::to_string(stat.pid) + " (" + std::string(stat.comm) + ") " +
         stat.state + " " + std::to_string(stat.parent) + " 1 1 0 -1 " +
         std::to_string(stat.flags) + " 0 0 0 0 " + std::to_string(stat.utime) +
         " " + std::to_string(stat.stime) + " 0 0 20 0 1 0 " +
         std::to_string(stat.start_time) +
         " 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39 40 41 42 43 44 45"
         " 46 47 48 49 " +
         std::to_string(stat.env_start) + " 0\n";
}

}  // namespace

void Fuzz(std::string_view bytes) {
  const auto stat = ParseStat(bytes);
  if (!stat) {
    Require(stat.error().expected != nullptr, "an error says what is expected");
    return;
  }
  Require(stat->pid > 0, "a PID is positive");
  Require(stat->parent >= 0, "no parent is negative");
  Require(bytes.find(stat->comm) != std::string_view::npos,
          "the name stands in the line");
  const std::string rendered = Render(*stat);
  const auto again = ParseStat(rendered);
  Require(again && Fields(*again) == Fields(*stat),
          "what is written anew reads the same");
}
