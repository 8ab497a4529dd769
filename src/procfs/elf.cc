#include "procfs/elf.h"

#include <elf.h>

#include <algorithm>
#include <array>

namespace resource_attribution::procfs {
namespace {

// Names of sections are short; the linker makes no more than some hundred.
constexpr uint64_t kNamesMax = uint64_t{64} << 10;
constexpr size_t kNameMax = 64;

// The offset of a field, which differs between the two sizes of words.
#define RA_FIELD(structure, field)                   \
  (format.is_64 ? offsetof(Elf64_##structure, field) \
                : offsetof(Elf32_##structure, field))

// What the file header says about the section headers.
struct Table {
  uint64_t offset = 0;
  uint64_t entry_size = 0;
  uint64_t entries = 0;
  uint64_t names_index = 0;
};

std::optional<ElfFormat> FormatOf(std::string_view ident) {
  if (!ident.starts_with(std::string_view(ELFMAG, SELFMAG))) {
    return std::nullopt;
  }
  const char size = ident[EI_CLASS];
  const char order = ident[EI_DATA];
  if (size != ELFCLASS32 && size != ELFCLASS64) return std::nullopt;
  if (order != ELFDATA2LSB && order != ELFDATA2MSB) return std::nullopt;
  return ElfFormat{.is_64 = size == ELFCLASS64,
                   .is_big_endian = order == ELFDATA2MSB};
}

Table TableOf(const ElfFormat& format, std::string_view header) {
  const auto half = [&](size_t at) {
    return format.Number<uint16_t>(header, at);
  };
  return {.offset = format.Word(header, RA_FIELD(Ehdr, e_shoff)),
          .entry_size = half(RA_FIELD(Ehdr, e_shentsize)),
          .entries = half(RA_FIELD(Ehdr, e_shnum)),
          .names_index = half(RA_FIELD(Ehdr, e_shstrndx))};
}

bool Fits(uint64_t offset, uint64_t size, uint64_t whole) {
  return offset <= whole && size <= whole - offset;
}

std::string_view NameAt(std::string_view names, uint64_t at) {
  if (at >= names.size()) return {};
  const std::string_view name = names.substr(at, kNameMax);
  return name.substr(0, name.find('\0'));
}

ElfSection SectionOf(const ElfFormat& format, std::string_view header) {
  const uint64_t flags = format.Word(header, RA_FIELD(Shdr, sh_flags));
  const auto type = format.Number<uint32_t>(header, RA_FIELD(Shdr, sh_type));
  return {.is_loaded = (flags & SHF_ALLOC) != 0,
          .is_code = (flags & SHF_EXECINSTR) != 0,
          .is_strings = type == SHT_STRTAB,
          .is_program = type == SHT_PROGBITS,
          .address = format.Word(header, RA_FIELD(Shdr, sh_addr)),
          .offset = format.Word(header, RA_FIELD(Shdr, sh_offset)),
          .size = format.Word(header, RA_FIELD(Shdr, sh_size))};
}

bool HasBytes(const ElfFormat& format, std::string_view header) {
  const auto type = format.Number<uint32_t>(header, RA_FIELD(Shdr, sh_type));
  return type != SHT_NULL && type != SHT_NOBITS;
}

std::optional<std::string> ReadNames(const ByteSource& file,
                                     const ElfSection& section) {
  if (section.size > kNamesMax) return std::nullopt;
  std::string names(section.size, '\0');
  if (!file.read(section.offset, names)) return std::nullopt;
  return names;
}

}  // namespace

std::optional<Elf> ParseElf(const ByteSource& file) {
  std::array<char, sizeof(Elf64_Ehdr)> bytes{};
  const size_t size = std::min<uint64_t>(bytes.size(), file.size);
  if (size < sizeof(Elf32_Ehdr)) return std::nullopt;
  if (!file.read(0, {bytes.data(), size})) return std::nullopt;
  const std::string_view header(bytes.data(), size);
  const auto found = FormatOf(header);
  if (!found) return std::nullopt;
  const ElfFormat& format = *found;

  const Table table = TableOf(format, header);
  const size_t entry_size =
      format.is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
  if (table.offset == 0 || table.entry_size != entry_size ||
      table.entries == 0 || table.entries > Elf::kSectionsMax ||
      table.names_index >= table.entries ||
      !Fits(table.offset, table.entries * entry_size, file.size)) {
    return std::nullopt;
  }
  std::string headers(table.entries * entry_size, '\0');
  if (!file.read(table.offset, headers)) return std::nullopt;
  const std::string_view all = headers;
  const auto header_of = [all, entry_size](uint64_t i) {
    return all.substr(i * entry_size, entry_size);
  };
  const ElfSection of_names = SectionOf(format, header_of(table.names_index));
  const auto names = ReadNames(file, of_names);
  if (!names) return std::nullopt;

  Elf elf{.format = format, .end = table.offset + headers.size()};
  for (uint64_t i = 0; i < table.entries; ++i) {
    if (!HasBytes(format, header_of(i))) continue;
    ElfSection section = SectionOf(format, header_of(i));
    if (!Fits(section.offset, section.size, file.size)) return std::nullopt;
    section.name = NameAt(
        *names, format.Number<uint32_t>(header_of(i), RA_FIELD(Shdr, sh_name)));
    elf.end = std::max(elf.end, section.offset + section.size);
    elf.sections.push_back(std::move(section));
  }
  return elf;
}

const ElfSection* Elf::Find(std::string_view name) const {
  const auto found = std::ranges::find(sections, name, &ElfSection::name);
  return found != sections.end() ? &*found : nullptr;
}

std::optional<Elf::Place> Elf::PlaceOf(uint64_t address) const {
  for (const ElfSection& section : sections) {
    if (!section.is_loaded || address < section.address) continue;
    const uint64_t within = address - section.address;
    if (within >= section.size) continue;
    return Place{.offset = section.offset + within,
                 .size = section.size - within};
  }
  return std::nullopt;
}

}  // namespace resource_attribution::procfs
