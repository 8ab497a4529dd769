#include <string>
#include <string_view>

#include "fuzz.h"
#include "measures/program_signs.h"
#include "memory_source.h"
#include "procfs/elf.h"
#include "procfs/go_program.h"

using resource_attribution::measures::ProgramReader;
using resource_attribution::measures::ProgramSigns;
using resource_attribution::procfs::ByteSource;
using resource_attribution::procfs::Elf;
using resource_attribution::procfs::ParseElf;
using resource_attribution::procfs::SourceOf;

namespace {

void CheckElf(const ByteSource& file) {
  const auto elf = ParseElf(file);
  if (!elf) return;
  Require(elf->end <= file.size, "headers and sections are in the file");
  Require(elf->sections.size() <= Elf::kSectionsMax, "sections are bounded");
  const auto names =
      resource_attribution::procfs::FunctionNamesOfGo(file, *elf);
  Require(!names || (names->offset <= file.size &&
                     names->size <= file.size - names->offset),
          "the names of functions are in the file");
  Require(resource_attribution::procfs::ReadGoBuildInfo(file, *elf).size() <=
              size_t{256} << 10,
          "build information is bounded");
}

}  // namespace

void Fuzz(std::string_view bytes) {
  const ByteSource file = SourceOf(bytes);
  CheckElf(file);

  // How much is read of a file does not depend on the size that it claims.
  static ProgramReader reader;
  uint64_t read = 0;
  const ByteSource counted{.size = bytes.size(),
                           .read = [&](uint64_t offset, std::span<char> to) {
                             read += to.size();
                             return file.read(offset, to);
                           }};
  const ProgramSigns signs = reader.Read(counted);
  Require(*signs.evidence != '\0', "an answer has its evidence");
  Require(read <= ProgramReader::kConstantsMax + ProgramReader::kNamesMax +
                      (size_t{1} << 20),
          "what is read is bounded");
  Require(signs.answer != ProgramSigns::Answer::kNoSdk ||
              bytes.starts_with("\177ELF"),
          "only a program has no SDK");
}
