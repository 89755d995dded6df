// SPDX-License-Identifier: Apache-2.0
#include "core/encoding.h"
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "ledger/jws.h"
#include "ledger/operation.h"

// Writing and signing operations.
namespace keel::ledger {
namespace {

Result<> PutKeys(JsonWriter& w, std::span<const OperationKey> keys) {
  if (keys.empty() || keys.size() > kMaxKeys) return Fail(Code::kInvalidArgument, "operation keys");
  w.Name("keys").BeginArray();
  for (const OperationKey& key : keys) {
    if (!IsKeyId(key.id) || key.uses == 0) return Fail(Code::kInvalidArgument, "operation key");
    w.BeginObject().Name("id").String(key.id).Name("use").BeginArray();
    for (Uses bit = 1; bit <= kUseDelegation; bit = static_cast<Uses>(bit << 1)) {
      if ((key.uses & bit) != 0) w.String(UseName(bit));
    }
    w.EndArray().Name("key").String(key.multikey).EndObject();
  }
  w.EndArray();
  return {};
}

Result<> PutNext(JsonWriter& w, uint8_t threshold, std::span<const Bytes32> next) {
  if (next.empty() || next.size() > kMaxNext || threshold < 1 || threshold > next.size()) {
    return Fail(Code::kInvalidArgument, "operation next");
  }
  w.Name("next").BeginObject().Name("t").Uint(threshold).Name("h").BeginArray();
  for (const Bytes32& hash : next) w.Base64Url(hash);
  w.EndArray().EndObject();
  return {};
}

Result<> PutServices(JsonWriter& w, std::string_view services) {
  if (services.empty()) return {};
  if (services.size() > kMaxServices) return Fail(Code::kInvalidArgument, "operation svc");
  w.Name("svc").Raw(services);
  return {};
}

template <typename Fields>
Result<> PutBefore(JsonWriter& w, const Fields& fields) {
  if (fields.seq == 0 || fields.by.empty() || fields.by.size() > kMaxNext) {
    return Fail(Code::kInvalidArgument, "operation seq or by");
  }
  w.Name("prev").Base64Url(fields.prev).Name("seq").Uint(fields.seq).Name("by").BeginArray();
  for (const std::string_view key : fields.by) w.String(key);
  w.EndArray();
  return {};
}

template <typename Fields>
void PutReason(JsonWriter& w, const Fields& fields) {
  w.Name("reason").String(fields.reason == Reason::kCompromise ? "compromise" : "routine");
  if (fields.reason == Reason::kCompromise) w.Name("since").Uint(fields.since);
}

Result<size_t> Done(JsonWriter& w) {
  w.EndObject();
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "operation payload");
  if (w.size() > kMaxOperationPayload) return Fail(Code::kTooLarge, "operation payload");
  return w.size();
}

}  // namespace

Result<size_t> BuildCreate(const CreateFields& fields, std::span<char> out) {
  JsonWriter w(out);
  w.BeginObject().Name("v").Uint(1).Name("op").String("create").Name("net").Base64Url(fields.net);
  KEEL_TRY_VOID(PutKeys(w, fields.keys));
  KEEL_TRY_VOID(PutNext(w, fields.next_threshold, fields.next));
  KEEL_TRY_VOID(PutServices(w, fields.services));
  if (fields.seal0 != nullptr) w.Name("seal0").Base64Url(*fields.seal0);
  w.Name("nonce").Base64Url(fields.nonce);
  return Done(w);
}

Result<size_t> BuildUpdate(const UpdateFields& fields, std::span<char> out) {
  JsonWriter w(out);
  w.BeginObject().Name("v").Uint(1).Name("op").String("update");
  KEEL_TRY_VOID(PutBefore(w, fields));
  KEEL_TRY_VOID(PutKeys(w, fields.keys));
  KEEL_TRY_VOID(PutNext(w, fields.next_threshold, fields.next));
  KEEL_TRY_VOID(PutServices(w, fields.services));
  PutReason(w, fields);
  return Done(w);
}

Result<size_t> BuildDeactivate(const DeactivateFields& fields, std::span<char> out) {
  JsonWriter w(out);
  w.BeginObject().Name("v").Uint(1).Name("op").String("deactivate");
  KEEL_TRY_VOID(PutBefore(w, fields));
  PutReason(w, fields);
  return Done(w);
}

Result<size_t> SignOperation(std::string_view payload, std::span<const Signer> signers, ByteSpan out) {
  if (signers.empty() || signers.size() > kMaxNext) return Fail(Code::kInvalidArgument, "operation signers");
  ByteArray<kMaxOperation + 32> input;
  size_t used = 0;
  const bool general = signers.size() > 1;
  if (general) {
    KEEL_TRY_VOID(AppendText("{\"payload\":\"", out, used));
    KEEL_TRY_VOID(AppendBase64Url(AsBytes(payload), out, used));
    KEEL_TRY_VOID(AppendText("\",\"signatures\":[", out, used));
  }
  for (size_t i = 0; i < signers.size(); ++i) {
    if (signers[i].store == nullptr) return Fail(Code::kInvalidArgument, "operation signer");
    KEEL_TRY(const crypto::PublicKey key, signers[i].store->Public(signers[i].key));
    KEEL_TRY(const std::string_view name, SigningName(key));
    const std::string_view header = name == "EdDSA" ? "{\"alg\":\"EdDSA\"}" : "{\"alg\":\"ES256\"}";
    size_t n = 0;
    KEEL_TRY_VOID(AppendBase64Url(AsBytes(header), input, n));
    const size_t header_length = n;
    KEEL_TRY_VOID(AppendText(".", input, n));
    KEEL_TRY_VOID(AppendBase64Url(AsBytes(payload), input, n));
    const size_t signed_length = n;
    if (!general) {
      KEEL_TRY_VOID(AppendText(AsText(ByteView(input).first(n)), out, used));
      KEEL_TRY_VOID(AppendSignature(*signers[i].store, signers[i].key, out, used));
      break;
    }
    Bytes64 signature{};
    KEEL_TRY(const size_t length,
             signers[i].store->Sign(signers[i].key, ByteView(input).first(signed_length), signature));
    if (length != signature.size()) return Fail(Code::kUnsupported, "operation signature length");
    KEEL_TRY_VOID(AppendText(i == 0 ? "{\"protected\":\"" : ",{\"protected\":\"", out, used));
    KEEL_TRY_VOID(AppendText(AsText(ByteView(input).first(header_length)), out, used));
    KEEL_TRY_VOID(AppendText("\",\"signature\":\"", out, used));
    KEEL_TRY_VOID(AppendBase64Url(signature, out, used));
    KEEL_TRY_VOID(AppendText("\"}", out, used));
  }
  if (general) KEEL_TRY_VOID(AppendText("]}", out, used));
  if (used > kMaxOperation) return Fail(Code::kTooLarge, "operation: over 1,200 octets");
  return used;
}

}  // namespace keel::ledger
