// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"

// DIDComm Messaging v2.1, plaintext messages.
namespace keel::didcomm {

inline constexpr size_t kMaxMessage = 1 << 20;  // octets of a plaintext or an envelope
inline constexpr size_t kMaxRecipients = 64;
inline constexpr size_t kMaxAttachments = 64;
inline constexpr size_t kMaxSignatures = 16;

inline constexpr std::string_view kTypPlain = "application/didcomm-plain+json";
inline constexpr std::string_view kTypSigned = "application/didcomm-signed+json";
inline constexpr std::string_view kTypEncrypted = "application/didcomm-encrypted+json";

// Section "Attachments". Exactly one of json, base64, links carries the content (links need `hash`); with neither json
// nor links it is base64's, which may be empty.
struct Attachment {
  std::string id;
  std::string description, filename, media_type, format;  // empty: absent
  std::optional<UnixSeconds> lastmod_time;
  std::optional<uint64_t> byte_count;
  std::string json;    // JSON text of data.json
  std::string base64;  // data.base64, undecoded (base64url)
  std::vector<std::string> links;
  std::string hash;
  std::string jws;  // JSON text of data.jws, unverified
};

// Value type. JSON values stand as their text, so that this header needs no JSON library.
struct Message {
  std::string id;
  std::string type;
  std::string from;  // empty: absent
  std::vector<std::string> to;
  std::string thid, pthid;  // empty: absent
  std::optional<UnixSeconds> created_time, expires_time;
  std::string body = "{}";  // a JSON object's text
  std::vector<Attachment> attachments;
  std::string from_prior;    // a compact JWT, unverified here
  std::string return_route;  // "all", "none", "thread"; empty: absent
  std::vector<std::string> please_ack, ack;
  std::map<std::string, std::string> headers;  // other members: name -> JSON text, kept when written again

  // Thread id as the specification has it: thid, else id.
  const std::string& Thread() const { return thid.empty() ? id : thid; }
  Result<nlohmann::json> ParseBody() const;

  // Strict JSON, then types and required members (id, type, body; typ if present must be kTypPlain). kMalformed and
  // ParseJson's errors.
  static Result<Message> Parse(std::string_view plaintext);
  // JSON without white space. kInvalidArgument: id or type missing, body no object.
  Result<std::string> Serialize() const;
};

// A fresh message id: 16 random octets, base64url.
std::string NewMessageId();

}  // namespace keel::didcomm
