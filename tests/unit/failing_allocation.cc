#include "failing_allocation.h"

#include <cstdlib>
#include <new>

int failing_allocation = -1;

void* operator new(size_t size) {
  if (failing_allocation >= 0 && failing_allocation-- == 0) {
    throw std::bad_alloc();
  }
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}
