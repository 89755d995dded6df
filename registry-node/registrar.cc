// SPDX-License-Identifier: Apache-2.0
#include "registry-node/registrar.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hooks.h"
#include "did/methods/keel.h"
#include "did/representation.h"
#include "ledger/entry.h"
#include "ledger/operation.h"

namespace keel::registry {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "registrar";

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kInvalidArgument, kWhere, std::move(detail)); }

// Keys that are elsewhere. Signing without their signatures remembers what is to be signed; with them it puts them in.
class RemoteKeys final : public crypto::KeyStore {
 public:
  crypto::KeyHandle Add(const crypto::PublicKey& key) {
    keys_.push_back({key, {}, {}});
    return {static_cast<uint32_t>(keys_.size())};
  }
  // In the order in which they were to sign.
  const std::vector<uint32_t>& asked() const { return asked_; }
  const crypto::PublicKey& key(uint32_t id) const { return keys_[id - 1].key; }
  const std::vector<uint8_t>& message(uint32_t id) const { return keys_[id - 1].message; }
  void Give(uint32_t id, const Bytes64& signature) { keys_[id - 1].signature = signature; }

  Result<crypto::KeyHandle> Generate(crypto::KeyType) override { return Fail(Code::kUnsupported, kWhere); }
  Result<crypto::PublicKey> Public(crypto::KeyHandle key) override {
    if (key.id == 0 || key.id > keys_.size()) return Fail(Code::kNoSuchKey, kWhere);
    return keys_[key.id - 1].key;
  }
  Result<size_t> Sign(crypto::KeyHandle key, ByteView message, ByteSpan out) override {
    if (key.id == 0 || key.id > keys_.size() || out.size() < 64) return Fail(Code::kNoSuchKey, kWhere);
    Remote& remote = keys_[key.id - 1];
    if (!remote.signature) {
      remote.message = base::ToBytes(message);
      asked_.push_back(key.id);
      std::fill_n(out.begin(), 64, uint8_t{0});
    } else {
      if (base::ToBytes(message) != remote.message) return Fail(Code::kInternalError, kWhere, "another message");
      std::copy(remote.signature->begin(), remote.signature->end(), out.begin());
    }
    return 64;
  }
  Result<crypto::SharedSecret> Agree(crypto::KeyHandle, const crypto::PublicKey&) override {
    return Fail(Code::kUnsupported, kWhere);
  }
  Result<> Erase(crypto::KeyHandle) override { return Fail(Code::kUnsupported, kWhere); }

 private:
  struct Remote {
    crypto::PublicKey key;
    std::vector<uint8_t> message;
    std::optional<Bytes64> signature;
  };
  std::vector<Remote> keys_;
  std::vector<uint32_t> asked_;
};

const char* AlgorithmOf(const crypto::PublicKey& key) {
  return key.type() == crypto::KeyType::kEd25519 ? "EdDSA" : "ES256";
}

// Base64 as clients write it: either alphabet, padded or not.
Result<base::ByteVec> AnyBase64(std::string text) {
  while (text.ends_with('=')) text.pop_back();
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  return base::FromBase64Url(text);
}

json Template(const std::string& id, std::initializer_list<const char*> purpose) {
  json out = {{"type", "Multikey"}, {"purpose", json::array()}};
  if (!id.empty()) out["id"] = id;
  for (const char* one : purpose) out["purpose"].push_back(one);
  return out;
}

json Answer(const json& job_id, json state) {
  return {{"jobId", job_id},
          {"didState", std::move(state)},
          {"didRegistrationMetadata", json::object()},
          {"didDocumentMetadata", json::object()}};
}

base::HttpResponse Send(int status, const json& body) { return base::JsonResponse(status, base::DumpJson(body)); }

base::HttpResponse Failed(const Error& error, const std::string& did) {
  const bool ours = error.code == Code::kInternalError || error.code == Code::kIo || error.code == Code::kCorrupt ||
                    error.code == Code::kNoEntropy || error.code == Code::kUnavailable || error.code == Code::kClosed;
  json state = {{"state", "failed"}, {"reason", CodeName(error.code)}, {"description", error.Text()}};
  if (!did.empty()) state["did"] = did;
  json body = Answer(nullptr, std::move(state));
  body["didRegistrationMetadata"]["error"] = did::ProblemDetails(error);
  return Send(ours ? 500 : 400, body);
}

json Finished(NodeResolver& resolver, const std::string& did) {
  json body = Answer(nullptr, {{"state", "finished"}, {"did", did}});
  if (const auto resolved = resolver.Resolve(did); resolved) {
    if (json document = did::DocumentJson(*resolved); !document.is_null())
      body["didState"]["didDocument"] = std::move(document);
    body["didDocumentMetadata"] = did::MetadataJson(resolved->metadata, resolved->deactivated);
  }
  return body;
}

}  // namespace

struct Registrar::Job {
  std::string id;
  RegistrarVerb verb = RegistrarVerb::kCreate;
  std::string client;
  uint64_t expires_ms = 0;
  RegistrarRequest request;  // as far as it has come
  // Once the operation is made:
  std::string did;
  std::string payload;
  RemoteKeys keys;
  std::vector<uint8_t> jws;  // signed
};

// What to answer, or the job whose operation is to be anchored.
struct Registrar::Outcome {
  json answer;
  std::unique_ptr<Job> ready;
};

Registrar::Registrar(Node& node, std::shared_ptr<NodeResolver> resolver, Accounts& accounts, QuotaTable& spends,
                     Clock& clock, Random& random, Options options)
    : node_(node),
      resolver_(std::move(resolver)),
      accounts_(accounts),
      spends_(spends),
      clock_(clock),
      random_(random),
      options_(options) {}
Registrar::~Registrar() = default;

size_t Registrar::jobs() const {
  const std::lock_guard lock(mutex_);
  return jobs_.size();
}

void Registrar::Handle(RegistrarVerb verb, const base::HttpRequest& request, const base::Responder& responder) {
  const auto access = accounts_.Identify(request);
  if (!access) return static_cast<void>(responder.Send(Failed(access.error(), {})));
  auto parsed =
      ParseRegistrarRequest(verb, request.body, base::QueryValue(request.query, "method").value_or(""), node_.label());
  if (!parsed) return static_cast<void>(responder.Send(Failed(parsed.error(), {})));
  const std::string did = parsed->did;
  auto outcome = parsed->job_id.empty() ? Start(verb, std::move(*parsed), *access) : Continue(verb, *parsed, *access);
  if (!outcome) {
    responder.Send(Failed(outcome.error(), did));
  } else if (outcome->ready) {
    Anchor(std::move(outcome->ready), *access, responder);
  } else {
    responder.Send(Send(200, outcome->answer));
  }
}

Result<Registrar::Outcome> Registrar::Start(RegistrarVerb verb, RegistrarRequest request, const Access& access) {
  auto job = std::make_unique<Job>();
  std::array<uint8_t, 16> id{};
  KEEL_TRY_VOID(random_.Fill(id));
  job->id = base::Base64Url(id);
  job->verb = verb;
  job->client = access.client;
  job->request = std::move(request);
  return Prepare(std::move(job));
}

Result<Registrar::Outcome> Registrar::Continue(RegistrarVerb verb, const RegistrarRequest& request,
                                               const Access& access) {
  std::unique_ptr<Job> job;
  {
    const std::lock_guard lock(mutex_);
    const auto it = jobs_.find(request.job_id);
    if (it != jobs_.end() && it->second->client == access.client && it->second->verb == verb &&
        clock_.TicksMs() < it->second->expires_ms) {
      job = std::move(it->second);
      jobs_.erase(it);
    }
  }
  if (!job) return Bad("there is no such job of yours: it was finished, or took longer than ten minutes");
  if (!request.did.empty() && request.did != (job->verb == RegistrarVerb::kCreate ? job->did : job->request.did))
    return Bad("did is not the job's");
  KEEL_TRY(const json secret, base::ParseJson(request.secret));
  if (job->payload.empty()) {
    // The keys that were asked for.
    KEEL_TRY(json mine, base::ParseJson(job->request.secret));
    json& methods = mine["verificationMethod"];
    if (!methods.is_array()) methods = json::array();
    if (const auto more = base::GetArray(secret, "verificationMethod"); more) {
      for (const json& method : **more) methods.push_back(method);
    }
    job->request.secret = base::DumpJson(mine);
    if (job->request.secret.size() > kMaxRegistrarRequest) return Bad("too many verification methods");
    return Prepare(std::move(job));
  }
  KEEL_TRY(job->jws, Sign(*job, secret));
  return Outcome{{}, std::move(job)};
}

// Makes the operation as far as the keys are there, or asks for those that are missing.
Result<Registrar::Outcome> Registrar::Prepare(std::unique_ptr<Job> job) {
  RegistrarRequest& request = job->request;
  KEEL_TRY(const json secret, base::ParseJson(request.secret));
  KEEL_TRY(const auto by, SecretKeys(secret, "update"));
  KEEL_TRY(const auto next, SecretKeys(secret, "nextUpdate"));
  json missing = json::array();
  did::KeelOperation operation;
  if (job->verb == RegistrarVerb::kCreate) {
    KEEL_TRY(const json document, base::ParseJson(request.documents.empty() ? "{}" : request.documents.front()));
    KEEL_TRY(const KeelContent content, ContentOf(document, secret, {}));
    if (content.keys.empty()) {
      missing.push_back(Template("#auth", {"authentication", "capabilityInvocation"}));
      missing.push_back(Template("#assert", {"assertionMethod"}));
    }
    if (next.empty()) missing.push_back(Template("", {"nextUpdate"}));
    if (!by.empty()) return Bad("purpose \"update\": a create is signed by its first verification method");
    if (missing.empty()) {
      did::KeelCreate create;
      create.label = node_.label();
      create.net = node_.net();
      for (const ContentKey& key : content.keys)
        create.keys.push_back({key.id, key.uses, {&job->keys, job->keys.Add(key.key)}});
      create.next = next;
      create.services = content.services;
      KEEL_TRY(operation, did::CreateKeelDid(create, random_));
    }
  } else {
    KEEL_TRY(const auto history, resolver_->History(request.did));
    const auto resolved = did::DocumentOfHistory(history);
    if (!resolved) return std::unexpected<Error>(resolved.error());
    if (resolved->deactivated) return Fail(Code::kDeactivated, kWhere, request.did + " is deactivated for good");
    did::KeelUpdate update;
    update.deactivate = job->verb == RegistrarVerb::kDeactivate;
    if (by.empty()) missing.push_back(Template("", {"update"}));
    if (!update.deactivate && next.empty()) missing.push_back(Template("", {"nextUpdate"}));
    if (missing.empty()) {
      if (!update.deactivate) {
        KEEL_TRY(const json document, ApplyOperations(did::DocumentJson(*resolved), request));
        KEEL_TRY(const KeelContent content, ContentOf(document, secret, request.did));
        for (const ContentKey& key : content.keys)
          update.keys.push_back({key.id, key.uses, {&job->keys, job->keys.Add(key.key)}});
        update.services = content.services;
        update.next = next;
      }
      for (const crypto::PublicKey& key : by) update.by.push_back({&job->keys, job->keys.Add(key)});
      // Refused here rather than by the ledger: nobody signs in vain.
      ledger::DidHistory state;
      KEEL_TRY_VOID(state.Start(request.did));
      for (const auto& item : history.operations)
        KEEL_TRY_VOID(state.Apply(item.index, item.jws,
                                  {.verify_create_signature = false, .verify_signatures = false, .work = {}}));
      if (by.size() != state.next_threshold())
        return Bad("purpose \"update\": exactly " + std::to_string(state.next_threshold()) +
                   " of the keys committed to");
      for (const crypto::PublicKey& key : by) {
        KEEL_TRY(const Bytes32 hash, ledger::KeyHash(key));
        if (std::find(state.next().begin(), state.next().end(), hash) == state.next().end())
          return Bad("purpose \"update\": " + base::Multikey(key) + " was not committed to by the operation before");
      }
      KEEL_TRY(operation, did::UpdateKeelDid(history, update));
    }
  }
  if (!missing.empty()) {
    return Keep(
        std::move(job),
        {{"state", "action"}, {"action", "getVerificationMethod"}, {"verificationMethodTemplate", std::move(missing)}});
  }
  job->did = operation.did;
  ByteArray<ledger::kMaxOperationPayload> scratch;
  KEEL_TRY(const ledger::Operation made, ledger::ParseOperation(operation.jws, scratch));
  job->payload = AsText(made.payload);
  json requests = json::object();
  size_t number = 0;
  for (const uint32_t id : job->keys.asked()) {
    const crypto::PublicKey& key = job->keys.key(id);
    const std::string multikey = base::Multikey(key);
    json one = {{"payload", base::ParseJson(job->payload).value_or(json())},
                {"serializedPayload", base::Base64(job->keys.message(id))},
                {"alg", AlgorithmOf(key)},
                {"kid", job->verb == RegistrarVerb::kCreate ? job->did + "#" + std::string(made.keys[0].id)
                                                            : "did:key:" + multikey + "#" + multikey},
                {"publicKeyMultibase", multikey},
                {"purpose", job->verb == RegistrarVerb::kCreate ? "create" : "update"}};
    requests["signingRequest" + std::to_string(++number)] = std::move(one);
  }
  json state = {
      {"state", "action"}, {"action", "signPayload"}, {"did", job->did}, {"signingRequest", std::move(requests)}};
  return Keep(std::move(job), std::move(state));
}

Result<Registrar::Outcome> Registrar::Keep(std::unique_ptr<Job> job, json state) {
  if (job->verb != RegistrarVerb::kCreate) state["did"] = job->request.did;
  Outcome outcome{Answer(job->id, std::move(state)), nullptr};
  const uint64_t now = clock_.TicksMs();
  job->expires_ms = now + kJobMs;
  const std::lock_guard lock(mutex_);
  std::erase_if(jobs_, [now](const auto& item) { return item.second->expires_ms <= now; });
  const auto mine =
      std::count_if(jobs_.begin(), jobs_.end(), [&](const auto& item) { return item.second->client == job->client; });
  if (static_cast<size_t>(mine) >= kMaxClientJobs)
    return Fail(Code::kBusy, kWhere,
                "you have " + std::to_string(mine) + " jobs open: finish one, or wait ten minutes");
  if (jobs_.size() >= kMaxJobs) {
    jobs_.erase(std::min_element(jobs_.begin(), jobs_.end(), [](const auto& a, const auto& b) {
      return a.second->expires_ms < b.second->expires_ms;
    }));
  }
  std::string id = job->id;
  jobs_[std::move(id)] = std::move(job);
  return outcome;
}

// The operation with the client's signatures, each verified.
Result<std::vector<uint8_t>> Registrar::Sign(Job& job, const json& secret) const {
  const auto responses = base::GetObject(secret, "signingResponse");
  if (!responses) return Bad("secret.signingResponse is missing: {\"signingRequest1\": {\"signature\": BASE64}}");
  if ((*responses)->size() != job.keys.asked().size()) return Bad("secret.signingResponse: one for each request");
  std::vector<ledger::Signer> signers;
  size_t number = 0;
  for (const uint32_t id : job.keys.asked()) {
    const std::string name = "signingRequest" + std::to_string(++number);
    const auto response = base::GetObject(**responses, name.c_str());
    if (!response) return Bad("secret.signingResponse." + name + " is missing");
    const crypto::PublicKey& key = job.keys.key(id);
    const auto alg = base::GetOptionalString(**response, "alg");
    if (!alg || (*alg && **alg != AlgorithmOf(key)))
      return Bad("secret.signingResponse." + name + ".alg is not " + AlgorithmOf(key));
    const auto signature = AnyBase64(base::GetString(**response, "signature").value_or("?"));
    if (!signature || signature->size() != 64)
      return Bad("secret.signingResponse." + name +
                 ".signature is not 64 octets in Base64 (RFC 7515: r || s for ES256)");
    Bytes64 octets{};
    std::copy(signature->begin(), signature->end(), octets.begin());
    // Half of all ECDSA signatures have a high s, which the ledger refuses; its counterpart says the same.
    if (key.type() == crypto::KeyType::kP256)
      crypto::internal::MakeLowS(crypto::KeyType::kP256, ByteSpan(octets).subspan(32));
    KEEL_TRY(const bool good, crypto::Verify(key, job.keys.message(id), octets, true));
    if (!good)
      return Fail(Code::kBadSignature, kWhere, name + " is not signed by " + base::Multikey(key) + ": start again");
    job.keys.Give(id, octets);
    signers.push_back({&job.keys, {id}});
  }
  std::vector<uint8_t> jws(ledger::kMaxOperation);
  KEEL_TRY(const size_t length, ledger::SignOperation(job.payload, signers, jws));
  jws.resize(length);
  return jws;
}

void Registrar::Anchor(std::unique_ptr<Job> job, const Access& access, const base::Responder& responder) {
  const std::string did = job->did;
  const bool create = job->verb == RegistrarVerb::kCreate;
  const uint64_t now = clock_.TicksMs();
  if (create && !access.create) {
    if (options_.creates_per_hour == 0) {
      responder.Send(Failed(Fail(Code::kNotSponsored, kWhere,
                                 "this member sponsors creates for accounts alone: 'keel-registry account add ID "
                                 "--create', or registrar.creates in its configuration")
                                .error(),
                            did));
      return;
    }
    if (!creates_.Take(access.client, 1, options_.creates_per_hour, now)) {
      responder.Send(
          Failed(Fail(Code::kQuotaExceeded, kWhere,
                      access.client + " may create " + std::to_string(options_.creates_per_hour) + " an hour")
                     .error(),
                 did));
      return;
    }
  }
  if (!create && !spends_.Take(access.client, 1, access.spends_per_hour, now)) {
    responder.Send(Failed(
        Fail(Code::kQuotaExceeded, kWhere,
             access.client + " may send " + std::to_string(access.spends_per_hour) + " operations and spends an hour")
            .error(),
        did));
    return;
  }
  std::vector<uint8_t> entry(job->jws.size() + 16);
  const auto length = ledger::WriteOperationEntry(job->jws, entry);
  if (!length) {
    responder.Send(Failed(length.error(), did));
    return;
  }
  PreparedTransaction transaction;
  transaction.entries.push_back(registry::Prepare(node_.net(), ByteView(entry).first(*length)));
  auto done = [resolver = resolver_, responder, did, create](Result<std::vector<Verdict>> verdicts) {
    if (!verdicts) {
      responder.Send(Failed(verdicts.error(), did));
    } else if (verdicts->front().code != Code::kOk) {
      responder.Send(Failed(Fail(verdicts->front().code, kWhere, verdicts->front().detail).error(), did));
    } else {
      responder.Send(Send(create ? 201 : 200, Finished(*resolver, did)));
    }
  };
  if (auto ok = node_.Submit(std::move(transaction), create, done); !ok) responder.Send(Failed(ok.error(), did));
}

}  // namespace keel::registry
