// SPDX-License-Identifier: Apache-2.0
#include "core/encoding.h"
#include "crypto/hash.h"
#include "crypto/signature.h"
#include "device-wallet/core/jwt.h"
#include "device-wallet/core/wallet.h"
#include "ledger/batch.h"
#include "ledger/network.h"
#include "ledger/operation.h"
#include "ledger/seal.h"

namespace keel::wallet {

using onboarding::DeviceState;

namespace {

constexpr std::string_view kChallengePrefix = "keel-station/1\n";

template <size_t N>
bool PutText(char (&out)[N], std::string_view text) {
  if (text.size() >= N) return false;
  std::memcpy(out, text.data(), text.size());
  out[text.size()] = '\0';
  return true;
}

}  // namespace

// The signed create operation: the same octets each time, since nonce and keys are saved and our signatures are
// deterministic; hardware's are not, there the first one is kept.
Result<size_t> Wallet::BuildCreate(ByteSpan out, std::span<char> next_key, DidText& did) {
  KEEL_TRY(const crypto::PublicKey auth, keys_.Public(WalletKeys::kAuthentication));
  KEEL_TRY(const crypto::PublicKey next, keys_.Public(WalletKeys::kNext));
  char auth_text[crypto::kMaxMultikeyText], next_text[crypto::kMaxMultikeyText];
  KEEL_TRY(const size_t auth_length, auth.ToMultikey(auth_text));
  KEEL_TRY(const size_t next_length, next.ToMultikey(next_text));
  if (next_length >= next_key.size()) return Fail(Code::kBufferTooSmall, "next key");
  std::memcpy(next_key.data(), next_text, next_length);
  next_key[next_length] = '\0';

  ledger::OperationKey key;
  key.id = "key-1";
  key.uses = ledger::kUseAuthentication | ledger::kUseAssertion;
  key.multikey = {auth_text, auth_length};
  const Bytes32 next_hash = ledger::KeyHashOfText({next_text, next_length});
  const Bytes32 seal0 = ledger::RootSealCommitment(state_.salt, state_.root_seal);
  ledger::CreateFields fields;
  fields.net = state_.net;
  fields.keys = {&key, 1};
  fields.next = {&next_hash, 1};
  fields.seal0 = &seal0;
  fields.nonce = state_.create_nonce;
  char payload[ledger::kMaxOperationPayload];
  KEEL_TRY(const size_t payload_length, ledger::BuildCreate(fields, payload));
  const std::string_view text(payload, payload_length);
  KEEL_TRY(const ledger::Did made, ledger::DidOfCreate(state_.label.view(), AsBytes(text)));
  did.Set(made.view());
  if (state_.hardware) {
    const auto kept = records_.ReadRaw(RecordId::kCreate, out);
    if (kept || kept.error().code != Code::kNotFound) return kept;
  }
  const ledger::Signer signer{&keys_, WalletKeys::kAuthentication};
  KEEL_TRY(const size_t length, ledger::SignOperation(text, {&signer, 1}, out));
  if (state_.hardware) KEEL_TRY_VOID(records_.WriteRaw(RecordId::kCreate, out.first(length)));
  return length;
}

Result<> Wallet::ManufactureBegin(const keel_wallet_factory_input& input, keel_wallet_factory_output& output) {
  if (state_.phase != DeviceState::kFactory) return Fail(Code::kLocked, "factory");
  if (input.network_label == nullptr) return Fail(Code::kInvalidArgument, "network label");
  const std::string_view label(input.network_label);
  if (!ledger::IsLabel(label)) return Fail(Code::kInvalidArgument, "network label");

  if (input.suite > onboarding::kSuiteP256) return Fail(Code::kInvalidArgument, "suite");
  const uint8_t suite = input.suite == 0 ? uint8_t{onboarding::kSuiteOkp} : input.suite;
  Identity identity;
  ScopedWipe wipe_auth(identity.auth_seed);
  ScopedWipe wipe_next(identity.next_seed);
  const auto loaded = records_.Load(RecordId::kIdentity, identity);
  if (!loaded && loaded.error().code != Code::kNotFound) return loaded;
  if (!state_.did.empty()) {
    const bool same = state_.label.view() == label && Equal(state_.net, input.net) &&
                      Equal(state_.root_seal, input.root_seal) && state_.suite == suite;
    if (!loaded || !same) return Fail(Code::kWrongState, "identity exists already, for another network, seal or suite");
  } else {
    State made;
    made.suite = suite;
    made.hardware = suite == onboarding::kSuiteP256 && keys_.HasHardware();
    // Keys first: a power cut between the two writes leaves keys that no DID names yet, and they are used again, or
    // replaced when they were meant for another suite.
    if (!loaded || identity.suite != suite) {
      identity.suite = suite;
      KEEL_TRY_VOID(keys_.MakeKey(WalletKeys::kAuthentication, suite, made.hardware, identity.auth_seed));
      KEEL_TRY_VOID(keys_.MakeKey(WalletKeys::kNext, suite, made.hardware, identity.next_seed));
      KEEL_TRY_VOID(records_.Save(RecordId::kIdentity, identity));
    }
    // One of an attempt that got no further speaks of another nonce.
    KEEL_TRY_VOID(records_.Erase(RecordId::kCreate));
    made.label.Set(label);
    std::memcpy(made.net.data(), input.net, made.net.size());
    std::memcpy(made.root_seal.data(), input.root_seal, made.root_seal.size());
    KEEL_TRY_VOID(random_.Fill(made.salt));
    KEEL_TRY_VOID(random_.Fill(made.create_nonce));
    KEEL_TRY_VOID(random_.Fill(made.rendezvous[0].rs));
    KEEL_TRY_VOID(keys_.MakeKey(WalletKeys::kRendezvous, suite, made.hardware, made.rendezvous[0].rp));
    made.rendezvous_count = 1;
    made.base = ledger::ChainBase::Root(made.root_seal);
    made.next_base = made.base;
    state_ = made;
    ByteArray<KEEL_WALLET_CREATE_MAX> scratch;
    char next_key[64];
    const auto built = BuildCreate(scratch, next_key, state_.did);
    const auto saved = built ? SaveState() : Result<>(std::unexpected<Error>(built.error()));
    if (!saved) {
      state_ = State{};
      return saved;
    }
  }

  keel_wallet_factory_output out{};
  out.size = sizeof out;
  DidText did;
  KEEL_TRY(out.create_length, BuildCreate(out.create, out.next_key, did));
  if (!PutText(out.did, did.view())) return Fail(Code::kTooLarge, "did");
  std::memcpy(out.salt, state_.salt.data(), state_.salt.size());
  std::memcpy(out.rendezvous_secret, state_.rendezvous[0].rs.data(), 32);
  KEEL_TRY(const crypto::PublicKey rp, keys_.Public(WalletKeys::kRendezvous));
  KEEL_TRY(out.rendezvous_key_length, rp.ToMultikeyOctets(out.rendezvous_key));
  output = out;
  return {};
}

Result<> Wallet::ManufactureStamp(keel_wallet_stamp_item item, ByteView data) {
  if (state_.phase != DeviceState::kFactory) return Fail(Code::kLocked, "factory");
  if (state_.did.empty()) return Fail(Code::kWrongState, "stamp before begin");
  switch (item) {
    case KEEL_STAMP_CONFIG: {
      KEEL_TRY(const StampView stamp, ReadStamp(AsText(data)));
      KEEL_TRY_VOID(ledger::ParseDidOf(stamp.manufacturer, state_.label.view()));
      return records_.WriteRaw(RecordId::kStampConfig, data);
    }
    case KEEL_STAMP_DESCRIPTOR: {
      if (data.size() > ledger::kMaxDescriptor) return Fail(Code::kTooLarge, "descriptor");
      KEEL_TRY(const ledger::Descriptor descriptor, ledger::ParseDescriptor(data));
      if (descriptor.label != state_.label.view()) return Fail(Code::kWrongNetwork, "descriptor label");
      if (descriptor.epoch == 0 && ledger::DescriptorHash(data) != state_.net)
        return Fail(Code::kWrongNetwork, "descriptor");
      KEEL_TRY_VOID(records_.WriteRaw(RecordId::kDescriptor, data));
      if (state_.epoch != descriptor.epoch) {
        state_.epoch = descriptor.epoch;
        return SaveState();
      }
      return {};
    }
    case KEEL_STAMP_CREDENTIAL: {
      if (data.size() > KEEL_WALLET_CREDENTIAL_MAX) return Fail(Code::kTooLarge, "hardware credential");
      KEEL_TRY(const Jwt jwt, ParseJwt(AsText(data), "vc+jwt"));
      // The message buffer is free in the factory: the payload is decoded there.
      KEEL_TRY(const JsonView c, DecodeJwtPayload(jwt, message_));
      KEEL_TRY(const JsonView subject, c.Get("credentialSubject"));
      KEEL_TRY(const std::string_view id, subject.GetPlain("id"));
      if (id != state_.did.view()) return Fail(Code::kUntrusted, "hardware credential of another device");
      return records_.WriteRaw(RecordId::kCredential, data);
    }
    case KEEL_STAMP_BATCH: {
      if (data.size() > KEEL_WALLET_BATCH_MAX) return Fail(Code::kTooLarge, "batch");
      KEEL_TRY(const JsonView json, JsonView::Parse(AsText(data)));
      KEEL_TRY_VOID(ledger::ParseBatchProof(json));
      return records_.WriteRaw(RecordId::kBatch, data);
    }
  }
  return Fail(Code::kInvalidArgument, "stamp item");
}

Result<> Wallet::ManufactureReadBack(keel_wallet_read_back& output) {
  if (state_.phase != DeviceState::kFactory) return Fail(Code::kLocked, "factory");
  if (state_.did.empty()) return Fail(Code::kWrongState, "read back before begin");
  KEEL_TRY_VOID(Reload());
  keel_wallet_read_back out{};
  out.size = sizeof out;
  if (!PutText(out.did, state_.did.view())) return Fail(Code::kTooLarge, "did");
  const auto hash = [this](RecordId id, uint8_t(&to)[32]) -> Result<> {
    const auto n = records_.ReadRaw(id, message_);
    if (!n)
      return Fail(n.error().code == Code::kNotFound ? Code::kWrongState : n.error().code, "stamp is not complete");
    const Bytes32 digest = crypto::Sha256::Of(message_.first(*n));
    std::memcpy(to, digest.data(), digest.size());
    return {};
  };
  KEEL_TRY_VOID(hash(RecordId::kStampConfig, out.config_hash));
  KEEL_TRY_VOID(hash(RecordId::kDescriptor, out.descriptor_hash));
  KEEL_TRY_VOID(hash(RecordId::kCredential, out.credential_hash));
  KEEL_TRY_VOID(hash(RecordId::kBatch, out.batch_hash));
  std::memcpy(out.root_seal, state_.root_seal.data(), 32);
  DidText did;
  char next_key[64];
  KEEL_TRY(const size_t n, BuildCreate(message_.first(KEEL_WALLET_CREATE_MAX), next_key, did));
  const Bytes32 create = crypto::Sha256::Of(message_.first(n));
  std::memcpy(out.create_hash, create.data(), create.size());
  output = out;
  return {};
}

Result<> Wallet::ManufactureProve(const Bytes32& challenge, Bytes64& signature) {
  if (state_.phase != DeviceState::kFactory) return Fail(Code::kLocked, "factory");
  if (state_.did.empty()) return Fail(Code::kWrongState, "prove before begin");
  ByteArray<kChallengePrefix.size() + 32> message;
  ByteWriter w(message);
  w.Put(kChallengePrefix).Put(ByteView(challenge));
  KEEL_TRY(const size_t n, keys_.Sign(WalletKeys::kAuthentication, w.written(), signature));
  if (n != signature.size()) return Fail(Code::kInternalError, "signature");
  return {};
}

Result<> Wallet::ManufactureFinalize() {
  keel_wallet_read_back complete{};
  KEEL_TRY_VOID(ManufactureReadBack(complete));
  state_.phase = DeviceState::kSeeking;
  const auto saved = SaveState();
  if (!saved) {
    KEEL_TRY_VOID(Reload());
    if (state_.phase != DeviceState::kSeeking) return saved;
  }
  EraseUnreferenced();
  Resume();
  return {};
}

}  // namespace keel::wallet
