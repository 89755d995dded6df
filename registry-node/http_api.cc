// SPDX-License-Identifier: Apache-2.0
#include "registry-node/http_api.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "did/resolution_http.h"
#include "ledger/quorum_time.h"
#include "ledger/r0.h"
#include "ledger/rendezvous.h"
#include "registry-client/wire.h"
#include "registry-node/proof.h"

namespace keel::registry {
namespace {

using base::ErrorResponse;
using base::HttpRequest;
using base::HttpResponse;
using registry_client::ItemTag;
using registry_client::kOctetStream;
using registry_client::PutItem;

constexpr uint64_t kSweepMs = 600'000;
constexpr size_t kMaxLogEntries = 1000;

HttpResponse Octets(std::string body) { return base::BytesResponse(200, kOctetStream, std::move(body)); }
HttpResponse NoView(const Node& node) {
  const std::string hold = node.HoldReason();
  return ErrorResponse(Fail(Code::kUnavailable, "registry", hold.empty() ? "no checkpoint yet" : hold).error());
}
HttpResponse BadRequest(Code code, const char* where, std::string detail) {
  return ErrorResponse(Fail(code, where, std::move(detail)).error());
}

Result<uint64_t> QueryUint(const HttpRequest& request, std::string_view name) {
  KEEL_TRY(const std::string text, base::QueryValue(request.query, name));
  uint64_t value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || parsed.ec != std::errc() || parsed.ptr != text.data() + text.size()) {
    return Fail(Code::kMalformed, "query", std::string(name) + " must be a number");
  }
  return value;
}

Result<Bytes32> HexKey(const std::string& text) {
  KEEL_TRY(const base::ByteVec octets, base::FromHex(text));
  if (octets.size() != 32) return Fail(Code::kMalformed, "key", "64 hexadecimal digits wanted");
  Bytes32 key;
  std::copy(octets.begin(), octets.end(), key.begin());
  return key;
}

void AppendR0(std::string& out, uint8_t tag, ByteView body) {
  std::array<uint8_t, ledger::kMaxItem> item;
  if (const auto n = ledger::WriteItem(tag, body, item); n) out += AsText(ByteView(item).first(*n));
}

void AppendEpochs(std::string& out, const View& view, uint32_t known) {
  for (size_t e = size_t{known} + 1; e < view.epochs->size(); ++e) {
    const ByteView bundle = (*view.epochs)[e];
    const size_t parts = (bundle.size() + ledger::kMaxEpochPart - 1) / ledger::kMaxEpochPart;
    for (size_t p = 0; p < parts; ++p) {
      const size_t at = p * ledger::kMaxEpochPart;
      const ByteView piece = bundle.subspan(at, std::min(ledger::kMaxEpochPart, bundle.size() - at));
      std::array<uint8_t, ledger::kMaxItem> item;
      const auto n = ledger::WriteEpochPart(static_cast<uint8_t>(p), static_cast<uint8_t>(parts), piece, item);
      if (n) out += AsText(ByteView(item).first(*n));
    }
  }
}

}  // namespace

HttpApi::HttpApi(Node& node, Rendezvous& rendezvous, QuorumTimeService& time, Accounts& accounts, Clock& clock,
                 Random& random, Options options)
    : node_(node),
      rendezvous_(rendezvous),
      time_(time),
      accounts_(accounts),
      clock_(clock),
      random_(random),
      options_(options),
      resolver_(std::make_shared<NodeResolver>(node, options.others)),
      registrar_(node, resolver_, accounts, spends_, clock, random, {.creates_per_hour = options.registrar_creates}) {
  Routes();
  housekeeping_ = std::thread([this] { Housekeeping(); });
}

HttpApi::~HttpApi() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  housekeeping_.join();
  rendezvous_.ReleaseAll();
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return asking_ == 0; });
}

base::HttpHandler HttpApi::Handler() { return router_.AsHandler(); }

void HttpApi::Routes() {
  const auto sync = [this](const char* method, const char* pattern, auto handler) {
    router_.AddSync(method, pattern, [this, handler](const HttpRequest& r) { return handler(*this, r); });
  };
  router_.Add("POST", "/v1/transactions",
              [this](HttpRequest r, base::Responder w) { PostTransactions(std::move(r), std::move(w)); });
  router_.Add("POST", "/v1/r0", [this](HttpRequest r, base::Responder w) { PostR0(std::move(r), std::move(w)); });
  sync("POST", "/v1/rendezvous", [](HttpApi& a, const HttpRequest& r) { return a.PostRendezvous(r); });
  sync("GET", "/v1/did/{did}", [](HttpApi& a, const HttpRequest& r) { return a.GetDid(r); });
  sync("GET", "/v1/map/{key}", [](HttpApi& a, const HttpRequest& r) { return a.GetMap(r); });
  sync("POST", "/v1/proofs", [](HttpApi& a, const HttpRequest& r) { return a.PostProofs(r); });
  sync("GET", "/v1/schemas/{author}/{id}",
       [](HttpApi& a, const HttpRequest& r) { return a.GetContent(r, ledger::MapType::kSchema); });
  sync("GET", "/v1/definitions/{author}/{id}",
       [](HttpApi& a, const HttpRequest& r) { return a.GetContent(r, ledger::MapType::kDefinition); });
  sync("GET", "/v1/status/{author}/{id}",
       [](HttpApi& a, const HttpRequest& r) { return a.GetContent(r, ledger::MapType::kStatus); });
  sync("GET", "/v1/log/entries", [](HttpApi& a, const HttpRequest& r) { return a.GetLogEntries(r); });
  sync("GET", "/v1/log/consistency", [](HttpApi& a, const HttpRequest& r) { return a.GetLogProof(r, true); });
  sync("GET", "/v1/log/inclusion", [](HttpApi& a, const HttpRequest& r) { return a.GetLogProof(r, false); });
  sync("GET", "/v1/evidence/{seal}", [](HttpApi& a, const HttpRequest& r) { return a.GetEvidence(r); });
  sync("GET", "/v1/checkpoint", [](HttpApi& a, const HttpRequest&) {
    const auto view = a.node_.view();
    return view ? base::BytesResponse(200, "text/plain; charset=utf-8", view->note) : NoView(a.node_);
  });
  sync("GET", "/v1/checkpoint.bin", [](HttpApi& a, const HttpRequest&) {
    const auto view = a.node_.view();
    if (!view) return NoView(a.node_);
    std::string out;
    PutItem(out, ItemTag::kCheckpoint, view->ckpt);
    PutItem(out, ItemTag::kState, view->state);
    return Octets(std::move(out));
  });
  sync("GET", "/v1/descriptor", [](HttpApi& a, const HttpRequest&) {
    const auto view = a.node_.view();
    if (!view) return NoView(a.node_);
    std::string out;
    for (const auto& bundle : *view->epochs) PutItem(out, ItemTag::kEpoch, bundle);
    return Octets(std::move(out));
  });
  for (const char* method : {"GET", "POST"}) {
    router_.Add(method, "/1.0/identifiers/{did...}",
                [this](HttpRequest r, base::Responder w) { Identifiers(std::move(r), std::move(w)); });
  }
  for (const auto& [path, verb] : {std::pair{"/1.0/create", RegistrarVerb::kCreate},
                                   {"/1.0/update", RegistrarVerb::kUpdate},
                                   {"/1.0/deactivate", RegistrarVerb::kDeactivate}}) {
    router_.Add("POST", path, [this, verb](const HttpRequest& r, const base::Responder& w) {
      ++transactions_;
      registrar_.Handle(verb, r, w);
    });
  }
  sync("GET", "/livez", [](HttpApi&, const HttpRequest&) { return base::TextResponse(200, "ok\n"); });
  sync("GET", "/readyz", [](HttpApi& a, const HttpRequest&) { return a.Ready(); });
  sync("GET", "/metrics", [](HttpApi& a, const HttpRequest&) { return a.Metrics(); });
}

void HttpApi::PostTransactions(HttpRequest request, base::Responder responder) {
  const auto access = accounts_.Identify(request);
  if (!access) {
    responder.Send(ErrorResponse(access.error()));
    return;
  }
  auto transaction = PrepareTransaction(node_.net(), AsBytes(request.body));
  if (!transaction) {
    responder.Send(ErrorResponse(transaction.error()));
    return;
  }
  if (transaction->entries.size() > registry_client::kMaxEntries) {
    responder.Send(BadRequest(Code::kTooLarge, "transaction",
                              "at most " + std::to_string(registry_client::kMaxEntries) + " entries"));
    return;
  }
  // Sponsored transactions count against the sponsor's quota on the ledger; the rest by who sends it.
  uint64_t counted = 0;
  for (const PreparedEntry& e : transaction->entries) {
    const bool create = e.type == ledger::EntryType::kOperation && e.kind == ledger::OperationKind::kCreate;
    if (e.refused != Code::kOk || !create) ++counted;
  }
  if (!spends_.Take(access->client, counted, access->spends_per_hour, clock_.TicksMs())) {
    responder.Send(BadRequest(Code::kQuotaExceeded, "quota",
                              access->client + " may send " + std::to_string(access->spends_per_hour) +
                                  " operations and spends an hour" +
                                  (access->account ? "" : "; an account may send more")));
    return;
  }
  ++transactions_;
  auto done = [responder](Result<std::vector<Verdict>> verdicts) {
    if (!verdicts) {
      responder.Send(ErrorResponse(verdicts.error()));
      return;
    }
    nlohmann::json results = nlohmann::json::array();
    for (const Verdict& v : *verdicts) {
      nlohmann::json one = {{"code", CodeName(v.code)}};
      if (v.code == Code::kOk) {
        one["index"] = v.index;
        if (!v.fresh) one["known"] = true;
      } else {
        one["number"] = static_cast<uint16_t>(v.code);
        one["detail"] = v.detail;
      }
      results.push_back(std::move(one));
    }
    responder.Send(base::JsonResponse(200, base::DumpJson({{"results", std::move(results)}})));
  };
  if (auto ok = node_.Submit(std::move(*transaction), access->create, done); !ok)
    responder.Send(ErrorResponse(ok.error()));
}

void HttpApi::PostR0(HttpRequest request, base::Responder responder) {
  ++r0_;
  const auto query = ledger::ParseR0Query(AsBytes(request.body));
  if (!query) {
    responder.Send(ErrorResponse(query.error()));
    return;
  }
  uint64_t wait = options_.max_poll_ms;
  if (!request.query.empty()) {
    const auto asked = QueryUint(request, "wait");
    if (!asked && asked.error().code != Code::kMissing) {
      responder.Send(ErrorResponse(asked.error()));
      return;
    }
    if (asked) wait = std::min(wait, *asked);
  }
  const auto now = clock_.Now();
  if (!node_.view() || !now) {
    responder.Send(now ? NoView(node_) : ErrorResponse(now.error()));
    return;
  }
  // The time is stated when the answer leaves, not when the question came (section 6).
  auto answer = [this, responder, q = *query](std::vector<Rendezvous::Value> values) {
    {
      std::lock_guard lock(mutex_);
      if (stop_) {
        responder.Send(BadRequest(Code::kUnavailable, "rendezvous", "the service stops"));
        return;
      }
      ++asking_;
    }
    time_.Ask(q.nonce, [this, responder, q, values = std::move(values)](Result<std::vector<uint8_t>> time) {
      const auto leave = [this] {
        std::lock_guard lock(mutex_);
        --asking_;
        wake_.notify_all();
      };
      const auto view = node_.view();
      if (!time || !view) {
        responder.Send(time ? NoView(node_) : ErrorResponse(time.error()));
        leave();
        return;
      }
      std::string out;
      AppendEpochs(out, *view, q.epoch);
      AppendR0(out, static_cast<uint8_t>(ledger::R0Tag::kTime), *time);
      for (const auto& value : values) AppendR0(out, static_cast<uint8_t>(ledger::R0Tag::kValue), value);
      if (values.empty() && q.count > 0) {
        ByteArray<ledger::kRendezvousValue> dummy;
        if (ledger::DummyValue(random_, dummy)) AppendR0(out, static_cast<uint8_t>(ledger::R0Tag::kValue), dummy);
      }
      responder.Send(Octets(std::move(out)));
      leave();
    });
  };
  std::vector<Bytes32> indices(query->indexes.begin(), query->indexes.begin() + query->count);
  if (indices.empty() || wait == 0) {
    answer(rendezvous_.Find(indices, *now));
    return;
  }
  if (auto ok = rendezvous_.FindOrWait(std::move(indices), *now, clock_.TicksMs() + wait, answer); !ok)
    responder.Send(ErrorResponse(ok.error()));
}

void HttpApi::Identifiers(HttpRequest request, base::Responder responder) {
  ++resolves_;
  if (!request.params.front().starts_with("did:web")) {
    responder.Send(did::AnswerIdentifiers(*resolver_, request));
    return;
  }
  // Such a host answers when it likes: at most five seconds.
  const auto work = [this, request = std::move(request), responder] {
    responder.Send(did::AnswerIdentifiers(*resolver_, request));
  };
  if (!lane_.Post(work))
    responder.Send(BadRequest(Code::kBusy, "resolve", "too many DIDs of web hosts are being asked for: try again"));
}

HttpResponse HttpApi::PostRendezvous(const HttpRequest& request) {
  const auto access = accounts_.Identify(request);
  if (!access) return ErrorResponse(access.error());
  if (!access->publish) {
    return BadRequest(
        Code::kUntrusted, "rendezvous",
        "publishing needs an account here: 'keel-registry account add', or a DID anchored in this registry");
  }
  constexpr size_t kOne = 32 + ledger::kRendezvousValue;
  const size_t count = request.body.size() / kOne;
  if (count == 0 || request.body.size() % kOne != 0)
    return BadRequest(Code::kMalformed, "rendezvous", "index 32 || value expected, once or several times");
  if (count > registry_client::kMaxRendezvousEntries) {
    return BadRequest(Code::kTooLarge, "rendezvous",
                      "at most " + std::to_string(registry_client::kMaxRendezvousEntries) + " values at once");
  }
  if (!publishes_.Take(access->client, count, access->publishes_per_hour, clock_.TicksMs())) {
    return BadRequest(Code::kQuotaExceeded, "rendezvous", access->client + " published too often within the hour");
  }
  const auto now = clock_.Now();
  if (!now) return ErrorResponse(now.error());
  ByteReader r(AsBytes(request.body));
  for (size_t i = 0; i < count; ++i) {
    const Bytes32 index = r.Fixed<32>();
    if (auto ok = rendezvous_.Publish(index, r.Take(ledger::kRendezvousValue), *now); !ok)
      return ErrorResponse(ok.error());
  }
  return base::TextResponse(200, "ok\n");
}

HttpResponse HttpApi::GetDid(const HttpRequest& request) {
  const auto view = node_.view();
  if (!view) return NoView(node_);
  ++resolves_;
  auto answer = DidBundle(*view, node_.label(), request.params[0]);
  if (!answer) return ErrorResponse(answer.error());
  // 404 with the bundle: the body proves the absence.
  return base::BytesResponse(answer->found ? 200 : 404, kOctetStream, std::move(answer->bundle));
}

HttpResponse HttpApi::GetMap(const HttpRequest& request) {
  const auto view = node_.view();
  if (!view) return NoView(node_);
  const auto key = HexKey(request.params[0]);
  if (!key) return ErrorResponse(key.error());
  ++proofs_;
  auto bundle = ProofsBundle(*view, node_.label(), std::span(&*key, 1), {});
  return bundle ? Octets(std::move(*bundle)) : ErrorResponse(bundle.error());
}

HttpResponse HttpApi::PostProofs(const HttpRequest& request) {
  const auto view = node_.view();
  if (!view) return NoView(node_);
  const auto query = registry_client::ParseProofQuery(AsBytes(request.body));
  if (!query) return ErrorResponse(query.error());
  proofs_ += query->keys.size();
  resolves_ += query->dids.size();
  auto bundle = ProofsBundle(*view, node_.label(), query->keys, query->dids);
  return bundle ? Octets(std::move(*bundle)) : ErrorResponse(bundle.error());
}

HttpResponse HttpApi::GetContent(const HttpRequest& request, ledger::MapType type) {
  const auto view = node_.view();
  if (!view) return NoView(node_);
  auto answer = ContentBundle(*view, ledger::NamedKey(type, request.params[0], request.params[1]));
  if (!answer) return ErrorResponse(answer.error());
  return base::BytesResponse(answer->found ? 200 : 404, kOctetStream, std::move(answer->bundle));
}

HttpResponse HttpApi::GetLogEntries(const HttpRequest& request) {
  const auto view = node_.view();
  if (!view) return NoView(node_);
  const auto from = QueryUint(request, "from");
  const auto count = QueryUint(request, "count");
  if (!from || !count) return ErrorResponse(from ? count.error() : from.error());
  std::string out;
  const StoreReader reader = view->Reader();
  for (uint64_t i = *from; i < view->size && i - *from < std::min<uint64_t>(*count, kMaxLogEntries); ++i) {
    const auto entry = reader(EntryStoreKey(i));
    if (!entry) return ErrorResponse(entry.error());
    if (!*entry) return BadRequest(Code::kCorrupt, "ledger", "an entry is missing");
    std::vector<uint8_t> body(8 + (*entry)->size());
    ByteWriter(body).U64(i).Put(**entry);
    PutItem(out, ItemTag::kEntry, body);
  }
  return Octets(std::move(out));
}

HttpResponse HttpApi::GetLogProof(const HttpRequest& request, bool consistency) {
  const auto view = node_.view();
  if (!view) return NoView(node_);
  const auto a = QueryUint(request, consistency ? "from" : "index");
  const auto b = QueryUint(request, consistency ? "to" : "size");
  if (!a || !b) return ErrorResponse(a ? b.error() : a.error());
  if (*b > view->size)
    return BadRequest(Code::kOutOfRange, "log", "the log has " + std::to_string(view->size) + " entries");
  const auto path = consistency ? ConsistencyPath(view->Reader(), *a, *b) : InclusionPath(view->Reader(), *a, *b);
  if (!path) return ErrorResponse(path.error());
  std::string out;
  for (const Bytes32& h : *path) out += AsText(h);
  return Octets(std::move(out));
}

HttpResponse HttpApi::GetEvidence(const HttpRequest& request) {
  const auto view = node_.view();
  if (!view) return NoView(node_);
  const auto seal = HexKey(request.params[0]);
  if (!seal) return ErrorResponse(seal.error());
  std::string out;
  const auto ok = view->snapshot->Scan("x" + std::string(AsText(*seal)), [&](std::string_view, std::string_view entry) {
    std::vector<uint8_t> body(8 + entry.size());
    ByteWriter(body).U64(UINT64_MAX).Put(entry);  // it has no index: it was refused
    PutItem(out, ItemTag::kEntry, body);
    return true;
  });
  if (!ok) return ErrorResponse(ok.error());
  return base::BytesResponse(out.empty() ? 404 : 200, kOctetStream, std::move(out));
}

HttpResponse HttpApi::Ready() {
  if (auto ok = node_.Ready(); !ok) return base::TextResponse(503, "not ready: " + ok.error().Text() + "\n");
  return base::TextResponse(200, "ok\n");
}

HttpResponse HttpApi::Metrics() {
  const Node::Stats s = node_.stats();
  const auto view = node_.view();
  std::string out;
  const auto put = [&out](const char* name, const char* type, uint64_t value) {
    out += std::string("# TYPE ") + name + " " + type + "\n" + name + " " + std::to_string(value) + "\n";
  };
  put("keel_registry_commits_total", "counter", s.commits);
  put("keel_registry_entries_total", "counter", s.entries);
  put("keel_registry_refused_total", "counter", s.refused);
  put("keel_registry_failed_commits_total", "counter", s.failed_commits);
  put("keel_registry_queued_entries", "gauge", s.queued);
  put("keel_registry_log_size", "gauge", view ? view->size : 0);
  put("keel_registry_checkpoint_time", "gauge", view ? view->time : 0);
  put("keel_registry_resolves_total", "counter", resolves_);
  put("keel_registry_proofs_total", "counter", proofs_);
  put("keel_registry_transactions_total", "counter", transactions_);
  put("keel_registry_r0_total", "counter", r0_);
  put("keel_registry_registrar_jobs", "gauge", registrar_.jobs());
  put("keel_registry_rendezvous_indices", "gauge", rendezvous_.size());
  put("keel_registry_rendezvous_waiting", "gauge", rendezvous_.waiting());
  put("keel_registry_ready", "gauge", node_.Ready() ? 1 : 0);
  return base::BytesResponse(200, "text/plain; version=0.0.4", std::move(out));
}

void HttpApi::Housekeeping() {
  uint64_t swept = clock_.TicksMs();
  std::unique_lock lock(mutex_);
  while (!stop_) {
    wake_.wait_for(lock, std::chrono::milliseconds(50));
    if (stop_) return;
    lock.unlock();
    const uint64_t now = clock_.TicksMs();
    rendezvous_.Expire(now);
    if (now - swept > kSweepMs) {
      if (const auto t = clock_.Now(); t) rendezvous_.Sweep(*t);
      swept = now;
    }
    lock.lock();
  }
}

}  // namespace keel::registry
