#ifndef RESOURCE_ATTRIBUTION_TESTS_UNIT_ELF_IMAGE_H_
#define RESOURCE_ATTRIBUTION_TESTS_UNIT_ELF_IMAGE_H_

#include <elf.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// A section for an ELF file that a test makes.
struct ImageSection {
  std::string name{};
  std::string bytes{};
  uint32_t type = SHT_PROGBITS;
  uint64_t flags = SHF_ALLOC;
};

/// Makes ELF files with sections, of any size of words and order of bytes.
struct ImageFormat {
  bool is_64 = true;
  bool is_big_endian = false;

  /// The number as `size` bytes.
  std::string Number(uint64_t number, size_t size) const {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) {
      const size_t digit = is_big_endian ? size - 1 - i : i;
      bytes += static_cast<char>(number >> (8 * digit) & 0xff);
    }
    return bytes;
  }

  std::string Word(uint64_t number) const {
    return Number(number, is_64 ? 8 : 4);
  }

  size_t HeaderSize() const {
    return is_64 ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr);
  }

  /// Where the first section stands in the file; its address is kBase more.
  /// The others follow without a gap.
  static constexpr uint64_t kBase = 0x10000;

  std::string Make(const std::vector<ImageSection>& sections) const {
    std::string names(1, '\0');
    std::string bytes;
    std::string headers(is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), '\0');
    const auto add = [&](const ImageSection& section) {
      const uint64_t offset = HeaderSize() + bytes.size();
      headers += Number(names.size(), 4) + Number(section.type, 4) +
                 Word(section.flags) + Word(kBase + offset) + Word(offset) +
                 Word(section.bytes.size()) + Number(0, 8) + Word(1) + Word(0);
      names += section.name + '\0';
      bytes += section.bytes;
    };
    for (const ImageSection& section : sections) add(section);
    // The table of names has its own name in it.
    const std::string own = ".shstrtab";
    const std::string all = names + own + '\0';
    add({.name = own, .bytes = all, .type = SHT_STRTAB, .flags = 0});
    const uint64_t table = HeaderSize() + bytes.size();
    const size_t entries = sections.size() + 2;
    std::string header = "\177ELF";
    header += is_64 ? '\2' : '\1';
    header += is_big_endian ? '\2' : '\1';
    header += '\1';
    header += std::string(9, '\0');
    header += Number(ET_EXEC, 2) + Number(EM_X86_64, 2) + Number(1, 4);
    header += Word(0) + Word(0) + Word(table) + Number(0, 4);
    header += Number(HeaderSize(), 2) + Number(0, 2) + Number(0, 2);
    header += Number(is_64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), 2);
    header += Number(entries, 2) + Number(entries - 1, 2);
    return header + bytes + headers;
  }
};

/// The four kinds of ELF files.
inline std::vector<ImageFormat> AllFormats() {
  return {{.is_64 = true, .is_big_endian = false},
          {.is_64 = true, .is_big_endian = true},
          {.is_64 = false, .is_big_endian = false},
          {.is_64 = false, .is_big_endian = true}};
}

#endif  // RESOURCE_ATTRIBUTION_TESTS_UNIT_ELF_IMAGE_H_
