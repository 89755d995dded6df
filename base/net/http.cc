// SPDX-License-Identifier: Apache-2.0
#include "base/net/http.h"

#include <algorithm>
#include <charconv>

#include "core/encoding.h"

namespace keel::base {
namespace {

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool SameName(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return Lower(x) == Lower(y); });
}

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Enough of RFC 8259's escaping for error texts, without the JSON library in this file.
std::string Quoted(std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20) {
      out += "\\u00";
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
    } else {
      out += c;
    }
  }
  return out + '"';
}

bool ParseNumber(std::string_view text, uint64_t& out) {
  if (text.empty()) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string_view FindHeader(const HttpHeaders& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (SameName(key, name)) return value;
  }
  return {};
}

HttpResponse BytesResponse(int status, std::string content_type, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = std::move(content_type);
  response.body = std::move(body);
  return response;
}

HttpResponse TextResponse(int status, std::string text) {
  return BytesResponse(status, "text/plain; charset=utf-8", std::move(text));
}
HttpResponse JsonResponse(int status, std::string json) {
  return BytesResponse(status, "application/json", std::move(json));
}

HttpResponse ErrorResponse(const Error& error) {
  const std::string text = error.Text();
  return JsonResponse(HttpStatusFor(error.code),
                      "{\"error\":{\"code\":" + Quoted(CodeName(error.code)) +
                          ",\"number\":" + std::to_string(static_cast<unsigned>(error.code)) +
                          ",\"message\":" + Quoted(IsUtf8(AsBytes(text)) ? text : std::string(error.where)) + "}}");
}

int HttpStatusFor(Code code) {
  switch (code) {
    case Code::kOk: return 200;
    case Code::kTooLarge: return 413;
    case Code::kUnsupported:
    case Code::kMethodNotSupported: return 501;
    case Code::kRepresentationNotSupported: return 406;
    case Code::kNotFound:
    case Code::kNoSuchKey: return 404;
    case Code::kDeactivated: return 410;
    case Code::kExists:
    case Code::kDuplicate:
    case Code::kConflict:
    case Code::kSealSpent:
    case Code::kWrongState:
    case Code::kReplayed: return 409;
    case Code::kOutOfRange: return 416;
    case Code::kQuotaExceeded: return 429;
    case Code::kNotSponsored:
    case Code::kUntrusted:
    case Code::kRefused:
    case Code::kRevoked:
    case Code::kLocked: return 403;
    case Code::kBusy:
    case Code::kUnavailable:
    case Code::kNoSpace:
    case Code::kClosed: return 503;
    case Code::kTimeout: return 504;
    case Code::kUnreachable:
    case Code::kHttpStatus: return 502;
    case Code::kIo:
    case Code::kCorrupt:
    case Code::kInternalError:
    case Code::kNoEntropy:
    case Code::kKeyStoreFailed:
    case Code::kBufferTooSmall: return 500;
    case Code::kInvalidArgument:
    case Code::kMalformed:
    case Code::kNotCanonical:
    case Code::kMissing:
    case Code::kBadSignature:
    case Code::kBadKey:
    case Code::kDecryptFailed:
    case Code::kWrongPassphrase:
    case Code::kAlgorithmNotAllowed:
    case Code::kInvalidDid:
    case Code::kInvalidDidUrl:
    case Code::kInvalidDidDocument:
    case Code::kBadProof:
    case Code::kNoQuorum:
    case Code::kStale:
    case Code::kWrongEpoch:
    case Code::kBadChain:
    case Code::kHistoryTooLong:
    case Code::kWrongNetwork:
    case Code::kWrongRecipient:
    case Code::kWrongSender:
    case Code::kExpired:
    case Code::kNotYetValid:
    case Code::kWrongAudience:
    case Code::kWrongNonce:
    case Code::kWrongTranscript:
    case Code::kUnknownVersion:
    case Code::kRollback:
    case Code::kUsage: return 400;
  }
  return 500;
}

std::string Url::Authority() const {
  const std::string name = host.find(':') != std::string::npos ? "[" + host + "]" : host;
  return name + ":" + std::to_string(port);
}

Result<Url> ParseUrl(std::string_view text) {
  const auto bad = [&](const char* why) {
    return Fail(Code::kMalformed, "url", "'" + std::string(text.substr(0, 200)) + "' " + why);
  };
  for (const char c : text) {
    if (static_cast<uint8_t>(c) <= 0x20 || c == 0x7F) return bad("has a space or control character");
  }
  Url url;
  url.target = "/";
  if (text.starts_with("unix:")) {
    url.scheme = "unix";
    url.host = std::string(text.substr(5));
    if (url.host.empty() || url.host.size() > 107) return bad("names no socket path of 1..107 octets");
    return url;
  }
  const bool secure = text.starts_with("https://");
  if (!secure && !text.starts_with("http://"))
    return Fail(Code::kUnsupported, "url",
                "'" + std::string(text.substr(0, 200)) + "' does not begin with http:// or https://");
  url.scheme = secure ? "https" : "http";
  std::string_view rest = text.substr(secure ? 8 : 7);
  if (rest.find('#') != std::string_view::npos) return bad("has a fragment");
  const size_t slash = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos)
    url.target = rest[slash] == '?' ? "/" + std::string(rest.substr(slash)) : std::string(rest.substr(slash));
  if (authority.find('@') != std::string_view::npos) return bad("has user information");
  std::string_view port;
  if (authority.starts_with('[')) {
    const size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad("has a '[' without ']'");
    url.host = std::string(authority.substr(1, close - 1));
    authority.remove_prefix(close + 1);
    if (!authority.empty() && authority[0] != ':') return bad("has something between ']' and ':'");
    port = authority.empty() ? authority : authority.substr(1);
    if (!authority.empty() && port.empty()) return bad("has an empty port");
  } else {
    const size_t colon = authority.find(':');
    url.host = std::string(authority.substr(0, colon));
    if (colon != std::string_view::npos) {
      port = authority.substr(colon + 1);
      if (port.empty()) return bad("has an empty port");
    }
  }
  if (url.host.empty() || url.host.size() > 253) return bad("has no host");
  uint64_t number = secure ? 443 : 80;
  if (!port.empty() && (!ParseNumber(port, number) || number == 0 || number > 65535)) return bad("has a bad port");
  url.port = static_cast<uint16_t>(number);
  return url;
}

std::string UrlEncode(std::string_view text) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain =
        (c >= '0' && c <= '9') || (Lower(c) >= 'a' && Lower(c) <= 'z') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
    }
  }
  return out;
}

Result<std::string> UrlDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = text.size() - i > 2 ? HexValue(text[i + 1]) : -1;
    const int low = text.size() - i > 2 ? HexValue(text[i + 2]) : -1;
    if (high < 0 || low < 0 || (high == 0 && low == 0)) return Fail(Code::kMalformed, "url", "bad percent escape");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<std::string> QueryValue(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const size_t amp = query.find('&');
    const std::string_view pair = query.substr(0, amp);
    const size_t equals = pair.find('=');
    if (pair.substr(0, equals) == name)
      return equals == std::string_view::npos ? std::string() : UrlDecode(pair.substr(equals + 1));
    query = amp == std::string_view::npos ? std::string_view() : query.substr(amp + 1);
  }
  return Fail(Code::kMissing, "url", "no '" + std::string(name) + "' in the query");
}

Result<ByteRange> ParseRange(std::string_view header, uint64_t size) {
  if (!header.starts_with("bytes=")) return Fail(Code::kUnsupported, "range", "only bytes=FIRST-LAST is taken");
  header.remove_prefix(6);
  const size_t dash = header.find('-');
  if (dash == std::string_view::npos || dash == 0 || header.find(',') != std::string_view::npos)
    return Fail(Code::kUnsupported, "range", "only bytes=FIRST-LAST is taken");
  uint64_t first = 0, last = UINT64_MAX;
  if (!ParseNumber(header.substr(0, dash), first)) return Fail(Code::kMalformed, "range", "bad first position");
  if (dash + 1 < header.size() && !ParseNumber(header.substr(dash + 1), last))
    return Fail(Code::kMalformed, "range", "bad last position");
  if (first >= size || last < first)
    return Fail(Code::kOutOfRange, "range", "the body has " + std::to_string(size) + " octets");
  last = std::min(last, size - 1);
  return ByteRange{first, last - first + 1};
}

}  // namespace keel::base
