// SPDX-License-Identifier: Apache-2.0
// Schemas and credential definitions. An input is {"schema", "instance"} or {"definition", "credential"}; whatever is
// compiled judges every instance without end of neither time nor memory, and the same each time.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "tests/fuzz/fuzz.h"
#include "vc/definition/definition.h"
#include "vc/schema/json_schema.h"

extern "C" size_t KeelFuzzMutations() { return 5000; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using keel::vc::CredentialDefinition;
  using keel::vc::JsonSchema;
  const auto json = keel::base::ParseJson(keel::fuzz::Text(data, size));
  if (!json || !json->is_object()) return 0;
  if (json->contains("schema") && json->contains("instance")) {
    const auto schema = JsonSchema::Compile(keel::base::DumpJson((*json)["schema"]));
    if (schema) {
      const auto wrong = schema->Validate((*json)["instance"]);
      const auto again = schema->Validate((*json)["instance"]);
      FUZZ_CHECK(wrong.has_value() == again.has_value());
      FUZZ_CHECK(!wrong || wrong->empty() == again->empty());
      // "not" turns every answer round.
      const auto negated = JsonSchema::Compile(keel::base::DumpJson({{"not", (*json)["schema"]}}));
      if (negated && wrong) FUZZ_CHECK(negated->Validate((*json)["instance"])->empty() != wrong->empty());
    } else {
      FUZZ_CHECK(schema.error().code != keel::Code::kInternalError);
    }
  }
  if (json->contains("definition")) {
    auto definition = CredentialDefinition::FromJson((*json)["definition"]);
    if (!definition) return 0;
    definition->author = "did:example:1";
    definition->id = "a";
    if (!definition->digest.empty()) {
      const auto again = CredentialDefinition::FromContent(definition->author, "a", definition->schema,
                                                           keel::base::DumpJson(definition->Content()));
      FUZZ_CHECK(again && again->Content() == definition->Content());
    }
    if (json->contains("credential") && (*json)["credential"].is_object()) {
      nlohmann::json credential = (*json)["credential"];
      (void)definition->Breaches(credential, {"vc+jwt", "EdDSA"});
      definition->Name(credential);
      FUZZ_CHECK(keel::vc::NamedDefinition(credential) == definition->Url());
    }
  }
  return 0;
}
