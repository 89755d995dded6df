// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "core/encoding.h"
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "core/time.h"
#include "tests/fakes/heap_count.h"

namespace keel {
namespace {

TEST(CoreNoHeap, CounterSeesAllocations) {
  if (!fakes::HeapCountWorks()) GTEST_SKIP() << "sanitizer's allocator";
  const size_t before = fakes::HeapAllocations();
  delete new int(1);
  volatile size_t size = 10;
  std::string text(size + 100, 'x');
  EXPECT_GT(fakes::HeapAllocations(), before);
}

TEST(CoreNoHeap, CodecsAllocateNothing) {
  if (!fakes::HeapCountWorks()) GTEST_SKIP() << "sanitizer's allocator";
  char text[512];
  ByteArray<256> octets;
  ByteArray<32> in{};
  bool good = true;
  const size_t before = fakes::HeapAllocations();
  {
    auto n = Base64UrlEncode(in, text);
    good = good && n && Base64UrlDecode({text, *n}, octets) && !Base64UrlDecode("Zh", octets);
    n = MultibaseEncodeBase58(in, text);
    good = good && n && MultibaseDecode({text, *n}, octets) && !MultibaseDecode("z0", octets);
    n = HexEncode(in, text);
    good = good && n && HexDecode({text, *n}, octets);
    good = good && VarintEncode(300, octets) && VarintDecode(octets);
    JsonWriter w(text);
    w.BeginObject()
        .Name("a")
        .Uint(1)
        .Name("b")
        .Base64Url(in)
        .Name("c")
        .BeginArray()
        .String("x\n")
        .EndArray()
        .EndObject();
    auto view = JsonView::Parse(w.text());
    good = good && view && view->GetUint("a") && view->GetFixed<32>("b") && !view->Get("z") &&
           view->Get("c")->count() == 1;
    good = good && !JsonView::Parse("{\"a\":1,\"a\":2}") && !JsonView::Parse("[[[[[");
    good = good && FormatRfc3339(1, text) && ParseRfc3339("2026-11-22T10:41:00Z") && !ParseRfc3339("x");
  }
  const size_t after = fakes::HeapAllocations();
  EXPECT_TRUE(good);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace keel
