// SPDX-License-Identifier: Apache-2.0
// What a target's port defines, as arm-gate's link needs it: with these here, libsodium's own versions (which
// want files, stdio and malloc) stay out, as they do in a real image. Never run.
#include <stddef.h>
#include <stdint.h>

void randombytes_buf(void* const buf, const size_t size) {
  unsigned char* octets = (unsigned char*)buf;
  for (size_t i = 0; i < size; ++i) octets[i] = 0;
}
uint32_t randombytes_random(void) { return 0; }
uint32_t randombytes_uniform(const uint32_t upper_bound) {
  (void)upper_bound;
  return 0;
}
void randombytes(unsigned char* const buf, const unsigned long long size) { randombytes_buf(buf, (size_t)size); }
void sodium_misuse(void) {
  for (;;) {
  }
}
void __assert_func(const char* file, int line, const char* function, const char* expression) {
  (void)file, (void)line, (void)function, (void)expression;
  for (;;) {
  }
}
