// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/net/http_server.h"

namespace keel::base {
namespace {

std::vector<std::string> SplitPath(std::string_view path) {
  std::vector<std::string> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  for (;;) {
    const size_t slash = path.find('/');
    segments.emplace_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool IsParameter(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}
bool IsRest(std::string_view segment) { return IsParameter(segment) && segment.ends_with("...}"); }

// Literal segments that matched plus one, 0 for no match.
size_t Match(const std::vector<std::string>& pattern, const std::vector<std::string>& path,
             std::vector<std::string>& params) {
  size_t literals = 1;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (i >= path.size()) return 0;
    if (IsRest(pattern[i]) && i + 1 == pattern.size()) {
      std::string rest;
      for (size_t k = i; k < path.size(); ++k) {
        const auto decoded = UrlDecode(path[k]);
        if (!decoded) return 0;
        rest += (k > i ? "/" : "") + *decoded;
      }
      params.push_back(std::move(rest));
      return literals;
    }
    if (IsParameter(pattern[i])) {
      auto decoded = UrlDecode(path[i]);
      if (!decoded || decoded->empty()) return 0;
      params.push_back(std::move(*decoded));
    } else {
      if (pattern[i] != path[i]) return 0;
      ++literals;
    }
  }
  return pattern.size() == path.size() ? literals : 0;
}

}  // namespace

HttpHandler Synchronous(SyncHandler handler) {
  return [handler = std::move(handler)](const HttpRequest& request, const Responder& responder) {
    responder.Send(handler(request));
  };
}

Router& Router::Add(std::string method, std::string pattern, HttpHandler handler) {
  routes_.push_back({std::move(method), SplitPath(pattern), std::move(handler)});
  return *this;
}

void Router::Handle(HttpRequest request, Responder responder) const {
  const std::vector<std::string> path = SplitPath(request.path);
  const Route* best = nullptr;
  size_t best_literals = 0;
  std::string allowed;
  std::vector<std::string> params;
  for (const Route& route : routes_) {
    std::vector<std::string> matched;
    const size_t literals = Match(route.segments, path, matched);
    if (literals == 0) continue;
    if (route.method != request.method && !(route.method == "GET" && request.method == "HEAD")) {
      allowed += (allowed.empty() ? "" : ", ") + route.method;
      continue;
    }
    if (literals > best_literals) {
      best = &route;
      best_literals = literals;
      params = std::move(matched);
    }
  }
  if (best != nullptr) {
    request.params = std::move(params);
    best->handler(std::move(request), std::move(responder));
  } else if (!allowed.empty()) {
    HttpResponse response =
        JsonResponse(405, R"({"error":{"code":"wrong_method","message":"this path takes other methods: see Allow"}})");
    response.headers.emplace_back("Allow", allowed);
    responder.Send(std::move(response));
  } else {
    responder.Send(JsonResponse(404, R"({"error":{"code":"not_found","message":"no such path"}})"));
  }
}

HttpHandler Router::AsHandler() const {
  return [router = *this](HttpRequest request, Responder responder) {
    router.Handle(std::move(request), std::move(responder));
  };
}

}  // namespace keel::base
