#include "child/server.h"

#include <exception>
#include <utility>

#include "child/table.h"
#include "config/config_parser.h"
#include "procfs/printable.h"

namespace resource_attribution::child {
namespace {

using procfs::Printable;

constexpr const char* kNotUnderstood = "a request that makes no sense";

Config ConfigOf(const Assignment& assignment, procfs::Daemon daemon) {
  ConfigParser parser;
  // The daemon has said all errors.
  for (const auto& block : assignment.plugin_blocks) {
    std::ignore = parser.Add(block);
  }
  Config config = parser.Take();
  config.interval_seconds = assignment.interval_seconds;
  config.daemon = daemon;
  return config;
}

}  // namespace

Server::Server(procfs::Daemon daemon, Confine confine)
    : daemon_(daemon), confine_(std::move(confine)) {
  // Memory for a reason if later there is none.
  constexpr size_t kReasonMax = 512;
  reply_.reserve(kReasonMax);
}

std::span<const char> Server::Answer(std::span<const char> request) {
  reply_.clear();
  try {
    AnswerOrThrow(request, reply_);
  } catch (const std::exception& error) {
    reply_.clear();
    WriteFailure(error.what(), reply_);
  }
  return reply_;
}

void Server::AnswerOrThrow(std::span<const char> request, Bytes& reply) {
  Reader reader(request);
  const auto asked = reader.Take<Asked>();
  if (asked == Asked::kAssignment) {
    if (const auto assignment = ReadAssignment(reader)) {
      return Begin(*assignment, reply);
    }
  } else if (sampler_ == nullptr) {
    return WriteFailure("not set up", reply);
  } else if (asked == Asked::kPass) {
    if (auto passed_over = ReadPass(reader)) {
      return Pass(*std::move(passed_over), reply);
    }
  } else if (asked == Asked::kDescribe) {
    const auto pid = reader.Take<pid_t>();
    return WriteText(sampler_->DescribeProcess(pid), reply);
  } else if (asked == Asked::kTable) {
    return WriteText(Table(*sampler_, report_), reply);
  }
  WriteFailure(kNotUnderstood, reply);
}

void Server::Begin(const Assignment& assignment, Bytes& reply) {
  if (assignment.version != RESOURCE_ATTRIBUTION_VERSION) {
    return WriteFailure(
        "the sampler process is of version " RESOURCE_ATTRIBUTION_VERSION
        ", the module of " +
            assignment.version + ": restart collectd",
        reply);
  }
  sampler_ = std::make_unique<Sampler>(ConfigOf(assignment, daemon_));
  const Config& config = sampler_->config();
  Ready ready;
  ready.connections = sampler_->WatchConnections();
  if (confine_) {
    if (const std::string problem = confine_(config); !problem.empty()) {
      ready.warnings.push_back(problem);
    }
  }
  const auto discovery = sampler_->ChooseDiscovery();
  if (!discovery) {
    return WriteFailure("option Discovery \"Events\": " +
                            Printable(discovery.error().Message()) +
                            "; expected \"Auto\" or \"Scan\" where there are "
                            "no process events",
                        reply);
  }
  ready.discovery = Printable(*discovery);
  if (sampler_->HidesProcesses()) {
    ready.warnings.push_back(
        "procfs at " + Printable(config.proc_path) +
        " hides the processes of other users (mount option hidepid): they are "
        "not found; needs root, CAP_SYS_PTRACE, or the group of the mount "
        "option gid=");
  }
  Write(ready, reply);
}

void Server::Pass(procfs::PassedOver passed_over, Bytes& reply) {
  sampler_->PassOver(std::move(passed_over));
  const auto pass = sampler_->Pass(report_);
  if (!pass) return WriteFailure(Printable(pass.error().Message()), reply);
  Write(report_, reply);
}

}  // namespace resource_attribution::child
