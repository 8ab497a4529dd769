#include "failing_allocation.h"

#include <cstdlib>
#include <new>

int failing_allocation = -1;
bool allocation_rescued = false;

void* operator new(size_t size) {
  if (failing_allocation >= 0 && failing_allocation-- == 0) {
    const std::new_handler give_back = std::get_new_handler();
    if (give_back == nullptr) throw std::bad_alloc();
    give_back();
    allocation_rescued = true;
  }
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

// As that of libstdc++; AddressSanitizer would have one of its own.
void* operator new(size_t size, const std::nothrow_t& /*tag*/) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept {
  std::free(memory);
}
