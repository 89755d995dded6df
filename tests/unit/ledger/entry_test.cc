// SPDX-License-Identifier: Apache-2.0
#include "ledger/entry.h"

#include <gtest/gtest.h>

#include "ledger/batch.h"
#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::LedgerWorld;
using fakes::MemoryKeys;
using fakes::Octets;
using fakes::ToOctets;

template <typename F>
std::string Text(F write) {
  std::array<char, 2048> out{};
  const auto n = write(std::span<char>(out));
  return n ? std::string(out.data(), *n) : "error: " + n.error().Text();
}
template <typename F>
Octets Bytes(F write) {
  std::vector<uint8_t> out(8192);
  const auto n = write(ByteSpan(out));
  out.resize(n ? *n : 0);
  return out;
}

const std::string kDid(DidOfCreate("demo", AsBytes("x")).value().view());

TEST(Entry, TypesAndForms) {
  EXPECT_EQ(TypeOfEntry({}).error().code, Code::kMalformed);
  EXPECT_EQ(TypeOfEntry(Octets{1}).error().code, Code::kMalformed);
  EXPECT_EQ(TypeOfEntry(Octets{0, 0}).error().code, Code::kUnsupported);
  EXPECT_EQ(TypeOfEntry(Octets{200, 0}).error().code, Code::kUnsupported);
  EXPECT_EQ(TypeOfEntry(Octets(kMaxEntry + 1, 1)).error().code, Code::kTooLarge);
  EXPECT_EQ(TypeOfEntry(WriteStateLeaf({})).value(), EntryType::kState);

  const Octets policy(50, 1), sigs(70, 2);
  const Octets spend =
      Bytes([&](ByteSpan out) { return WriteSpendEntry({Bytes32{1}, Bytes32{2}, policy, sigs}, out); });
  const auto parsed = ParseSpendEntry(spend);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->seal, Bytes32{1});
  EXPECT_EQ(parsed->link_hash, Bytes32{2});
  EXPECT_TRUE(Equal(parsed->policy, policy));
  EXPECT_TRUE(Equal(parsed->sigs, sigs));
  EXPECT_FALSE(ParseSpendEntry(ByteView(spend).first(60)));
  EXPECT_FALSE(ParseSpendEntry(ByteView(spend).first(1 + 64 + 2 + 50)));
  EXPECT_EQ(ParseBatchEntry(spend).error().code, Code::kInvalidArgument);

  const Octets batch = Bytes([&](ByteSpan out) { return WriteBatchEntry(Bytes32{3}, sigs, out); });
  EXPECT_EQ(ParseBatchEntry(batch)->root, Bytes32{3});
  EXPECT_FALSE(ParseBatchEntry(ByteView(batch).first(33)));
  const Octets sponsor =
      Bytes([&](ByteSpan out) { return WriteSignedPayloadEntry(EntryType::kSponsor, policy, sigs, out); });
  EXPECT_TRUE(Equal(ParseSignedPayloadEntry(sponsor)->payload, policy));
  EXPECT_FALSE(ParseSignedPayloadEntry(ByteView(sponsor).first(20)));
  EXPECT_FALSE(ParseSignedPayloadEntry(spend));
  ByteArray<16> small;
  EXPECT_EQ(WriteSpendEntry({}, small).error().code, Code::kBufferTooSmall);
  EXPECT_EQ(WriteStatementEntry(EntryType::kSpend, sigs, small).error().code, Code::kInvalidArgument);
  EXPECT_EQ(WriteSignedPayloadEntry(EntryType::kBatch, sigs, sigs, small).error().code, Code::kInvalidArgument);
}

TEST(Entry, Payloads) {
  const std::string batch = Text([](auto out) { return WriteBatchPayload({Bytes32{1}, 7}, out); });
  EXPECT_EQ(batch, R"({"v":1,"op":"batch","root":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA","n":7})");
  EXPECT_EQ(ParseBatchPayload(batch)->n, 7u);
  EXPECT_EQ(ParseBatchPayload(R"({"v":1,"op":"batch","root":"AQ","n":7})").error().code, Code::kMalformed);
  EXPECT_EQ(ParseBatchPayload(R"({"v":1,"op":"batch","n":7})").error().code, Code::kUnsupported);
  EXPECT_EQ(ParseBatchPayload(R"({"v":2,"op":"batch"})").error().code, Code::kUnknownVersion);
  EXPECT_EQ(ParseStatusPayload(batch).error().code, Code::kMalformed);

  const std::string schema =
      Text([](auto out) { return WriteSchemaPayload({"urn:s", {}, R"({"a":[1]})"}, false, out); });
  EXPECT_EQ(ParseSchemaPayload(schema, false)->content, R"({"a":[1]})");
  EXPECT_FALSE(ParseSchemaPayload(schema, true));
  const std::string definition = Text([](auto out) { return WriteSchemaPayload({"urn:d", "urn:s", "{}"}, true, out); });
  EXPECT_EQ(ParseSchemaPayload(definition, true)->schema, "urn:s");

  const std::string status = Text([](auto out) { return WriteStatusPayload({"https://x/1", 9, Bytes32{2}}, out); });
  EXPECT_EQ(ParseStatusPayload(status)->version, 9u);
  EXPECT_EQ(ParseStatusPayload(status)->digest, Bytes32{2});
  EXPECT_FALSE(ParseStatusPayload(R"({"v":1,"op":"status","id":"","version":1,"digest":"AA"})"));

  const std::string sponsor = Text([](auto out) { return WriteSponsorPayload({kDid, 1, 500, 0}, out); });
  EXPECT_EQ(ParseSponsorPayload(sponsor)->quota, 500u);
  EXPECT_EQ(ParseSponsorPayload(sponsor)->did, kDid);
  EXPECT_EQ(ParseSponsorPayload(R"({"v":1,"op":"sponsor","did":"did:key:z","seq":1,"quota":1,"until":0})").error().code,
            Code::kInvalidDid);

  const std::string member =
      Text([](auto out) { return WriteMemberPayload({"m0", 1, "Member zero", "[\"https://m0\"]"}, out); });
  EXPECT_EQ(ParseMemberPayload(member)->name, "Member zero");
  EXPECT_FALSE(ParseMemberPayload(R"({"v":1,"op":"member","id":"a b","seq":1,"name":"","endpoints":[]})"));
  std::array<char, 10> small{};
  EXPECT_EQ(WriteBatchPayload({Bytes32{1}, 7}, small).error().code, Code::kBufferTooSmall);
  EXPECT_EQ(WriteBatchPayload({Bytes32{1}, 0}, small).error().code, Code::kInvalidArgument);
}

TEST(Entry, MapKeysAndValues) {
  EXPECT_EQ(NamedKey(MapType::kSchema, kDid, "s"), MapKey(MapType::kSchema, AsBytes(kDid + "\ns")));
  EXPECT_NE(NamedKey(MapType::kSchema, kDid, "s"), NamedKey(MapType::kDefinition, kDid, "s"));
  EXPECT_EQ(BatchKey(kDid, Bytes32{1}), MapKey(MapType::kBatch, AsBytes(kDid), Bytes32{1}));
  EXPECT_EQ(EpochKey(1), MapKey(MapType::kEpoch, Octets{0, 0, 0, 1}));
  EXPECT_EQ(BatchMapValue(258), (ByteArray<8>{0, 0, 0, 0, 0, 0, 1, 2}));
  EXPECT_EQ(StatusMapValue(1, Bytes32{2}, 3)[7], 1);
  EXPECT_EQ(StatusMapValue(1, Bytes32{2}, 3)[47], 3);
  EXPECT_EQ(SponsorMapValue(1, 2, 3, 4)[31], 4);
}

TEST(Entry, MemberMessages) {
  LedgerWorld world(1);
  ByteArray<kMaxMemberMessage> a, b;
  const Octets payload = ToOctets("{}");
  const size_t n = WriteMemberMessage(EntryType::kSponsor, world.net, payload, a).value();
  const size_t m = WriteMemberMessage(EntryType::kMember, world.net, payload, b).value();
  EXPECT_EQ(n, 15u + 64);
  EXPECT_EQ(m, 14u + 64);
  EXPECT_FALSE(WriteMemberMessage(EntryType::kBatch, world.net, payload, a));
}

class StatementTest : public testing::Test {
 protected:
  Octets Sign(std::string_view payload, const std::string& as) {
    return Bytes([&](ByteSpan out) { return SignStatement(payload, as, keys, key, out); });
  }
  Code Check(const Octets& jws) {
    std::vector<uint8_t> scratch(kMaxStatement);
    const auto s = ParseStatement(jws, scratch);
    if (!s) return s.error().code;
    const auto verified = VerifyStatement(*s, keys.Public(key).value());
    return verified ? Code::kOk : verified.error().code;
  }
  MemoryKeys keys{"statements"};
  crypto::KeyHandle key = keys.Generate(crypto::KeyType::kEd25519).value();
  std::string kid = kDid + "#key-1";
};

TEST_F(StatementTest, RoundTrip) {
  const Octets jws = Sign(R"({"v":1,"op":"batch"})", kid);
  std::vector<uint8_t> scratch(1000);
  const auto s = ParseStatement(jws, scratch);
  ASSERT_TRUE(s) << s.error().Text();
  EXPECT_EQ(s->kid.view(), kid);
  EXPECT_EQ(s->kid_parts().did, kDid);
  EXPECT_EQ(s->kid_parts().id, "key-1");
  EXPECT_EQ(s->op, "batch");
  EXPECT_EQ(Check(jws), Code::kOk);
  const auto p256 = keys.Generate(crypto::KeyType::kP256).value();
  std::swap(key, const_cast<crypto::KeyHandle&>(p256));
  EXPECT_EQ(Check(jws), Code::kBadSignature);
  EXPECT_EQ(Check(Sign(R"({"v":1,"op":"batch"})", kid)), Code::kOk);
}

TEST_F(StatementTest, Refusals) {
  EXPECT_TRUE(Sign("{}", "did:key:z6Mk#z6Mk").empty());
  EXPECT_TRUE(Sign("{}", kDid).empty());
  EXPECT_EQ(Check(Sign(R"({"v":2,"op":"batch"})", kid)), Code::kUnknownVersion);
  EXPECT_EQ(Check(Sign(R"({"v":1})", kid)), Code::kMissing);
  EXPECT_EQ(Check(Sign("x", kid)), Code::kMalformed);
  const Octets good = Sign(R"({"v":1,"op":"batch"})", kid);
  for (size_t at = 0; at < good.size(); at += 3) {
    Octets bad = good;
    bad[at] = bad[at] == 'A' ? 'B' : 'A';
    EXPECT_NE(Check(bad), Code::kOk) << at;
  }
  EXPECT_EQ(Check(Octets(kMaxStatement + 1, 'A')), Code::kTooLarge);
}

TEST(Batch, ProofAndMembership) {
  LedgerWorld world;
  std::vector<Bytes32> leaves;
  std::vector<Bytes32> salts;
  for (int i = 0; i < 11; ++i) {
    salts.push_back(crypto::Sha256::Of("salt " + std::to_string(i)));
    leaves.push_back(BatchLeaf(salts.back(), AsBytes("credential " + std::to_string(i))));
  }
  const Bytes32 root = TreeRoot(leaves);
  world.map.Put(BatchKey(kDid, root), BatchMapValue(42));
  BatchProof proof;
  proof.salt = salts[6];
  proof.i = 6;
  proof.n = 11;
  proof.index = 42;
  proof.path_count = static_cast<uint8_t>(TreePath(leaves, 6, proof.path).value());
  const std::string text = Text([&](auto out) { return WriteBatchProof(proof, out); });
  const auto parsed = ParseBatchProof(*JsonView::Parse(text));
  ASSERT_TRUE(parsed) << text;
  const Bytes32 hash = crypto::Sha256::Of(std::string_view("credential 6"));
  EXPECT_EQ(BatchRootOf(hash, *parsed).value(), root);
  const Octets map_proof = world.map.Prove(BatchKey(kDid, root));
  EXPECT_TRUE(VerifyBatch(hash, *parsed, kDid, map_proof, world.map.Root()));
  // Another credential, salt, place, index, issuer.
  EXPECT_FALSE(
      VerifyBatch(crypto::Sha256::Of(std::string_view("credential 5")), *parsed, kDid, map_proof, world.map.Root()));
  BatchProof bad = *parsed;
  bad.salt[0] ^= 1;
  EXPECT_FALSE(VerifyBatch(hash, bad, kDid, map_proof, world.map.Root()));
  bad = *parsed;
  bad.i = 7;
  EXPECT_FALSE(VerifyBatch(hash, bad, kDid, map_proof, world.map.Root()));
  bad = *parsed;
  bad.index = 41;  // backdated
  EXPECT_FALSE(VerifyBatch(hash, bad, kDid, map_proof, world.map.Root()));
  EXPECT_FALSE(VerifyBatch(hash, *parsed, kDid + "x", map_proof, world.map.Root()));
  bad = *parsed;
  bad.path_count = 3;
  EXPECT_FALSE(BatchRootOf(hash, bad));
  for (const char* wrong :
       {R"({"salt":"AA","i":0,"n":1,"path":"","index":1})", R"({"i":0,"n":1,"path":"","index":1})"}) {
    EXPECT_FALSE(ParseBatchProof(*JsonView::Parse(wrong))) << wrong;
  }
  const std::string salt = text.substr(0, text.find("\"i\""));
  EXPECT_TRUE(ParseBatchProof(*JsonView::Parse(salt + R"("i":0,"n":1,"path":"","index":1})")));
  EXPECT_EQ(ParseBatchProof(*JsonView::Parse(salt + R"("i":1,"n":1,"path":"","index":1})")).error().code,
            Code::kOutOfRange);
  EXPECT_EQ(ParseBatchProof(*JsonView::Parse(salt + R"("i":0,"n":1,"path":"AAAA","index":1})")).error().code,
            Code::kMalformed);
}

TEST(Transaction, RoundTripAndRefusals) {
  const Octets one = ToOctets("entry one"), two = ToOctets("two");
  const std::vector<ByteView> entries = {one, two};
  const Octets rest = Bytes([&](ByteSpan out) { return WriteTransactionRest(entries, out); });
  const Octets tx = Bytes([&](ByteSpan out) { return WriteTransaction(AsBytes("statement"), rest, out); });
  const auto parsed = ParseTransaction(tx);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(AsText(parsed->sponsoring), "statement");
  EXPECT_TRUE(Equal(parsed->rest, rest));
  TransactionReader reader(*parsed);
  ByteView entry;
  ASSERT_TRUE(reader.Next(entry));
  EXPECT_TRUE(Equal(entry, one));
  ASSERT_TRUE(reader.Next(entry));
  EXPECT_TRUE(Equal(entry, two));
  EXPECT_FALSE(reader.Next(entry));
  for (size_t n = 0; n < tx.size(); ++n) EXPECT_FALSE(ParseTransaction(ByteView(tx).first(n))) << n;
  Octets longer = tx;
  longer.push_back(0);
  EXPECT_FALSE(ParseTransaction(longer));
  std::vector<uint8_t> out(16);
  EXPECT_EQ(WriteTransactionRest({}, out).error().code, Code::kInvalidArgument);
  const std::string payload = Text([](auto span) { return WriteSponsoringPayload(Bytes32{5}, span); });
  EXPECT_EQ(ParseSponsoringPayload(payload).value(), Bytes32{5});
  EXPECT_FALSE(ParseSponsoringPayload(R"({"v":1,"op":"sponsoring"})"));
}

}  // namespace
}  // namespace keel::ledger
