#include "procfs/go_program.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace resource_attribution::procfs {
namespace {

using namespace std::string_view_literals;

constexpr uint64_t kBuildInfoMax = uint64_t{256} << 10;

// The header of the build information (debug/buildinfo/buildinfo.go).
constexpr auto kMagic = "\xff Go buildinf:"sv;
constexpr size_t kWordSizeAt = 14;
constexpr size_t kFlagsAt = 15;
constexpr size_t kPointersAt = 16;
constexpr size_t kHeader = 32;
constexpr uint8_t kIsBigEndian = 1;
constexpr uint8_t kIsInline = 2;

// 16 bytes without meaning stand before and behind the lines.
constexpr size_t kFrame = 16;

// What the first bytes of the table of functions say of its version
// (internal/abi/symtab.go).
constexpr uint32_t kTableOf116 = 0xfffffffa;
constexpr uint32_t kTableOf118 = 0xfffffff0;
constexpr uint32_t kTableOf120 = 0xfffffff1;

std::string ReadPlace(const ByteSource& file, Elf::Place place, uint64_t most) {
  std::string bytes(std::min(place.size, most), '\0');
  if (!file.read(place.offset, bytes)) return {};
  return bytes;
}

// Takes a number in base 128, the lowest digit first, off the front.
std::optional<uint64_t> TakeNumber(std::string_view& bytes) {
  uint64_t number = 0;
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 9); ++i) {
    const auto byte = static_cast<uint8_t>(bytes[i]);
    number |= uint64_t{byte & 0x7fU} << (7 * i);
    if (byte < 0x80) {
      bytes.remove_prefix(i + 1);
      return number;
    }
  }
  return std::nullopt;
}

// Takes a text with its length before it. It may be cut by the end.
std::string_view TakeText(std::string_view& bytes) {
  const auto size = TakeNumber(bytes);
  if (!size) return {};
  const std::string_view text = bytes.substr(0, *size);
  bytes.remove_prefix(text.size());
  return text;
}

std::string InlineInfo(std::string_view blob) {
  blob.remove_prefix(kHeader);
  TakeText(blob);  // the version of Go
  return std::string(TakeText(blob));
}

// The second pointer leads to a Go string: the address of its bytes and their
// number.
std::string PointedInfo(const ByteSource& file, const Elf& elf,
                        std::string_view blob) {
  const size_t word_size = static_cast<uint8_t>(blob[kWordSizeAt]);
  if (word_size != 4 && word_size != 8) return {};
  const auto flags = static_cast<uint8_t>(blob[kFlagsAt]);
  const ElfFormat format{.is_64 = word_size == 8,
                         .is_big_endian = (flags & kIsBigEndian) != 0};
  const auto string = elf.PlaceOf(format.Word(blob, kPointersAt + word_size));
  if (!string) return {};
  const std::string words = ReadPlace(file, *string, 2 * word_size);
  const auto text = elf.PlaceOf(format.Word(words, 0));
  if (!text) return {};
  const uint64_t size = format.Word(words, word_size);
  return ReadPlace(file, *text, std::min(size, kBuildInfoMax));
}

// A program that is linked as a shared object has the table in
// .data.rel.ro.gopclntab.
const ElfSection* FunctionTable(const Elf& elf) {
  const auto found =
      std::ranges::find_if(elf.sections, [](const ElfSection& section) {
        return section.name.ends_with(".gopclntab");
      });
  return found != elf.sections.end() ? &*found : nullptr;
}

}  // namespace

bool IsGoProgram(const Elf& elf) {
  return elf.Find(".go.buildinfo") != nullptr ||
         elf.Find(".note.go.buildid") != nullptr ||
         FunctionTable(elf) != nullptr;
}

std::string ReadGoBuildInfo(const ByteSource& file, const Elf& elf) {
  const ElfSection* section = elf.Find(".go.buildinfo");
  if (section == nullptr) return {};
  const std::string blob = ReadPlace(
      file, {.offset = section->offset, .size = section->size}, kBuildInfoMax);
  if (blob.size() < kHeader || !blob.starts_with(kMagic)) return {};
  const auto flags = static_cast<uint8_t>(blob[kFlagsAt]);
  const std::string info = (flags & kIsInline) != 0
                               ? InlineInfo(blob)
                               : PointedInfo(file, elf, blob);
  const size_t end = info.rfind('\n');
  if (end == std::string::npos || end < kFrame) return {};
  return info.substr(kFrame, end + 1 - kFrame);
}

bool NamesGoModule(std::string_view build_info, std::string_view module) {
  while (!build_info.empty()) {
    std::string_view line = build_info.substr(0, build_info.find('\n'));
    build_info.remove_prefix(std::min(line.size() + 1, build_info.size()));
    // A replacement stands in a line of its own: `=>`, and its name.
    for (const auto kind : {"dep\t"sv, "mod\t"sv, "=>\t"sv}) {
      if (!line.starts_with(kind)) continue;
      line.remove_prefix(kind.size());
      if (!line.starts_with(module)) break;
      line.remove_prefix(module.size());
      if (line.starts_with('\t') || line.starts_with("/v")) return true;
      break;
    }
  }
  return false;
}

std::optional<Elf::Place> FunctionNamesOfGo(const ByteSource& file,
                                            const Elf& elf) {
  const ElfSection* table = FunctionTable(elf);
  std::array<char, 48> bytes{};
  if (table == nullptr || table->size < bytes.size() ||
      !file.read(table->offset, bytes)) {
    return std::nullopt;
  }
  const std::string_view header(bytes.data(), bytes.size());
  const auto version = elf.format.Number<uint32_t>(header, 0);
  // The fields before: the numbers of functions and files, and since Go 1.18
  // where the code begins.
  size_t field = 0;
  if (version == kTableOf116) {
    field = 2;
  } else if (version == kTableOf118 || version == kTableOf120) {
    field = 3;
  } else {
    return std::nullopt;
  }
  constexpr size_t kFields = 8;
  const size_t word = elf.format.WordSize();
  const uint64_t begin = elf.format.Word(header, kFields + field * word);
  const uint64_t end = elf.format.Word(header, kFields + (field + 1) * word);
  if (begin > end || end > table->size) return std::nullopt;
  return Elf::Place{.offset = table->offset + begin, .size = end - begin};
}

}  // namespace resource_attribution::procfs
