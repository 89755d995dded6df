// SPDX-License-Identifier: Apache-2.0
// What a wallet says and understands beside its envelopes, against the hosts' reading of the same octets: plaintext
// headers, trust-ping, discover-features, report-problem, forwards, signed messages, from_prior. An input that begins
// with '{' is a message as it is ("NEXT": the DID of who reads it), one with 'e' a from_prior JWT; any other is u8
// (edits % 4 | kind << 2) || edits x (u16 place || u8 value) || payload: made by each side, bent, read by both. With
// bit 0x10 of the first octet instead u8 || u16 place || text that is put into what was made.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "base/json_text.h"
#include "core/wildcard.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "device-wallet/core/messages.h"
#include "device-wallet/core/signed.h"
#include "did/methods/peer.h"
#include "didcomm/internal/checks.h"
#include "didcomm/pack.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/routing.h"
#include "tests/fakes/memory_keys.h"
#include "tests/fuzz/fuzz.h"

namespace {

using keel::AsBytes;
using keel::AsText;
using keel::Code;
using keel::Result;
using keel::crypto::KeyType;
namespace didcomm = keel::didcomm;
namespace wallet = keel::wallet;

// Somebody with a did:peer:2, its keys where a wallet has them and where a host has them.
struct Signer {
  Signer(const std::string& seed, KeyType signs, KeyType agrees) {
    keel::fakes::SeededRandom random(seed);
    keel::Bytes32 secret{};
    FUZZ_CHECK(random.Fill(secret).has_value());
    const auto agree = keys.Import(agrees, secret).value();
    FUZZ_CHECK(random.Fill(secret).has_value());
    sign = keys.Import(signs, secret).value();
    did = wallet::MakePeerDid(keys.Public(agree).value(), keys.Public(sign).value()).value();
    kid = Did() + "#key-" + std::to_string(did.token_number);
    finder.Add(kid, {store.get(), store->Import(signs, secret).value()});
  }
  std::string Did() const { return std::string(did.did.view()); }

  mutable keel::fakes::MemoryKeys keys;
  keel::crypto::KeyHandle sign;
  wallet::PeerDid did;
  std::string kid;
  std::unique_ptr<keel::crypto::SoftwareKeyStore> store = keel::crypto::SoftwareKeyStore::CreateInMemory();
  mutable keel::did::MapKeyFinder finder;
};

struct World {
  Signer okp{"okp", KeyType::kEd25519, KeyType::kX25519};
  Signer nist{"nist", KeyType::kP256, KeyType::kP256};
  keel::did::PeerMethod resolver;
};

// Where a wallet's language is smaller than a host's: size, escapes, several of something, forms that it doesn't know.
// It never finds a signature wanting where the host doesn't.
bool MayRefuse(Code code) {
  return code == Code::kTooLarge || code == Code::kUnsupported || code == Code::kMalformed || code == Code::kMissing ||
         code == Code::kBufferTooSmall || code == Code::kOutOfRange || code == Code::kNotCanonical;
}

void AgreeOnSigned(World& world, const Signer& signer, std::string_view text) {
  std::vector<uint8_t> buffer(text.begin(), text.end());
  const auto ours = wallet::UnpackSigned(buffer, signer.kid, signer.did.token);
  didcomm::Metadata metadata;
  Result<std::string> theirs = keel::Fail(Code::kMalformed, "fuzz");
  if (const auto parsed = keel::base::JsonText::Parse(text); parsed && parsed->root().is_object())
    theirs = didcomm::OpenSigned(parsed->root(), world.resolver, metadata);
  if (ours) {
    FUZZ_CHECK(theirs.has_value());
    FUZZ_CHECK(AsText(*ours) == *theirs);
    FUZZ_CHECK(metadata.signers.size() == 1 && metadata.signers.front() == signer.kid);
  } else if (theirs && metadata.signers.size() == 1 && metadata.signers.front() == signer.kid) {
    FUZZ_CHECK(MayRefuse(ours.error().code));
  }
}

void AgreeOnFromPrior(World& world, const Signer& before, std::string_view from, std::string_view jwt) {
  std::vector<uint8_t> scratch(jwt.size());
  wallet::FixedText<wallet::kMaxPeerKid> named;
  (void)wallet::FromPriorKid(jwt, scratch, named);
  const auto ours = wallet::ReadFromPrior(jwt, from, before.kid, before.did.token, scratch);
  didcomm::Message message;
  message.from = from;
  message.from_prior = jwt;
  didcomm::Metadata metadata;
  const auto theirs = didcomm::CheckFromPrior(message, world.resolver, metadata);
  if (ours) {
    FUZZ_CHECK(theirs.has_value());
    FUZZ_CHECK(metadata.from_prior_issuer_kid == before.kid && *ours == before.Did());
  } else if (theirs && metadata.from_prior_issuer_kid == before.kid) {
    FUZZ_CHECK(MayRefuse(ours.error().code));
  }
}

void AgreeOnBody(const wallet::PlainMessage& ours, std::vector<uint8_t>& octets, const didcomm::Message& theirs,
                 std::string_view our_did) {
  using wallet::Didcomm;
  const Didcomm type = wallet::DidcommFromType(ours.type);
  if (type == Didcomm::kUnknown) return;
  // What a wallet knows, a host takes for the same protocol, name for name.
  const auto host_type = didcomm::MessageType::Parse(theirs.type);
  if (type == Didcomm::kOtherVersion) return;
  FUZZ_CHECK(host_type.has_value());
  FUZZ_CHECK(host_type->Is(wallet::TypeOf(type).substr(wallet::TypeOf(type).rfind('/') + 1)));
  if (type == Didcomm::kPing) {
    const auto wanted = wallet::WantsResponse(ours);
    const auto body = theirs.ParseBody();
    FUZZ_CHECK(body.has_value());
    const auto it = body->find("response_requested");
    if (wanted) {
      FUZZ_CHECK(it == body->end() ? *wanted : it->is_boolean() && it->get<bool>() == *wanted);
    } else {
      FUZZ_CHECK(it != body->end() && !it->is_boolean());
    }
  } else if (type == Didcomm::kQueries) {
    const auto features = wallet::MatchFeatures(ours);
    const auto queries = didcomm::ReadQueries(theirs);
    if (features && queries) {
      uint8_t wanted = 0;
      for (const auto& query : *queries) {
        if (query.feature_type == "header" && keel::MatchesWildcard(query.match, "from_prior")) wanted |= 1 << 4;
        if (query.feature_type == "accept" && keel::MatchesWildcard(query.match, "didcomm/v2")) wanted |= 1 << 6;
      }
      FUZZ_CHECK((*features & (1 << 4 | 1 << 6)) == wanted);
      char text[2048];
      keel::JsonWriter w(text);
      w.BeginObject();
      wallet::WriteDisclosures(w, *features, 8192);
      w.EndObject();
      FUZZ_CHECK(w.ok());
      didcomm::Message disclose;
      disclose.id = "d";
      disclose.type = wallet::TypeOf(Didcomm::kDisclose);
      disclose.body = std::string(w.text());
      const auto shown = didcomm::ReadDisclose(disclose);
      FUZZ_CHECK(shown.has_value() && shown->size() == static_cast<size_t>(__builtin_popcount(*features)));
    } else if (features) {
      FUZZ_CHECK(queries.error().code == Code::kTooLarge || queries.error().code == Code::kMalformed);
    }
  } else if (type == Didcomm::kProblemReport) {
    FUZZ_CHECK(wallet::ProblemCode(ours).size() <= wallet::kMaxProblemCode);
  } else if (type == Didcomm::kForward) {
    const auto forward = didcomm::UnwrapForward(theirs);
    const auto inner = wallet::TakeAttached(ours, octets, our_did, nullptr);
    if (forward && inner) {
      FUZZ_CHECK(forward->next == our_did || forward->next.starts_with(std::string(our_did) + "#"));
      FUZZ_CHECK(forward->payloads.size() == 1);
      // A host gives it without the white space between its tokens.
      const auto theirs_tree = keel::base::ParseJson(forward->payloads[0]);
      const auto ours_tree = keel::base::ParseJson(AsText(*inner));
      FUZZ_CHECK(ours_tree && theirs_tree && *ours_tree == *theirs_tree);
    }
  }
}

void AgreeOnPlain(const Signer& us, std::string_view text) {
  std::vector<uint8_t> octets(text.begin(), text.end());
  const auto ours = wallet::ReadPlain(octets, us.Did(), 1'000'000);
  const auto theirs = didcomm::Message::Parse(text);
  if (!ours || !theirs) return;  // a wallet doesn't judge what it doesn't use; json_text has the syntax
  FUZZ_CHECK(ours->id == theirs->id && ours->type == theirs->type && ours->from == theirs->from);
  FUZZ_CHECK(ours->thid == theirs->Thread());
  if (ours->to_us) {
    FUZZ_CHECK(theirs->to.empty() || std::find(theirs->to.begin(), theirs->to.end(), us.Did()) != theirs->to.end());
  }
  FUZZ_CHECK(!theirs->expires_time || keel::NotAfterOk(*theirs->expires_time, 1'000'000));
  AgreeOnBody(*ours, octets, *theirs, us.Did());
}

struct Edits {
  const uint8_t* at = nullptr;
  size_t count = 0;
  std::string_view inserted;  // at at[0..1]
};

std::string Bend(std::string text, const Edits& edits) {
  if (!edits.inserted.empty()) {
    text.insert(static_cast<size_t>(edits.at[0] << 8 | edits.at[1]) % text.size(), edits.inserted);
    return text;
  }
  const uint8_t* edit = edits.at;
  for (size_t i = 0; i < edits.count; ++i, edit += 3)
    text[static_cast<size_t>(edit[0] << 8 | edit[1]) % text.size()] = static_cast<char>(edit[2]);
  return text;
}

// The payload signed by the wallet, and by the host when it is a message that the host would pack.
void Signed(World& world, const Signer& signer, std::string_view payload, const Edits& edits) {
  std::vector<uint8_t> buffer(payload.size() * 2 + 1024);
  std::copy(payload.begin(), payload.end(), buffer.begin());
  const auto length = wallet::PackSigned(signer.kid, signer.keys, signer.sign, buffer, payload.size());
  FUZZ_CHECK(length.has_value());
  std::vector<std::string> made = {std::string(AsText(keel::ByteView(buffer).first(*length)))};
  didcomm::Message message;
  message.id = "1";
  message.type = "t";
  message.from = signer.Did();
  message.headers["x"] =
      nlohmann::json(std::string(payload)).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  auto packed = didcomm::PackSigned(message, signer.kid, signer.finder, world.resolver);
  if (packed) made.push_back(std::move(packed->text));
  for (const std::string& good : made) {
    std::vector<uint8_t> whole(good.begin(), good.end());
    FUZZ_CHECK(wallet::SignerOf(whole).value().view() == signer.kid);
    const auto opened = wallet::UnpackSigned(whole, signer.kid, signer.did.token);
    FUZZ_CHECK(opened.has_value());
    if (&good == &made.front()) FUZZ_CHECK(AsText(*opened) == payload);
    AgreeOnSigned(world, signer, Bend(good, edits));
  }
}

void FromPrior(World& world, const Signer& before, const Signer& now, const Edits& edits) {
  std::vector<char> out(2048);
  const auto length =
      wallet::MakeFromPrior(before.Did(), now.Did(), 1'000'000, before.kid, before.keys, before.sign, out);
  FUZZ_CHECK(length.has_value());
  const auto by_host = didcomm::MakeFromPrior(before.Did(), now.Did(), 1'000'000, before.kid, before.finder);
  FUZZ_CHECK(by_host.has_value());
  for (const std::string& good : {std::string(out.data(), *length), *by_host}) {
    std::vector<uint8_t> scratch(good.size());
    FUZZ_CHECK(wallet::ReadFromPrior(good, now.Did(), before.kid, before.did.token, scratch).has_value());
    AgreeOnFromPrior(world, before, now.Did(), Bend(good, edits));
    AgreeOnFromPrior(world, before, before.Did(), good);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static World world;
  if (size == 0 || size > 5300) return 0;
  const std::string_view text = keel::fuzz::Text(data, size);
  if (data[0] == '{') {
    for (const Signer* signer : {&world.okp, &world.nist}) AgreeOnSigned(world, *signer, text);
    std::string plain(text);
    for (size_t at = 0; (at = plain.find("NEXT", at)) != std::string::npos;) plain.replace(at, 4, world.okp.Did());
    AgreeOnPlain(world.okp, plain);
    return 0;
  }
  if (data[0] == 'e') {
    for (const Signer* before : {&world.okp, &world.nist})
      AgreeOnFromPrior(world, *before, (before == &world.okp ? world.nist : world.okp).Did(), text);
    return 0;
  }
  const bool inserts = (data[0] & 0x10) != 0;
  const size_t count = inserts ? 0 : data[0] % 4;
  if (size < (inserts ? 4 : 1 + 3 * count)) return 0;
  const Edits edits{data + 1, count, inserts ? text.substr(3) : std::string_view()};
  const Signer& one = (data[0] >> 3) % 2 == 0 ? world.okp : world.nist;
  const Signer& other = &one == &world.okp ? world.nist : world.okp;
  if ((data[0] >> 2) % 2 == 0) {
    Signed(world, one, inserts ? R"({"id":"1","type":"t","body":{}})" : text.substr(1 + 3 * count), edits);
  } else {
    FromPrior(world, one, other, edits);
  }
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 2000; }
