// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "core/result.h"
#include "vc/credential.h"

// The rules of the Verifiable Credentials Data Model 2.0 (W3C Recommendation, 15 May 2025), section 4 and 5, for each
// property, and those of 1.1 for documents whose first context is 1.1's. docs/formats/data-model.md lists them. Whether
// contexts are known and types defined is vc/data_model/terms.h; digests of related resources are
// vc/data_model/related_resource.h. Pure, thread-safe.
namespace keel::vc {

inline constexpr std::string_view kContextV1 = "https://www.w3.org/2018/credentials/v1";
inline constexpr size_t kMaxStatusEntries = 16;  // credentialStatus of one credential
inline constexpr size_t kMaxPresented = 16;      // credentials of one presentation
inline constexpr size_t kMaxListed = 64;  // any other list of the model: contexts, types, subjects, evidence, ...

// Of an unsecured document, or a secured one with its `proof`. All errors are kMalformed and begin with the path of the
// member that breaks a rule ("'credentialStatus[1].id' ..."), but: kMissing (a required member), kUnsupported (the
// first context is neither 2.0's nor 1.1's), kTooLarge (a list is longer than the constants above).
Result<ModelVersion> CheckCredentialModel(const nlohmann::json& credential);
Result<ModelVersion> CheckPresentationModel(const nlohmann::json& presentation);

// EnvelopedVerifiableCredential and EnvelopedVerifiablePresentation (sections 4.12.1, 4.13.1): @context with 2.0's base
// context in it, this type alone, id a data: URL. What the URL holds is vc/enveloped.h's.
inline constexpr std::string_view kEnvelopedCredential = "EnvelopedVerifiableCredential";
inline constexpr std::string_view kEnvelopedPresentation = "EnvelopedVerifiablePresentation";
Result<> CheckEnvelopedModel(const nlohmann::json& object, std::string_view type);

// Whether `type`, a string or an array, has this one among it.
bool HasType(const nlohmann::json& document, std::string_view type);

// An absolute URL (RFC 3986; characters beyond ASCII are let through): a scheme, something after it, no white space and
// none of <>"{}|\^`; http and https with a host.
bool IsUrl(std::string_view text);

}  // namespace keel::vc
