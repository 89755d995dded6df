// SPDX-License-Identifier: Apache-2.0
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "ledger/entry.h"

// The JSON payloads of statements and of members' entries.
namespace keel::ledger {
namespace {

Result<JsonView> Open(std::string_view payload, std::string_view op, size_t members) {
  KEEL_TRY(const JsonView json, JsonView::Parse(payload));
  KEEL_TRY(const uint64_t version, json.GetUint("v"));
  if (version != 1) return Fail(Code::kUnknownVersion, "entry payload v");
  KEEL_TRY(const std::string_view found, json.GetPlain("op"));
  if (found != op) return Fail(Code::kMalformed, "entry payload op");
  if (json.count() != members) return Fail(Code::kUnsupported, "entry payload: unknown or missing member");
  return json;
}

Result<std::string_view> ReadId(const JsonView& json) {
  KEEL_TRY(const std::string_view id, json.GetPlain("id"));
  if (id.empty() || id.size() > kMaxStatementId) return Fail(Code::kTooLarge, "entry payload id");
  return id;
}

bool IdOk(std::string_view id) { return !id.empty() && id.size() <= kMaxStatementId; }

JsonWriter& Begin(JsonWriter& w, std::string_view op) {
  return w.BeginObject().Name("v").Uint(1).Name("op").String(op);
}

Result<size_t> Done(JsonWriter& w) {
  w.EndObject();
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "entry payload");
  return w.size();
}

}  // namespace

Result<size_t> WriteBatchPayload(const BatchPayload& payload, std::span<char> out) {
  if (payload.n == 0 || payload.n > kMaxBatchLeaves) return Fail(Code::kInvalidArgument, "batch payload");
  JsonWriter w(out);
  Begin(w, "batch").Name("root").Base64Url(payload.root).Name("n").Uint(payload.n);
  return Done(w);
}

Result<BatchPayload> ParseBatchPayload(std::string_view payload) {
  KEEL_TRY(const JsonView json, Open(payload, "batch", 4));
  BatchPayload parsed;
  KEEL_TRY(parsed.root, json.GetFixed<32>("root"));
  KEEL_TRY(const uint64_t n, json.GetUint("n"));
  if (n == 0 || n > kMaxBatchLeaves) return Fail(Code::kOutOfRange, "batch n");
  parsed.n = static_cast<uint32_t>(n);
  return parsed;
}

Result<size_t> WriteSchemaPayload(const SchemaPayload& payload, bool definition, std::span<char> out) {
  if (!IdOk(payload.id) || payload.content.empty()) return Fail(Code::kInvalidArgument, "schema payload");
  JsonWriter w(out);
  Begin(w, definition ? "definition" : "schema").Name("id").String(payload.id);
  if (definition) w.Name("schema").String(payload.schema);
  w.Name("content").Raw(payload.content);
  return Done(w);
}

Result<SchemaPayload> ParseSchemaPayload(std::string_view payload, bool definition) {
  KEEL_TRY(const JsonView json, Open(payload, definition ? "definition" : "schema", definition ? 5 : 4));
  SchemaPayload parsed;
  KEEL_TRY(parsed.id, ReadId(json));
  if (definition) {
    KEEL_TRY(parsed.schema, json.GetPlain("schema"));
  }
  KEEL_TRY(const JsonView content, json.Get("content"));
  parsed.content = content.raw();
  return parsed;
}

Result<size_t> WriteStatusPayload(const StatusPayload& payload, std::span<char> out) {
  if (!IdOk(payload.id)) return Fail(Code::kInvalidArgument, "status payload");
  JsonWriter w(out);
  Begin(w, "status").Name("id").String(payload.id).Name("version").Uint(payload.version);
  w.Name("digest").Base64Url(payload.digest);
  return Done(w);
}

Result<StatusPayload> ParseStatusPayload(std::string_view payload) {
  KEEL_TRY(const JsonView json, Open(payload, "status", 5));
  StatusPayload parsed;
  KEEL_TRY(parsed.id, ReadId(json));
  KEEL_TRY(parsed.version, json.GetUint("version"));
  KEEL_TRY(parsed.digest, json.GetFixed<32>("digest"));
  return parsed;
}

Result<size_t> WriteSponsorPayload(const SponsorPayload& payload, std::span<char> out) {
  KEEL_TRY_VOID(ParseDid(payload.did));
  JsonWriter w(out);
  Begin(w, "sponsor").Name("did").String(payload.did).Name("seq").Uint(payload.seq);
  w.Name("quota").Uint(payload.quota).Name("until").Uint(payload.until);
  return Done(w);
}

Result<SponsorPayload> ParseSponsorPayload(std::string_view payload) {
  KEEL_TRY(const JsonView json, Open(payload, "sponsor", 6));
  SponsorPayload parsed;
  KEEL_TRY(parsed.did, json.GetPlain("did"));
  KEEL_TRY_VOID(ParseDid(parsed.did));
  KEEL_TRY(parsed.seq, json.GetUint("seq"));
  KEEL_TRY(parsed.quota, json.GetUint("quota"));
  KEEL_TRY(parsed.until, json.GetUint("until"));
  return parsed;
}

Result<size_t> WriteMemberPayload(const MemberPayload& payload, std::span<char> out) {
  if (!IsKeyId(payload.id) || payload.name.size() > kMaxStatementId)
    return Fail(Code::kInvalidArgument, "member payload");
  JsonWriter w(out);
  Begin(w, "member").Name("id").String(payload.id).Name("seq").Uint(payload.seq).Name("name").String(payload.name);
  w.Name("endpoints").Raw(payload.endpoints.empty() ? std::string_view("[]") : payload.endpoints);
  return Done(w);
}

Result<MemberPayload> ParseMemberPayload(std::string_view payload) {
  KEEL_TRY(const JsonView json, Open(payload, "member", 6));
  MemberPayload parsed;
  KEEL_TRY(parsed.id, json.GetPlain("id"));
  if (!IsKeyId(parsed.id)) return Fail(Code::kMalformed, "member id");
  KEEL_TRY(parsed.seq, json.GetUint("seq"));
  KEEL_TRY(parsed.name, json.GetPlain("name"));
  KEEL_TRY(const JsonView endpoints, json.Get("endpoints"));
  if (endpoints.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "member endpoints");
  parsed.endpoints = endpoints.raw();
  return parsed;
}

Result<size_t> WriteSponsoringPayload(const Bytes32& digest, std::span<char> out) {
  JsonWriter w(out);
  Begin(w, "sponsoring").Name("digest").Base64Url(digest);
  return Done(w);
}

Result<Bytes32> ParseSponsoringPayload(std::string_view payload) {
  KEEL_TRY(const JsonView json, Open(payload, "sponsoring", 3));
  return json.GetFixed<32>("digest");
}

}  // namespace keel::ledger
