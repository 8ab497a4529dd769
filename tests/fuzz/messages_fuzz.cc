// What a child that was taken over may say to the daemon.

#include <cstdint>
#include <cstring>

#include "child/messages.h"
#include "fuzz.h"

namespace {

using namespace resource_attribution;  // NOLINT(google-build-using-namespace)

constexpr size_t kServices = 3;

void RequireWithin(std::string_view part, std::string_view whole) {
  Require(part.empty() ||
              (part.data() >= whole.data() &&
               part.data() + part.size() <= whole.data() + whole.size()),
          "a text is part of the message");
}

// A report that is understood says the same when it is written again.
void ReadAsReport(std::string_view bytes) {
  child::Reader reader({bytes.data(), bytes.size()});
  if (const auto failure = child::ReadFailure(reader)) {
    return RequireWithin(*failure, bytes);
  }
  PassReport report;
  if (!child::ReadReport(reader, kServices, report)) return;
  for (const Notice& notice : report.notices) {
    Require(notice.service < kServices, "a notice is about a service");
    Require(static_cast<size_t>(notice.kind) < Notice::kKinds,
            "a notice has a kind");
  }
  for (const SeriesReport& one : report.series) RequireWithin(one.name, bytes);
  child::Bytes again;
  child::Write(report, again);
  child::Reader second(again);
  PassReport same;
  Require(
      !child::ReadFailure(second) && child::ReadReport(second, kServices, same),
      "a report can be read again");
  child::Bytes third;
  child::Write(same, third);
  Require(third == again, "a report stays the same");
}

void ReadAsRequest(std::string_view bytes) {
  child::Reader pass({bytes.data(), bytes.size()});
  if (const auto read = child::ReadPass(pass)) {
    child::Bytes again;
    child::WritePass(*read, again);
    Require(std::string_view(again.data(), again.size()).substr(1) == bytes,
            "a request is written as it was read");
  }
  child::Reader assignment({bytes.data(), bytes.size()});
  std::ignore = child::ReadAssignment(assignment);
  child::Reader ready({bytes.data(), bytes.size()});
  std::ignore = child::ReadReady(ready);
}

}  // namespace

void Fuzz(std::string_view bytes) {
  ReadAsReport(bytes);
  ReadAsRequest(bytes);
}
