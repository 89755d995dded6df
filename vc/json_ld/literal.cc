// SPDX-License-Identifier: Apache-2.0
#include "vc/json_ld/internal/literal.h"

#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/jcs.h"
#include "vc/rdf/internal/terms.h"

namespace keel::json_ld::internal {
namespace {

using nlohmann::json;

const std::string kXsd = "http://www.w3.org/2001/XMLSchema#";
constexpr double kIntegersEnd = 1e21;  // from here on a number is a double even when whole

std::string Fixed(double whole) {
  if (whole == 0) return "0";  // also -0
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, whole, std::chars_format::fixed, 0);
  KEEL_ASSERT(error == std::errc{});
  return std::string(text, end);
}

}  // namespace

std::string CanonicalDouble(double value) {
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific, 15);
  KEEL_ASSERT(error == std::errc{});
  const std::string_view shown(text, static_cast<size_t>(end - text));
  const size_t e = shown.find('e');
  if (e == std::string_view::npos) return std::string(shown);  // infinities: no JSON has them
  std::string out(shown.substr(0, e));
  while (out.ends_with('0') && !out.ends_with(".0")) out.pop_back();
  out += 'E';
  std::string_view power = shown.substr(e + 1);
  if (power.starts_with('-')) out += '-';
  power.remove_prefix(1);
  while (power.size() > 1 && power.starts_with('0')) power.remove_prefix(1);
  out += power;
  return out;
}

Result<std::optional<rdf::Term>> ToLiteral(const Processor& processor, const json& value_object) {
  const json& value = value_object["@value"];
  std::string datatype = value_object.value("@type", std::string());
  std::string language = value_object.value("@language", std::string());
  if (datatype == "@json") {
    auto text = base::Jcs(value);
    if (!text) return Bad("invalid JSON literal", text.error().Text());
    return rdf::Term::Literal(
        std::move(*text),
        std::string(rdf::kRdfLangString).replace(rdf::kRdfLangString.find('#') + 1, std::string::npos, "JSON"));
  }
  if (!datatype.empty() && !rdf::internal::IsAbsoluteIri(datatype)) {
    KEEL_TRY_VOID(processor.Drop("the datatype '" + datatype + "' is no absolute IRI"));
    return std::nullopt;
  }
  if (!language.empty() && !rdf::internal::IsLanguageTag(language)) {
    KEEL_TRY_VOID(processor.Drop("the language tag '" + language + "' is ill-formed"));
    return std::nullopt;
  }
  // RDF 1.1 (section 3.3) takes tags that differ in case for the same and lets us choose; other implementations choose
  // lower case, and what is signed must be the same.
  for (char& c : language) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  if (value.is_string()) {
    if (datatype == rdf::kXsdString) datatype.clear();
    return rdf::Term::Literal(value.get_ref<const std::string&>(), std::move(datatype), std::move(language));
  }
  if (value.is_boolean())
    return rdf::Term::Literal(value.get<bool>() ? "true" : "false", datatype.empty() ? kXsd + "boolean" : datatype);
  const bool as_double = datatype == kXsd + "double";
  const double number = value.get<double>();
  if (!as_double && value.is_number_integer())
    return rdf::Term::Literal(
        value.is_number_unsigned() ? std::to_string(value.get<uint64_t>()) : std::to_string(value.get<int64_t>()),
        datatype.empty() ? kXsd + "integer" : datatype);
  if (!as_double && std::floor(number) == number && std::fabs(number) < kIntegersEnd)
    return rdf::Term::Literal(Fixed(number), datatype.empty() ? kXsd + "integer" : datatype);
  return rdf::Term::Literal(CanonicalDouble(number), datatype.empty() ? kXsd + "double" : datatype);
}

}  // namespace keel::json_ld::internal
