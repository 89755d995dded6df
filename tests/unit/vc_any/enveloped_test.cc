// SPDX-License-Identifier: Apache-2.0
#include "vc/enveloped.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "vc/data_model/model.h"

namespace keel::vc {
namespace {

TEST(Enveloped, RoundTrips) {
  const std::string cbor("\xd2\x84\x40\xa0\x0a\x20", 6);
  for (const auto& [type, octets, presentation] : {std::tuple{"application/vc+jwt", std::string("a.b.c"), false},
                                                   {"application/vp+jwt", "a.b.c", true},
                                                   {"application/dc+sd-jwt", "a.b.c~d~", false},
                                                   {"application/vc+cose", cbor, false},
                                                   {"application/vp+cose", cbor, true}}) {
    const auto object = MakeEnvelope(type, octets);
    ASSERT_TRUE(object.has_value()) << type;
    EXPECT_TRUE(CheckEnvelopedModel(*object, presentation ? kEnvelopedPresentation : kEnvelopedCredential).has_value())
        << *object;
    const auto open = OpenDataUrl((*object)["id"].get<std::string>(), 100);
    ASSERT_TRUE(open.has_value()) << open.error().Text();
    EXPECT_EQ(open->type.media_type, type);
    EXPECT_EQ(open->octets, octets);
  }
  EXPECT_EQ(MakeEnvelope("text/plain", "x").error().code, Code::kUnsupported);
}

TEST(Enveloped, DataUrls) {
  struct Case {
    const char* url;
    const char* octets;  // null: refused
    Code code = Code::kMalformed;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"data:application/vc+jwt,a.b.c", "a.b.c"},
           {"data:Application/VC+JWT,a.b.c", "a.b.c"},
           {"data:application/vc+jwt;charset=us-ascii,a.b.c", "a.b.c"},
           {"data:application/vc+jwt,a%2Eb%2ec", "a.b.c"},
           {"data:application/vc+jwt;base64,YS5iLmM=", "a.b.c"},
           {"data:application/vc+jwt;base64,YS5iLmM", "a.b.c"},
           {"data:application/vc+jwt;BASE64,YS5iLmM=%0A", "a.b.c"},
           {"data:application/vc+jwt;base64,YS5iLmM\n", "a.b.c"},
           {"data:application/vc+jwt", nullptr},
           {"data:application/vc+jwt,a%2", nullptr},
           {"data:application/vc+jwt,a%zz", nullptr},
           {"data:application/vc+jwt,%", nullptr},
           {"data:application/vc+jwt;base64,Y$5i", nullptr},
           {"data:application/vc+jwt;base64,YS5iL", nullptr, Code::kNotCanonical},
           {"https://example.org/1", nullptr},
           {"data:,a.b.c", nullptr, Code::kUnsupported},
           {"data:text/plain,a.b.c", nullptr, Code::kUnsupported},
           {"data:application/vc+jwt,0123456789", nullptr, Code::kTooLarge},
           {"data:application/vc+jwt,%30%31%32%33%34%35%36%37%38%39%30%31%32%33", nullptr, Code::kTooLarge}}) {
    const auto open = OpenDataUrl(one.url, 9);
    if (one.octets != nullptr) {
      ASSERT_TRUE(open.has_value()) << one.url << open.error().Text();
      EXPECT_EQ(open->octets, one.octets) << one.url;
    } else {
      ASSERT_FALSE(open.has_value()) << one.url;
      EXPECT_EQ(open.error().code, one.code) << one.url << open.error().Text();
    }
  }
}

}  // namespace
}  // namespace keel::vc
