// SPDX-License-Identifier: Apache-2.0
#include "didcomm/attachment.h"

#include "crypto/hash.h"
#include "did/jose.h"
#include "tests/unit/didcomm/people.h"

namespace keel::didcomm {
namespace {

class Attachments : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static Code CodeOf(const Result<AttachmentContent>& result) { return result ? Code::kOk : result.error().code; }

  did::MapKeyFinder keys_;
  did::PeerMethod resolver_;
  Person alice_{keys_};
  const std::string text_ = "Your hovercraft is full of eels";
};

TEST_F(Attachments, ByValue) {
  Attachment attachment = AttachOctets("1", "text/plain", AsBytes(text_));
  auto content = OpenAttachment(attachment);
  ASSERT_TRUE(content) << content.error().Text();
  EXPECT_EQ(base::ToString(content->octets), text_);
  EXPECT_TRUE(content->hash_checked);
  EXPECT_EQ(attachment.byte_count, text_.size());
  // The specification's example has padding.
  attachment.base64 += '=';
  attachment.base64 += '=';
  EXPECT_TRUE(OpenAttachment(attachment));
  attachment.base64 = base::Base64Url(AsBytes("something else"));
  EXPECT_EQ(CodeOf(OpenAttachment(attachment)), Code::kCorrupt);
  attachment.hash.clear();
  content = OpenAttachment(attachment);
  ASSERT_TRUE(content);
  EXPECT_FALSE(content->hash_checked);
  attachment.base64 = "a+b/";
  EXPECT_EQ(CodeOf(OpenAttachment(attachment)), Code::kMalformed);
  attachment = AttachOctets("1", "text/plain", AsBytes(text_));
  EXPECT_EQ(CodeOf(OpenAttachment(attachment, {.max_octets = text_.size() - 3})), Code::kTooLarge);
}

// Nothing is content too: a file may be empty.
TEST_F(Attachments, EmptyContent) {
  Message message;
  message.id = "1";
  message.type = "t";
  message.attachments.push_back(AttachOctets("a", "text/plain", {}));
  const auto text = message.Serialize();
  ASSERT_TRUE(text) << text.error().Text();
  const auto back = Message::Parse(*text);
  ASSERT_TRUE(back) << back.error().Text();
  const auto content = OpenAttachment(back->attachments.at(0));
  ASSERT_TRUE(content) << content.error().Text();
  EXPECT_TRUE(content->octets.empty());
  EXPECT_TRUE(content->hash_checked);
  EXPECT_FALSE(Message::Parse(R"({"id":"1","type":"t","body":{},"attachments":[{"data":{"links":[],"hash":"zQm"}}]})"));
}

TEST_F(Attachments, HashForms) {
  const Bytes32 digest = crypto::Sha256::Of(text_);
  base::ByteVec multihash = {0x12, 0x20};
  multihash.insert(multihash.end(), digest.begin(), digest.end());
  const Bytes64 long_digest = crypto::Sha512(AsBytes(text_));
  base::ByteVec long_multihash = {0x13, 0x40};
  long_multihash.insert(long_multihash.end(), long_digest.begin(), long_digest.end());
  for (const std::string& hash :
       {AttachmentHash(AsBytes(text_)), *base::Base58(multihash), base::Hex(multihash),
        "u" + base::Base64Url(multihash), *base::MultibaseBase58(long_multihash), base::Hex(long_multihash)}) {
    auto right = HashMatches(hash, AsBytes(text_));
    ASSERT_TRUE(right) << hash << right.error().Text();
    EXPECT_TRUE(*right) << hash;
    EXPECT_FALSE(*HashMatches(hash, AsBytes("other"))) << hash;
  }
  for (const char* bad : {"", "qwerty", "1220ff", "z", "zz0", "1220"}) EXPECT_FALSE(HashMatches(bad, {})) << bad;
  multihash[0] = 0x11;  // SHA-1
  multihash[1] = 0x20;
  EXPECT_EQ(HashMatches(*base::Base58(multihash), {}).error().code, Code::kUnsupported);
}

TEST_F(Attachments, Json) {
  Attachment attachment;
  attachment.json = R"({"b":1,"a":[true]})";
  auto content = OpenAttachment(attachment);
  ASSERT_TRUE(content);
  EXPECT_EQ(base::ToString(content->octets), attachment.json);
  for (const char* hashed : {R"({"b":1,"a":[true]})", R"({"a":[true],"b":1})"}) {
    attachment.hash = AttachmentHash(AsBytes(hashed));
    content = OpenAttachment(attachment);
    ASSERT_TRUE(content) << content.error().Text();
    EXPECT_TRUE(content->hash_checked);
  }
  attachment.hash = AttachmentHash(AsBytes("{}"));
  EXPECT_EQ(CodeOf(OpenAttachment(attachment)), Code::kCorrupt);
}

TEST_F(Attachments, Linked) {
  Attachment attachment;
  attachment.links = {"https://one.example/x", "https://two.example/x"};
  attachment.hash = AttachmentHash(AsBytes(text_));
  EXPECT_EQ(CodeOf(OpenAttachment(attachment)), Code::kUnavailable);
  std::vector<std::string> asked;
  AttachmentOptions options;
  options.fetch = [&](const std::string& uri, size_t) -> Result<base::ByteVec> {
    asked.push_back(uri);
    if (uri.find("one") != std::string::npos) return Fail(Code::kUnreachable, "test");
    return base::ToBytes(text_);
  };
  auto content = OpenAttachment(attachment, options);
  ASSERT_TRUE(content) << content.error().Text();
  EXPECT_EQ(base::ToString(content->octets), text_);
  EXPECT_EQ(content->link, "https://two.example/x");
  EXPECT_TRUE(content->hash_checked);
  EXPECT_EQ(asked, attachment.links);

  options.fetch = [](const std::string&, size_t) -> Result<base::ByteVec> { return base::ToBytes("forged"); };
  EXPECT_EQ(CodeOf(OpenAttachment(attachment, options)), Code::kCorrupt);
  attachment.byte_count = 100;
  EXPECT_EQ(CodeOf(OpenAttachment(attachment, {.max_octets = 50, .fetch = options.fetch})), Code::kTooLarge);
  attachment.byte_count.reset();
  EXPECT_EQ(CodeOf(OpenAttachment(attachment, {.max_octets = 5, .fetch = options.fetch})), Code::kTooLarge);
  attachment.hash.clear();
  EXPECT_EQ(CodeOf(OpenAttachment(attachment, options)), Code::kMissing);
  // A message's own reader demands it too.
  EXPECT_FALSE(Message::Parse(R"({"id":"1","type":"t","body":{},"attachments":[{"data":{"links":["https://x"]}}]})"));
}

TEST_F(Attachments, Signed) {
  Attachment attachment = AttachOctets("1", "text/plain", AsBytes(text_));
  EXPECT_EQ(CodeOf(OpenAttachment(attachment, {.require_signature = true})), Code::kRefused);
  ASSERT_TRUE(SignAttachment(attachment, alice_.did + "#key-2", keys_));
  EXPECT_EQ(CodeOf(OpenAttachment(attachment)), Code::kUnavailable);  // nobody to ask for the key
  const AttachmentOptions options{.resolver = &resolver_, .require_signature = true};
  auto content = OpenAttachment(attachment, options);
  ASSERT_TRUE(content) << content.error().Text();
  EXPECT_EQ(content->signers, std::vector<std::string>{alice_.did + "#key-2"});

  // It survives a message.
  Message message = MakeMessage(alice_, alice_);
  message.attachments = {attachment};
  const auto read = Message::Parse(*message.Serialize());
  ASSERT_TRUE(read) << read.error().Text();
  EXPECT_TRUE(OpenAttachment(read->attachments.at(0), options));

  Attachment other = attachment;
  other.base64 = base::Base64Url(AsBytes("other"));
  other.hash.clear();
  EXPECT_EQ(CodeOf(OpenAttachment(other, options)), Code::kBadSignature);
  const auto with = [&](const std::function<void(nlohmann::json&)>& edit) {
    Attachment changed = attachment;
    nlohmann::json jws = *base::ParseJson(attachment.jws);
    edit(jws);
    changed.jws = base::DumpJson(jws);
    return CodeOf(OpenAttachment(changed, options));
  };
  EXPECT_EQ(with([](nlohmann::json&) {}), Code::kOk);
  EXPECT_EQ(with([](nlohmann::json& j) { j["payload"] = ""; }), Code::kOk);
  EXPECT_EQ(with([&](nlohmann::json& j) { j["payload"] = attachment.base64; }), Code::kOk);
  EXPECT_EQ(with([](nlohmann::json& j) { j["payload"] = "AAAA"; }), Code::kMalformed);
  EXPECT_EQ(with([&](nlohmann::json& j) { j["header"]["kid"] = alice_.did + "#key-1"; }), Code::kUntrusted);
  EXPECT_EQ(with([&](nlohmann::json& j) { j["header"]["kid"] = alice_.did + "#key-9"; }), Code::kNotFound);
  EXPECT_EQ(with([](nlohmann::json& j) { j.erase("header"); }), Code::kMissing);
  EXPECT_EQ(with([](nlohmann::json& j) { j["header"]["alg"] = "none"; }), Code::kMalformed);
  EXPECT_EQ(with([](nlohmann::json& j) { j.erase("signature"); }), Code::kMissing);
  EXPECT_EQ(with([](nlohmann::json& j) {
              j["protected"] = base::Base64Url(AsBytes(R"({"alg":"EdDSA","b64":false,"crit":["b64"]})"));
            }),
            Code::kUnsupported);
  EXPECT_EQ(with([](nlohmann::json& j) { j["protected"] = base::Base64Url(AsBytes(R"({"alg":"none"})")); }),
            Code::kAlgorithmNotAllowed);
  EXPECT_EQ(with([](nlohmann::json& j) { j["protected"] = base::Base64Url(AsBytes(R"({"alg":"ES256"})")); }),
            Code::kAlgorithmNotAllowed);
}

// Headers that people read, and those that nobody knows yet, come through whole.
TEST_F(Attachments, LocalizationAndUnknownHeadersAreKept) {
  Person bob(keys_);
  Message message = MakeMessage(alice_, bob);
  message.headers["lang"] = "\"fr\"";
  message.headers["accept-lang"] = R"(["fr","en"])";
  message.headers["custom"] = R"({"a":[1,null]})";
  message.please_ack = {""};
  message.ack = {"a", "b"};
  message.return_route = "all";
  message.thid = "t";
  message.pthid = "p";
  const auto packed = PackAuthcrypt(message, alice_.did, bob.did, keys_, resolver_);
  ASSERT_TRUE(packed) << packed.error().Text();
  const auto unpacked = Unpack(packed->text, keys_, resolver_);
  ASSERT_TRUE(unpacked);
  EXPECT_EQ(unpacked->message.headers, message.headers);
  EXPECT_EQ(unpacked->message.please_ack, message.please_ack);
  EXPECT_EQ(unpacked->message.ack, message.ack);
  EXPECT_EQ(unpacked->message.return_route, "all");
  EXPECT_EQ(unpacked->message.Thread(), "t");
  EXPECT_EQ(unpacked->message.pthid, "p");
}

TEST_F(Attachments, MetadataHasTheSicpaNames) {
  Person bob(keys_);
  const auto packed =
      PackAuthcrypt(MakeMessage(alice_, bob), alice_.did, bob.did, keys_, resolver_, {.sign_by = alice_.did});
  const nlohmann::json m = MetadataJson(Unpack(packed->text, keys_, resolver_)->metadata);
  EXPECT_EQ(m.at("encrypted"), true);
  EXPECT_EQ(m.at("authenticated"), true);
  EXPECT_EQ(m.at("non_repudiation"), true);
  EXPECT_EQ(m.at("anonymous_sender"), false);
  EXPECT_EQ(m.at("re_wrapped_in_forward"), false);
  EXPECT_EQ(m.at("encrypted_from_kid"), alice_.did + "#key-1");
  EXPECT_EQ(m.at("encrypted_to_kids"), nlohmann::json::array({bob.did + "#key-1"}));
  EXPECT_EQ(m.at("sign_from_kid"), alice_.did + "#key-2");
  EXPECT_EQ(m.at("sign_alg"), "EdDSA");
  EXPECT_EQ(m.at("enc_alg_auth"), "A256CBC_HS512_ECDH_1PU_A256KW");
  EXPECT_TRUE(m.at("enc_alg_anon").is_null());
  EXPECT_TRUE(m.at("from_prior").is_null());
  EXPECT_TRUE(m.at("from_prior_issuer_kid").is_null());
  EXPECT_TRUE(m.at("signed_message").contains("payload"));
}

// A relationship is ended by a from_prior without sub in a message without from (section "Ending a Relationship").
TEST_F(Attachments, EndOfARelationship) {
  Person bob(keys_);
  const auto jwt = [&](const nlohmann::json& claims) {
    return *did::SignJws(nlohmann::json{{"typ", "JWT"}, {"kid", alice_.did + "#key-2"}}, base::DumpJson(claims),
                         *alice_.store, alice_.auth);
  };
  Message message = MakeMessage(alice_, bob);
  message.from.clear();
  message.from_prior = jwt({{"iss", alice_.did}, {"iat", 1000}});
  const auto packed = PackAnoncrypt(message, bob.did, keys_, resolver_);
  ASSERT_TRUE(packed) << packed.error().Text();
  const auto unpacked = Unpack(packed->text, keys_, resolver_);
  ASSERT_TRUE(unpacked) << unpacked.error().Text();
  EXPECT_EQ(unpacked->metadata.from_prior_issuer_kid, alice_.did + "#key-2");
  EXPECT_EQ(MetadataJson(unpacked->metadata).at("from_prior").at("iss"), alice_.did);
  message.from = bob.did;
  EXPECT_EQ(Unpack(PackAnoncrypt(message, bob.did, keys_, resolver_)->text, keys_, resolver_).error().code,
            Code::kWrongSender);
}

}  // namespace
}  // namespace keel::didcomm
