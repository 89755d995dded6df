// SPDX-License-Identifier: Apache-2.0
#include "crypto/hosted/software_key_store.h"

#include <map>
#include <mutex>

#include "crypto/hooks.h"
#include "crypto/hosted/key_file.h"
#include "crypto/hosted/wide_agreement.h"

namespace keel::crypto {
namespace {

constexpr char kWhere[] = "key store";
constexpr size_t kMaxKeys = 10000;
constexpr size_t kMaxLabel = 1024;  // a DID URL fits

using PrivateOctets = SecretBytes<kMaxPrivateKey>;

struct Entry {
  KeyType type = KeyType::kEd25519;
  PrivateOctets secret;
  PublicKey own;

  ByteView octets() const { return ByteView(secret.ExposeSecret()).first(PrivateKeyLength(type)); }
  Entry Copy() const { return {type, secret.Clone(), own}; }
};

}  // namespace

struct SoftwareKeyStore::Impl {
  std::mutex mutex;  // guards all below
  std::map<uint32_t, Entry> keys;
  std::map<std::string, uint32_t> labels;
  uint32_t next = 1;                        // handles are never used again, so that a stale one can't name another key
  std::unique_ptr<internal::KeyFile> file;  // null: memory only
  Protection protection = Protection::kNone;

  Result<> Save();
  Result<> Load(ByteView plaintext);
  Result<Entry> Lookup(KeyHandle key);
  Result<KeyHandle> Add(Entry entry);
};

// u32 next || u32 keys || keys x (u32 id || u8 type || u16 length || private key) || u32 labels || labels x (u32 id ||
// u16 length || label)
Result<> SoftwareKeyStore::Impl::Save() {
  if (!file) return {};
  size_t size = 12;
  for (const auto& [id, entry] : keys) size += 7 + entry.octets().size();
  for (const auto& [label, id] : labels) size += 6 + label.size();
  internal::SecretVector plaintext;
  plaintext.octets.resize(size);
  ByteWriter writer(plaintext.octets);
  writer.U32(next).U32(static_cast<uint32_t>(keys.size()));
  for (const auto& [id, entry] : keys) {
    writer.U32(id)
        .U8(static_cast<uint8_t>(entry.type))
        .U16(static_cast<uint16_t>(entry.octets().size()))
        .Put(entry.octets());
  }
  writer.U32(static_cast<uint32_t>(labels.size()));
  for (const auto& [label, id] : labels) writer.U32(id).U16(static_cast<uint16_t>(label.size())).Put(label);
  KEEL_ASSERT(writer.ok() && writer.size() == size);
  return file->Save(plaintext.octets);
}

Result<> SoftwareKeyStore::Impl::Load(ByteView plaintext) {
  // The seal holds, so this was written by us: anything odd is another version's or a bug's.
  const auto corrupt = [] { return Fail(Code::kCorrupt, kWhere, "its contents are not in the form of version 1"); };
  ByteReader reader(plaintext);
  next = reader.U32();
  for (uint32_t left = reader.U32(); left != 0 && reader.ok(); --left) {
    const uint32_t id = reader.U32();
    const auto type = static_cast<KeyType>(reader.U8());
    const ByteView octets = reader.Take(reader.U16());
    if (!reader.ok() || PrivateKeyLength(type) == 0 || octets.size() != PrivateKeyLength(type) || id == 0 || id >= next)
      return corrupt();
    Entry entry;
    entry.type = type;
    std::memcpy(entry.secret.MutableSecret().data(), octets.data(), octets.size());
    KEEL_TRY(entry.own, PublicFromPrivate(type, octets));
    if (!keys.emplace(id, std::move(entry)).second) return corrupt();
  }
  for (uint32_t left = reader.U32(); left != 0 && reader.ok(); --left) {
    const uint32_t id = reader.U32();
    const ByteView label = reader.Take(reader.U16());
    if (!reader.ok() || !keys.contains(id) || !labels.emplace(AsText(label), id).second) return corrupt();
  }
  return reader.done() ? Result<>{} : corrupt();
}

Result<Entry> SoftwareKeyStore::Impl::Lookup(KeyHandle key) {
  const std::lock_guard lock(mutex);
  const auto found = keys.find(key.id);
  if (found == keys.end()) return Fail(Code::kNoSuchKey, kWhere);
  return found->second.Copy();  // so that signing does not hold the lock
}

Result<KeyHandle> SoftwareKeyStore::Impl::Add(Entry entry) {
  const std::lock_guard lock(mutex);
  for (const auto& [id, known] : keys) {
    if (known.own == entry.own) return KeyHandle{id};
  }
  if (keys.size() >= kMaxKeys) return Fail(Code::kTooLarge, kWhere, "is full: erase keys that are no longer needed");
  const uint32_t id = next++;
  keys.emplace(id, std::move(entry));
  if (auto saved = Save(); !saved) {
    keys.erase(id);
    return std::unexpected<Error>(std::move(saved.error()));
  }
  return KeyHandle{id};
}

SoftwareKeyStore::SoftwareKeyStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SoftwareKeyStore::~SoftwareKeyStore() = default;

std::unique_ptr<SoftwareKeyStore> SoftwareKeyStore::CreateInMemory() {
  SetUpHostedCrypto();
  return std::unique_ptr<SoftwareKeyStore>(new SoftwareKeyStore(std::make_unique<Impl>()));
}

Result<std::unique_ptr<SoftwareKeyStore>> SoftwareKeyStore::Open(const std::string& path, Protection protection,
                                                                 std::string_view passphrase, PassphraseCost cost) {
  SetUpHostedCrypto();
  auto impl = std::make_unique<Impl>();
  impl->file = std::make_unique<internal::KeyFile>();
  impl->protection = protection;
  internal::SecretVector plaintext;
  bool existed = false;
  KEEL_TRY_VOID(impl->file->Open(path, protection, passphrase, cost, plaintext, existed));
  if (existed) {
    KEEL_TRY_VOID(impl->Load(plaintext.octets));
  } else {
    KEEL_TRY_VOID(impl->Save());
  }
  return std::unique_ptr<SoftwareKeyStore>(new SoftwareKeyStore(std::move(impl)));
}

Result<std::unique_ptr<SoftwareKeyStore>> SoftwareKeyStore::OpenToRead(const std::string& path, Protection protection,
                                                                       std::string_view passphrase) {
  SetUpHostedCrypto();
  auto impl = std::make_unique<Impl>();
  impl->file = std::make_unique<internal::KeyFile>();
  impl->file->ReadOnly();
  impl->protection = protection;
  internal::SecretVector plaintext;
  bool existed = false;
  KEEL_TRY_VOID(impl->file->Open(path, protection, passphrase, PassphraseCost::kModerate, plaintext, existed));
  KEEL_TRY_VOID(impl->Load(plaintext.octets));
  return std::unique_ptr<SoftwareKeyStore>(new SoftwareKeyStore(std::move(impl)));
}

Result<KeyHandle> SoftwareKeyStore::Generate(KeyType type) {
  const size_t length = PrivateKeyLength(type);
  if (length == 0) return Fail(Code::kUnsupported, kWhere);
  for (int tries = 0; tries < 8; ++tries) {
    Entry entry;
    entry.type = type;
    const ByteSpan octets = ByteSpan(entry.secret.MutableSecret()).first(length);
    KEEL_TRY_VOID(SystemRandom().Fill(octets));
    if (type == KeyType::kP521) octets[0] &= 1;  // 521 bits
    auto own = PublicFromPrivate(type, octets);
    if (!own) continue;  // a scalar beyond the group order: draw again
    entry.own = *own;
    return impl_->Add(std::move(entry));
  }
  return Fail(Code::kNoEntropy, kWhere);
}

Result<KeyHandle> SoftwareKeyStore::Import(KeyType type, ByteView private_key) {
  KEEL_TRY(const PublicKey own, PublicFromPrivate(type, private_key));
  Entry entry;
  entry.type = type;
  std::memcpy(entry.secret.MutableSecret().data(), private_key.data(), private_key.size());
  entry.own = own;
  return impl_->Add(std::move(entry));
}

Result<PublicKey> SoftwareKeyStore::Public(KeyHandle key) {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->keys.find(key.id);
  if (found == impl_->keys.end()) return Fail(Code::kNoSuchKey, kWhere);
  return found->second.own;
}

Result<size_t> SoftwareKeyStore::Sign(KeyHandle key, ByteView message, ByteSpan signature) {
  KEEL_TRY(const Entry entry, impl_->Lookup(key));
  if (entry.type == KeyType::kEd25519) return SignEd25519(entry.octets(), entry.own, message, signature);
  KEEL_TRY(const SignatureAlgorithm algorithm, AlgorithmFor(entry.type));
  const size_t length = SignatureLength(algorithm);
  if (signature.size() < length) return Fail(Code::kBufferTooSmall, kWhere);
  if (internal::Hooks().sign(entry.type, entry.octets(), message, signature.first(length)) != length) {
    return Fail(Code::kKeyStoreFailed, kWhere);
  }
  return length;
}

Result<SharedSecret> SoftwareKeyStore::Agree(KeyHandle key, const PublicKey& peer) {
  KEEL_TRY(const Entry entry, impl_->Lookup(key));
  if (entry.type == KeyType::kP384 || entry.type == KeyType::kP521) return Fail(Code::kUnsupported, kWhere);
  return AgreeRaw(entry.type, entry.octets(), peer);
}

Result<size_t> SoftwareKeyStore::AgreeWide(KeyHandle key, const PublicKey& peer, ByteSpan out) {
  KEEL_TRY(const Entry entry, impl_->Lookup(key));
  return AgreeRawWide(entry.type, entry.octets(), peer, out);
}

Result<> SoftwareKeyStore::Erase(KeyHandle key) {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->keys.find(key.id);
  if (found == impl_->keys.end()) return Fail(Code::kNoSuchKey, kWhere);
  auto node = impl_->keys.extract(found);
  const auto labels = impl_->labels;
  std::erase_if(impl_->labels, [key](const auto& label) { return label.second == key.id; });
  if (auto saved = impl_->Save(); !saved) {
    impl_->keys.insert(std::move(node));
    impl_->labels = labels;
    return saved;
  }
  return {};
}

Result<KeyHandle> SoftwareKeyStore::Find(const PublicKey& key) {
  const std::lock_guard lock(impl_->mutex);
  for (const auto& [id, entry] : impl_->keys) {
    if (key.valid() && entry.own == key) return KeyHandle{id};
  }
  return Fail(Code::kNoSuchKey, kWhere);
}

Result<> SoftwareKeyStore::SetLabel(KeyHandle key, const std::string& label) {
  if (label.empty() || label.size() > kMaxLabel)
    return Fail(Code::kInvalidArgument, kWhere, "a label has 1 to 1024 octets");
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->keys.contains(key.id)) return Fail(Code::kNoSuchKey, kWhere);
  const auto before = impl_->labels;
  impl_->labels[label] = key.id;
  if (auto saved = impl_->Save(); !saved) {
    impl_->labels = before;
    return saved;
  }
  return {};
}

Result<KeyHandle> SoftwareKeyStore::FindLabel(const std::string& label) {
  const std::lock_guard lock(impl_->mutex);
  const auto found = impl_->labels.find(label);
  if (found == impl_->labels.end()) return Fail(Code::kNoSuchKey, kWhere, "no key is labelled " + label);
  return KeyHandle{found->second};
}

std::vector<std::pair<std::string, KeyHandle>> SoftwareKeyStore::Labels() {
  const std::lock_guard lock(impl_->mutex);
  std::vector<std::pair<std::string, KeyHandle>> all;
  for (const auto& [label, id] : impl_->labels) all.emplace_back(label, KeyHandle{id});
  return all;
}

Protection SoftwareKeyStore::protection() const { return impl_->protection; }

}  // namespace keel::crypto
