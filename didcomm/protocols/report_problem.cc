// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/report_problem.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

constexpr struct {
  std::string_view code, comment;
} kComments[] = {
    {kProblemUnsupportedProtocol, "The protocol of message type {1} is not supported."},
    {kProblemUnsupportedVersion, "This version of the protocol is not supported; supported is {1}."},
    {kProblemUnsupportedType, "The message type {1} is not known in its protocol."},
    {kProblemMalformed, "A message of type {1} is not in the form that its protocol gives."},
    {kProblemOutOfOrder, "A message of type {1} is not expected at this point."},
    {kProblemTime, "A message of type {1} came too late or too early."},
    {kProblemTrust, "A message of type {1} is refused."},
    {kProblemCrypto, "A proof in a message of type {1} doesn't hold."},
    {kProblemTooBig, "A message of type {1} is too big."},
    {kProblemBusy, "Too busy for a message of type {1}; try again later."},
    {kProblemInternal, "A message of type {1} could not be handled."},
    {kProblemTimedOut, "No answer came in time; the exchange is ended."},
    {kProblemMaxErrors, "Too many problems in this thread; it is ended."},
};

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "problem report", std::move(detail)); }

// For people's eyes: no control characters (terminals obey them), no broken UTF-8 (strict JSON let none in).
void AppendShown(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // C1 controls are U+0080..U+009F: C2 80..C2 9F in UTF-8.
    const bool c1 = c == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (c1) ++i;
    if (c < 0x20 || c == 0x7F || c1) {
      out += ' ';
    } else {
      out += static_cast<char>(c);
    }
  }
}

Result<std::string> Bounded(const json& body, const char* name) {
  KEEL_TRY(std::optional<std::string> text, base::GetOptionalString(body, name));
  if (text && text->size() > kMaxProblemText)
    return Fail(Code::kTooLarge, "problem report", std::string(name) + " over 4096 octets");
  return text.value_or("");
}

}  // namespace

Result<ProblemCode> ProblemCode::Parse(std::string_view code) {
  if (code.size() > kMaxProblemCode) return Fail(Code::kTooLarge, "problem code", "over 256 octets");
  ProblemCode out;
  size_t position = 0;
  for (size_t number = 0;; ++number) {
    const size_t dot = std::min(code.find('.', position), code.size());
    const std::string_view token = code.substr(position, dot - position);
    if (token.empty()) return Fail(Code::kMalformed, "problem code", "an empty token");
    for (const char c : token) {
      // Underscores too: the specification's own message_too_big has them.
      const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
      if (!good) return Fail(Code::kMalformed, "problem code", "a token that is not lower kebab-case");
    }
    if (number == 0) {
      if (token != "e" && token != "w") return Fail(Code::kMalformed, "problem code", "begins neither with e nor w");
      out.warning = token == "w";
    } else if (number == 1) {
      out.scope = std::string(token);
    } else {
      out.descriptors.emplace_back(token);
    }
    if (dot == code.size()) break;
    position = dot + 1;
  }
  if (out.scope.empty()) return Fail(Code::kMalformed, "problem code", "no scope");
  return out;
}

bool ProblemCodeIs(std::string_view code, std::string_view prefix) {
  return code.starts_with(prefix) && (code.size() == prefix.size() || code[prefix.size()] == '.');
}

std::string ProblemReport::Text() const {
  std::string out;
  std::vector<bool> used(args.size());
  const std::string_view text = comment.empty() ? std::string_view(code) : std::string_view(comment);
  for (size_t i = 0; i < text.size() && out.size() < kMaxProblemText;) {
    size_t end = i + 1, number = 0;
    while (end < text.size() && end < i + 4 && text[end] >= '0' && text[end] <= '9')
      number = number * 10 + static_cast<size_t>(text[end++] - '0');
    if (text[i] != '{' || end == i + 1 || end >= text.size() || text[end] != '}') {
      AppendShown(out, text.substr(i, 1) == "\xC2" ? text.substr(i, 2) : text.substr(i, 1));
      i += text[i] == '\xC2' ? 2 : 1;
      continue;
    }
    if (number >= 1 && number <= args.size() && args[number - 1]) {
      AppendShown(out, *args[number - 1]);
      used[number - 1] = true;
    } else {
      out += '?';
      if (number >= 1 && number <= args.size()) used[number - 1] = true;
    }
    i = end + 1;
  }
  for (size_t i = 0; i < args.size(); ++i) {
    if (used[i]) continue;
    out += ", ";
    AppendShown(out, args[i].value_or("?"));
  }
  if (out.size() > kMaxProblemText) {
    size_t end = kMaxProblemText;
    while (end > 0 && (static_cast<unsigned char>(out[end]) & 0xC0) == 0x80) --end;  // not in the middle of a character
    out.resize(end);
  }
  return out;
}

Result<ProblemReport> ProblemReport::Parse(const Message& message) {
  KEEL_TRY(const json body, message.ParseBody());
  ProblemReport report;
  KEEL_TRY(report.code, base::GetString(body, "code"));
  if (report.code.empty() || report.code.size() > kMaxProblemCode) return Bad("code is empty or over 256 octets");
  for (const char c : report.code) {
    if (c <= 0x20 || c >= 0x7F) return Bad("code has characters that no code has");
  }
  KEEL_TRY(report.comment, Bounded(body, "comment"));
  KEEL_TRY(report.escalate_to, Bounded(body, "escalate_to"));
  if (const auto args = body.find("args"); args != body.end()) {
    if (!args->is_array()) return Bad("args is no array");
    if (args->size() > kMaxProblemArgs) return Fail(Code::kTooLarge, "problem report", "over 32 args");
    for (const json& item : *args) {
      if (item.is_null()) {
        report.args.emplace_back();
        continue;
      }
      // Numbers and the like are meant for people as well.
      std::string text = item.is_string() ? item.get<std::string>() : base::DumpJson(item);
      if (text.size() > kMaxProblemText) return Fail(Code::kTooLarge, "problem report", "an argument over 4096 octets");
      report.args.emplace_back(std::move(text));
    }
  }
  if (const auto header = message.headers.find("web_redirect"); header != message.headers.end()) {
    KEEL_TRY(const json redirect, base::ParseJson(header->second));
    KEEL_TRY(report.web_redirect_status, base::GetString(redirect, "status"));
    KEEL_TRY(report.web_redirect_url, base::GetString(redirect, "redirectUrl"));
  }
  report.about = message.ack;
  report.thread = message.pthid;
  if (report.thread.empty()) {
    KEEL_TRY(const MessageType type, MessageType::Parse(message.type));
    KEEL_TRY(const MessageType ours, MessageType::ParseProtocol(kReportProblemProtocol));
    if (type.SameProtocol(ours)) return Fail(Code::kMissing, "problem report", "no pthid: it is about no thread");
    report.thread = message.Thread();
  }
  return report;
}

Result<Message> ProblemReport::ToMessage() const {
  if (!ProblemCode::Parse(code)) return Fail(Code::kInvalidArgument, "problem report", "'" + code + "' is no code");
  if (thread.empty()) return Fail(Code::kInvalidArgument, "problem report", "it is about no thread");
  Message message;
  message.type = kProblemReportType;
  message.pthid = thread;
  message.ack = about;
  json body = {{"code", code}};
  if (!comment.empty()) body["comment"] = comment;
  if (!args.empty()) {
    json& list = body["args"] = json::array();
    for (const auto& arg : args) list.push_back(arg ? json(*arg) : json());
  }
  if (!escalate_to.empty()) body["escalate_to"] = escalate_to;
  message.body = base::DumpJson(body);
  if (!web_redirect_url.empty())
    message.headers["web_redirect"] =
        base::DumpJson({{"status", web_redirect_status}, {"redirectUrl", web_redirect_url}});
  return message;
}

std::string_view ProblemComment(std::string_view code) {
  for (const auto& entry : kComments) {
    if (entry.code == code) return entry.comment;
  }
  return {};
}

std::string_view ProblemCodeFor(Code code) {
  switch (code) {
    case Code::kMalformed:
    case Code::kNotCanonical:
    case Code::kDuplicate:
    case Code::kMissing:
    case Code::kOutOfRange:
    case Code::kInvalidDid:
    case Code::kInvalidDidUrl: return kProblemMalformed;
    case Code::kTooLarge: return kProblemTooBig;
    case Code::kUnsupported: return kProblemUnsupportedType;
    case Code::kWrongState:
    case Code::kReplayed:
    case Code::kConflict: return kProblemOutOfOrder;
    case Code::kExpired:
    case Code::kNotYetValid:
    case Code::kStale:
    case Code::kTimeout: return kProblemTime;
    case Code::kRefused:
    case Code::kUntrusted:
    case Code::kRevoked:
    case Code::kWrongSender:
    case Code::kWrongRecipient:
    case Code::kWrongAudience:
    case Code::kNotFound: return kProblemTrust;
    case Code::kBadSignature:
    case Code::kDecryptFailed:
    case Code::kBadKey:
    case Code::kBadProof:
    case Code::kWrongNonce: return kProblemCrypto;
    case Code::kBusy:
    case Code::kNoSpace:
    case Code::kQuotaExceeded: return kProblemBusy;
    default:  // what is wrong in here is nobody else's business
      return kProblemInternal;
  }
}

Message MakeProblemReport(const Incoming& about, std::string_view code, std::vector<std::optional<std::string>> args) {
  ProblemReport report;
  report.code = code;
  report.comment = ProblemComment(code);
  report.args = std::move(args);
  report.thread = about.message().Thread();
  report.about = {about.message().id};
  auto message = report.ToMessage();
  KEEL_ASSERT(message.has_value());  // code and thread are there
  message->from = about.ours;
  message->to = {about.message().from};
  return std::move(*message);
}

bool IsProblemReport(const Message& message) {
  const auto type = MessageType::Parse(message.type);
  return type && type->Is("problem-report");
}

ReportProblem& ReportProblem::AddListener(Listener listener, bool repeats) {
  listeners_.push_back({std::move(listener), repeats});
  return *this;
}

std::vector<ProtocolInfo> ReportProblem::Speaks() const {
  return {{std::string(kReportProblemProtocol), {"notifier", "notified"}}};
}

Result<std::vector<Outgoing>> ReportProblem::Receive(const Incoming& incoming) { return Tell(incoming, false); }

Result<std::vector<Outgoing>> ReportProblem::Repeated(const Incoming& incoming) { return Tell(incoming, true); }

Result<std::vector<Outgoing>> ReportProblem::Tell(const Incoming& incoming, bool repeated) {
  if (!IsProblemReport(incoming.message()))
    return Fail(Code::kUnsupported, "problem report", "no message type of this protocol: " + incoming.message().type);
  KEEL_TRY(const ProblemReport report, ProblemReport::Parse(incoming.message()));
  std::optional<Error> first;
  bool told = !repeated;
  for (const Entry& entry : listeners_) {
    if (repeated && !entry.repeats) continue;
    told = true;
    auto heard = entry.listener(incoming, report);
    if (!heard && !first) first = std::move(heard.error());
  }
  if (first) return std::unexpected<Error>(std::move(*first));
  if (!told) return Protocol::Repeated(incoming);
  return std::vector<Outgoing>();
}

}  // namespace keel::didcomm
