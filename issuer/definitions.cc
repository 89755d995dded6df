// SPDX-License-Identifier: Apache-2.0
// Schemas and credential definitions of this issuer on the ledger (docs/formats/schemas.md).
#include <nlohmann/json.hpp>

#include "base/jcs.h"
#include "base/json_strict.h"
#include "issuer/internal/keys.h"
#include "issuer/issuer.h"
#include "ledger/entry.h"
#include "vc/definition/definition.h"
#include "vc/schema/bundled.h"

namespace keel::issuer {

using nlohmann::json;

namespace {

constexpr const char* kWhere = "schema";

Result<std::string> ReadId(const json& args) {
  KEEL_TRY(std::string id, base::GetString(args, "id"));
  if (!vc::IsLedgerId(id))
    return Fail(Code::kUsage, kWhere, "an id has 1 to 64 of A-Z a-z 0-9 . _ -, this is '" + id + "'");
  return id;
}

}  // namespace

// Null: no definition is set, so credentials are issued outside any.
void Issuer::ConnectDefinitions() {
  definitions_.reset();
  vc::SchemaStore::Options options;
  options.from_ledger = [this](const std::string& author, const std::string& id) {
    return registry_->GetSchema(author, id);
  };
  schemas_ = std::make_unique<vc::SchemaStore>(std::move(options));
  definitions_ = std::make_unique<vc::DefinitionBook>(
      *schemas_, [this](const std::string& author, const std::string& id) -> Result<vc::DefinitionBook::Anchored> {
        KEEL_TRY(registry_client::Definition found, registry_->GetDefinition(author, id));
        return vc::DefinitionBook::Anchored{std::move(found.schema), std::move(found.content)};
      });
}

Result<uint64_t> Issuer::SubmitStatement(ledger::EntryType type, std::string_view payload) {
  base::ByteVec statement(ledger::kMaxStatement);
  KEEL_TRY(const size_t statement_length,
           ledger::SignStatement(payload, identity_->auth_kid(), identity_->keys(), identity_->auth(), statement));
  std::vector<uint8_t> entry(statement_length + 16);
  KEEL_TRY(const size_t length, ledger::WriteStatementEntry(type, ByteView(statement).first(statement_length), entry));
  entry.resize(length);
  KEEL_TRY(const auto verdicts, registry_->Submit({&entry, 1}));
  if (verdicts.size() != 1 || verdicts[0].code != Code::kOk)
    return Fail(verdicts.empty() ? Code::kInternalError : verdicts[0].code, "registry",
                verdicts.empty() ? "no verdict" : verdicts[0].detail);
  return verdicts[0].index;
}

Result<json> Issuer::PublishSchema(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY_VOID(base::OnlyMembers(args, {"id", "text"}));
  KEEL_TRY(const std::string id, ReadId(args));
  KEEL_TRY(const std::string text, base::GetString(args, "text"));
  KEEL_TRY_VOID(vc::JsonSchema::Compile(text));
  KEEL_TRY(const json schema, base::ParseJson(text, {.max_size = vc::kMaxSchema}));
  KEEL_TRY(const std::string content, base::Jcs(schema));
  ledger::SchemaPayload payload;
  payload.id = id;
  payload.content = content;
  std::string written(content.size() + 1024, '\0');
  const auto length = ledger::WriteSchemaPayload(payload, false, std::span<char>(written.data(), written.size()));
  if (!length) return std::unexpected<Error>(length.error());
  const auto index = SubmitStatement(ledger::EntryType::kSchema, std::string_view(written).substr(0, *length));
  if (!index && index.error().code == Code::kBufferTooSmall)
    return Fail(Code::kTooLarge, kWhere,
                "a schema on the ledger has at most 24,000 octets, this one " + std::to_string(content.size()));
  if (!index) return std::unexpected<Error>(index.error());
  return json{{"id", vc::LedgerName{false, did(), id}.Url()}, {"digest", vc::DigestSri(content)}, {"index", *index}};
}

Result<json> Issuer::ShowSchema(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY_VOID(base::OnlyMembers(args, {"id", "author"}));
  KEEL_TRY(const std::string id, base::GetString(args, "id"));
  KEEL_TRY(const auto author, base::GetOptionalString(args, "author"));
  std::string url = id;
  if (vc::FindBundledSchema(id) != nullptr && !id.starts_with(vc::kKeelSchemas)) {
    url = std::string(vc::kKeelSchemas) + id + ".json";
  } else if (id.find(':') == std::string::npos) {
    KEEL_TRY_VOID(ReadId(args));
    url = vc::LedgerName{false, author.value_or(did()), id}.Url();
  }
  KEEL_TRY(const auto loaded, schemas_->Get(url));
  return json{{"id", url}, {"digest", vc::DigestSri(loaded->text)}, {"text", loaded->text}};
}

Result<json> Issuer::PublishDefinition(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY_VOID(base::OnlyMembers(args, {"id", "definition"}));
  KEEL_TRY(const std::string id, ReadId(args));
  KEEL_TRY(const json* object, base::GetObject(args, "definition"));
  KEEL_TRY(vc::CredentialDefinition definition, vc::CredentialDefinition::FromJson(*object));
  definition.author = did();
  definition.id = id;
  // The schema is looked at now: a definition over one that isn't to be had could never be met.
  KEEL_TRY(const auto schema, schemas_->Get(definition.schema));
  if (definition.digest.empty()) definition.digest = vc::DigestSri(schema->text);
  KEEL_TRY(const bool same, vc::MatchesSri(schema->text, definition.digest));
  if (!same)
    return Fail(Code::kConflict, "definition",
                "the schema " + definition.schema + " has the digest " + vc::DigestSri(schema->text) + ", not " +
                    definition.digest);
  KEEL_TRY(const std::string content, base::Jcs(definition.Content()));
  ledger::SchemaPayload payload;
  payload.id = id;
  payload.schema = definition.schema;
  payload.content = content;
  std::string written(content.size() + definition.schema.size() + 1024, '\0');
  KEEL_TRY(const size_t length,
           ledger::WriteSchemaPayload(payload, true, std::span<char>(written.data(), written.size())));
  KEEL_TRY(const uint64_t index,
           SubmitStatement(ledger::EntryType::kDefinition, std::string_view(written).substr(0, length)));
  return json{{"id", definition.Url()}, {"schema", definition.schema}, {"digest", definition.digest}, {"index", index}};
}

Result<json> Issuer::ShowDefinition(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY_VOID(base::OnlyMembers(args, {"id", "author"}));
  KEEL_TRY(std::string id, base::GetString(args, "id"));
  KEEL_TRY(const auto said, base::GetOptionalString(args, "author"));
  std::string author = said.value_or(did());
  if (const auto name = vc::LedgerName::Parse(id); name && name->definition) {
    author = name->author;
    id = name->id;
  }
  KEEL_TRY(const vc::CredentialDefinition definition, definitions_->Get(author, id));
  json out = definition.Content();
  out["id"] = definition.Url();
  out["schema"] = definition.schema;
  return out;
}

Result<> Issuer::ConformToDefinition(json& credential) {
  if (options_.definition.empty()) return vc::CheckOwnSchemas(credential);
  auto definition = definitions_->Get(did(), options_.definition);
  if (!definition)
    return Fail(definition.error().code, "issue",
                "the setting definition is '" + options_.definition +
                    "', and that can't be had: " + definition.error().Text() +
                    "; publish it with keel-issuer definition publish, or clear the setting");
  definition->Name(credential);
  KEEL_TRY(const crypto::PublicKey key, identity_->keys().Public(identity_->auth()));
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(key.type()));
  return definitions_->CheckIssue(*definition, credential, {"vc+jwt", std::string(crypto::JoseName(algorithm))});
}

}  // namespace keel::issuer
