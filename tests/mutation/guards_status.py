# SPDX-License-Identifier: Apache-2.0
"""The guards of status lists, schemas and credential definitions, for guards.py."""
from guards import guard

S = "keel_vc_status_list_test:"
ENTRY = "vc/status_list/entry.cc"
LIST = "vc/status_list/status_list.cc"
guard("status: leading zeros", ENTRY, """if (text.size() > 1 && text[0] == '0') return Bad("statusListIndex has leading zeros");""",
      S + "StatusEntry.IndexIsADecimalNumberInAString")
guard("status: the list's URL as id", ENTRY, """if (entry.id == entry.list_url) return Bad("the id is the status list's URL");""",
      S + "StatusEntry.IdIsAUrlAndNotTheListsOwn")
guard("status: a message for each value", ENTRY, "messages->size() != values", S + "StatusEntry.OneMessageForEachValue", new="false")
guard("status: each value once", ENTRY, """if (seen[message.status]) return Bad("two statusMessage for one status");""",
      S + "StatusEntry.OneMessageForEachValue")
guard("status: unknown purposes invalidate", ENTRY, """purpose != "refresh" && purpose != "message\"""",
      S + "StatusEntry.WhatInvalidates", S + "ListTest.PurposesThatInvalidate", new="""purpose == "revocation\"""")
guard("status: a list without id", LIST, """!entry.list_url.starts_with("https://")""", S + "ListTest.AListWithoutIdOnlyOverTls",
      new="false")
guard("status: purpose", LIST, "!list.Has(entry.purpose)", S + "ListTest.OneListForSeveralPurposes", new="false")
guard("status: the herd", LIST, "list.list.bits() / entry.size < impl_->options.min_entries", S + "ListTest.TooShortForAHerd",
      new="false")
guard("status: blocks that changed", "vc/status_list/encoder.cc", "blocks_[index * size / 8 / kBlock].current = false;",
      S + "StatusListEncoder.ValuesAcrossBlocks")
BOOK = "issuer/status_book.cc"
guard("status: a place once", BOOK, "if (taken) continue;", "keel_issuer_test:StatusBookTest.NoPlaceTwiceOverRestarts")
guard("status: places at random", BOOK, "ByteReader(octets).U64() % entries()",
      "keel_issuer_test:StatusBookTest.APlaceSaysNothingAboutOrder", new="taken_count_")

J = "keel_vc_schema_test:"
KEYWORDS = "vc/schema/keywords.cc"
guard("schema: unknown keywords", KEYWORDS, "keyword == Keywords().end()", J + "JsonSchema.OtherKeywordsAreRefusedByName", new="false")
guard("schema: one dialect", KEYWORDS, "value != kDialect", J + "JsonSchema.OneDialectAndIdAtTheTopOnly", new="false")
guard("schema: repeated groups", KEYWORDS, """return refuse("repeats a group, which can take for ever");""",
      J + "JsonSchema.PatternsInBoundedTime")
guard("schema: unbounded repetitions", KEYWORDS, "unbounded > 2", J + "JsonSchema.PatternsInBoundedTime", new="false")
guard("schema: long strings under patterns", "vc/schema/json_schema.cc", "if (impl_->needs_sizes) KEEL_TRY_VOID(CheckSizes(instance));",
      J + "JsonSchema.InstancesBeyondWhatIsJudged")
guard("schema: the digest", "vc/schema/schema_checker.cc", "!same || !*same", J + "SchemaCheckerTest.TheDigestBinds", new="false")
guard("schema: held to at issue", "vc/schema/credentials.cc", """if (auto ok = CheckOwnSchemas(credential); !ok)
    return Fail(Code::kInvalidArgument, "issue credential", ok.error().detail);""",
      J + "OwnTypes.IssuingHoldsToTheSchema")

D = "keel_vc_definition_test:"
DEFINITION = "vc/definition/definition.cc"
guard("definition: another's", DEFINITION, "name->author != verification.credential.issuer",
      D + "DefinitionTest.VerifyingOneThatDoesNotHold", new="false")
guard("definition: asked only after the signature", DEFINITION,
      "if (!Holds(verification, kCheckSignature)) return {};", D + "DefinitionTest.NobodyMakesUsAskByAForgery")
guard("definition: the schema it was made for", DEFINITION, "!same", D + "DefinitionTest.VerifyingOneThatDoesNotHold", new="false")
guard("definition: status base", DEFINITION, "base.ends_with('/')", D + "DefinitionTest.AStatusBaseIsAWholePath", new="true")
guard("definition: issuing outside", DEFINITION, """return Fail(Code::kRefused, "issue",
      "outside the credential definition " + definition.Url() + ": " + Joined(breaches));""", D + "DefinitionTest.IssuingOutsideIsRefused")
guard("definition: the issuer holds to it", "issuer/definitions.cc", "definition->Name(credential);",
      "keel_issuer_test:DefinitionsTest.NothingIsIssuedOutsideTheDefinition")
