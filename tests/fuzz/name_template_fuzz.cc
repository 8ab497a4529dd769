#include <algorithm>

#include "discovery/name_template.h"
#include "fuzz.h"
#include "proc_tree.h"
#include "procfs/procfs.h"

using namespace resource_attribution;
using namespace resource_attribution::discovery;

// Fills a block's name with the values of a hostile process.
void Fuzz(std::string_view bytes) {
  static const ProcTree tree;
  static const std::string path = tree.path();
  static const auto proc = procfs::Procfs::Open(path);
  static const auto process = [] {
    std::filesystem::create_directories(path + "/5");
    return proc->OpenProcess(5);
  }();

  auto choices = ChoicesFrom(bytes);
  const std::string text = choices.ConsumeRandomLengthString(127);
  // As the configuration takes it.
  if (text.empty() || !::IsPlainText(text) ||
      text.find('/') != std::string::npos) {
    return;
  }
  Selectors selectors;
  const std::string expression = choices.ConsumeRandomLengthString(60).c_str();
  if (auto compiled = CompileExpression(expression); compiled->ok()) {
    selectors.command_lines.push_back(std::move(compiled));
  }
  store::Record watched;
  watched.comm = choices.ConsumeRandomLengthString(15);
  if (choices.ConsumeBool()) {
    watched.status.effective_user = choices.ConsumeIntegral<uid_t>();
  }
  const std::string cgroup = choices.ConsumeRandomLengthString(300);
  Write(path + "/5/cmdline", choices.ConsumeRemainingBytesAsString());

  const NameTemplate name_template(text);
  static Users users;
  const auto expand = [&] {
    Candidate::Buffers buffers;
    Candidate candidate(*process, buffers, &watched);
    candidate.SetCgroup(cgroup);
    std::string name;
    const auto expanded =
        name_template.Expand(selectors, users, candidate, name);
    Require(expanded.has_value(), "a process that is there has a name");
    return name;
  };
  const std::string name = expand();
  RequireSeriesName(name);
  Require(name == expand(), "a process has the same name in each pass");
  if (!name_template.HasPlaceholders()) {
    Require(name == text, "a name without placeholders is itself");
  }
}
