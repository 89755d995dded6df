// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/http_server.h"
#include "core/seams.h"
#include "did/resolver.h"
#include "vc-api/status_book.h"
#include "vc/secure.h"
#include "vc/verification.h"

// W3C's Verifiable Credential API (docs/protocols/vc-api.md): the routes, without a listener.
namespace keel::vc_api {

// Who issues: an identifier, its key and the forms that this key can make.
struct Issuer {
  std::string did, kid;
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle key;
  crypto::PublicKey public_key;
};

// The endpoints for issuing: POST /credentials/issue, /{form}/credentials/issue, /credentials/status,
// /credentials/derive, GET /credentials/status/{list}, GET /issuers. Thread-safe; outlives its routes.
class Issuing {
 public:
  struct Options {
    std::vector<Issuer> issuers;  // the first that a form fits issues what names no issuer
    StatusBook* book = nullptr;   // null: no credential gets a status
    bool status_always = false;   // whether it is asked for or not
  };
  Issuing(Options options, Clock& clock) : options_(std::move(options)), clock_(clock) {}

  // A request's body in, the answer out.
  base::HttpResponse Issue(const std::string& body, const std::string& form);
  base::HttpResponse SetStatus(const std::string& body);
  base::HttpResponse Derive(const std::string& body);
  base::HttpResponse List(const std::string& number, std::string_view accept = {});
  base::HttpResponse Issuers();
  // With `allowed`: whether a request may do more than read; 401 when not.
  void AddRoutes(base::Router& router, std::function<bool(const base::HttpRequest&)> allowed = {});

 private:
  Result<nlohmann::json> IssueOne(const nlohmann::json& request, std::string form);
  Options options_;
  Clock& clock_;
};

// POST /credentials/verify, /presentations/verify. Thread-safe as its parts are; outlives its routes.
class Verifying {
 public:
  struct Options {
    did::DidResolver* resolver = nullptr;
    vc::StatusChecker* status = nullptr;
    vc::SchemaChecker* schemas = nullptr;
  };
  Verifying(Options options, Clock& clock) : options_(options), clock_(clock) {}

  base::HttpResponse Verify(const std::string& body, bool presentation);
  void AddRoutes(base::Router& router);

 private:
  Options options_;
  Clock& clock_;
};

}  // namespace keel::vc_api
