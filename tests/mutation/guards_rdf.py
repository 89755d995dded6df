# SPDX-License-Identifier: Apache-2.0
"""Guards of JSON-LD and RDF: what is signed is all there, means one thing, and ends."""
from guards import guard

LD_EXPAND = "vc/json_ld/expand.cc"
LD_TERMS = "vc/json_ld/term_definition.cc"
LD_CONTEXTS = "vc/json_ld/context_processing.cc"
LD_RDF = "vc/json_ld/to_rdf.cc"
SAFE = "keel_vc_json_ld_test:ToRdf.SafeModeRefuses"
MEANING = "keel_vc_json_ld_test:Context.SignedTermsKeepTheirMeaning"
LD_LIMITS = "keel_vc_json_ld_test:ToRdf.Limits"
RDF_TERMS = "keel_vc_rdf_test:Canonicalize.RefusesTermsThatWouldWriteQuads"
POISON = "keel_vc_rdf_test:Canonicalize.RefusesPoison"
guard("json-ld undefined member", LD_EXPAND,
      'processor_.Drop("the member " + Quoted(key) + " is defined by no context")', SAFE, new="Result<>()")
guard("json-ld null type", LD_EXPAND,
      'KEEL_TRY_VOID(processor_.Drop("the type " + Quoted(*type) + " means nothing"));', SAFE)
guard("json-ld null value", LD_EXPAND, 'KEEL_TRY_VOID(processor_.Drop("a value is null"));', SAFE)
guard("json-ld relative id", LD_RDF, 'if (!subject) KEEL_TRY_VOID(DropIri("the id", *id));', SAFE)
guard("json-ld relative type", LD_RDF, 'KEEL_TRY_VOID(DropIri("the type", type));', SAFE)
guard("json-ld direction", LD_RDF, 'KEEL_TRY_VOID(processor_.Drop("a text\'s @direction"));', SAFE)
guard("json-ld nothing said", LD_RDF,
      'if (out_.quads.size() == before) KEEL_TRY_VOID(processor_.Drop("an object says nothing"));', SAFE)
guard("json-ld protected terms", LD_TERMS, "was_protected && !defining.override_protected", MEANING, new="false")
guard("json-ld nullified context", LD_CONTEXTS, "!how.override_protected && result->protected_terms != 0", MEANING,
      new="false")
guard("json-ld end of type-scoped terms", LD_EXPAND, "if (!value && !reference) active = active->previous;",
      "keel_vc_json_ld_test:Context.TypeScopedTermsEndAtTheNextNode")
guard("json-ld second meaning of a URL", "vc/json_ld/context_store.cc", "known->text == text",
      "keel_vc_json_ld_test:ContextStore.NoUrlGetsASecondMeaning", new="true")
guard("json-ld term limit", LD_CONTEXTS, "terms_ > kMaxTerms", LD_LIMITS, new="false")
guard("json-ld load limit", LD_CONTEXTS, "loads_ > kMaxLoads", LD_LIMITS, new="false")
guard("json-ld nested contexts", LD_CONTEXTS, "nesting_ > options_.max_depth", LD_LIMITS, new="false")
guard("json-ld long IRIs", LD_CONTEXTS, "size > kMaxIri", LD_LIMITS, new="false")
guard("json-ld quads", LD_RDF, "out_.quads.size() >= processor_.options().max_quads", LD_LIMITS, new="false")
guard("rdfc terms", "vc/rdf/canonicalize.cc",
      'if (const char* wrong = internal::WrongIn(quad)) return Fail(Code::kInvalidArgument, "rdfc", wrong);', RDF_TERMS)
guard("rdfc work", "vc/rdf/canonicalize.cc", "work_ <= options_.max_work", POISON, new="true")
guard("rdfc path length", "vc/rdf/canonicalize.cc", "depth > kMaxPathLength", POISON, new="false")
guard("rdfc two nodes of one label", "vc/rdf/canonicalize.cc", "!taken.insert(name).second",
      "keel_vc_rdf_test:Canonicalize.Relabels", new="(taken.insert(name), false)")
