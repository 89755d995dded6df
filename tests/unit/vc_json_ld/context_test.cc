// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "vc/json_ld/context_store.h"
#include "vc/json_ld/to_rdf.h"
#include "vc/rdf/canonicalize.h"

namespace keel::json_ld {
namespace {

using nlohmann::json;

constexpr const char* kV2 = "https://www.w3.org/ns/credentials/v2";
constexpr const char* kExamples = "https://www.w3.org/ns/credentials/examples/v2";

json Credential(json contexts) {
  return {{"@context", std::move(contexts)},
          {"id", "urn:uuid:1"},
          {"type", {"VerifiableCredential"}},
          {"issuer", "did:example:issuer"},
          {"credentialSubject", {{"id", "did:example:subject"}}}};
}

Result<std::string> Text(const json& document, const ContextStore& store = BundledContexts()) {
  KEEL_TRY(const rdf::Dataset dataset, ToRdf(document, store));
  KEEL_TRY(const rdf::Canonical canonical, rdf::Canonicalize(dataset));
  return canonical.Text();
}

// The error of a credential whose contexts are kV2 and then `more`.
std::string After(json more) {
  const auto text = Text(Credential({kV2, std::move(more)}));
  return text ? "none" : text.error().detail;
}

TEST(ContextStore, BundlesWhatTheTableSays) {
  const std::string table = *base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/vc/json_ld/contexts/README.md");
  const auto all = BundledContexts().List();
  EXPECT_GE(all.size(), 13u);
  for (const ContextDocument* context : all) {
    EXPECT_NE(table.find("| " + context->url + " |"), std::string::npos) << context->url;
    EXPECT_NE(table.find(base::Hex(context->sha256)), std::string::npos) << context->url;
    // Each can be used, alone and after v2.
    EXPECT_TRUE(Text({{"@context", context->url}, {"@id", "ex:s"}, {"ex:p", 1}}).has_value()) << context->url;
  }
  EXPECT_EQ(BundledContexts().Find("https://example.com/"), nullptr);
  ASSERT_NE(BundledContexts().Find(kV2), nullptr);
  EXPECT_EQ(BundledContexts().Find(kV2)->url, kV2);
}

TEST(ContextStore, NoUrlGetsASecondMeaning) {
  ContextStore store;
  EXPECT_EQ(store.Add(kV2, R"({"@context":{}})").error().code, Code::kExists);
  EXPECT_TRUE(store.Add(kV2, store.Find(kV2)->text).has_value());
  EXPECT_TRUE(store.Add("https://example.com/c", R"({"@context":{"x":"ex:x"}})").has_value());
  EXPECT_TRUE(store.Add("https://example.com/c", R"({"@context":{"x":"ex:x"}})").has_value());
  EXPECT_EQ(store.Add("https://example.com/c", R"({"@context":{"x":"ex:y"}})").error().code, Code::kExists);
  EXPECT_EQ(store.Add("relative", R"({"@context":{}})").error().code, Code::kInvalidArgument);
  EXPECT_EQ(store.Add("https://example.com/d", R"({"x":1})").error().code, Code::kMalformed);
  EXPECT_EQ(store.Add("https://example.com/d", R"([])").error().code, Code::kMalformed);
  EXPECT_EQ(store.Add("https://example.com/d", R"({"@context":{"a":"ex:1","a":"ex:2"}})").error().code,
            Code::kDuplicate);
  EXPECT_EQ(store.Add("https://example.com/d", std::string((1 << 20) + 1, ' ')).error().code, Code::kTooLarge);
  const auto text = Text({{"@context", "https://example.com/c"}, {"@id", "ex:s"}, {"x", "v"}}, store);
  ASSERT_TRUE(text.has_value());
  EXPECT_EQ(*text, "<ex:s> <ex:x> \"v\" .\n");
}

TEST(Context, UnknownOnesAreNotFetched) {
  const auto text = Text(Credential({kV2, "https://example.com/unknown"}));
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, Code::kNotFound);
  EXPECT_NE(text.error().detail.find("https://example.com/unknown"), std::string::npos);
  // In a scoped context, too, even if it is never used.
  const auto scoped = Text(Credential({kV2, {{"x", {{"@id", "ex:x"}, {"@context", "https://example.com/unknown"}}}}}));
  ASSERT_FALSE(scoped.has_value());
  EXPECT_EQ(scoped.error().code, Code::kNotFound);
}

TEST(Context, SignedTermsKeepTheirMeaning) {
  EXPECT_TRUE(After({{"name", "ex:other"}}).starts_with("protected term redefinition"));
  EXPECT_TRUE(After({{"name", nullptr}}).starts_with("protected term redefinition"));
  EXPECT_TRUE(After({{"id", "ex:other"}}).starts_with("protected term redefinition"));
  EXPECT_TRUE(After({{"type", "ex:other"}}).starts_with("protected term redefinition"));
  EXPECT_TRUE(After({{"VerifiableCredential", "ex:Other"}}).starts_with("protected term redefinition"));
  EXPECT_TRUE(After({{"name", {{"@id", "https://schema.org/name"}, {"@type", "@id"}}}})
                  .starts_with("protected term redefinition"));
  EXPECT_TRUE(After({{"name", {{"@id", "https://schema.org/name"}, {"@context", json::object()}}}})
                  .starts_with("protected term redefinition"));
  EXPECT_TRUE(After({{"name", {{"@reverse", "https://schema.org/name"}}}}).starts_with("protected term redefinition"));
  EXPECT_TRUE(After(nullptr).starts_with("invalid context nullification"));
  EXPECT_TRUE(After({{"@import", kExamples}, {"name", "ex:other"}}).starts_with("protected term redefinition"));
  EXPECT_EQ(After({{"own", "ex:own"}}), "none");
  // The same meaning, written again, is no other one.
  EXPECT_EQ(After({{"name", "https://schema.org/name"}}), "none");
  // What the type brings along wins over what stands before it.
  const std::string plain = *Text(Credential(kV2));
  EXPECT_EQ(*Text(Credential({kV2, {{"issuer", "ex:other"}}})), plain);
  EXPECT_EQ(*Text(Credential({kV2, {{"credentialSubject", nullptr}}})), plain);

  // Inside the document, too.
  json inside = Credential(kV2);
  inside["credentialSubject"]["@context"] = {{"name", "ex:other"}};
  EXPECT_TRUE(Text(inside).error().detail.starts_with("protected term redefinition"));
  inside["credentialSubject"]["@context"] = nullptr;
  EXPECT_TRUE(Text(inside).error().detail.starts_with("invalid context nullification"));
  inside["credentialSubject"].erase("@context");
  inside["@context"] = {kV2, {{"T", {{"@id", "ex:T"}, {"@context", {{"name", "ex:other"}}}}}}};
  inside["credentialSubject"]["type"] = "T";
  EXPECT_NE(Text(inside).error().detail.find("protected term redefinition"), std::string::npos);
}

TEST(Context, VocabAndPrefixesChangeWhatIsSigned) {
  // Not refused, but never the same quads: nobody can swap them under a signature.
  json with_vocab = Credential({kV2, {{"@vocab", "https://one.example/#"}}});
  with_vocab["credentialSubject"]["role"] = "reader";
  json other_vocab = with_vocab;
  other_vocab["@context"][1]["@vocab"] = "https://two.example/#";
  EXPECT_NE(*Text(with_vocab), *Text(other_vocab));
  json prefix = Credential({kV2, {{"x", "https://one.example/#"}}});
  prefix["credentialSubject"]["x:role"] = "reader";
  json other_prefix = prefix;
  other_prefix["@context"][1]["x"] = "https://two.example/#";
  EXPECT_NE(*Text(prefix), *Text(other_prefix));
  // A scheme as a prefix: ids that begin with it would become others.
  json scheme = Credential({kV2, {{"did", "https://evil.example/#"}}});
  EXPECT_NE(*Text(scheme), *Text(Credential(kV2)));
  // Without a context for it, a member isn't signed and so refused.
  json undefined = Credential(kV2);
  undefined["credentialSubject"]["role"] = "reader";
  EXPECT_EQ(Text(undefined).error().code, Code::kRefused);
}

TEST(Context, TypeScopedTermsEndAtTheNextNode) {
  // `statusPurpose` is defined for a BitstringStatusListEntry alone.
  json credential = Credential(kV2);
  credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                    {"statusPurpose", "revocation"},
                                    {"statusListIndex", "7"},
                                    {"statusListCredential", "https://example.com/1"}};
  EXPECT_TRUE(Text(credential).has_value());
  credential["statusPurpose"] = "revocation";
  EXPECT_EQ(Text(credential).error().code, Code::kRefused);
  // `validFrom` is a VerifiableCredential's, and not that of what is in it.
  json subject = Credential(kV2);
  subject["validFrom"] = "2026-01-01T00:00:00Z";
  EXPECT_TRUE(Text(subject).has_value());
  subject["credentialSubject"]["validFrom"] = "2026-01-01T00:00:00Z";
  const auto text = Text(subject);
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().code, Code::kRefused);
}

TEST(Context, RecursionEnds) {
  ContextStore store;
  ASSERT_TRUE(store.Add("https://example.com/a", R"({"@context":"https://example.com/b"})"));
  ASSERT_TRUE(store.Add("https://example.com/b", R"({"@context":["https://example.com/a",{"x":"ex:x"}]})"));
  ASSERT_TRUE(
      store.Add("https://example.com/s", R"({"@context":{"t":{"@id":"ex:t","@context":"https://example.com/s"}}})"));
  EXPECT_TRUE(
      Text({{"@context", "https://example.com/a"}, {"x", 1}}, store).error().detail.starts_with("context overflow"));
  EXPECT_TRUE(Text({{"@context", "https://example.com/s"}, {"t", {{"t", "x"}}}}, store).has_value());
}

TEST(Context, StoresServeManyThreads) {
  ContextStore store;
  const json document = Credential({kV2, kExamples});
  const std::string wanted = *Text(document);
  std::vector<std::jthread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int k = 0; k < 50; ++k) same += Text(document, store).value_or("") == wanted ? 1 : 0;
    });
  }
  threads.clear();
  EXPECT_EQ(same, 200);
}

}  // namespace
}  // namespace keel::json_ld
