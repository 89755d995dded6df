// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"

// What HTTP servers and clients share. Value types.
namespace keel::base {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

// The first header of that name (compared without case), or an empty view.
std::string_view FindHeader(const HttpHeaders& headers, std::string_view name);

struct HttpResponse {
  int status = 200;
  std::string content_type;  // empty: no Content-Type header
  HttpHeaders headers;       // beside Content-Type, Content-Length, Connection
  std::string body;
  // Servers only. A part of a shared body that is sent without a copy: [offset, offset+length) of *shared_body; length
  // npos: to its end. Replaces `body`.
  std::shared_ptr<const std::string> shared_body;
  // Servers only. A part of a file, read while it is sent. Replaces `body`.
  std::string body_file;
  uint64_t offset = 0;
  uint64_t length = UINT64_MAX;

  bool ok() const { return status >= 200 && status < 300; }
  std::string_view Header(std::string_view name) const { return FindHeader(headers, name); }
};

HttpResponse TextResponse(int status, std::string text);
HttpResponse JsonResponse(int status, std::string json);
HttpResponse BytesResponse(int status, std::string content_type, std::string body);
// {"error":{"code":"not_found","message":"..."}} with the status that fits the code (404, 400, 409, 429, 503, ...).
HttpResponse ErrorResponse(const Error& error);
int HttpStatusFor(Code code);

// http(s)://host[:port]/path?query, or unix:/path/to.sock (then the target is given apart).
struct Url {
  std::string scheme;  // "http", "https" or "unix"
  std::string host;    // name or address, IPv6 without brackets; the socket's path for unix
  uint16_t port = 0;
  std::string target;  // path and query, "/" when empty
  // "host:port", for Host headers and connection pools.
  std::string Authority() const;
};
// kUnsupported for other schemes, kMalformed for user info, fragments, spaces, control
// characters.
Result<Url> ParseUrl(std::string_view text);

// Percent-encodes everything but RFC 3986's unreserved characters; the decoder refuses bad escapes and NUL
// (kMalformed).
std::string UrlEncode(std::string_view text);
Result<std::string> UrlDecode(std::string_view text);

// A value of the query "a=1&b=2", decoded; kMissing.
Result<std::string> QueryValue(std::string_view query, std::string_view name);

// "bytes=a-b" / "bytes=a-" against a body of `size` octets: offset and length. kOutOfRange (416); kUnsupported for
// several ranges or suffixes.
struct ByteRange {
  uint64_t offset = 0, length = 0;
};
Result<ByteRange> ParseRange(std::string_view header, uint64_t size);

}  // namespace keel::base
