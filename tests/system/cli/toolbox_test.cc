// SPDX-License-Identifier: Apache-2.0
// The toolbox as a user calls it: `keel did|didcomm|vc|vp|jcs`, standard input to standard output, exit statuses.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "tests/system/cli/toolbox.h"

namespace keel {
namespace {

using nlohmann::json;

using test::Toolbox;

constexpr const char* kHello = R"({"type":"https://example.org/hello/1.0/hi","body":{"n":1}})";

TEST_F(Toolbox, HelpAndUnknownVerbs) {
  EXPECT_EQ(Run({}).state.code, 2);
  EXPECT_EQ(Run({"--help"}).state.code, 0);
  EXPECT_EQ(Run({"fly"}).state.code, 2);
  for (const char* verb : {"did", "didcomm", "vc", "vp", "jcs", "ownership", "telemetry", "demo"}) {
    const auto help = Run({verb, "--help"});
    EXPECT_EQ(help.state.code, 0) << verb;
    EXPECT_NE(help.out.find("Exit status"), std::string::npos) << verb;
    EXPECT_EQ(Run({verb, "--no-such-flag"}).state.code, 2) << verb;
  }
}

TEST_F(Toolbox, Jcs) {
  EXPECT_EQ(Run({"jcs"}, R"({"b":1,"a":2.0})").out, R"({"a":2,"b":1})");
  const std::string vectors = std::string(KEEL_SOURCE_DIR) + "/tests/vectors/jcs/";
  for (const auto& entry : std::filesystem::directory_iterator(vectors + "input")) {
    const std::string name = entry.path().filename().string();
    const auto wanted = base::ReadFile(vectors + "output/" + name);
    const auto input = base::ReadFile(entry.path().string());
    ASSERT_TRUE(wanted && input) << name;
    EXPECT_EQ(Run({"jcs"}, *input).out, *wanted) << name;
  }
  const auto twice = Run({"jcs"}, R"({"a":1,"a":2})");
  EXPECT_EQ(twice.state.code, 2);
  EXPECT_NE(twice.err.find("twice"), std::string::npos);
  const auto as_json = Run({"jcs", "--json"}, "{");
  EXPECT_EQ(as_json.state.code, 2);
  const auto error = base::ParseJson(as_json.err);
  ASSERT_TRUE(error) << as_json.err;
  EXPECT_TRUE(error->contains("error"));
}

TEST_F(Toolbox, CreatesResolvesAndInspectsDids) {
  for (const char* type : {"ed25519", "x25519", "p256", "secp256k1"}) {
    const std::string did = Ok({"did", "create", "--type", type, "-o", dir_ / type});
    const json result = OkJson({"did", "resolve", did});
    EXPECT_EQ(result["didDocument"]["id"], did);
    EXPECT_EQ(OkJson({"did", "inspect", did})["method"], "key");
  }
  const std::string peer = Peer("peer.key");
  EXPECT_EQ(OkJson({"did", "inspect", peer})["keys"].size(), 2u);
  // The file is there: nothing is overwritten.
  EXPECT_EQ(Run({"did", "create", "-o", dir_ / "ed25519"}).state.code, 2);
  // Keys are for nobody else's eyes.
  const auto mode = std::filesystem::status(dir_ / "ed25519").permissions();
  EXPECT_EQ(mode & (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
            std::filesystem::perms::none);
  const auto unknown = Run({"did", "resolve", "did:example:alice"});
  EXPECT_EQ(unknown.state.code, 2);
  EXPECT_NE(unknown.out.find("METHOD_NOT_SUPPORTED"), std::string::npos);
  EXPECT_EQ(Run({"did", "resolve", "no-did"}).state.code, 2);
  const auto keel = Run({"did", "create", "--method", "keel", "-o", dir_ / "keel.key"});
  EXPECT_EQ(keel.state.code, 2);
  EXPECT_FALSE(base::FileExists(dir_ / "keel.key"));
}

TEST_F(Toolbox, EveryMethodsDidSendsAndReceives) {
  const std::string alice = Peer("alice.key");
  const std::vector<std::vector<std::string>> ways = {
      {"--method", "key"},
      {"--method", "key", "--type", "p256"},
      {"--method", "jwk", "--type", "p256"},
      {"--method", "peer", "--type", "p256", "--agreement", "p256"},
      {"--method", "peer", "--numalgo", "4"},
  };
  for (size_t i = 0; i < ways.size(); ++i) {
    const std::string file = dir_ / ("me" + std::to_string(i));
    std::vector<std::string> arguments = {"did", "create", "-o", file, "--json"};
    arguments.insert(arguments.end(), ways[i].begin(), ways[i].end());
    const json made = OkJson(arguments);
    const std::string me = made["did"];
    for (const std::string kid : made["keys"]) EXPECT_TRUE(kid.starts_with(me + "#")) << kid;
    // To itself: authcrypt needs its keyAgreement key twice.
    const std::string packed = Ok(
        {"didcomm", "pack", "--mode", "authcrypt", "--from", me, "--to", me, "--sign-by", me, "--key", file}, kHello);
    const json unpacked = OkJson({"didcomm", "unpack", "--key", file}, packed);
    EXPECT_EQ(unpacked["metadata"]["non_repudiation"], true) << me;
    EXPECT_EQ(unpacked["metadata"]["encrypted_from_kid"].get<std::string>().substr(0, me.size()), me);
  }
  // The flags of another method are refused, and no file is left.
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"--use", "sig"},
                                                {"--method", "jwk", "--service", "http://127.0.0.1/"},
                                                {"--method", "web"},
                                                {"--method", "web", "--url", "http://example.org"},
                                                {"--method", "web", "--url", "https://127.0.0.1/"},
                                                {"--method", "peer", "--type", "x25519"},
                                                {"--method", "peer", "--numalgo", "3"}}) {
    std::vector<std::string> arguments = {"did", "create", "-o", dir_ / "wrong"};
    arguments.insert(arguments.end(), wrong.begin(), wrong.end());
    EXPECT_EQ(Run(arguments).state.code, 2) << wrong.back();
    for (const char* suffix : {"", ".key", ".lock"})
      EXPECT_FALSE(base::FileExists(dir_ / (std::string("wrong") + suffix)));
  }
}

TEST_F(Toolbox, WritesTheDocumentOfADidWeb) {
  const json made =
      OkJson({"did", "create", "--method", "web", "--url", "https://example.org:8443/users/alice", "--service",
              "https://example.org/didcomm", "-o", dir_ / "alice.key", "--document", dir_ / "did.json", "--json"});
  EXPECT_EQ(made["did"], "did:web:example.org%3A8443:users:alice");
  EXPECT_EQ(made["publish_at"], "https://example.org:8443/users/alice/did.json");
  // The file serves as a --did-docs file, so that it can be tried before it is published.
  const json result = OkJson({"did", "resolve", made["did"], "--did-docs", dir_ / "did.json"});
  EXPECT_EQ(result["didDocument"]["id"], made["did"]);
  const std::string packed = Ok({"didcomm", "pack", "--mode", "authcrypt", "--from", made["did"], "--to", made["did"],
                                 "--key", dir_ / "alice.key", "--did-docs", dir_ / "did.json"},
                                kHello);
  Ok({"didcomm", "unpack", "--key", dir_ / "alice.key", "--did-docs", dir_ / "did.json"}, packed);
}

TEST_F(Toolbox, PacksAndUnpacksEveryMode) {
  const std::string alice = Peer("alice.key"), bob = Peer("bob.key");
  struct Mode {
    const char* name;
    bool encrypted, authenticated, non_repudiation;
  };
  for (const Mode& mode : {Mode{"plaintext", false, false, false}, Mode{"signed", false, true, true},
                           Mode{"anoncrypt", true, false, false}, Mode{"authcrypt", true, true, false}}) {
    const std::string packed =
        Ok({"didcomm", "pack", "--mode", mode.name, "--from", alice, "--to", bob, "--key", dir_ / "alice.key"}, kHello);
    const json unpacked = OkJson({"didcomm", "unpack", "--key", dir_ / "bob.key"}, packed);
    EXPECT_EQ(unpacked["message"]["body"]["n"], 1) << mode.name;
    EXPECT_EQ(unpacked["message"]["from"], alice) << mode.name;
    EXPECT_EQ(unpacked["metadata"]["encrypted"], mode.encrypted) << mode.name;
    EXPECT_EQ(unpacked["metadata"]["authenticated"], mode.authenticated) << mode.name;
    EXPECT_EQ(unpacked["metadata"]["non_repudiation"], mode.non_repudiation) << mode.name;
  }
}

TEST_F(Toolbox, SeveralRecipientsCurvesAndSignatures) {
  const std::string alice = Ok({"did", "create", "--method", "peer", "--agreement", "p384", "-o", dir_ / "alice.key"});
  const std::string bob = Ok({"did", "create", "--method", "peer", "--agreement", "p384", "-o", dir_ / "bob.key"});
  const std::string carol = Ok({"did", "create", "--method", "peer", "--agreement", "p384", "-o", dir_ / "carol.key"});
  const std::string packed = Ok({"didcomm", "pack", "--mode", "authcrypt", "--from", alice, "--to", bob, "--to", carol,
                                 "--protect-sender", "--key", dir_ / "alice.key"},
                                kHello);
  for (const char* key : {"bob.key", "carol.key"}) {
    const json unpacked = OkJson({"didcomm", "unpack", "--key", dir_ / key}, packed);
    EXPECT_EQ(unpacked["metadata"]["encrypted_to_kids"], json({bob + "#key-2", carol + "#key-2"}));
    EXPECT_EQ(unpacked["metadata"]["anonymous_sender"], true);
    EXPECT_EQ(unpacked["metadata"]["encrypted_from_kid"], alice + "#key-2");
  }
  for (const char* enc : {"XC20P", "A256GCM", "A256CBC-HS512"}) {
    const std::string anonymous = Ok({"didcomm", "pack", "--mode", "anoncrypt", "--enc", enc, "--to", bob}, kHello);
    const json report = OkJson({"didcomm", "inspect", "--json"}, anonymous);
    EXPECT_EQ(report["layers"][0]["enc"], enc);
    EXPECT_EQ(report["layers"][0]["epk"], "P-384");
    Ok({"didcomm", "unpack", "--key", dir_ / "bob.key"}, anonymous);
  }
  // Others' curves: nothing that all of them have.
  const std::string dave = Peer("dave.key");
  EXPECT_EQ(Run({"didcomm", "pack", "--mode", "anoncrypt", "--to", bob, "--to", dave}, kHello).state.code, 2);
}

TEST_F(Toolbox, ForwardsThroughAMediator) {
  const std::string mediator =
      Ok({"did", "create", "--method", "peer", "--service", "http://127.0.0.1:1/m", "-o", dir_ / "mediator.key"});
  const std::string bob = Ok({"did", "create", "--method", "peer", "--service", mediator, "-o", dir_ / "bob.key"});
  const auto packed = Run({"didcomm", "pack", "--mode", "anoncrypt", "--forward", "--to", bob}, kHello);
  ASSERT_EQ(packed.state.code, 0) << packed.err;
  EXPECT_EQ(packed.err, "For http://127.0.0.1:1/m\n");
  EXPECT_EQ(Run({"didcomm", "unpack", "--key", dir_ / "bob.key"}, packed.out).state.code, 1);
  // What the mediator reads, and what it sees of what it carries.
  const json forward = OkJson({"didcomm", "unpack", "--key", dir_ / "mediator.key"}, packed.out);
  EXPECT_EQ(forward["message"]["type"], "https://didcomm.org/routing/2.0/forward");
  EXPECT_EQ(forward["message"]["body"]["next"], bob);
  const json report = OkJson({"didcomm", "inspect", "--json"}, base::DumpJson(forward["message"]));
  EXPECT_EQ(report["layers"][0]["attachments"][0]["message"]["kind"], "encrypted");
  const json inner = OkJson({"didcomm", "unpack", "--key", dir_ / "bob.key"},
                            base::DumpJson(forward["message"]["attachments"][0]["data"]["json"]));
  EXPECT_EQ(inner["message"]["body"]["n"], 1);
  EXPECT_EQ(Run({"didcomm", "pack", "--mode", "plaintext", "--forward", "--to", bob}, kHello).state.code, 2);
}

TEST_F(Toolbox, RefusesMessagesAndSaysWhy) {
  const std::string alice = Peer("alice.key"), bob = Peer("bob.key");
  std::string packed =
      Ok({"didcomm", "pack", "--mode", "authcrypt", "--from", alice, "--to", bob, "--key", dir_ / "alice.key"}, kHello);
  const auto refused = [&](const std::string& text, const char* key, const char* code) {
    const auto run = Run({"didcomm", "unpack", "--key", dir_ / key}, text);
    EXPECT_EQ(run.state.code, 1);
    EXPECT_TRUE(run.out.empty());
    const auto error = base::ParseJson(run.err);
    ASSERT_TRUE(error) << run.err;
    EXPECT_EQ((*error)["error"]["code"], code);
  };
  refused(packed, "alice.key", "no_such_key");
  auto envelope = base::ParseJson(packed);
  ASSERT_TRUE(envelope);
  std::string text = (*envelope)["ciphertext"];
  text[5] = text[5] == 'A' ? 'B' : 'A';
  (*envelope)["ciphertext"] = text;
  refused(base::DumpJson(*envelope), "bob.key", "decrypt_failed");
  const std::string old =
      Ok({"didcomm", "pack", "--mode", "authcrypt", "--from", alice, "--to", bob, "--key", dir_ / "alice.key"},
         R"({"type":"t","body":{},"expires_time":1600000000})");
  refused(old, "bob.key", "expired");
  EXPECT_EQ(Run({"didcomm", "unpack", "--key", dir_ / "bob.key", "--at", "1500000000"}, old).state.code, 0);
  // Somebody else's name on it isn't packed at all.
  const auto forged =
      Run({"didcomm", "pack", "--mode", "authcrypt", "--from", alice, "--to", bob, "--key", dir_ / "alice.key"},
          R"({"type":"t","body":{},"from":"did:example:mallory"})");
  EXPECT_NE(forged.state.code, 0);
  EXPECT_EQ(Run({"didcomm", "pack", "--mode", "authcrypt", "--from", alice, "--to", bob}, kHello).state.code,
            2);  // no key
}

TEST_F(Toolbox, OpensTheSpecificationsMessages) {
  const std::string vectors = std::string(KEEL_SOURCE_DIR) + "/tests/vectors/didcomm/";
  const auto alice = base::ReadFile(vectors + "alice-diddoc.json");
  const auto bob = base::ReadFile(vectors + "bob-diddoc.json");
  const auto secrets = base::ReadFile(vectors + "bob-secrets.json");
  ASSERT_TRUE(alice && bob && secrets);
  // The appendix spells a member "kid " in places.
  std::string mended = *secrets;
  for (size_t at = mended.find("\"kid \""); at != std::string::npos; at = mended.find("\"kid \""))
    mended.erase(at + 4, 1);
  ASSERT_TRUE(base::WriteFileAtomic(dir_ / "secrets", mended, 0600));
  ASSERT_TRUE(base::WriteFileAtomic(dir_ / "docs", "[" + *alice + "," + *bob + "]"));
  const auto file = base::ReadFile(vectors + "04-encrypted.json");
  const auto vector = base::ParseJson(file.value_or("{}"));
  ASSERT_TRUE(vector && vector->contains("message"));
  const json unpacked =
      OkJson({"didcomm", "unpack", "--secrets", dir_ / "secrets", "--did-docs", dir_ / "docs", "--at", "1516269022"},
             base::DumpJson((*vector)["message"]));
  EXPECT_EQ(unpacked["message"]["id"], "1234567890");
  EXPECT_EQ(unpacked["metadata"]["enc_alg_anon"], "XC20P_ECDH_ES_A256KW");
}

TEST_F(Toolbox, IssuesAndVerifiesCredentialsAndPresentations) {
  const std::string issuer = Ok({"did", "create", "-o", dir_ / "issuer.key"});
  const std::string holder = Ok({"did", "create", "-o", dir_ / "holder.key"});
  const json credential = {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
                           {"type", {"VerifiableCredential"}},
                           {"issuer", issuer},
                           {"validUntil", "2030-01-01T00:00:00Z"},
                           {"credentialSubject", {{"id", holder}, {"colour", "red"}}}};
  const std::string jwt = Ok({"vc", "issue", "--key", dir_ / "issuer.key"}, base::DumpJson(credential));
  const json verdict = OkJson({"vc", "verify", "--json", "--issuer", issuer, "--subject", holder}, jwt);
  EXPECT_EQ(verdict["verified"], true);
  EXPECT_EQ(verdict.size(), 3U);
  EXPECT_EQ(verdict["errors"], json::array());
  ASSERT_FALSE(verdict["checks"].empty());
  EXPECT_EQ(verdict["checks"][0].size(), 3U);
  EXPECT_EQ(verdict["checks"][0]["check"], "envelope");
  EXPECT_EQ(Run({"vc", "verify", "--issuer", holder}, jwt).state.code, 1);
  EXPECT_EQ(Run({"vc", "verify", "--subject", issuer}, jwt).state.code, 1);
  EXPECT_EQ(Run({"vc", "verify", "--at", "2030-06-01T00:00:00Z"}, jwt).state.code, 1);
  EXPECT_EQ(Run({"vc", "verify", "--now", "1906502400"}, jwt).state.code, 1);
  EXPECT_EQ(Run({"vc", "verify"}, "hello").state.code, 2);
  EXPECT_EQ(Run({"vc", "verify"}, base::DumpJson(credential)).state.code, 1);
  std::string broken = jwt;
  broken[broken.size() - 5] = broken[broken.size() - 5] == 'A' ? 'B' : 'A';
  EXPECT_EQ(Run({"vc", "verify"}, broken).state.code, 1);
  // The key must be the issuer's.
  EXPECT_EQ(Run({"vc", "issue", "--key", dir_ / "holder.key"}, base::DumpJson(credential)).state.code, 2);

  ASSERT_TRUE(base::WriteFileAtomic(dir_ / "c.jwt", jwt));
  const std::string shown = Ok({"vp", "create", "--holder", holder, "--audience", "did:example:shop", "--nonce", "n1",
                                "--credential", dir_ / "c.jwt", "--key", dir_ / "holder.key"});
  EXPECT_EQ(OkJson({"vp", "verify", "--audience", "did:example:shop", "--nonce", "n1", "--holder", holder, "--json"},
                   shown)["verified"],
            true);
  EXPECT_EQ(Run({"vp", "verify", "--audience", "did:example:shop", "--nonce", "n2"}, shown).state.code, 1);
  EXPECT_EQ(Run({"vp", "verify", "--audience", "did:example:other", "--nonce", "n1"}, shown).state.code, 1);
  EXPECT_EQ(
      Run({"vp", "verify", "--audience", "did:example:shop", "--nonce", "n1", "--holder", issuer}, shown).state.code,
      1);
}

}  // namespace
}  // namespace keel
