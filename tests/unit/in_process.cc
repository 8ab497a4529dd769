// Stands in for the child process and for the thread that waits for it: both do
// their work in the caller's thread, so that tests see every allocation and
// every system call of a pass.

#include "child/sampler_process.h"
#include "child/server.h"
#include "pass_thread.h"

namespace resource_attribution {
namespace child {
namespace {

std::unique_ptr<Server> server;
std::span<const char> last_reply;
Bytes kept_reply;

}  // namespace

void SamplerProcess::UnmapNote::operator()(procfs::BeingRead* /*note*/) const {}

SamplerProcess::SamplerProcess(std::string program)
    : program_(std::move(program)) {}

SamplerProcess::~SamplerProcess() { End(); }

std::string SamplerProcess::Start() {
  server = std::make_unique<Server>(procfs::Daemon::kThisProcess);
  return "";
}

bool SamplerProcess::IsRunning() const { return server != nullptr; }

Wait SamplerProcess::Ask(std::span<const char> request) {
  last_reply = server->Answer(request);
  return Wait::kDone;
}

Wait SamplerProcess::GoOn() { return Wait::kDone; }

std::span<const char> SamplerProcess::reply() const { return last_reply; }

std::span<const char> SamplerProcess::KeepReply() {
  kept_reply.assign(last_reply.begin(), last_reply.end());
  return kept_reply;
}

SamplerProcess::Note SamplerProcess::BeingRead() const { return {}; }

SamplerProcess::State SamplerProcess::GetState() const { return State::kRuns; }

void SamplerProcess::End(std::chrono::milliseconds /*patience*/) {
  server = nullptr;
}

}  // namespace child

PassThread::PassThread(std::function<bool()> try_pass,
                       std::function<void()> pass)
    : try_pass_(std::move(try_pass)), pass_(std::move(pass)) {}

PassThread::~PassThread() = default;

void PassThread::Run(std::chrono::milliseconds /*patience*/) {
  if (!try_pass_()) pass_();
}

}  // namespace resource_attribution
