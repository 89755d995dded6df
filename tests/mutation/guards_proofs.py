# SPDX-License-Identifier: Apache-2.0
"""The guards of Data Integrity proofs (vc/data_integrity), for guards.py."""
from guards import guard

T = "keel_vc_data_integrity_test:"

# Names and meanings (decision 0072) ----------------------------------------------------------------------------------------
RULES = "vc/data_integrity/context_rules.cc"
guard("proofs: IRIs as names", RULES,
      """if (name.find(':') != std::string::npos) return Bad(place + ": an IRI where a term should stand");""",
      T + "Contexts.MembersHiddenBehindIris")
guard("proofs: keywords as names", RULES,
      """if (name.starts_with('@')) return Bad(place + ": a keyword where a term should stand");""",
      T + "Contexts.TheSubjectWithoutItsId")
guard("proofs: another name for an IRI", RULES,
      """if (!elsewhere && !EndsInName(iri, term)) return Bad(what + "the meaning of another name, " + iri);""",
      T + "Contexts.InlineOnes")
guard("proofs: a name that a known context has", RULES,
      """if (elsewhere && !same) return Bad(what + "a second meaning, " + iri);""", T + "Contexts.InlineOnes")
guard("proofs: an IRI that a known context names", RULES,
      "it != terms->terms_of.end() && !it->second.contains(name)", T + "Contexts.AnotherNameForASignedTerm",
      T + "Contexts.AnotherNameByAnotherContext", new="false")
guard("proofs: two contexts, two names", RULES, "it != others->terms_of.end() && !it->second.contains(name)",
      T + "Contexts.AnotherNameByAnotherContext", new="false")
guard("proofs: vocabularies cut names", RULES, "!IsVocabulary(value)", T + "Contexts.AVocabularyThatCutsNames", new="false")
guard("proofs: contexts inside", RULES, "!may_have_context", T + "Contexts.ContextsInside", new="false")
guard("proofs: the document's id further down", RULES, "id != nullptr && *id == top_id_",
      T + "Contexts.PropertiesMovedToAnotherPlace", new="false")
guard("proofs: members of the proof", RULES, "!kNames.contains(name)", T + "Contexts.TheProofsMembersHidden", new="false")
guard("proofs: JCS context begins", RULES, "!begins",
      T + "Contexts.JcsCoversTheDocumentsBeginning", new="false")
guard("proofs: JCS context appended", RULES,
      """if (!at(*of_document, i).is_string()) return Bad("the document's @context has an object that the proof doesn't cover");""",
      T + "Contexts.JcsCoversTheDocumentsBeginning")

# The proof -----------------------------------------------------------------------------------------------------------------
FORM = "vc/data_integrity/proof_config.cc"
guard("proofs: multibase header", FORM, "value[0] != prefix", T + "Form.ProofValueIsMultibaseOfTheRightLength", new="false")
guard("proofs: Ed25519Signature2020 is no cryptosuite", FORM, "out.suite == Cryptosuite::kEd25519Signature2020",
      T + "Form.TypeAndCryptosuiteAreKnown", new="false")
guard("proofs: proof that is followed", FORM, "!open.empty()", T + "Form.ChainsAndSets", new="false")
guard("proofs: two proofs of one id", FORM, "place == open.end()", T + "Form.ChainsAndSets", new="false")
guard("proofs: method is a URL", FORM, "!IsAbsoluteUrl(out.method)", T + "Form.IdsAreUrls", new="false")
V = "vc/data_integrity/verify.cc"
guard("proofs: made in the future", V, "proof.created && !NotBeforeOk(*proof.created, *options_.now)",
      T + "Form.TimesAreJudged", new="false")
guard("proofs: expired", V, "proof.expires && !NotAfterOk(*proof.expires, *options_.now)", T + "Form.TimesAreJudged",
      new="false")
guard("proofs: circles", V, "proofs_.size() == raw_proofs_.size() && HasCycle()", T + "Form.ChainsAndSets", new="false")
guard("proofs: purpose", V, "proof.purpose == wanted", T + "VerifyProof.RelationshipPurposeAndController",
      T + "VerifyProof.Presentations", new="true")
guard("proofs: challenge", V, "proof.challenge == options_.challenge", T + "VerifyProof.Presentations", new="true")
guard("proofs: domain", V, "proof.domain.size() == 1 && proof.domain[0] == *options_.domain", T + "VerifyProof.Presentations",
      new="true")
guard("proofs: issuer's or holder's", V, "!party.empty() && !by_party", T + "VerifyProof.TheIssuersKeyAlone",
      T + "VerifyProof.Presentations", new="false")
guard("proofs: controller", V, "found->controller.empty() || found->controller == controller",
      T + "VerifyProof.RelationshipPurposeAndController", new="true")
guard("proofs: keys given by hand are for issuers", V, "!own && !presentation_ && IsGiven(choice->keys)",
      T + "VerifyProof.KeysGivenByHand", new="IsGiven(choice->keys)")
guard("proofs: URL issuers", V, "options_.unproved_url_issuers && !presentation_ && !did::IsDid(party)",
      T + "VerifyProof.IssuersThatAreUrls", T + "VerifyProof.TheIssuersKeyAlone", new="true")
guard("proofs: suite's type of key", V, "if (!SuiteTakes(proof.suite, key.type())) continue;",
      T + "Form.TypeAndCryptosuiteAreKnown")
guard("proofs: signature's length", V, "proof.value.size() != crypto::SignatureLength(algorithm)",
      T + "Form.ProofValueIsMultibaseOfTheRightLength", new="false")

# Selective disclosure ------------------------------------------------------------------------------------------------------
SD = "vc/data_integrity/sd_transform.cc"
G = T + "SelectiveDisclosure.HoldersGames"
guard("proofs: base signature", SD, "!base_good", G, new="false")
guard("proofs: statement's signature", SD,
      """if (!good) return no("wrong for a disclosed statement: " + std::string(others[i].substr(0, others[i].size() - 1)));""", G)
guard("proofs: labels", SD, "!labelled || used != value->labels.size()", G, new="false")
guard("proofs: base proofs", SD, "IsBaseProof(proof_value)", T + "SelectiveDisclosure.BaseProofsAreForHolders", new="false")
guard("proofs: indexes ascend", "vc/data_integrity/sd_proof.cc",
      "index >= kMaxStatements || (!out.mandatory_indexes.empty() && index <= out.mandatory_indexes.back())",
      T + "SelectiveDisclosure.ProofValuesOfNoUse", new="false")
guard("proofs: what can't be left out", "vc/data_integrity/proof.cc",
      "document.contains(name) && std::find(pointers.begin(), pointers.end(), pointer) == pointers.end()",
      T + "SelectiveDisclosure.WhatIsDisclosed", new="false")
guard("proofs: base proof fits", "vc/data_integrity/derive.cc",
      "base_value.signatures.size() != statements.quads.size() - mandatory.size()",
      T + "SelectiveDisclosure.CredentialsWithoutABaseProof", new="false")
