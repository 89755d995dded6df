// SPDX-License-Identifier: Apache-2.0
#include "ledger/operation.h"

#include <gtest/gtest.h>

#include "ledger/history.h"
#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::MemoryKeys;
using fakes::MultikeyOf;
using fakes::Octets;
using fakes::ToOctets;

struct Signed {
  Octets jws;
  Code code = Code::kOk;
};

class OperationTest : public testing::Test {
 protected:
  OperationTest() {
    auth = keys.Generate(crypto::KeyType::kEd25519).value();
    p256 = keys.Generate(crypto::KeyType::kP256).value();
    agree = keys.Generate(crypto::KeyType::kX25519).value();
    mk_auth = MultikeyOf(keys.Public(auth).value());
    mk_p256 = MultikeyOf(keys.Public(p256).value());
    mk_agree = MultikeyOf(keys.Public(agree).value());
    next = KeyHashOfText(mk_p256);
  }
  // Signs any payload with one key.
  Octets Sign(std::string_view payload) { return SignWith(payload, {Signer{&keys, auth}}); }
  Octets SignWith(std::string_view payload, std::vector<Signer> signers) {
    ByteArray<2 * kMaxOperation> out;
    const auto n = SignOperation(payload, signers, out);
    return n ? ToOctets(ByteView(out).first(*n)) : Octets();
  }
  Code CodeOfJws(const Octets& jws) {
    ByteArray<kMaxOperationPayload> scratch;
    const auto op = ParseOperation(jws, scratch);
    if (!op) return op.error().code;
    const auto verified = VerifyOperationSignatures(*op);
    return verified ? Code::kOk : verified.error().code;
  }
  Code CodeOfPayload(const std::string& payload) { return CodeOfJws(Sign(payload)); }
  std::string KeyJson(const std::string& id, const std::string& use, const std::string& mk) {
    return R"({"id":")" + id + R"(","use":)" + use + R"(,"key":")" + mk + R"("})";
  }
  std::string Create(const std::string& keys_json, const std::string& next_json, const std::string& more = "") {
    return R"({"v":1,"op":"create","net":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","keys":)" + keys_json +
           R"(,"next":)" + next_json + more + R"(,"nonce":"AAAAAAAAAAAAAAAAAAAAAA"})";
  }
  std::string GoodKeys() { return "[" + KeyJson("k1", R"(["authentication"])", mk_auth) + "]"; }
  static std::string Hash(char c) { return "\"" + std::string(42, c) + "A\""; }
  std::string GoodNext() { return R"({"t":1,"h":[)" + Hash('A') + "]}"; }

  MemoryKeys keys{"operations"};
  crypto::KeyHandle auth, p256, agree;
  std::string mk_auth, mk_p256, mk_agree;
  Bytes32 next{};
};

TEST_F(OperationTest, CreateRoundTrip) {
  const OperationKey list[] = {{"auth", kUseAuthentication | kUseAssertion, mk_auth},
                               {"agree", kUseAgreement, mk_agree}};
  const Bytes32 seal0 = crypto::Sha256::Of(std::string_view("seal"));
  CreateFields fields;
  fields.keys = list;
  fields.next = {&next, 1};
  fields.seal0 = &seal0;
  fields.services = R"([{"id":"s","type":"T","serviceEndpoint":"https://example.org"}])";
  std::array<char, kMaxOperationPayload> payload{};
  const size_t n = BuildCreate(fields, payload).value();
  const Octets jws = Sign({payload.data(), n});
  ByteArray<kMaxOperationPayload> scratch;
  const auto op = ParseOperation(jws, scratch);
  ASSERT_TRUE(op) << op.error().Text();
  EXPECT_EQ(op->kind, OperationKind::kCreate);
  EXPECT_EQ(op->key_count, 2);
  EXPECT_EQ(op->keys[0].uses, kUseAuthentication | kUseAssertion);
  EXPECT_EQ(op->keys[1].multikey, mk_agree);
  EXPECT_EQ(op->next[0], next);
  EXPECT_EQ(op->seal0, seal0);
  EXPECT_EQ(op->services, fields.services);
  EXPECT_TRUE(VerifyOperationSignatures(*op));
  EXPECT_EQ(AsText(jws).substr(0, 21), "eyJhbGciOiJFZERTQSJ9.");
}

TEST_F(OperationTest, TwoSignersGiveGeneralJson) {
  const std::string_view by[] = {mk_auth, mk_p256};
  UpdateFields fields;
  fields.seq = 1;
  fields.by = by;
  const OperationKey key{"k", kUseAuthentication, mk_auth};
  fields.keys = {&key, 1};
  fields.next = {&next, 1};
  std::array<char, kMaxOperationPayload> payload{};
  const size_t n = BuildUpdate(fields, payload).value();
  const Octets jws = SignWith({payload.data(), n}, {{&keys, auth}, {&keys, p256}});
  ASSERT_FALSE(jws.empty());
  EXPECT_EQ(jws[0], '{');
  EXPECT_EQ(CodeOfJws(jws), Code::kOk);
  // Signatures in the other order belong to other keys.
  EXPECT_NE(CodeOfJws(SignWith({payload.data(), n}, {{&keys, p256}, {&keys, auth}})), Code::kOk);
  // One signature too few.
  EXPECT_EQ(CodeOfJws(Sign({payload.data(), n})), Code::kMalformed);
  // White space, another order of members, things left over: one form only.
  std::string text(AsText(jws));
  EXPECT_EQ(CodeOfJws(ToOctets(text + " ")), Code::kMalformed);
  EXPECT_EQ(CodeOfJws(ToOctets("{ " + text.substr(1))), Code::kMalformed);
  for (size_t cut = 1; cut < text.size(); cut += 11) {
    EXPECT_NE(CodeOfJws(ToOctets(text.substr(0, cut))), Code::kOk);
  }
}

TEST_F(OperationTest, GeneralJsonWithOneSignatureIsNotCanonical) {
  const Octets compact = Sign(Create(GoodKeys(), GoodNext()));
  const std::string text(AsText(compact));
  const size_t a = text.find('.'), b = text.rfind('.');
  const std::string general = R"({"payload":")" + text.substr(a + 1, b - a - 1) + R"(","signatures":[{"protected":")" +
                              text.substr(0, a) + R"(","signature":")" + text.substr(b + 1) + R"("}]})";
  EXPECT_EQ(CodeOfJws(compact), Code::kOk);
  EXPECT_EQ(CodeOfJws(ToOctets(general)), Code::kNotCanonical);
}

TEST_F(OperationTest, EachFieldGoneBad) {
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), GoodNext())), Code::kOk);
  EXPECT_EQ(CodeOfPayload(R"({"v":2,"op":"create"})"), Code::kUnknownVersion);
  EXPECT_EQ(CodeOfPayload(R"({"op":"create"})"), Code::kMissing);
  EXPECT_EQ(CodeOfPayload(R"({"v":1,"op":"destroy"})"), Code::kUnsupported);
  EXPECT_EQ(CodeOfPayload("[]"), Code::kMalformed);
  EXPECT_EQ(CodeOfPayload("{"), Code::kMalformed);
  // Keys.
  EXPECT_EQ(CodeOfPayload(Create("[]", GoodNext())), Code::kMissing);
  EXPECT_EQ(CodeOfPayload(Create("{}", GoodNext())), Code::kMalformed);
  EXPECT_EQ(CodeOfPayload(Create("[" + KeyJson("", R"(["authentication"])", mk_auth) + "]", GoodNext())),
            Code::kMalformed);
  EXPECT_EQ(CodeOfPayload(Create("[" + KeyJson("a#b", R"(["authentication"])", mk_auth) + "]", GoodNext())),
            Code::kMalformed);
  EXPECT_EQ(CodeOfPayload(Create("[" + KeyJson("k", "[]", mk_auth) + "]", GoodNext())), Code::kMissing);
  EXPECT_EQ(CodeOfPayload(Create("[" + KeyJson("k", R"(["sign"])", mk_auth) + "]", GoodNext())), Code::kUnsupported);
  EXPECT_EQ(
      CodeOfPayload(Create("[" + KeyJson("k", R"(["authentication","authentication"])", mk_auth) + "]", GoodNext())),
      Code::kDuplicate);
  EXPECT_EQ(CodeOfPayload(Create("[" + KeyJson("k", R"(["keyAgreement"])", mk_auth) + "]", GoodNext())), Code::kBadKey);
  EXPECT_EQ(CodeOfPayload(Create("[" + KeyJson("k", R"(["authentication"])", mk_agree) + "]", GoodNext())),
            Code::kBadKey);
  EXPECT_NE(CodeOfPayload(Create("[" + KeyJson("k", R"(["authentication"])", "z6Mk") + "]", GoodNext())), Code::kOk);
  const std::string one = KeyJson("k", R"(["authentication"])", mk_auth);
  EXPECT_EQ(CodeOfPayload(Create("[" + one + "," + one + "]", GoodNext())), Code::kDuplicate);
  EXPECT_EQ(CodeOfPayload(Create("[" + one + "," + KeyJson("k", R"(["authentication"])", mk_p256) + "]", GoodNext())),
            Code::kDuplicate);
  // Next.
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), R"({"t":0,"h":[)" + Hash('A') + "]}")), Code::kOutOfRange);
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), R"({"t":2,"h":[)" + Hash('A') + "]}")), Code::kOutOfRange);
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), R"({"t":1,"h":[)" + Hash('A') + "," + Hash('A') + "]}")),
            Code::kDuplicate);
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), R"({"t":1,"h":["AAAA"]})")), Code::kMalformed);
  std::string six;
  for (char c = 'A'; c < 'G'; ++c) six += (six.empty() ? "" : ",") + Hash(c);
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), R"({"t":1,"h":[)" + six + "]}")), Code::kTooLarge);
  // Others.
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), GoodNext(), R"(,"extra":1)")), Code::kUnsupported);
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), GoodNext(), R"(,"seal0":"AAAA")")), Code::kMalformed);
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), GoodNext(), R"(,"svc":{})")), Code::kMalformed);
  EXPECT_EQ(CodeOfPayload(Create(GoodKeys(), GoodNext(), R"(,"v":1)")), Code::kDuplicate);
}

TEST_F(OperationTest, NineKeysAreTooMany) {
  MemoryKeys many("many");
  std::string list;
  for (int i = 0; i < 9; ++i) {
    const auto key = many.Generate(crypto::KeyType::kEd25519).value();
    list += (i == 0 ? "" : ",") +
            KeyJson("k" + std::to_string(i), R"(["authentication"])", MultikeyOf(many.Public(key).value()));
  }
  const std::string payload = Create("[" + list + "]", GoodNext());
  std::string b64(payload.size() * 2, '\0');
  const size_t n = Base64UrlEncode(AsBytes(payload), b64).value();
  EXPECT_EQ(CodeOfJws(ToOctets("eyJhbGciOiJFZERTQSJ9." + b64.substr(0, n) + "." + std::string(86, 'A'))),
            Code::kTooLarge);
}

TEST_F(OperationTest, UpdateFieldsGoneBad) {
  const auto update = [&](const std::string& middle) {
    return CodeOfPayload(R"({"v":1,"op":"update",)" + middle + R"(,"keys":)" + GoodKeys() + R"(,"next":)" + GoodNext() +
                         "}");
  };
  const std::string prev = R"("prev":)" + Hash('A');
  const std::string by = R"("by":[")" + mk_auth + R"("])";
  EXPECT_EQ(update(prev + R"(,"seq":1,)" + by + R"(,"reason":"routine")"), Code::kOk);
  EXPECT_EQ(update(prev + R"(,"seq":1,)" + by + R"(,"reason":"compromise","since":5)"), Code::kOk);
  EXPECT_EQ(update(prev + R"(,"seq":1,)" + by + R"(,"reason":"compromise")"), Code::kMissing);
  EXPECT_EQ(update(prev + R"(,"seq":1,)" + by + R"(,"reason":"routine","since":5)"), Code::kUnsupported);
  EXPECT_EQ(update(prev + R"(,"seq":1,)" + by + R"(,"reason":"boredom")"), Code::kUnsupported);
  EXPECT_EQ(update(prev + R"(,"seq":0,)" + by + R"(,"reason":"routine")"), Code::kOutOfRange);
  EXPECT_EQ(update(prev + R"(,"seq":1,"by":[],"reason":"routine")"), Code::kMissing);
  EXPECT_EQ(update(R"("prev":"AA","seq":1,)" + by + R"(,"reason":"routine")"), Code::kMalformed);
  EXPECT_EQ(update(prev + R"(,"seq":1,"by":[")" + mk_auth + R"(",")" + mk_auth + R"("],"reason":"routine")"),
            Code::kDuplicate);
  // A deactivation carries no keys.
  EXPECT_EQ(CodeOfPayload(R"({"v":1,"op":"deactivate",)" + prev + R"(,"seq":1,)" + by + R"(,"reason":"routine"})"),
            Code::kOk);
  EXPECT_EQ(CodeOfPayload(R"({"v":1,"op":"deactivate",)" + prev + R"(,"seq":1,)" + by +
                          R"(,"reason":"routine","keys":)" + GoodKeys() + "}"),
            Code::kUnsupported);
}

TEST_F(OperationTest, SignaturesAndHeaders) {
  const Octets good = Sign(Create(GoodKeys(), GoodNext()));
  Octets bad = good;
  bad[good.size() - 10] = bad[good.size() - 10] == 'A' ? 'B' : 'A';
  EXPECT_EQ(CodeOfJws(bad), Code::kBadSignature);
  const std::string text(AsText(good));
  const std::string rest = text.substr(text.find('.'));
  EXPECT_EQ(CodeOfJws(ToOctets("eyJhbGciOiJub25lIn0" + rest)), Code::kAlgorithmNotAllowed);  // none
  EXPECT_EQ(CodeOfJws(ToOctets("eyJhbGciOiJFUzI1NiJ9" + rest)), Code::kBadSignature);  // ES256 with an Ed25519 key
  EXPECT_EQ(CodeOfJws(ToOctets(text + ".x")), Code::kMalformed);
  EXPECT_EQ(CodeOfJws(ToOctets(text + "=")), Code::kMalformed);
  EXPECT_EQ(CodeOfJws({}), Code::kMalformed);
  EXPECT_EQ(CodeOfJws(Octets(kMaxOperation + 1, 'A')), Code::kTooLarge);
  // Signed by another key than keys[0].
  EXPECT_EQ(CodeOfJws(SignWith(Create(GoodKeys(), GoodNext()), {{&keys, p256}})), Code::kBadSignature);
}

TEST_F(OperationTest, P256SignsLowS) {
  const std::string payload = Create("[" + KeyJson("k", R"(["authentication"])", mk_p256) + "]", GoodNext());
  const Octets jws = SignWith(payload, {{&keys, p256}});
  EXPECT_EQ(CodeOfJws(jws), Code::kOk);
  // The other s of the same signature: n - s. Accepted elsewhere, never on the ledger.
  std::string text(AsText(jws));
  const size_t dot = text.rfind('.');
  Bytes64 signature{};
  ASSERT_TRUE(Base64UrlDecode(std::string_view(text).substr(dot + 1), signature));
  const Bytes32 order{0xff, 0xff, 0xff, 0xff, 0,    0,    0,    0,    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
  int borrow = 0;
  for (size_t i = 32; i-- > 0;) {
    int v = order[i] - signature[32 + i] - borrow;
    borrow = v < 0 ? 1 : 0;
    signature[32 + i] = static_cast<uint8_t>(v + 256 * borrow);
  }
  std::array<char, 90> b64{};
  const size_t n = Base64UrlEncode(signature, b64).value();
  EXPECT_EQ(CodeOfJws(ToOctets(text.substr(0, dot + 1) + std::string(b64.data(), n))), Code::kBadSignature);
}

TEST_F(OperationTest, BuildersRefuseWhatParsersWould) {
  std::array<char, kMaxOperationPayload> out{};
  CreateFields fields;
  EXPECT_EQ(BuildCreate(fields, out).error().code, Code::kInvalidArgument);
  OperationKey key{"k", kUseAuthentication, mk_auth};
  fields.keys = {&key, 1};
  EXPECT_EQ(BuildCreate(fields, out).error().code, Code::kInvalidArgument);  // no next
  fields.next = {&next, 1};
  fields.next_threshold = 2;
  EXPECT_EQ(BuildCreate(fields, out).error().code, Code::kInvalidArgument);
  fields.next_threshold = 1;
  EXPECT_TRUE(BuildCreate(fields, out));
  EXPECT_EQ(BuildCreate(fields, std::span(out).first(40)).error().code, Code::kBufferTooSmall);
  DeactivateFields last;
  EXPECT_EQ(BuildDeactivate(last, out).error().code, Code::kInvalidArgument);
  EXPECT_EQ(SignOperation("{}", {}, ByteSpan()).error().code, Code::kInvalidArgument);
}

TEST(DidText, RoundTripAndRefusals) {
  const auto did = DidOfCreate("demo", AsBytes("payload"));
  ASSERT_TRUE(did);
  EXPECT_EQ(did->view().substr(0, 16), "did:keel:demo:zQ");
  EXPECT_EQ(did->view().size(), 9u + 4 + 1 + kScidLength);
  const auto parts = ParseDid(did->view());
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->label, "demo");
  EXPECT_EQ(parts->scid_hash, crypto::Sha256::Of(std::string_view("payload")));
  EXPECT_TRUE(ParseDidOf(did->view(), "demo"));
  EXPECT_EQ(ParseDidOf(did->view(), "live").error().code, Code::kWrongNetwork);
  const std::string good(did->view());
  for (const std::string& bad :
       {std::string("did:key:z6Mk"), good + "#k", good + "a", good.substr(0, good.size() - 1),
        std::string("did:keel:demo"), std::string("did:keel::") + good.substr(14),
        std::string("did:keel:Demo:") + good.substr(14), std::string("did:keel:demo-:") + good.substr(14),
        std::string("did:keel:demo:u") + good.substr(15), std::string()}) {
    EXPECT_FALSE(ParseDid(bad)) << bad;
  }
  EXPECT_FALSE(DidOfCreate("9live", AsBytes("payload")));
  EXPECT_FALSE(DidOfCreate(std::string(33, 'a'), AsBytes("payload")));
  EXPECT_EQ(ParseKid(good + "#key-1")->id, "key-1");
  EXPECT_FALSE(ParseKid(good));
  EXPECT_FALSE(ParseKid(good + "#"));
  EXPECT_FALSE(ParseKid("#key-1"));
}

}  // namespace
}  // namespace keel::ledger
