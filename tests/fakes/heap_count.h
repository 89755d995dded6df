// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>

// Counts heap allocations of the whole program (all libraries) between two points; link heap_count.cc into the test.
// Under sanitizers, which bring their own allocator, HeapCountWorks() is false.
namespace keel::fakes {

bool HeapCountWorks();
// Allocations made so far by this thread.
size_t HeapAllocations();

}  // namespace keel::fakes
