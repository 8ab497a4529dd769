#include "check.h"

#include <cstdio>
#include <string>
#include <string_view>
#include <thread>

#include "config/option_list.h"
#include "types.h"

namespace resource_attribution {

int RunCheck(bool (*sample)(), Supervisor& supervisor) {
  if (!sample()) return -1;
  std::this_thread::sleep_for(kBetweenPassesOfACheck);
  if (!sample()) return -1;
  const auto table = supervisor.Table();
  if (!table) return -1;
  std::fputs(table->c_str(), stdout);
  return 0;
}

bool PrintOptions(Check check) {
  if (check != Check::kOptions && check != Check::kOptionsAsJson) return false;
  const std::string text = check == Check::kOptions ? options::ListForPeople()
                                                    : options::ListAsJson();
  std::fputs(text.c_str(), stdout);
  return true;
}

void PrintLogLine(int severity, const char* text, user_data_t* /*unused*/) {
  if (severity <= LOG_WARNING) {
    std::fprintf(stderr, "%s: %s\n",
                 severity == LOG_WARNING ? "warning" : "error", text);
  } else if (std::string_view(text).starts_with(kPluginName)) {
    std::printf("%s\n", text);
  }
}

}  // namespace resource_attribution
