#ifndef RESOURCE_ATTRIBUTION_MEASURES_PROGRAM_SIGNS_H_
#define RESOURCE_ATTRIBUTION_MEASURES_PROGRAM_SIGNS_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "measures/known_tracers.h"
#include "measures/word_search.h"
#include "procfs/byte_source.h"
#include "procfs/elf.h"

namespace resource_attribution::measures {

/// What the file of a native program shows of tracing.
struct ProgramSigns {
  enum class Answer {
    kUnknown,
    kSdk,    ///< an SDK is linked into it
    kNoSdk,  ///< no SDK is linked into it
  };
  Answer answer = Answer::kUnknown;

  Vendor vendor = kOthers;  ///< of the SDK

  /// For people: which SDK, or what was looked at, or why it is unknown. Static
  /// text, never what the program says.
  const char* evidence = "";

  /// Bit i: the name of the variable of kSettings[i] is not in the program, so
  /// that the SDK in it cannot heed the variable. Known only with an SDK.
  uint32_t unheeded = 0;
};
static_assert(kSettings.size() <= 32);

/// Reads programs. An SDK for Go leaves the names of its functions in the
/// program, other SDKs leave names of types and variables in its constants. A
/// program whose constants name tracing in another way, or a runtime that
/// executes an application, is unknown. So is a program that is packed,
/// followed by other data, or too large to be searched.
///
/// Any user may have written the program. Its size bounds nothing: besides
/// headers and build information, at most kConstantsMax bytes of constants are
/// read, a millisecond for each MiB, and kNamesMax bytes of names of functions,
/// half a millisecond for each MiB.
///
/// Not thread-safe.
class ProgramReader {
 public:
  static constexpr uint64_t kConstantsMax = uint64_t{4} << 20;
  static constexpr uint64_t kNamesMax = uint64_t{8} << 20;

  ProgramReader();

  ProgramSigns Read(const procfs::ByteSource& file);

 private:
  enum class Meaning : uint8_t { kSdk, kHint, kRuntime, kVariable, kSane };

  // A word and what it means if it is there.
  struct Word {
    std::string_view text{};
    Meaning meaning = Meaning::kHint;
    Vendor vendor = kOthers;
    const char* shown = "";
    size_t setting = 0;
  };
  using Words = std::vector<Word>;

  // What was found so far.
  struct Found {
    const Word* sdk = nullptr;
    bool hint = false;
    bool runtime = false;
    bool sane = false;
    uint32_t variables = 0;  // of kSettings
  };

  static Words GoWords();
  static Words NativeWords();
  static WordSearch SearchOf(const Words& words);

  ProgramSigns ReadGo(const procfs::ByteSource& file, const procfs::Elf& elf);
  ProgramSigns ReadNative(const procfs::ByteSource& file,
                          const procfs::Elf& elf);
  bool SearchConstants(const procfs::ByteSource& file, const procfs::Elf& elf,
                       Found& found);
  bool Search(const procfs::ByteSource& file, const procfs::Elf::Place& place,
              const WordSearch& search, const Words& words, Found& found);

  Words go_words_;
  Words native_words_;
  WordSearch go_search_;
  WordSearch native_search_;
  std::vector<char> piece_;  // of the file
};

}  // namespace resource_attribution::measures

#endif  // RESOURCE_ATTRIBUTION_MEASURES_PROGRAM_SIGNS_H_
