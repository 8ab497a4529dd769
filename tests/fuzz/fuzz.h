#ifndef RESOURCE_ATTRIBUTION_TESTS_FUZZ_FUZZ_H_
#define RESOURCE_ATTRIBUTION_TESTS_FUZZ_FUZZ_H_

#include <fuzzer/FuzzedDataProvider.h>

#include <string_view>

/// Runs one input. The bytes end at the end of their allocation: a sanitizer
/// finds a read beyond them.
void Fuzz(std::string_view bytes);

/// Unless the property holds, ends the run; libFuzzer then keeps the input.
void Require(bool holds, const char* property);

/// The input as a source of choices, for values other than bytes.
FuzzedDataProvider ChoicesFrom(std::string_view bytes);

/// Whether `text` is UTF-8 without control characters.
bool IsPlainText(std::string_view text);

/// Whether a terminal would take a part of `text` as a command: bytes below
/// 0x20, DEL, and U+0080 to U+009F.
bool HasControlCharacter(std::string_view text);

/// Whether `text` has a format character of Unicode or a separator of lines or
/// paragraphs, as RE2 knows them.
bool HasInvisibleCharacter(std::string_view text);

/// Requires the properties of a name of an instance: 1 to 127 bytes of plain
/// text without `/`.
void RequireSeriesName(std::string_view name);

#endif  // RESOURCE_ATTRIBUTION_TESTS_FUZZ_FUZZ_H_
