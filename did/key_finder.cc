// SPDX-License-Identifier: Apache-2.0
#include "did/key_finder.h"

#include <mutex>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"

namespace keel::did {

using nlohmann::json;

Result<KeyRef> LabelKeyFinder::Find(const std::string& kid) {
  KEEL_TRY(const crypto::KeyHandle handle, store_.FindLabel(kid));
  return KeyRef{&store_, handle};
}

void MapKeyFinder::Add(std::string kid, KeyRef key) {
  const std::unique_lock lock(mutex_);
  keys_[std::move(kid)] = key;
}

void MapKeyFinder::Remove(const std::string& kid) {
  const std::unique_lock lock(mutex_);
  keys_.erase(kid);
}

size_t MapKeyFinder::size() const {
  const std::shared_lock lock(mutex_);
  return keys_.size();
}

Result<KeyRef> MapKeyFinder::Find(const std::string& kid) {
  {
    const std::shared_lock lock(mutex_);
    if (const auto it = keys_.find(kid); it != keys_.end()) return it->second;
  }
  if (fallback_ != nullptr) return fallback_->Find(kid);
  return Fail(Code::kNoSuchKey, "key finder", "no private key for " + kid);
}

Result<std::unique_ptr<SecretsFile>> SecretsFile::Parse(std::string_view text) {
  auto value = base::ParseJson(text);
  if (!value) return std::unexpected<Error>(value.error());
  if (!value->is_array())
    return Fail(Code::kMalformed, "secrets", "expected a JSON array of {id, type, privateKeyJwk}");
  std::unique_ptr<SecretsFile> file(new SecretsFile());
  file->store_ = crypto::SoftwareKeyStore::CreateInMemory();
  for (const json& item : *value) {
    if (!item.is_object()) return Fail(Code::kMalformed, "secrets", "an entry is no object");
    json entry = item;
    if (!entry.contains("id") && entry.contains("kty")) {
      // A bare JWK: its kid is the id (the specification's appendix writes secrets so).
      entry = json{{"id", item.value("kid", json(nullptr))}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", item}};
    } else if (!entry.contains("id") && entry.contains("kid")) {
      entry["id"] = entry["kid"];
    }
    const auto id = entry.find("id");
    if (id == entry.end() || !id->is_string()) return Fail(Code::kMalformed, "secrets", "an entry has no id");
    const std::string kid = id->get<std::string>();
    if (file->keys_.contains(kid)) return Fail(Code::kDuplicate, "secrets", kid + " appears twice");
    auto handle = crypto::ImportSecret(*file->store_, entry);
    if (!handle) {
      if (handle.error().code == Code::kUnsupported) {
        file->skipped_.push_back(kid);
        continue;
      }
      return Fail(handle.error().code, "secrets", kid + ": " + handle.error().Text());
    }
    file->keys_[kid] = *handle;
    file->kids_.push_back(kid);
  }
  return file;
}

Result<std::unique_ptr<SecretsFile>> SecretsFile::Load(const std::string& path) {
  KEEL_TRY(const std::string text, base::ReadFile(path, 1 << 20));
  return Parse(text);
}

Result<KeyRef> SecretsFile::Find(const std::string& kid) {
  const auto it = keys_.find(kid);
  if (it == keys_.end()) return Fail(Code::kNoSuchKey, "secrets", "no private key for " + kid);
  return KeyRef{store_.get(), it->second};
}

}  // namespace keel::did
