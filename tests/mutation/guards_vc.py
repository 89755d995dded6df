# SPDX-License-Identifier: Apache-2.0
"""The guards of the data model, of tokens and envelopes, and of the VC-API, for guards.py."""
from guards import guard

# The data model ------------------------------------------------------------------------------------------------------------
MODEL = "keel_vc_data_model_test:"
guard("model: contexts in order", "vc/data_model/model.cc", "!Is(first, kContextV2)", MODEL + "DataModel.Contexts", new="false")
guard("model: subjects claim something", "vc/data_model/model.cc", 'if (item.empty()) return Bad(path, "claims nothing");',
      MODEL + "DataModel.CredentialSubject")
guard("model: validity in order", "vc/data_model/model.cc", "begin && end && *end < *begin",
      MODEL + "DataModel.ValidityPeriod", new="false")
guard("model: the other version's dates", "vc/data_model/model.cc",
      'KEEL_TRY_VOID(RefuseMembers(document, {"issuanceDate", "expirationDate"}, "2.0"));',
      MODEL + "DataModel.ValidityPeriod")
guard("model: types are defined", "vc/data_model/terms.cc", "!type.empty()", MODEL + "Terms.TypesAreDefinedOrUrls",
      new="false")
guard("model: the strongest digest", "vc/data_model/digest.cc", "digest.hash == strongest && digest.Matches(text)",
      MODEL + "RelatedResources.Digests", new="digest.Matches(text)")

# Tokens and envelopes ------------------------------------------------------------------------------------------------------
ANY = "keel_vc_any_test:"
guard("any: presentations are looked into once they hold", "vc/verify_any.cc",
      "verification.presentation && verification.valid() && verification.Find(kCheckCredentials) == nullptr",
      ANY + "VerifyAnyTest.NobodyElsesPresentationIsLookedInto",
      new="verification.presentation && verification.Find(kCheckCredentials) == nullptr")
guard("any: a bad credential spoils it", "vc/verify_any.cc",
      "if (wrong.empty() && !verdict.valid()) wrong = verdict.Reason();",
      ANY + "VerifyAnyTest.PresentationsAreLookedInto")
guard("any: envelopes say what is in them", "vc/verify_any.cc", "!named", ANY + "VerifyAnyTest.EnvelopesAreHeldToWhatTheySay",
      new="false")
guard("any: a presentation is no credential", "vc/verify_any.cc", "verification.presentation != presentation",
      ANY + "VerifyAnyTest.EnvelopesAreHeldToWhatTheySay", new="false")
guard("jwt: the nonce", "vc/jwt.cc", "nonce != claims.end() && *nonce == *wanted", ANY + "JwtTest.PresentationIsJudged",
      new="true")
guard("jwt: the audience", "vc/jwt.cc", "Names(claims, *wanted)", ANY + "JwtTest.PresentationIsJudged", new="true")
guard("jwt: iss is the holder", "vc/jwt.cc", "!iss || (*iss && !signer.empty() && **iss != signer)",
      ANY + "JwtTest.PresentationIsJudged", new="false")
guard("jwt: claims and members agree", "vc/jwt.cc", "added || *it == claim", ANY + "JwtTest.OlderCredential", new="true")
guard("given keys are no way around a document", "vc/common_checks.cc",
      "foreign && (options.given_keys.empty() || did::IsDid(controller))", ANY + "JwtTest.GivenKeys", new="false")
guard("secure: whose key it is", "vc/secure.cc",
      "party != did::DidOf(options.kid) && !(presentation && party.empty())",
      ANY + "SecureTest.WhatWouldNotVerifyIsNotSecured", new="false")

# The VC-API ----------------------------------------------------------------------------------------------------------------
API = "keel_vc_api_test:"
guard("vc-api: the token", "vc-api/service.cc",
      'token.empty() || ConstantTimeEqual(AsBytes(request.Header("Authorization")), AsBytes("Bearer " + token))',
      API + "ServiceTest.IssuingNeedsTheToken", new="true")
guard("vc-api: loopback without token", "vc-api/service.cc", "!IsLoopback(listen.host)",
      API + "ServiceTest.NotBeyondLoopbackWithoutToken", new="false")
guard("vc-api: indices that were given out", "vc-api/status_book.cc",
      "book == nullptr || index >= book->used.size() || !book->used[index]", API + "VcApiTest.StatusesOutliveTheProcess",
      new="book == nullptr")
