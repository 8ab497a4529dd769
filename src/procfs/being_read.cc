#include "procfs/being_read.h"

#include <cstring>

namespace resource_attribution::procfs {
namespace {

constinit BeingRead own_note{};
constinit BeingRead* note = &own_note;

}  // namespace

void TakeNotesIn(BeingRead& shared) { note = &shared; }

// What is read without a lock need not be ordered: the other process reads the
// note only while this one waits in the kernel.
Reading::Reading(pid_t process, const char* file) {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  note->begun.store(note->begun.load(kRelaxed) + 1, kRelaxed);
  note->process.store(process, kRelaxed);
  const size_t size = strnlen(file, note->file.size() - 1);
  std::memcpy(note->file.data(), file, size);
  note->file[size] = '\0';
}

Reading::~Reading() {
  note->process.store(0, std::memory_order_relaxed);
  note->file[0] = '\0';
}

}  // namespace resource_attribution::procfs
