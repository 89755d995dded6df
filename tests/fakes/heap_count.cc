// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/heap_count.h"

#include <cstdlib>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define KEEL_HEAP_COUNT 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define KEEL_HEAP_COUNT 0
#endif
#endif
#if !defined(KEEL_HEAP_COUNT) && defined(__GLIBC__)
#define KEEL_HEAP_COUNT 1
#endif

namespace {
thread_local size_t t_allocations = 0;
}

#if KEEL_HEAP_COUNT
// An executable's malloc takes the place of glibc's for everything loaded; operator new calls it.
extern "C" {
void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* malloc(size_t size) {
  ++t_allocations;
  return __libc_malloc(size);
}
void* calloc(size_t count, size_t size) {
  ++t_allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* old, size_t size) {
  ++t_allocations;
  return __libc_realloc(old, size);
}
}
#endif

namespace keel::fakes {

bool HeapCountWorks() {
#if KEEL_HEAP_COUNT
  return true;
#else
  return false;
#endif
}
size_t HeapAllocations() { return t_allocations; }

}  // namespace keel::fakes
