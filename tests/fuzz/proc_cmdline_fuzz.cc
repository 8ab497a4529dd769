#include <string>
#include <vector>

#include "fuzz.h"
#include "procfs/proc_cmdline.h"

using resource_attribution::procfs::ParseCmdline;

void Fuzz(std::string_view bytes) {
  std::string expected(bytes);
  while (!expected.empty() &&
         std::string_view("\0 \t", 3).find(expected.back()) !=
             std::string_view::npos) {
    expected.pop_back();
  }
  const std::string argv0 = expected.c_str();
  for (char& byte : expected) {
    if (byte == '\0') byte = ' ';
  }

  std::vector<char> content(bytes.begin(), bytes.end());
  const auto cmdline = ParseCmdline(content);
  Require(cmdline.joined == expected, "arguments are joined by one space");
  Require(cmdline.argv0 == argv0, "argv[0] ends at the first NUL");
}
