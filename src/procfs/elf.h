#ifndef RESOURCE_ATTRIBUTION_PROCFS_ELF_H_
#define RESOURCE_ATTRIBUTION_PROCFS_ELF_H_

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "procfs/byte_source.h"

namespace resource_attribution::procfs {

/// How an ELF file stores numbers.
struct ElfFormat {
  bool is_64 = true;
  bool is_big_endian = false;

  /// The number of type T at `offset` of `bytes`; 0 if the bytes end before.
  template <typename T>
  T Number(std::string_view bytes, size_t offset) const {
    if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return 0;
    T number{};
    std::memcpy(&number, bytes.data() + offset, sizeof(T));
    if (is_big_endian == (std::endian::native == std::endian::big)) {
      return number;
    }
    T swapped = 0;
    for (size_t i = 0; i < sizeof(T); ++i) {
      swapped = static_cast<T>(swapped << 8 | (number >> (8 * i) & 0xff));
    }
    return swapped;
  }

  size_t WordSize() const { return is_64 ? 8 : 4; }

  /// A number of the size of an address.
  uint64_t Word(std::string_view bytes, size_t offset) const {
    return is_64 ? Number<uint64_t>(bytes, offset)
                 : Number<uint32_t>(bytes, offset);
  }
};

/// A section of an ELF file that has bytes in the file.
struct ElfSection {
  std::string name{};
  bool is_loaded = false;   ///< SHF_ALLOC: it is part of the running program
  bool is_code = false;     ///< SHF_EXECINSTR
  bool is_strings = false;  ///< SHT_STRTAB
  bool is_program = false;  ///< SHT_PROGBITS: the program gave it its meaning
  uint64_t address = 0;
  uint64_t offset = 0;  ///< in the file
  uint64_t size = 0;
};

/// What the headers of an ELF file say, elf(5).
///
/// Any user may have written the file. Everything in it is checked against the
/// size of the file, and at most kSectionsMax headers are read. This is not
/// libelf because libelf maps the file: if its owner truncates it meanwhile,
/// the reader gets SIGBUS. Reads of a truncated file fail instead.
struct Elf {
  static constexpr size_t kSectionsMax = 512;

  ElfFormat format{};
  std::vector<ElfSection> sections{};
  uint64_t end = 0;  ///< of the last byte that a header or a section has

  const ElfSection* Find(std::string_view name) const;

  /// Where the bytes at this address are in the file, up to the end of their
  /// section. None if no section that is loaded has it.
  struct Place {
    uint64_t offset = 0;
    uint64_t size = 0;
  };
  std::optional<Place> PlaceOf(uint64_t address) const;
};

/// None: this is no ELF file, or its headers do not fit together, or it has no
/// section headers, as packed programs.
std::optional<Elf> ParseElf(const ByteSource& file);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_ELF_H_
