#ifndef RESOURCE_ATTRIBUTION_PROCFS_GO_PROGRAM_H_
#define RESOURCE_ATTRIBUTION_PROCFS_GO_PROGRAM_H_

#include <optional>
#include <string>
#include <string_view>

#include "procfs/byte_source.h"
#include "procfs/elf.h"

namespace resource_attribution::procfs {

/// Whether the Go linker made the program.
bool IsGoProgram(const Elf& elf);

/// What a Go program was built from, the lines that `go version -m` shows:
/// `path`, `mod`, `dep` and others, each followed by a tab. It names modules
/// only if it was built from modules, which packages of Debian are not.
///
/// The first 256 KiB; empty if there is none. Both formats are read: since Go
/// 1.18 the text itself, before that a pointer to it (debug/buildinfo).
std::string ReadGoBuildInfo(const ByteSource& file, const Elf& elf);

/// Whether a line of the build information names the module, or a later major
/// version of it (`/v2`).
bool NamesGoModule(std::string_view build_info, std::string_view module);

/// Where the names of the functions of a Go program stand in the file, one
/// after another, each with the path of its package:
/// `go.opentelemetry.io/otel/sdk/trace.NewTracerProvider`. The linker leaves
/// out what the program cannot call. strip(1) cannot remove them, because the
/// program itself needs them.
///
/// None if the format is not that of Go 1.16 or later (runtime/symtab.go).
std::optional<Elf::Place> FunctionNamesOfGo(const ByteSource& file,
                                            const Elf& elf);

}  // namespace resource_attribution::procfs

#endif  // RESOURCE_ATTRIBUTION_PROCFS_GO_PROGRAM_H_
