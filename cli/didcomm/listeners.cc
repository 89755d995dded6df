// SPDX-License-Identifier: Apache-2.0
#include "cli/didcomm/listeners.h"

#include <algorithm>
#include <filesystem>

#include "base/net/http_server.h"
#include "base/role.h"
#include "didcomm/message.h"
#include "didcomm/transports/coap_transport.h"
#include "didcomm/transports/file_transport.h"
#include "didcomm/transports/websocket_transport.h"

namespace keel::cli {
namespace {

// scheme://authority/path taken apart.
struct Place {
  std::string scheme, authority, path = "/";
};

Result<Place> PlaceOf(const std::string& uri) {
  const size_t slashes = uri.find("://");
  if (uri.starts_with("file:") && uri.size() > 5) return Place{"file", "", uri.substr(5)};
  if (slashes == std::string::npos || slashes == 0)
    return Fail(Code::kUsage, "--listen", "\"" + uri + "\" is not like http://127.0.0.1:8080/didcomm or file:DIR");
  Place place;
  place.scheme = uri.substr(0, slashes);
  place.authority = uri.substr(slashes + 3);
  if (const size_t slash = place.authority.find('/'); slash != std::string::npos) {
    place.path = place.authority.substr(slash);
    place.authority.resize(slash);
  }
  if (place.path.find_first_of("?#{}") != std::string::npos)
    return Fail(Code::kUsage, "--listen", "\"" + uri + "\": a path without query, please");
  return place;
}

}  // namespace

struct Listeners::Impl {
  std::vector<std::unique_ptr<base::HttpServer>> http;
  std::vector<std::unique_ptr<base::WebSocketServer>> sockets;
  std::vector<std::unique_ptr<didcomm::CoapServer>> coap;
  std::vector<std::unique_ptr<didcomm::FileServer>> folders;
  std::vector<std::string> uris;

  Result<> Add(const std::string& uri, const TlsFiles& tls, const didcomm::EnvelopeHandler& handler) {
    KEEL_TRY(const Place place, PlaceOf(uri));
    const bool secure = place.scheme == "https" || place.scheme == "wss";
    if (secure && (tls.certificate.empty() || tls.key.empty()))
      return Fail(Code::kUsage, "--listen", place.scheme + " needs a certificate: --tls-cert FILE and --tls-key FILE");
    if (place.scheme == "http" || place.scheme == "https") {
      KEEL_TRY(base::HttpServerOptions options, base::ParseListen(place.authority));
      options.handler_threads = 4;  // resolving and answering may take a while
      options.max_body = 2 * didcomm::kMaxMessage;
      if (secure) {
        options.certificate_file = tls.certificate;
        options.key_file = tls.key;
      }
      base::Router router;
      router.AddSync("POST", place.path, didcomm::DidcommEndpoint(handler));
      KEEL_TRY(auto server, base::HttpServer::Start(options, router.AsHandler()));
      uris.push_back(server->url() + (place.path == "/" ? "" : place.path));
      http.push_back(std::move(server));
      return {};
    }
    if (place.scheme == "ws" || place.scheme == "wss") {
      KEEL_TRY(const base::HttpServerOptions address, base::ParseListen(place.authority));
      base::WebSocketServerOptions options;
      options.host = address.host;
      options.port = address.port;
      options.path = place.path;
      options.max_message = 2 * didcomm::kMaxMessage;
      if (secure) {
        options.certificate_file = tls.certificate;
        options.key_file = tls.key;
      }
      KEEL_TRY(auto server, base::WebSocketServer::Start(options, didcomm::DidcommSocket(handler)));
      uris.push_back(server->url());
      sockets.push_back(std::move(server));
      return {};
    }
    if (place.scheme == "coap") {
      KEEL_TRY(const base::HttpServerOptions address, base::ParseListen(place.authority));
      didcomm::CoapServerOptions options;
      options.host = address.host;
      options.port = address.port;
      options.path = place.path.substr(1);
      KEEL_TRY(auto server, didcomm::CoapServer::Start(options, handler));
      uris.push_back(server->uri());
      coap.push_back(std::move(server));
      return {};
    }
    if (place.scheme == "file") {
      // file:///folder as others write it, or file:DIR with a folder of the shell's.
      didcomm::FileServerOptions options;
      if (const auto folder = didcomm::FolderOf(uri); folder) {
        options.folder = *folder;
      } else if (place.path.starts_with("//")) {
        return Fail(Code::kUsage, "--listen", folder.error().Text());
      } else {
        options.folder = std::filesystem::absolute(place.path).lexically_normal().string();
      }
      KEEL_TRY(auto server, didcomm::FileServer::Start(options, handler));
      uris.push_back(server->uri());
      folders.push_back(std::move(server));
      return {};
    }
    return Fail(Code::kUsage, "--listen", "\"" + place.scheme + "\" is not http, https, ws, wss, coap or file");
  }
};

Listeners::Listeners(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Listeners::~Listeners() { Stop(); }

Result<std::unique_ptr<Listeners>> Listeners::Start(const std::vector<std::string>& uris, const TlsFiles& tls,
                                                    const didcomm::EnvelopeHandler& handler) {
  auto impl = std::make_unique<Impl>();
  // A certificate that nothing uses is one that somebody thinks protects something.
  const bool used = std::any_of(uris.begin(), uris.end(), [](const std::string& uri) {
    return uri.starts_with("https:") || uri.starts_with("wss:");
  });
  if (!used && (!tls.certificate.empty() || !tls.key.empty()))
    return Fail(Code::kUsage, "--tls-cert", "nothing listens with TLS: --listen https://... or wss://...");
  for (const std::string& uri : uris) KEEL_TRY_VOID(impl->Add(uri, tls, handler));
  return std::unique_ptr<Listeners>(new Listeners(std::move(impl)));
}

const std::vector<std::string>& Listeners::uris() const { return impl_->uris; }

size_t Listeners::open() const {
  size_t all = 0;
  for (const auto& server : impl_->http) all += server->stats().open;
  for (const auto& server : impl_->sockets) all += server->stats().open;
  for (const auto& server : impl_->coap) all += server->stats().unfinished;
  return all;
}

void Listeners::Stop() {
  for (const auto& server : impl_->http) server->Stop();
  for (const auto& server : impl_->sockets) server->Stop();
  for (const auto& server : impl_->coap) server->Stop();
  for (const auto& server : impl_->folders) server->Stop();
}

}  // namespace keel::cli
