// SPDX-License-Identifier: Apache-2.0
// Messages that `keel didcomm unpack` refuses, and with what; and what inspect and unpack write, word for word.
#include <functional>

#include "base/encoding.h"
#include "tests/system/cli/toolbox.h"

namespace keel {
namespace {

using nlohmann::json;
using test::Toolbox;

std::string Vectors() { return std::string(KEEL_SOURCE_DIR) + "/tests/vectors/didcomm/"; }

json VectorMessage(const std::string& name) {
  const auto value = base::ParseJson(base::ReadFile(Vectors() + name).value_or("{}"));
  EXPECT_TRUE(value && value->contains("message")) << name;
  return value ? (*value)["message"] : json();
}

// Another character at a place of a base64url member.
void Bend(json& text) {
  std::string value = text;
  value[3] = value[3] == 'A' ? 'B' : 'A';
  text = value;
}
// Changes the protected header of a JWE, or of the first signature.
void BendHeader(json& object, const std::function<void(json&)>& bend) {
  const auto octets = base::FromBase64Url(object["protected"].get<std::string>());
  auto header = base::ParseJson(AsText(*octets));
  bend(*header);
  object["protected"] = base::Base64Url(AsBytes(base::DumpJson(*header)));
}

class Refused : public Toolbox {
 protected:
  Refused() {
    const auto alice = base::ReadFile(Vectors() + "alice-diddoc.json"),
               bob = base::ReadFile(Vectors() + "bob-diddoc.json");
    docs_ = dir_ / "docs";
    EXPECT_TRUE(base::WriteFileAtomic(docs_, "[" + *alice + "," + *bob + "]"));
    // The appendix spells a member "kid " in places.
    std::string secrets = *base::ReadFile(Vectors() + "bob-secrets.json");
    for (size_t at = secrets.find("\"kid \""); at != std::string::npos; at = secrets.find("\"kid \""))
      secrets.erase(at + 4, 1);
    secrets_ = dir_ / "secrets";
    EXPECT_TRUE(base::WriteFileAtomic(secrets_, secrets, 0600));
  }
  base::RunResult Unpack(const std::string& text, std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"didcomm",    "unpack", "--secrets", secrets_,
                                          "--did-docs", docs_,    "--at",      "1516269022"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return Run(arguments, text);
  }

  std::string docs_, secrets_;
};

TEST_F(Refused, EachWithItsStatusAndCode) {
  const json authcrypt = VectorMessage("07-encrypted.json"), anoncrypt = VectorMessage("04-encrypted.json"),
             signed_message = VectorMessage("01-signed.json"), plain = VectorMessage("00-plaintext.json");
  const auto bent = [](json message, const std::function<void(json&)>& bend) {
    bend(message);
    return base::DumpJson(message);
  };
  const struct {
    const char* what;
    std::string text;
    int status;
    const char* code;
  } cases[] = {
      {"no JSON", "hello", 1, "malformed"},
      {"a list", "[]", 1, "malformed"},
      {"a name twice", R"({"id":"1","id":"2"})", 1, "duplicate"},
      {"nested for ever", std::string(5'000, '['), 1, "too_large"},
      {"no id", R"({"type":"t","body":{}})", 1, "malformed"},
      {"a body that is a list", R"({"id":"1","type":"t","body":[]})", 1, "malformed"},
      {"another tag", bent(authcrypt, [](json& m) { Bend(m["tag"]); }), 1, "decrypt_failed"},
      {"another ciphertext", bent(authcrypt, [](json& m) { Bend(m["ciphertext"]); }), 1, "decrypt_failed"},
      {"another iv", bent(anoncrypt, [](json& m) { Bend(m["iv"]); }), 1, "decrypt_failed"},
      {"every wrapped key another",
       bent(authcrypt,
            [](json& m) {
              for (json& recipient : m["recipients"]) Bend(recipient["encrypted_key"]);
            }),
       1, "decrypt_failed"},
      {"no tag", bent(authcrypt, [](json& m) { m.erase("tag"); }), 1, "missing"},
      {"a recipient more",
       bent(authcrypt,
            [](json& m) {
              m["recipients"].push_back(m["recipients"][0]);
              m["recipients"].back()["header"]["kid"] = "did:example:eve#1";
            }),
       1, "malformed"},
      {"alg none", bent(anoncrypt, [](json& m) { BendHeader(m, [](json& h) { h["alg"] = "none"; }); }), 1,
       "algorithm_not_allowed"},
      {"an alg that isn't DIDComm's",
       bent(anoncrypt, [](json& m) { BendHeader(m, [](json& h) { h["alg"] = "RSA-OAEP"; }); }), 1,
       "algorithm_not_allowed"},
      {"crit", bent(anoncrypt, [](json& m) { BendHeader(m, [](json& h) { h["crit"] = {"exp"}; }); }), 1, "unsupported"},
      {"zip", bent(anoncrypt, [](json& m) { BendHeader(m, [](json& h) { h["zip"] = "DEF"; }); }), 1, "unsupported"},
      {"another sender in skid",
       bent(authcrypt, [](json& m) { BendHeader(m, [](json& h) { h["skid"] = "did:example:bob#key-x25519-1"; }); }), 1,
       "wrong_sender"},
      {"another signature", bent(signed_message, [](json& m) { Bend(m["signatures"][0]["signature"]); }), 1,
       "bad_signature"},
      {"another payload",
       bent(signed_message,
            [](json& m) {
              json other = VectorMessage("00-plaintext.json");
              other["body"] = {{"n", 2}};
              m["payload"] = base::Base64Url(AsBytes(base::DumpJson(other)));
            }),
       1, "bad_signature"},
      {"signed by a key for agreement",
       bent(signed_message, [](json& m) { m["signatures"][0]["header"]["kid"] = "did:example:alice#key-x25519-1"; }), 1,
       "untrusted"},
      {"signed by a key that isn't there",
       bent(signed_message, [](json& m) { m["signatures"][0]["header"]["kid"] = "did:example:alice#key-99"; }), 1,
       "not_found"},
      {"signed by nobody known",
       bent(signed_message, [](json& m) { m["signatures"][0]["header"]["kid"] = "did:example:eve#key-1"; }), 1,
       "method_not_supported"},
      {"expired", bent(plain, [](json& m) { m["expires_time"] = 1516238000; }), 1, "expired"},
  };
  for (const auto& c : cases) {
    const auto run = Unpack(c.text);
    EXPECT_EQ(run.state.code, c.status) << c.what << ": " << run.err;
    EXPECT_EQ(run.out, "") << c.what;
    const auto error = base::ParseJson(run.err);
    ASSERT_TRUE(error) << c.what << ": " << run.err;
    EXPECT_EQ((*error)["error"]["code"], c.code) << c.what << ": " << run.err;
    EXPECT_FALSE((*error)["error"]["message"].get<std::string>().empty());
  }
  // As they are, the four are taken.
  for (const json& message : {authcrypt, anoncrypt, signed_message, plain})
    EXPECT_EQ(Unpack(base::DumpJson(message)).state.code, 0);
}

TEST_F(Refused, WrongUsageAndUnreadableFiles) {
  const std::string message = base::DumpJson(VectorMessage("07-encrypted.json"));
  EXPECT_EQ(Unpack("").state.code, 2);
  EXPECT_EQ(Unpack(message, {"--at", "yesterday"}).state.code, 2);
  EXPECT_EQ(Unpack(message, {"--key", dir_ / "not-there.key"}).state.code, 2);
  EXPECT_EQ(Unpack(message, {"--no-such-flag"}).state.code, 2);
  EXPECT_EQ(Run({"didcomm", "unpack", "--secrets", dir_ / "not-there"}, message).state.code, 2);
  ASSERT_TRUE(base::WriteFileAtomic(dir_ / "bad", "[{\"id\":7}]", 0600));
  EXPECT_EQ(Run({"didcomm", "unpack", "--secrets", dir_ / "bad"}, message).state.code, 2);
  EXPECT_EQ(Run({"didcomm", "unpack", "--did-docs", dir_ / "bad"}, message).state.code, 2);
  EXPECT_EQ(Run({"didcomm", "pack", "--mode", "rot13"}, "{}").state.code, 2);
  EXPECT_EQ(Run({"didcomm", "pack", "--mode", "authcrypt", "--to", "did:example:bob"}, R"({"type":"t"})").state.code,
            2);
  EXPECT_EQ(Run({"didcomm", "pack", "--mode", "plaintext"}, message).state.code, 2);  // packed already
  EXPECT_EQ(Run({"didcomm", "pack", "--mode", "plaintext", "--enc", "XC20P", "--type", "t"}).state.code, 2);
  EXPECT_EQ(Run({"didcomm", "inspect"}, "hello").state.code, 2);
  EXPECT_EQ(Run({"didcomm", "inspect"}, "{}").state.code, 1);
}

TEST_F(Refused, InspectSaysThisWordForWord) {
  for (const char* name : {"00-plaintext", "01-signed", "04-encrypted", "07-encrypted"}) {
    const std::string golden = std::string(KEEL_SOURCE_DIR) + "/tests/system/cli/golden/inspect-" + name + ".txt";
    const auto wanted = base::ReadFile(golden);
    ASSERT_TRUE(wanted) << golden;
    const auto run = Run({"didcomm", "inspect", "--did-docs", docs_, "--at", "1516269022"},
                         base::DumpJson(VectorMessage(std::string(name) + ".json")));
    EXPECT_EQ(run.out, *wanted) << name;
    EXPECT_EQ(run.state.code, 0);
  }
}

TEST_F(Refused, UnpackGivesTheseMetadata) {
  const auto run = Unpack(base::DumpJson(VectorMessage("07-encrypted.json")));
  const auto unpacked = base::ParseJson(run.out);
  ASSERT_TRUE(unpacked) << run.err;
  const json wanted = {
      {"encrypted", true},
      {"authenticated", true},
      {"non_repudiation", false},
      {"anonymous_sender", false},
      {"encrypted_from_kid", "did:example:alice#key-x25519-1"},
      {"encrypted_to_kids",
       {"did:example:bob#key-x25519-1", "did:example:bob#key-x25519-2", "did:example:bob#key-x25519-3"}},
      {"sign_from_kid", nullptr},
      {"from_prior_issuer_kid", nullptr},
      {"enc_alg_auth", "A256CBC_HS512_ECDH_1PU_A256KW"},
      {"enc_alg_anon", nullptr},
      {"sign_alg", nullptr},
  };
  for (const auto& [name, value] : wanted.items()) {
    ASSERT_TRUE((*unpacked)["metadata"].contains(name)) << name;
    EXPECT_EQ((*unpacked)["metadata"][name], value) << name;
  }
  EXPECT_EQ((*unpacked)["message"]["id"], "1234567890");
}

}  // namespace
}  // namespace keel
