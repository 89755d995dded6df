// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "cli/didcomm/explain.h"
#include "cli/text.h"

namespace keel::cli {
namespace {

using nlohmann::json;

constexpr size_t kLabel = 14;  // width of the column of names

// Lines at one depth of nesting.
class Lines {
 public:
  explicit Lines(size_t indent) : indent_(indent, ' ') {}

  void Put(const std::string& line) { text_ += indent_ + line + "\n"; }
  void Field(std::string_view name, const std::string& value) {
    if (value.empty()) return;
    std::string label(name);
    label.resize(std::max(kLabel, label.size() + 1), ' ');
    Put("  " + label + value);
  }
  // Absent members (null) get no line.
  void Member(const json& object, const char* name) { Member(object, name, name); }
  void Member(const json& object, const char* name, std::string_view label) {
    if (const std::string value = Show(object, name); !value.empty()) Field(label, value);
  }
  void Names(const json& object, const char* name, std::string_view label) {
    std::string all;
    for (const json& item : object.value(name, json::array())) all += (all.empty() ? "" : ", ") + Text(item);
    Field(label, all);
  }
  void Append(const std::string& lines) { text_ += lines; }
  std::string Take() { return std::move(text_); }

  static std::string Text(const json& value) {
    return value.is_string() ? Printable(value.get_ref<const std::string&>())
                             : Printable(value.dump(-1, ' ', false, json::error_handler_t::replace));
  }
  static std::string Show(const json& object, const char* name) {
    const auto it = object.find(name);
    return it == object.end() || it->is_null() ? std::string() : Text(*it);
  }
  static std::string Octets(const json& object, const char* name) {
    const auto it = object.find(name);
    return it != object.end() && it->is_number_unsigned() ? Thousands(it->get<uint64_t>()) : std::string("?");
  }

 private:
  std::string indent_;
  std::string text_;
};

std::string Report(const json& report, size_t indent);

void Encrypted(Lines& lines, const json& layer) {
  const std::string mode = Lines::Show(layer, "mode");
  lines.Put("Encrypted message (JWE), " + Lines::Octets(layer, "octets") + " octets" +
            (mode == "authcrypt"   ? ": authcrypt, its receiver learns for certain who sent it"
             : mode == "anoncrypt" ? ": anoncrypt, the sender is not named"
                                   : ""));
  lines.Member(layer, "typ");
  lines.Member(layer, "alg");
  lines.Member(layer, "enc");
  lines.Member(layer, "skid", "sender key");
  if (layer.value("apu", json()) != layer.value("skid", json())) lines.Member(layer, "apu", "apu, decoded");
  const auto recipients = layer.find("recipients");
  for (const json& recipient : *recipients) {
    const std::string kid = Lines::Show(recipient, "kid");
    lines.Field("for", (kid.empty() ? "(no kid)" : kid) + "  [key wrapped in " +
                           Lines::Octets(recipient, "encrypted_key_octets") + " octets]");
  }
  const size_t count = layer.value("recipient_count", size_t{0});
  if (count > recipients->size()) lines.Field("for", "and " + Thousands(count - recipients->size()) + " more");
  lines.Member(layer, "epk", "ephemeral key");
  const auto content = layer.find("content_octets");
  const std::string inside = content == layer.end()           ? "?"
                             : (*content)[0] == (*content)[1] ? Thousands((*content)[0].get<uint64_t>())
                                                              : Thousands((*content)[0].get<uint64_t>()) + " to " +
                                                                    Thousands((*content)[1].get<uint64_t>());
  lines.Field("content", inside + " octets that can't be read without a key (iv " + Lines::Octets(layer, "iv_octets") +
                             ", tag " + Lines::Octets(layer, "tag_octets") + ")");
  lines.Names(layer, "other_headers", "other headers");
}

void Signed(Lines& lines, const json& layer) {
  lines.Put("Signed message (JWS), " + Lines::Octets(layer, "octets") +
            " octets: anybody can read it and prove to others who wrote it");
  for (const json& signature : layer["signatures"]) {
    const std::string kid = Lines::Show(signature, "kid");
    lines.Field("signed by", (kid.empty() ? "(no kid)" : kid) + "  [" + Lines::Show(signature, "alg") + ", " +
                                 Lines::Octets(signature, "signature_octets") + " octets]");
  }
}

void Plain(Lines& lines, const json& layer, size_t indent, bool inside) {
  lines.Put(inside ? "Inside it, a plaintext message"
                   : "Plaintext message: anybody can read it, change it, and say who it is from");
  for (const char* name : {"typ", "type", "id", "from"}) lines.Member(layer, name);
  for (const json& to : layer["to"]) lines.Field("to", Lines::Text(to));
  for (const char* name : {"thid", "pthid", "created_time", "expires_time", "return_route", "lang"})
    lines.Member(layer, name);
  lines.Names(layer, "please_ack", "please_ack");
  lines.Names(layer, "ack", "ack");
  if (const auto prior = layer.find("from_prior"); prior != layer.end() && prior->is_object()) {
    lines.Field("from_prior", prior->contains("problem")
                                  ? Lines::Show(*prior, "problem")
                                  : Lines::Show(*prior, "iss") + " hands over to " + Lines::Show(*prior, "sub") +
                                        ", by " + Lines::Show(*prior, "kid"));
  }
  lines.Names(layer, "other_headers", "other headers");
  if (layer.contains("body_octets")) {
    std::string members;
    for (const json& name : layer["body_members"]) members += (members.empty() ? ": " : ", ") + Lines::Text(name);
    lines.Field("body", Lines::Octets(layer, "body_octets") + " octets" + members);
  }
  for (const json& attachment : layer["attachments"]) {
    std::string line;
    for (const char* name : {"id", "media_type", "format", "filename"}) {
      if (const std::string value = Lines::Show(attachment, name); !value.empty())
        line += (line.empty() ? "" : ", ") + value;
    }
    std::string ways;
    for (const json& way : attachment.value("data", json::array()))
      ways += (ways.empty() ? "" : ", ") + Lines::Text(way);
    lines.Field("attachment",
                (line.empty() ? "" : line + ": ") + ways + " [" + Lines::Octets(attachment, "octets") + " octets]");
    if (const auto inner = attachment.find("message"); inner != attachment.end())
      lines.Append(Report(*inner, indent + 4));
  }
}

std::string Report(const json& report, size_t indent) {
  Lines lines(indent);
  bool inside = false;
  for (const json& layer : report["layers"]) {
    if (layer["layer"] == "encrypted") {
      Encrypted(lines, layer);
    } else if (layer["layer"] == "signed") {
      Signed(lines, layer);
    } else {
      Plain(lines, layer, indent, inside);
    }
    inside = true;
  }
  if (!report["checks"].empty()) lines.Put("Checked here, without keys");
  for (const json& check : report["checks"]) {
    const json& ok = check["ok"];
    lines.Put("  " +
              std::string(ok == true    ? "ok    "
                          : ok == false ? "WRONG "
                                        : "?     ") +
              Lines::Text(check["name"]) + ": " + Lines::Text(check["detail"]));
  }
  const bool refused = !report["refused"].is_null();
  if (!refused && !report["receiver_checks"].empty()) {
    lines.Put("Left for the receiver to check");
    for (const json& question : report["receiver_checks"]) lines.Put("  - " + Lines::Text(question));
  }
  if (refused) {
    lines.Put("Keel refuses it: " + Lines::Text(report["refused"]["message"]));
  }
  return lines.Take();
}

}  // namespace

std::string ReportText(const json& report) { return Report(report, 0); }

}  // namespace keel::cli
