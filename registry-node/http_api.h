// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>

#include "base/net/http_server.h"
#include "registry-node/accounts.h"
#include "registry-node/did_resolver.h"
#include "registry-node/node.h"
#include "registry-node/quorum_time.h"
#include "registry-node/quota.h"
#include "registry-node/registrar.h"
#include "registry-node/rendezvous.h"
#include "registry-node/resolver_lane.h"

namespace keel::registry {

// The public HTTP API of a registry node (docs/formats/registry-api.md). Stop the server before this goes, and this
// before its parts. Thread-safe.
class HttpApi {
 public:
  struct Options {
    uint64_t max_poll_ms = 20'000;  // an R0 query is held no longer
    did::DidResolver* others =
        nullptr;                     // what /1.0/identifiers resolves beside this network's did:keel; outlives the API
    uint64_t registrar_creates = 0;  // Registrar::Options::creates_per_hour
  };
  HttpApi(Node& node, Rendezvous& rendezvous, QuorumTimeService& time, Accounts& accounts, Clock& clock, Random& random,
          Options options);
  // Answers those who wait for a rendezvous.
  ~HttpApi();

  base::HttpHandler Handler();

 private:
  void Routes();
  void PostTransactions(base::HttpRequest request, base::Responder responder);
  void PostR0(base::HttpRequest request, base::Responder responder);
  void Identifiers(base::HttpRequest request, base::Responder responder);
  base::HttpResponse PostRendezvous(const base::HttpRequest& request);
  base::HttpResponse GetDid(const base::HttpRequest& request);
  base::HttpResponse GetMap(const base::HttpRequest& request);
  base::HttpResponse PostProofs(const base::HttpRequest& request);
  base::HttpResponse GetContent(const base::HttpRequest& request, ledger::MapType type);
  base::HttpResponse GetLogEntries(const base::HttpRequest& request);
  base::HttpResponse GetLogProof(const base::HttpRequest& request, bool consistency);
  base::HttpResponse GetEvidence(const base::HttpRequest& request);
  base::HttpResponse Metrics();
  base::HttpResponse Ready();
  void Housekeeping();

  Node& node_;
  Rendezvous& rendezvous_;
  QuorumTimeService& time_;
  Accounts& accounts_;
  Clock& clock_;
  Random& random_;
  const Options options_;
  const std::shared_ptr<NodeResolver> resolver_;  // shared with commits that the registrar waits for
  QuotaTable spends_, publishes_;
  Registrar registrar_;
  base::Router router_;
  std::atomic<uint64_t> resolves_{0}, proofs_{0}, transactions_{0}, r0_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  size_t asking_ = 0;  // R0 answers that wait for the time
  std::thread housekeeping_;
  ResolverLane lane_;  // goes first: what runs in it uses the rest
};

}  // namespace keel::registry
