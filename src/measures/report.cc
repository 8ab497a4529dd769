#include "measures/report.h"

#include <algorithm>
#include <utility>

namespace resource_attribution {

void PassReport::Clear(size_t services) {
  processes.assign(services, 0);
  notices.clear();
  series.clear();
  components.clear();
  tracing_costs.clear();
}

const Notice* PassReport::Find(size_t service, Notice::Kind kind) const {
  const auto found =
      std::ranges::find_if(notices, [service, kind](const Notice& one) {
        return one.service == service && one.kind == kind;
      });
  return found == notices.end() ? nullptr : &*found;
}

void PassReport::Add(Notice notice) {
  if (Find(notice.service, notice.kind) == nullptr) {
    notices.push_back(std::move(notice));
  }
}

}  // namespace resource_attribution
