#include "procfs/go_program.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "elf_image.h"
#include "memory_source.h"

namespace resource_attribution::procfs {
namespace {

using namespace std::string_literals;

constexpr std::string_view kLines =
    "path\texample.com/orders\n"
    "mod\texample.com/orders\t(devel)\t\n"
    "dep\tgo.opentelemetry.io/otel\tv1.38.0\th1:x=\n"
    "dep\tgithub.com/DataDog/dd-trace-go/v2\tv2.1.0\n"
    "=>\texample.com/fork\tv1.0.0\n";

std::string Framed(std::string_view lines) {
  return std::string(16, '\xf0') + std::string(lines) + std::string(16, '\xf1');
}

std::string Counted(const std::string& text) {
  std::string bytes;
  size_t size = text.size();
  for (; size >= 0x80; size >>= 7) {
    bytes += static_cast<char>(size | 0x80);
  }
  return bytes + static_cast<char>(size) + text;
}

// As the linker of Go 1.18 and later writes it.
std::string InlineBlob(std::string_view lines) {
  return "\xff Go buildinf:\x08\x02"s + std::string(16, '\0') +
         Counted("go1.24.0") + Counted(Framed(lines));
}

std::string InfoOf(const std::string& image) {
  const auto elf = ParseElf(SourceOf(image));
  EXPECT_TRUE(elf);
  return elf ? ReadGoBuildInfo(SourceOf(image), *elf) : "";
}

std::string WithBlob(const ImageFormat& format, const std::string& blob) {
  return format.Make({{.name = ".go.buildinfo", .bytes = blob}});
}

TEST(GoProgram, BuildInformationIsReadInEveryFormat) {
  for (const ImageFormat& format : AllFormats()) {
    const std::string info = InfoOf(WithBlob(format, InlineBlob(kLines)));
    EXPECT_EQ(info, kLines);
  }
}

// Before Go 1.18: a pointer to a string, which is a pointer and a size.
TEST(GoProgram, BuildInformationBehindPointersIsRead) {
  for (const ImageFormat& format : AllFormats()) {
    const uint64_t word = format.is_64 ? 8 : 4;
    const std::string text = Framed(kLines);
    const uint64_t blob = ImageFormat::kBase + format.HeaderSize();
    const uint64_t string = blob + 32;
    std::string bytes = "\xff Go buildinf:"s + static_cast<char>(word) +
                        (format.is_big_endian ? '\1' : '\0') +
                        format.Word(string) + format.Word(string);
    bytes.resize(32);
    bytes += format.Word(string + 2 * word) + format.Word(text.size()) + text;
    const std::string info = InfoOf(WithBlob(format, bytes));
    EXPECT_EQ(info, kLines);
  }
}

TEST(GoProgram, WrongBuildInformationIsEmpty) {
  const ImageFormat format;
  EXPECT_EQ(InfoOf(format.Make({})), "");
  EXPECT_EQ(InfoOf(WithBlob(format, "")), "");
  EXPECT_EQ(InfoOf(WithBlob(format, "\xff Go buildinf:")), "");
  EXPECT_EQ(InfoOf(WithBlob(format, std::string(100, 'x'))), "");
  const std::string head = "\xff Go buildinf:\x08\x02"s + std::string(16, '\0');
  EXPECT_EQ(InfoOf(WithBlob(format, head)), "");
  EXPECT_EQ(InfoOf(WithBlob(format, head + std::string(50, '\xff'))), "");
  // Pointers that lead nowhere.
  const std::string pointers =
      "\xff Go buildinf:\x08\0"s + std::string(16, '\xff');
  EXPECT_EQ(InfoOf(WithBlob(format, pointers)), "");
  const std::string sizes =
      "\xff Go buildinf:\x03\0"s + std::string(16, '\xff');
  EXPECT_EQ(InfoOf(WithBlob(format, sizes)), "");
}

TEST(GoProgram, HugeBuildInformationIsCut) {
  std::string lines(kLines);
  while (lines.size() < size_t{1} << 20) lines += "dep\tx\tv1\n";
  const std::string info = InfoOf(WithBlob({}, InlineBlob(lines)));
  EXPECT_TRUE(info.starts_with(kLines));
  EXPECT_LE(info.size(), size_t{256} << 10);
}

TEST(GoProgram, ModulesAreNamedWhole) {
  EXPECT_TRUE(NamesGoModule(kLines, "go.opentelemetry.io/otel"));
  EXPECT_FALSE(NamesGoModule(kLines, "go.opentelemetry.io/otel/sdk"));
  EXPECT_FALSE(NamesGoModule(kLines, "go.opentelemetry.io/ote"));
  EXPECT_TRUE(NamesGoModule(kLines, "github.com/DataDog/dd-trace-go"));
  EXPECT_TRUE(NamesGoModule(kLines, "example.com/orders"));
  EXPECT_TRUE(NamesGoModule(kLines, "example.com/fork"));
  EXPECT_FALSE(NamesGoModule("path\tgo.elastic.co/apm\n", "go.elastic.co/apm"));
  EXPECT_FALSE(NamesGoModule("", "go.elastic.co/apm"));
  EXPECT_FALSE(NamesGoModule("dep\tgo.elastic.co/apm", "go.elastic.co/apm"));
}

// A table of functions whose names stand from `begin` on.
std::string Table(const ImageFormat& format, uint32_t version,
                  std::string_view names) {
  std::string table =
      format.Number(version, 4) + "\0\0\1"s + (format.is_64 ? '\10' : '\4');
  const uint64_t begin = 100;
  table += format.Word(7) + format.Word(3);
  if (version != 0xfffffffa) table += format.Word(0x401000);
  table += format.Word(begin) + format.Word(begin + names.size());
  table.resize(begin);
  return table + std::string(names) + "what follows";
}

TEST(GoProgram, FunctionNamesAreFoundInEveryFormat) {
  for (const ImageFormat& format : AllFormats()) {
    for (const uint32_t version : {0xfffffffaU, 0xfffffff0U, 0xfffffff1U}) {
      for (const char* section : {".gopclntab", ".data.rel.ro.gopclntab"}) {
        const std::string image =
            format.Make({{.name = section,
                          .bytes = Table(format, version, "runtime.main")}});
        const auto elf = ParseElf(SourceOf(image));
        ASSERT_TRUE(elf);
        EXPECT_TRUE(IsGoProgram(*elf));
        const auto place = FunctionNamesOfGo(SourceOf(image), *elf);
        ASSERT_TRUE(place);
        EXPECT_EQ(image.substr(place->offset, place->size), "runtime.main");
      }
    }
  }
}

TEST(GoProgram, FunctionNamesOutsideTheTableAreNone) {
  const ImageFormat format;
  for (std::string table :
       {std::string(), std::string(200, '\xff'),
        Table(format, 0xfffffffb, "runtime.main"),
        Table(format, 0xfffffff1, "runtime.main").substr(0, 100)}) {
    const std::string image =
        format.Make({{.name = ".gopclntab", .bytes = std::move(table)}});
    const auto elf = ParseElf(SourceOf(image));
    ASSERT_TRUE(elf);
    EXPECT_FALSE(FunctionNamesOfGo(SourceOf(image), *elf));
  }
}

TEST(GoProgram, OtherProgramsAreNone) {
  const std::string image = ImageFormat{}.Make({{.name = ".rodata"}});
  const auto elf = ParseElf(SourceOf(image));
  ASSERT_TRUE(elf);
  EXPECT_FALSE(IsGoProgram(*elf));
  EXPECT_FALSE(FunctionNamesOfGo(SourceOf(image), *elf));
}

}  // namespace
}  // namespace resource_attribution::procfs
