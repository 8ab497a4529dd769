#include "measures/program_signs.h"

#include <algorithm>
#include <string>

#include "procfs/go_program.h"

namespace resource_attribution::measures {
namespace {

using Answer = ProgramSigns::Answer;
using procfs::ByteSource;
using procfs::Elf;
using procfs::ElfSection;

constexpr size_t kPiece = size_t{128} << 10;

// A program that Go itself made has this function. Obfuscators rename it.
constexpr auto kAnyGoFunction = "runtime.main"sv;

constexpr const char* kHints =
    "its program names tracing, but none of the SDKs that are known";
constexpr const char* kNotSearched =
    "its program is too large, or in parts unreadable, to be searched";

ProgramSigns Unknown(const char* why) {
  return {.answer = Answer::kUnknown, .evidence = why};
}

// What was compiled from a managed language has a runtime and keeps its names
// in forms of its own: .NET's in UTF-16, GraalVM's in a heap.
bool IsManaged(const Elf& elf) {
  return elf.Find("__managedcode") != nullptr ||
         elf.Find(".svm_heap") != nullptr;
}

// Constants, and the names of symbols and libraries: no code, and no tables for
// exceptions and traces of the stack.
bool HoldsConstants(const ElfSection& section) {
  if (!section.is_loaded || section.is_code) return false;
  if (section.is_strings) return true;
  return section.is_program && !section.name.starts_with(".eh_frame") &&
         section.name != ".gcc_except_table" &&
         !section.name.ends_with(".gopclntab");
}

}  // namespace

ProgramReader::Words ProgramReader::GoWords() {
  Words words{{.text = kAnyGoFunction, .meaning = Meaning::kSane}};
  for (const GoSdk& sdk : kGoSdks) {
    words.push_back({.text = sdk.package,
                     .meaning = Meaning::kSdk,
                     .vendor = sdk.vendor,
                     .shown = sdk.package.data()});
  }
  for (const std::string_view hint : kGoHints) words.push_back({.text = hint});
  return words;
}

ProgramReader::Words ProgramReader::NativeWords() {
  Words words;
  for (const ProgramWord& word : kNativeWords) {
    words.push_back({.text = word.text,
                     .meaning = Meaning::kSdk,
                     .vendor = word.vendor,
                     .shown = word.shown});
  }
  for (const std::string_view hint : kNativeHints) {
    words.push_back({.text = hint});
  }
  for (const std::string_view runtime : kRuntimeWords) {
    words.push_back({.text = runtime, .meaning = Meaning::kRuntime});
  }
  for (size_t i = 0; i < kSettings.size(); ++i) {
    words.push_back({.text = kSettings[i].variable,
                     .meaning = Meaning::kVariable,
                     .setting = i});
  }
  return words;
}

WordSearch ProgramReader::SearchOf(const Words& words) {
  std::vector<std::string_view> texts;
  for (const Word& word : words) texts.push_back(word.text);
  return WordSearch(std::move(texts));
}

ProgramReader::ProgramReader()
    : go_words_(GoWords()),
      native_words_(NativeWords()),
      go_search_(SearchOf(go_words_)),
      native_search_(SearchOf(native_words_)) {}

ProgramSigns ProgramReader::Read(const ByteSource& file) {
  const auto elf = procfs::ParseElf(file);
  if (!elf) return Unknown("its program is no ELF file with section headers");
  ProgramSigns signs =
      procfs::IsGoProgram(*elf) ? ReadGo(file, *elf) : ReadNative(file, *elf);
  piece_.clear();
  piece_.shrink_to_fit();
  return signs;
}

// Function names say what the linker took into the program. Build information
// says less: which modules packages came from, and nothing about packages of
// Debian. It decides only where the names are unknown.
ProgramSigns ProgramReader::ReadGo(const ByteSource& file, const Elf& elf) {
  const std::string info = procfs::ReadGoBuildInfo(file, elf);
  Found found;
  const auto names = procfs::FunctionNamesOfGo(file, elf);
  const bool searched = names && names->size <= kNamesMax &&
                        Search(file, *names, go_search_, go_words_, found);
  ProgramSigns signs;
  if (found.sdk != nullptr) {
    signs = {.answer = Answer::kSdk,
             .vendor = found.sdk->vendor,
             .evidence = found.sdk->shown};
  } else if (searched && found.sane && !info.empty()) {
    return found.hint ? Unknown(kHints)
                      : ProgramSigns{.answer = Answer::kNoSdk,
                                     .evidence = "Go program without an SDK"};
  } else {
    for (const GoSdk& sdk : kGoSdks) {
      const auto module = sdk.module.empty() ? sdk.package : sdk.module;
      if (!procfs::NamesGoModule(info, module)) continue;
      signs = {.answer = Answer::kSdk,
               .vendor = sdk.vendor,
               .evidence = module.data()};
      break;
    }
    if (signs.answer != Answer::kSdk) {
      return Unknown(names && !searched
                         ? kNotSearched
                         : "its Go program does not show which packages it "
                           "has");
    }
  }
  Found constants;
  if (SearchConstants(file, elf, constants)) {
    signs.unheeded = ~constants.variables;
  }
  return signs;
}

ProgramSigns ProgramReader::ReadNative(const ByteSource& file, const Elf& elf) {
  Found found;
  const bool searched = SearchConstants(file, elf, found);
  if (found.sdk != nullptr) {
    return {.answer = Answer::kSdk,
            .vendor = found.sdk->vendor,
            .evidence = found.sdk->shown,
            .unheeded = searched ? ~found.variables : 0};
  }
  if (found.runtime || IsManaged(elf)) {
    return Unknown(
        "its program contains a runtime, which does not show what "
        "it executes");
  }
  if (found.hint) return Unknown(kHints);
  if (!searched) return Unknown(kNotSearched);
  if (elf.end < file.size) {
    return Unknown("its program is followed by other data");
  }
  return {.answer = Answer::kNoSdk,
          .evidence = "no SDK in the program and its libraries"};
}

// False if not all was searched.
bool ProgramReader::SearchConstants(const ByteSource& file, const Elf& elf,
                                    Found& found) {
  uint64_t left = kConstantsMax;
  for (const ElfSection& section : elf.sections) {
    if (!HoldsConstants(section)) continue;
    const uint64_t size = std::min(left, section.size);
    if (!Search(file, {.offset = section.offset, .size = size}, native_search_,
                native_words_, found) ||
        size < section.size) {
      return false;
    }
    left -= size;
  }
  return true;
}

bool ProgramReader::Search(const ByteSource& file, const Elf::Place& place,
                           const WordSearch& search, const Words& words,
                           Found& found) {
  const auto take = [&](size_t index) {
    const Word& word = words[index];
    switch (word.meaning) {
      case Meaning::kSdk:
        if (found.sdk == nullptr) found.sdk = &word;
        break;
      case Meaning::kHint:
        found.hint = true;
        break;
      case Meaning::kRuntime:
        found.runtime = true;
        break;
      case Meaning::kVariable:
        found.variables |= uint32_t{1} << word.setting;
        break;
      case Meaning::kSane:
        found.sane = true;
        break;
    }
  };
  piece_.resize(kPiece);
  // The end of a piece comes again with the next: a word may go on there.
  const size_t again = search.longest() - 1;
  size_t kept = 0;
  for (uint64_t at = 0; at < place.size;) {
    const size_t fresh = std::min<uint64_t>(kPiece - kept, place.size - at);
    if (!file.read(place.offset + at, {piece_.data() + kept, fresh})) {
      return false;
    }
    at += fresh;
    const size_t size = kept + fresh;
    search.ForEach({piece_.data(), size}, take);
    kept = std::min(again, size);
    std::copy_n(piece_.data() + (size - kept), kept, piece_.data());
  }
  return true;
}

}  // namespace resource_attribution::measures
