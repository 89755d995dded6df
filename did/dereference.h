// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "did/resolver.h"

// DID URL dereferencing (DID Resolution section 5).
namespace keel::did {

// A DID URL's query as parameters: "a=1&b=%2Fx" -> {a: "1", b: "/x"}. kInvalidDidUrl: a name twice (which one holds is
// defined nowhere), a bad escape, a name that is empty. A name without '=' has an empty value.
Result<std::map<std::string, std::string>> DidParameters(std::string_view query);

struct DereferenceOptions {
  ResolutionOptions resolution;
  // One media type; empty: whatever there is. A DID document's media type gives a document where a service is named,
  // text/uri-list the endpoints' URLs.
  std::string accept;
  // "authentication", ...: the fragment must name a verification method that is listed there.
  std::string verification_relationship;
  bool expand_relative_urls = false;
};

// What a DID URL leads to.
struct Dereferenced {
  std::string content;            // JSON text, or one URL a line; empty: the DID is deactivated
  std::string content_type;       // kMediaDid, or kMediaUriList
  std::vector<std::string> urls;  // with kMediaUriList
  DocumentMetadata metadata;      // of the document, when that is what it leads to
  bool deactivated = false;
};

// Dereferences a DID URL:
//   did, did?versionId=, did?versionTime=      the document (of that version)
//   did?service=ID, did?serviceType=TYPE       the document with those services alone, or their endpoints' URLs
//   ...&relativeRef=PATH                       endpoints' URLs with PATH below them
//   ...#fragment                               the object of that id in the document, or the URL with the fragment
// A relativeRef stays below its endpoint's path: one that has a scheme or an authority, or climbs out (in any spelling,
// also encoded several times) is kInvalidDidUrl. Nothing is fetched but the document. Thread-safe if the resolver is.
//
// kInvalidDidUrl; kInvalidArgument (options that contradict the URL's parameters, a relationship that is none);
// kUnsupported (`hl`: nothing is fetched, so nothing can be compared with it); kNotFound (no such service, fragment,
// version; a path or a query that the method says nothing about); kRepresentationNotSupported; kInvalidDidDocument (an
// endpoint that is no URL's text); kBadKey (the fragment names no verification method), kUntrusted (it isn't listed
// under verification_relationship); the resolver's errors.
Result<Dereferenced> Dereference(DidResolver& resolver, std::string_view did_url, const DereferenceOptions& options);

// A service endpoint's URL with `relative` below its path, query and fragment of `relative` kept. kInvalidDidUrl as
// above, also when the endpoint has a query or fragment of its own or is no http(s) or DID URL.
Result<std::string> BelowEndpoint(std::string_view endpoint, std::string_view relative);

// The dereferencing result object (DID Resolution section 8.2): {content, contentStream, dereferencingMetadata,
// contentMetadata}: the specification's text and its tests name the content differently, so both are given. The older
// form is that of DID Core 1.0's implementations: {@context, didDocument, didDereferencingMetadata,
// didDocumentMetadata}, errors as names.
nlohmann::json DereferencingJson(const Result<Dereferenced>& result, bool old_form);

}  // namespace keel::did
