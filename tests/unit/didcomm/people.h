// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/signature.h"
#include "did/key_finder.h"
#include "did/methods/peer.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"

namespace keel::didcomm {

inline nlohmann::json LoadVector(const std::string& name) {
  auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/" + name);
  EXPECT_TRUE(text.has_value()) << name;
  auto value = base::ParseJson(text.value_or("null"));
  EXPECT_TRUE(value.has_value()) << name << ": " << (value ? "" : value.error().Text());
  return value.value_or(nullptr);
}

// Somebody with a did:peer:2 of one agreement and one authentication key.
struct Person {
  explicit Person(did::MapKeyFinder& finder, crypto::KeyType agreement = crypto::KeyType::kX25519,
                  crypto::KeyType signing = crypto::KeyType::kEd25519) {
    agree = *store->Generate(agreement);
    auth = *store->Generate(signing);
    const std::vector<did::PeerKey> keys = {{did::Relationship::kKeyAgreement, *store->Public(agree)},
                                            {did::Relationship::kAuthentication, *store->Public(auth)}};
    did = *did::CreatePeer2(keys);
    finder.Add(did + "#key-1", {store.get(), agree});
    finder.Add(did + "#key-2", {store.get(), auth});
  }
  std::unique_ptr<crypto::SoftwareKeyStore> store = crypto::SoftwareKeyStore::CreateInMemory();
  crypto::KeyHandle agree, auth;
  std::string did;
};

inline Message MakeMessage(const Person& from, const Person& to) {
  Message message;
  message.id = NewMessageId();
  message.type = "https://example.org/test/1.0/hello";
  message.from = from.did;
  message.to = {to.did};
  message.body = R"({"a":1})";
  return message;
}

}  // namespace keel::didcomm
