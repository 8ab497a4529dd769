#include <algorithm>
#include <string>
#include <string_view>

#include "fuzz.h"
#include "measures/tracing_detection.h"

using resource_attribution::measures::Detection;
using resource_attribution::measures::DetectTracing;
using resource_attribution::measures::Tracing;

namespace {

// Takes what is before the next \1 off the front.
std::string NextFile(std::string_view& bytes) {
  const std::string file(bytes.substr(0, bytes.find('\1')));
  bytes.remove_prefix(std::min(file.size() + 1, bytes.size()));
  return file;
}

bool Same(const Detection& one, const Detection& other) {
  return one.tracing == other.tracing &&
         std::string_view(one.evidence) == other.evidence;
}

}  // namespace

void Fuzz(std::string_view bytes) {
  const std::string environ = NextFile(bytes);
  const std::string cmdline = NextFile(bytes);
  const std::string maps = NextFile(bytes);
  const Detection detection = DetectTracing(environ, cmdline, maps);
  const std::string_view evidence = detection.evidence;
  Require(evidence.empty() == (detection.tracing == Tracing::kAbsent),
          "a sign is named where there is one");
  Require(
      Same(detection, DetectTracing(environ + '\0' + environ, cmdline, maps)),
      "of one name the first variable counts");
  Require(Same(detection, DetectTracing(environ, cmdline, maps + '\n' + maps)),
          "a file may be mapped twice");
  Require(DetectTracing(environ + '\0' + "DD_TRACE_ENABLED=true", cmdline, maps)
                  .tracing != Tracing::kAbsent,
          "a variable more is seen");

  using namespace std::string_literals;
  const std::string agent = "java\0-javaagent:/skywalking-agent.jar\0"s;
  Require(DetectTracing(environ, agent + cmdline, maps).tracing == Tracing::kOn,
          "nothing turns off an agent that has no setting for it");
}
