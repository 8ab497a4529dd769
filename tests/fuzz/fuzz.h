#ifndef RESOURCE_ATTRIBUTION_TESTS_FUZZ_FUZZ_H_
#define RESOURCE_ATTRIBUTION_TESTS_FUZZ_FUZZ_H_

#include <fuzzer/FuzzedDataProvider.h>

#include <string_view>

/// What a fuzzer does with one input. The bytes end where they end: a read
/// beyond them is found.
void Fuzz(std::string_view bytes);

/// Ends the run, which keeps the input, unless the property holds.
void Require(bool holds, const char* property);

/// The input as a source of choices, for what is not bytes itself.
FuzzedDataProvider ChoicesFrom(std::string_view bytes);

/// Whether `text` is UTF-8 without control characters.
bool IsPlainText(std::string_view text);

/// Whether a terminal would take a part of `text` as a command: bytes below
/// 0x20, DEL, and U+0080 to U+009F.
bool HasControlCharacter(std::string_view text);

/// Whether `text` has a format character of Unicode or a separator of lines or
/// paragraphs, as RE2 knows them.
bool HasInvisibleCharacter(std::string_view text);

/// Requires what all names of instances have: 1 to 127 bytes of plain text
/// without `/`.
void RequireInstanceName(std::string_view name);

#endif  // RESOURCE_ATTRIBUTION_TESTS_FUZZ_FUZZ_H_
