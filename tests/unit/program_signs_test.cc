#include "measures/program_signs.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "elf_image.h"
#include "memory_source.h"
#include "proc_tree.h"

namespace resource_attribution::measures {
namespace {

using namespace std::string_literals;
using Answer = ProgramSigns::Answer;
using procfs::SourceOf;

ProgramSigns Read(std::string_view image) {
  ProgramReader reader;
  return reader.Read(SourceOf(image));
}

std::string Native(const std::string& constants) {
  return ImageFormat{}.Make(
      {{.name = ".text",
        .bytes = "OTEL_BSP_",
        .flags = SHF_ALLOC | SHF_EXECINSTR},
       {.name = ".comment", .bytes = "opentelemetry_sdk", .flags = 0},
       {.name = ".rodata", .bytes = constants}});
}

// A program for Go with these functions, lines of build information and
// constants.
std::string Go(const std::string& functions, const std::string& lines,
               const std::string& constants = "") {
  const ImageFormat format;
  std::string table = format.Number(0xfffffff1, 4) + "\0\0\1\10"s;
  table += format.Word(0) + format.Word(0) + format.Word(0) + format.Word(80) +
           format.Word(80 + functions.size());
  table.resize(80);
  const std::string text = std::string(16, 'x') + lines + std::string(16, 'x');
  return format.Make(
      {{.name = ".rodata", .bytes = constants},
       {.name = ".gopclntab", .bytes = table + functions},
       {.name = ".go.buildinfo",
        .bytes = "\xff Go buildinf:\x08\x02"s + std::string(16, '\0') +
                 "\x04go1." + static_cast<char>(text.size() | 0x80) +
                 static_cast<char>(text.size() >> 7) + text}});
}

constexpr const char* kPath = "path\texample.com/orders\n";

void ExpectSigns(const ProgramSigns& signs, Answer answer,
                 std::string_view evidence) {
  EXPECT_EQ(signs.answer, answer);
  EXPECT_NE(std::string_view(signs.evidence).find(evidence),
            std::string_view::npos)
      << signs.evidence;
}

TEST(ProgramSigns, NativeProgramIsSearchedInItsConstants) {
  ExpectSigns(Read(Native("hello, world")), Answer::kNoSdk, "no SDK");
  ExpectSigns(Read(Native("x_ZN13opentelemetry2v13sdk5trace10TracerImplE")),
              Answer::kSdk, "opentelemetry-cpp");
  ExpectSigns(Read(Native("opentelemetry_sdk-0.31.0/src/trace/span.rs")),
              Answer::kSdk, "opentelemetry_sdk");
  const ProgramSigns datadog = Read(Native("DD_TRACE_AGENT_URL"));
  ExpectSigns(datadog, Answer::kSdk, "DD_TRACE_");
  EXPECT_EQ(datadog.vendor, kDatadog);
}

TEST(ProgramSigns, NamesOfSymbolsAreSearched) {
  const std::string image = ImageFormat{}.Make(
      {{.name = ".dynstr",
        .bytes = "_ZTSN13opentelemetry2v13sdk5trace13SpanProcessorE",
        .type = SHT_STRTAB}});
  ExpectSigns(Read(image), Answer::kSdk, "opentelemetry-cpp");
}

TEST(ProgramSigns, ProgramThatNamesTracingIsUnknown) {
  for (const char* constants :
       {"opentelemetry", "traceparent", "X-B3-TraceId", "jaegertracing.Span"}) {
    ExpectSigns(Read(Native(constants)), Answer::kUnknown, "names tracing");
  }
}

TEST(ProgramSigns, ProgramWithARuntimeIsUnknown) {
  for (const char* constants : {"PYTHONPATH", "NODE_OPTIONS", "LuaJIT 2.1"}) {
    ExpectSigns(Read(Native(constants)), Answer::kUnknown, "runtime");
  }
}

TEST(ProgramSigns, ProgramOfAManagedLanguageIsUnknown) {
  for (const char* section : {"__managedcode", ".svm_heap"}) {
    const std::string image = ImageFormat{}.Make({{.name = section}});
    ExpectSigns(Read(image), Answer::kUnknown, "runtime");
  }
}

TEST(ProgramSigns, WordMayStandWhereTwoPiecesMeet) {
  constexpr size_t kPiece = size_t{128} << 10;
  for (size_t before = kPiece - 12; before <= kPiece; ++before) {
    ExpectSigns(Read(Native(std::string(before, '.') + "OTEL_BSP_")),
                Answer::kSdk, "OTEL_BSP_");
  }
}

TEST(ProgramSigns, ProgramThatIsTooLargeIsUnknownUnlessAnSdkIsSeen) {
  const std::string large(ProgramReader::kConstantsMax + 1, '.');
  ExpectSigns(Read(Native(large)), Answer::kUnknown, "too large");
  ExpectSigns(Read(Native("OTEL_BSP_" + large)), Answer::kSdk, "OTEL_BSP_");
  ExpectSigns(Read(Native(large + "OTEL_BSP_")), Answer::kUnknown, "too large");
}

TEST(ProgramSigns, DataBehindTheProgramMayBeAnApplication) {
  ExpectSigns(Read(Native("hello") + "PK\3\4"), Answer::kUnknown,
              "followed by other data");
}

TEST(ProgramSigns, OtherFilesAreUnknown) {
  ExpectSigns(Read(""), Answer::kUnknown, "no ELF file");
  ExpectSigns(Read("#!/bin/sh\n"), Answer::kUnknown, "no ELF file");
}

TEST(ProgramSigns, GoProgramIsToldByItsFunctions) {
  const std::string plain = "main.main\0runtime.main\0fmt.Println\0"s;
  ExpectSigns(Read(Go(plain, kPath)), Answer::kNoSdk,
              "Go program without an SDK");
  ExpectSigns(Read(Go(plain + "go.opentelemetry.io/otel/trace.NewNoop", kPath)),
              Answer::kNoSdk, "Go program without an SDK");
  ExpectSigns(
      Read(Go(plain + "go.opentelemetry.io/otel/sdk/metric.NewMeter", kPath)),
      Answer::kNoSdk, "Go program without an SDK");
  ExpectSigns(
      Read(Go(plain + "go.opentelemetry.io/otel/sdk/trace.NewTracer", kPath)),
      Answer::kSdk, "go.opentelemetry.io/otel/sdk/trace");
  ExpectSigns(
      Read(Go(plain + "gopkg.in/DataDog/dd-trace-go.v1/ddtrace/tracer", kPath)),
      Answer::kSdk, "dd-trace-go");
  ExpectSigns(Read(Go(plain + "github.com/getsentry/sentry-go.Init", kPath)),
              Answer::kUnknown, "names tracing");
}

// Obfuscators rename functions and leave out build information.
TEST(ProgramSigns, GoProgramWhoseNamesSayNothingIsUnknown) {
  ExpectSigns(Read(Go("a.b\0c.d\0"s, kPath)), Answer::kUnknown,
              "does not show which packages");
  ExpectSigns(Read(Go("runtime.main\0"s, "")), Answer::kUnknown,
              "does not show which packages");
}

TEST(ProgramSigns, GoProgramWithTooManyFunctionsIsUnknown) {
  const std::string many =
      "runtime.main" + std::string(ProgramReader::kNamesMax, '.');
  ExpectSigns(Read(Go(many, kPath)), Answer::kUnknown, "too large");
}

TEST(ProgramSigns, ModulesDecideWhereFunctionNamesAreUnknown) {
  const std::string lines =
      "path\tx\ndep\tgo.opentelemetry.io/otel/sdk\tv1.38.0\t\n";
  ExpectSigns(Read(Go("a.b\0"s, lines)), Answer::kSdk,
              "go.opentelemetry.io/otel/sdk");
}

TEST(ProgramSigns, VariablesThatAreNotInTheProgramAreNotHeeded) {
  const std::string functions =
      "runtime.main\0go.opentelemetry.io/otel/sdk/trace.New\0"s;
  const auto heeds = [](const ProgramSigns& signs, std::string_view variable) {
    for (size_t i = 0; i < kSettings.size(); ++i) {
      if (kSettings[i].variable != variable) continue;
      return (signs.unheeded >> i & 1) == 0;
    }
    return false;
  };
  const ProgramSigns none = Read(Go(functions, kPath, "hello"));
  EXPECT_FALSE(heeds(none, "OTEL_SDK_DISABLED"));
  const ProgramSigns one = Read(Go(functions, kPath, "OTEL_SDK_DISABLED"));
  EXPECT_TRUE(heeds(one, "OTEL_SDK_DISABLED"));
  EXPECT_FALSE(heeds(one, "OTEL_TRACES_EXPORTER"));
  EXPECT_FALSE(heeds(Read(Native("opentelemetry_sdk")), "OTEL_SDK_DISABLED"));
  EXPECT_TRUE(heeds(Read(Native("opentelemetry_sdk OTEL_SDK_DISABLED")),
                    "OTEL_SDK_DISABLED"));
}

TEST(ProgramSigns, RealProgramsAreRead) {
  const std::string sleep = ContentOf("/bin/sleep");
  ExpectSigns(Read(sleep), Answer::kNoSdk, "no SDK");
  // This program has the words in it.
  const std::string self = ContentOf("/proc/self/exe");
  EXPECT_EQ(Read(self).answer, Answer::kSdk);
}

}  // namespace
}  // namespace resource_attribution::measures
