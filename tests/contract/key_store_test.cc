// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>
#include <filesystem>

#include "crypto/hosted/software_key_store.h"
#include "tests/contract/key_store_contract.h"

namespace keel::crypto {
namespace {

std::shared_ptr<KeyStore> FileStore(Protection protection, std::string_view passphrase) {
  std::string folder = (std::filesystem::temp_directory_path() / "keel-keys-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) return nullptr;
  auto store = SoftwareKeyStore::Open(folder + "/keys", protection, passphrase, PassphraseCost::kLight);
  if (!store) return nullptr;
  return {store->release(), [folder](SoftwareKeyStore* gone) {
            delete gone;
            std::filesystem::remove_all(folder);
          }};
}

const std::vector<KeyType> kSigning = {KeyType::kEd25519, KeyType::kP256, KeyType::kSecp256k1, KeyType::kP384};
const std::vector<KeyType> kAgreeing = {KeyType::kX25519, KeyType::kP256, KeyType::kSecp256k1};

INSTANTIATE_TEST_SUITE_P(
    Software, KeyStoreContract,
    testing::Values(KeyStoreUnderTest{"memory",
                                      [] {
                                        return std::shared_ptr<KeyStore>(
                                            std::shared_ptr<SoftwareKeyStore>(SoftwareKeyStore::CreateInMemory()));
                                      },
                                      kSigning, kAgreeing},
                    KeyStoreUnderTest{"file", [] { return FileStore(Protection::kNone, ""); }, kSigning, kAgreeing},
                    KeyStoreUnderTest{"passphrase", [] { return FileStore(Protection::kPassphrase, "correct horse"); },
                                      kSigning, kAgreeing}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace keel::crypto
