#include "procfs/elf.h"

#include <gtest/gtest.h>

#include <string>

#include "elf_image.h"
#include "memory_source.h"
#include "proc_tree.h"

namespace resource_attribution::procfs {
namespace {

std::string Image(const ImageFormat& format) {
  return format.Make(
      {{.name = ".text", .bytes = "code", .flags = SHF_ALLOC | SHF_EXECINSTR},
       {.name = ".dynstr", .bytes = "names", .type = SHT_STRTAB},
       {.name = ".rodata", .bytes = "constants"},
       {.name = ".debug", .bytes = "debug", .flags = 0}});
}

TEST(Elf, SectionsAreReadInEveryFormat) {
  for (const ImageFormat& format : AllFormats()) {
    const std::string image = Image(format);
    const auto elf = ParseElf(SourceOf(image));
    ASSERT_TRUE(elf);
    EXPECT_EQ(elf->format.is_64, format.is_64);
    EXPECT_EQ(elf->format.is_big_endian, format.is_big_endian);
    EXPECT_EQ(elf->end, image.size());
    ASSERT_EQ(elf->sections.size(), 5U);
    const ElfSection* const constants = elf->Find(".rodata");
    ASSERT_NE(constants, nullptr);
    EXPECT_EQ(image.substr(constants->offset, constants->size), "constants");
    EXPECT_TRUE(constants->is_loaded);
    EXPECT_TRUE(constants->is_program);
    EXPECT_FALSE(constants->is_code);
    EXPECT_TRUE(elf->Find(".text")->is_code);
    EXPECT_TRUE(elf->Find(".dynstr")->is_strings);
    EXPECT_FALSE(elf->Find(".debug")->is_loaded);
    EXPECT_EQ(elf->Find(".none"), nullptr);

    const auto place = elf->PlaceOf(constants->address + 3);
    ASSERT_TRUE(place);
    EXPECT_EQ(place->offset, constants->offset + 3);
    EXPECT_EQ(place->size, 6U);
    EXPECT_FALSE(elf->PlaceOf(0));
    EXPECT_FALSE(elf->PlaceOf(UINT64_MAX));
  }
}

TEST(Elf, ThisProgramIsOne) {
  const std::string content = ContentOf("/proc/self/exe");
  const auto elf = ParseElf(SourceOf(content));
  ASSERT_TRUE(elf);
  EXPECT_EQ(elf->format.is_64, sizeof(void*) == 8);
  ASSERT_NE(elf->Find(".rodata"), nullptr);
  EXPECT_GT(elf->Find(".rodata")->size, 100U);
  EXPECT_LE(elf->end, content.size());
}

TEST(Elf, OtherFilesAreNone) {
  EXPECT_FALSE(ParseElf(SourceOf("")));
  EXPECT_FALSE(ParseElf(SourceOf("#!/bin/sh\n")));
  EXPECT_FALSE(ParseElf(SourceOf(std::string(1000, '\0'))));
  EXPECT_FALSE(ParseElf(SourceOf("\177ELF" + std::string(100, '\0'))));
}

// What is cut from a file, or not written to it yet, is noticed.
TEST(Elf, NoPartOfOneIsOne) {
  for (const ImageFormat& format : AllFormats()) {
    const std::string image = Image(format);
    for (size_t size = 0; size < image.size(); ++size) {
      EXPECT_FALSE(ParseElf(SourceOf(std::string_view(image).substr(0, size))));
    }
  }
}

TEST(Elf, NoByteOfItLeadsOutsideTheFile) {
  for (const ImageFormat& format : AllFormats()) {
    for (const char byte : {'\0', '\1', '\x7f', '\xff'}) {
      for (size_t at = 0; at < Image(format).size(); ++at) {
        std::string image = Image(format);
        image[at] = byte;
        const auto elf = ParseElf(SourceOf(image));
        if (!elf) continue;
        for (const ElfSection& section : elf->sections) {
          EXPECT_LE(section.offset + section.size, image.size());
        }
        EXPECT_LE(elf->end, image.size());
      }
    }
  }
}

TEST(Elf, FileThatCannotBeReadIsNone) {
  const std::string image = Image({});
  EXPECT_FALSE(ParseElf(
      {.size = image.size(), .read = [](auto, auto) { return false; }}));
}

TEST(Elf, NumberBeyondTheEndIsZero) {
  const ElfFormat format;
  EXPECT_EQ(format.Number<uint32_t>("abc", 0), 0U);
  EXPECT_EQ(format.Number<uint32_t>("abcd", 1), 0U);
  EXPECT_EQ(format.Number<uint32_t>("abcd", SIZE_MAX), 0U);
}

}  // namespace
}  // namespace resource_attribution::procfs
