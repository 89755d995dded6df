// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/didcomm/by_hand.h"

// One case for each field of each envelope gone bad: missing, of another type, tampered, swapped, doubled, of another
// curve, a low-order point, another's key. Each with the error code that it must have. "Sealed" cases are consistent
// otherwise (made anew around the bad header); "bent" ones change the text afterwards.
namespace keel::didcomm {
namespace {

using J = nlohmann::json;

class Negative : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }

  // Bob reads; nobody else's keys are here.
  void Expect(const std::string& what, Code expected, const std::string& text) {
    const auto unpacked = Unpack(text, bobs_, resolver_);
    const Code code = unpacked ? Code::kOk : unpacked.error().code;
    EXPECT_EQ(code, expected) << what << ": " << (unpacked ? "taken" : unpacked.error().Text());
    ++cases_;
  }
  void TearDown() override { std::printf("  %d cases\n", cases_); }

  struct Crowd {
    Crowd(did::MapKeyFinder& keys, crypto::KeyType type) : alice(keys, type), bob(keys, type), carol(keys, type) {}
    Person alice, bob, carol;
    std::vector<Recipient> ToBob() const { return {{bob.did + "#key-1", *bob.store->Public(bob.agree)}}; }
  };
  void Adopt(const Crowd& crowd) {
    bobs_.Add(crowd.bob.did + "#key-1", {crowd.bob.store.get(), crowd.bob.agree});
    bobs_.Add(crowd.bob.did + "#key-2", {crowd.bob.store.get(), crowd.bob.auth});
  }

  did::MapKeyFinder everyone_, bobs_;
  did::PeerMethod resolver_;
  int cases_ = 0;
};

J Jwk(crypto::KeyType type) {
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  return crypto::PublicKeyToJwk(*store->Public(*store->Generate(type)));
}

std::string Flip(const std::string& b64, size_t at) {
  base::ByteVec octets = *base::FromBase64Url(b64);
  octets[at % octets.size()] ^= 0x40;
  return base::Base64Url(octets);
}

// The same octets with padding, which base64url in JOSE has none of.
std::string Pad(std::string b64) {
  do b64 += '=';
  while (b64.size() % 4 != 0);
  return b64;
}

// Header cases that hold for both kinds of encryption and for every curve.
struct HeaderCase {
  const char* what;
  Code code;
  EditHeader edit;
};
const HeaderCase kEitherKind[] = {
    {"typ of a JWT", Code::kMalformed, [](J& h) { h["typ"] = "JWT"; }},
    {"typ of a signed message", Code::kMalformed, [](J& h) { h["typ"] = kTypSigned; }},
    {"typ no string", Code::kMalformed, [](J& h) { h["typ"] = 1; }},
    {"alg missing", Code::kMissing, [](J& h) { h.erase("alg"); }},
    {"alg no string", Code::kMalformed, [](J& h) { h["alg"] = J::array({"ECDH-ES+A256KW"}); }},
    {"alg none", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "none"; }},
    {"alg dir", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "dir"; }},
    {"alg in lower case", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "ecdh-es+a256kw"; }},
    {"alg without key wrapping", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "ECDH-ES"; }},
    {"alg 1PU without key wrapping", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "ECDH-1PU"; }},
    {"alg A128KW", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "ECDH-ES+A128KW"; }},
    {"alg RSA1_5", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "RSA1_5"; }},
    {"alg RSA-OAEP", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "RSA-OAEP"; }},
    {"alg PBES2, p2c ten millions", Code::kAlgorithmNotAllowed,
     [](J& h) {
       h["alg"] = "PBES2-HS512+A256KW";
       h["p2s"] = "AAAAAAAAAAA";
       h["p2c"] = 10'000'000;
     }},
    {"alg PBES2, p2c one", Code::kAlgorithmNotAllowed,
     [](J& h) {
       h["alg"] = "PBES2-HS256+A128KW";
       h["p2c"] = 1;
     }},
    {"enc missing", Code::kMissing, [](J& h) { h.erase("enc"); }},
    {"enc no string", Code::kMalformed, [](J& h) { h["enc"] = 256; }},
    {"enc none", Code::kAlgorithmNotAllowed, [](J& h) { h["enc"] = "none"; }},
    {"enc A128GCM", Code::kAlgorithmNotAllowed, [](J& h) { h["enc"] = "A128GCM"; }},
    {"enc A128CBC-HS256", Code::kAlgorithmNotAllowed, [](J& h) { h["enc"] = "A128CBC-HS256"; }},
    {"enc A192CBC-HS384", Code::kAlgorithmNotAllowed, [](J& h) { h["enc"] = "A192CBC-HS384"; }},
    {"enc C20P", Code::kAlgorithmNotAllowed, [](J& h) { h["enc"] = "C20P"; }},
    {"crit", Code::kUnsupported, [](J& h) { h["crit"] = J::array({"exp"}); }},
    {"crit of nothing", Code::kUnsupported, [](J& h) { h["crit"] = J::array(); }},
    {"crit b64", Code::kUnsupported,
     [](J& h) {
       h["crit"] = J::array({"b64"});
       h["b64"] = false;
     }},
    {"zip", Code::kUnsupported, [](J& h) { h["zip"] = "DEF"; }},
    {"zip null", Code::kUnsupported, [](J& h) { h["zip"] = nullptr; }},
    {"epk missing", Code::kMissing, [](J& h) { h.erase("epk"); }},
    {"epk no object", Code::kMalformed, [](J& h) { h["epk"] = "key"; }},
    {"epk private", Code::kUsage, [](J& h) { h["epk"]["d"] = h["epk"]["x"]; }},
    {"epk without kty", Code::kMissing, [](J& h) { h["epk"].erase("kty"); }},
    {"epk without crv", Code::kMissing, [](J& h) { h["epk"].erase("crv"); }},
    {"epk without x", Code::kMissing, [](J& h) { h["epk"].erase("x"); }},
    {"epk kty RSA", Code::kUnsupported, [](J& h) { h["epk"]["kty"] = "RSA"; }},
    {"epk kty oct", Code::kUnsupported, [](J& h) { h["epk"]["kty"] = "oct"; }},
    {"epk crv unknown", Code::kUnsupported, [](J& h) { h["epk"]["crv"] = "X448"; }},
    {"epk x no string", Code::kMalformed, [](J& h) { h["epk"]["x"] = 1; }},
    {"epk x empty", Code::kMalformed, [](J& h) { h["epk"]["x"] = ""; }},
    {"epk x too short", Code::kMalformed, [](J& h) { h["epk"]["x"] = "AAAA"; }},
    {"epk x padded", Code::kMalformed, [](J& h) { h["epk"]["x"] = h["epk"]["x"].get<std::string>() + "="; }},
    {"epk that signs", Code::kUnsupported, [](J& h) { h["epk"] = Jwk(crypto::KeyType::kEd25519); }},
    {"epk of the ledger's curve", Code::kUnsupported, [](J& h) { h["epk"] = Jwk(crypto::KeyType::kSecp256k1); }},
    {"epk another's", Code::kDecryptFailed,
     [](J& h) {
       for (const auto type :
            {crypto::KeyType::kX25519, crypto::KeyType::kP256, crypto::KeyType::kP384, crypto::KeyType::kP521}) {
         const J jwk = Jwk(type);
         if (jwk["crv"] != h["epk"]["crv"]) continue;
         h["epk"] = jwk;
         break;
       }
     }},
    {"epk of another curve", Code::kBadKey,
     [](J& h) { h["epk"] = Jwk(h["epk"]["crv"] == "P-256" ? crypto::KeyType::kX25519 : crypto::KeyType::kP256); }},
    {"apv missing", Code::kMissing, [](J& h) { h.erase("apv"); }},
    {"apv no string", Code::kMalformed, [](J& h) { h["apv"] = nullptr; }},
    {"apv empty", Code::kMalformed, [](J& h) { h["apv"] = ""; }},
    {"apv of others", Code::kMalformed, [](J& h) { h["apv"] = base::Base64Url(crypto::Sha256::Of("did:x:1#1")); }},
    {"apv not base64url", Code::kMalformed, [](J& h) { h["apv"] = "+/+/"; }},
};
const HeaderCase kAuthcrypt[] = {
    {"enc XC20P with 1PU", Code::kAlgorithmNotAllowed, [](J& h) { h["enc"] = "XC20P"; }},
    {"enc A256GCM with 1PU", Code::kAlgorithmNotAllowed, [](J& h) { h["enc"] = "A256GCM"; }},
    {"alg swapped for ECDH-ES", Code::kMalformed, [](J& h) { h["alg"] = "ECDH-ES+A256KW"; }},
    {"alg swapped, names taken out", Code::kDecryptFailed,
     [](J& h) {
       h["alg"] = "ECDH-ES+A256KW";
       h.erase("skid");
       h.erase("apu");
     }},
    {"apu missing", Code::kMissing, [](J& h) { h.erase("apu"); }},
    {"apu and skid missing", Code::kMissing,
     [](J& h) {
       h.erase("apu");
       h.erase("skid");
     }},
    {"apu no string", Code::kMalformed, [](J& h) { h["apu"] = 1; }},
    {"apu not base64url", Code::kMalformed, [](J& h) { h["apu"] = "a b"; }},
    {"apu padded", Code::kNotCanonical, [](J& h) { h["apu"] = Pad(h["apu"].get<std::string>()); }},
    {"apu empty", Code::kWrongSender, [](J& h) { h["apu"] = ""; }},
    {"skid another than apu", Code::kWrongSender, [](J& h) { h["skid"] = "did:example:mallory#1"; }},
    {"skid no string", Code::kMalformed, [](J& h) { h["skid"] = J::array(); }},
    {"skid empty", Code::kWrongSender, [](J& h) { h["skid"] = ""; }},
    {"sender's DID without a key", Code::kMalformed,
     [](J& h) {
       const std::string did(did::DidOf(h["skid"].get<std::string>()));
       h["skid"] = did;
       h["apu"] = base::Base64Url(AsBytes(did));
     }},
    {"sender no DID URL", Code::kMalformed,
     [](J& h) {
       h["skid"] = "alice";
       h["apu"] = base::Base64Url(AsBytes(std::string_view("alice")));
     }},
    {"sender's key that signs", Code::kUntrusted,
     [](J& h) {
       const std::string kid = std::string(did::DidOf(h["skid"].get<std::string>())) + "#key-2";
       h["skid"] = kid;
       h["apu"] = base::Base64Url(AsBytes(kid));
     }},
    {"sender's key that isn't there", Code::kNotFound,
     [](J& h) {
       const std::string kid = std::string(did::DidOf(h["skid"].get<std::string>())) + "#key-9";
       h["skid"] = kid;
       h["apu"] = base::Base64Url(AsBytes(kid));
     }},
};
const HeaderCase kAnoncrypt[] = {
    {"skid in anoncrypt", Code::kMalformed, [](J& h) { h["skid"] = "did:example:alice#1"; }},
    {"apu in anoncrypt", Code::kMalformed, [](J& h) { h["apu"] = "YWxpY2U"; }},
    {"alg swapped for 1PU", Code::kAlgorithmNotAllowed, [](J& h) { h["alg"] = "ECDH-1PU+A256KW"; }},  // XC20P
    {"enc swapped for A256GCM", Code::kMalformed, [](J& h) { h["enc"] = "A256GCM"; }},                // the IV's length
    {"enc swapped for A256CBC-HS512", Code::kMalformed, [](J& h) { h["enc"] = "A256CBC-HS512"; }},    // the key's
};

TEST_F(Negative, ProtectedHeaderSealed) {
  for (const auto type :
       {crypto::KeyType::kX25519, crypto::KeyType::kP256, crypto::KeyType::kP384, crypto::KeyType::kP521}) {
    const Crowd crowd(everyone_, type);
    Adopt(crowd);
    const std::string plaintext = *MakeMessage(crowd.alice, crowd.bob).Serialize();
    for (const bool auth : {true, false}) {
      const ByHand good{crowd.ToBob(), auth ? &crowd.alice : nullptr, auth ? "A256CBC-HS512" : "XC20P"};
      const std::string kind = std::string(auth ? "authcrypt " : "anoncrypt ") + std::to_string(static_cast<int>(type));
      Expect(kind + " good", Code::kOk, SealByHand(good, plaintext));
      // What a reader must not care about.
      Expect(kind + " unknown member", Code::kOk, SealByHand(good, plaintext, [](J& h) { h["x"] = 1; }));
      Expect(kind + " p2c without PBES2", Code::kOk, SealByHand(good, plaintext, [](J& h) { h["p2c"] = 9; }));
      Expect(kind + " typ absent", Code::kOk, SealByHand(good, plaintext, [](J& h) { h.erase("typ"); }));
      Expect(kind + " typ short", Code::kOk,
             SealByHand(good, plaintext, [](J& h) { h["typ"] = "didcomm-encrypted+json"; }));
      if (auth) Expect(kind + " skid absent", Code::kOk, SealByHand(good, plaintext, [](J& h) { h.erase("skid"); }));
      for (const HeaderCase& c : kEitherKind) Expect(kind + " " + c.what, c.code, SealByHand(good, plaintext, c.edit));
      if (auth) {
        for (const HeaderCase& c : kAuthcrypt) Expect(kind + " " + c.what, c.code, SealByHand(good, plaintext, c.edit));
      } else {
        for (const HeaderCase& c : kAnoncrypt) Expect(kind + " " + c.what, c.code, SealByHand(good, plaintext, c.edit));
      }
      if (type != crypto::KeyType::kX25519) {
        Expect(kind + " epk without y", Code::kMalformed,
               SealByHand(good, plaintext, [](J& h) { h["epk"].erase("y"); }));
        Expect(kind + " epk off the curve", Code::kBadKey,
               SealByHand(good, plaintext, [](J& h) { h["epk"]["y"] = Flip(h["epk"]["y"].get<std::string>(), 30); }));
        Expect(kind + " epk x and y swapped", Code::kBadKey,
               SealByHand(good, plaintext, [](J& h) { std::swap(h["epk"]["x"], h["epk"]["y"]); }));
      } else {
        // Every point whose agreement is zero whatever the key (RFC 7748 section 6.1), and their other spellings.
        for (const char* point : {"0000000000000000000000000000000000000000000000000000000000000000",
                                  "0100000000000000000000000000000000000000000000000000000000000000",
                                  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                                  "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
                                  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                                  "0000000000000000000000000000000000000000000000000000000000000080",
                                  "0100000000000000000000000000000000000000000000000000000000000080",
                                  "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b880"}) {
          Expect(kind + " low order " + point, Code::kBadKey, SealByHand(good, plaintext, [point](J& h) {
                   h["epk"]["x"] = base::Base64Url(*base::FromHex(point));
                 }));
        }
      }
    }
  }
}

using EditWhole = std::function<void(J&)>;
struct TextCase {
  const char* what;
  Code code;
  EditWhole edit;
};

TEST_F(Negative, EnvelopeBent) {
  const Crowd crowd(everyone_, crypto::KeyType::kX25519);
  Adopt(crowd);
  Message message = MakeMessage(crowd.alice, crowd.bob);
  message.to.push_back(crowd.carol.did);
  const std::string plaintext = *message.Serialize();
  std::vector<Recipient> both = crowd.ToBob();
  both.push_back({crowd.carol.did + "#key-1", *crowd.carol.store->Public(crowd.carol.agree)});
  const auto edit = [](const char* name, const std::function<std::string(const std::string&)>& change) {
    return [name, change](J& w) { w[name] = change(w[name].get<std::string>()); };
  };
  const auto key = [](J& w) -> J& { return w["recipients"][0]["encrypted_key"]; };
  const TextCase cases[] = {
      {"nothing", Code::kOk, [](J&) {}},
      {"another member", Code::kOk, [](J& w) { w["x"] = 1; }},
      {"protected missing", Code::kMissing, [](J& w) { w.erase("protected"); }},
      {"protected no string", Code::kMalformed, [](J& w) { w["protected"] = J::object(); }},
      {"protected not base64url", Code::kMalformed, [](J& w) { w["protected"] = "e30$"; }},
      {"protected padded", Code::kNotCanonical, [](J& w) { w["protected"] = Pad(w["protected"].get<std::string>()); }},
      {"protected empty", Code::kMalformed, [](J& w) { w["protected"] = ""; }},
      {"protected no JSON", Code::kMalformed, [](J& w) { w["protected"] = "AAAA"; }},
      {"protected no object", Code::kMalformed, [](J& w) { w["protected"] = "W10"; }},
      {"protected tampered", Code::kDecryptFailed,
       edit("protected",
            [](const std::string& text) {
              std::string header = base::ToString(*base::FromBase64Url(text));
              header.insert(header.size() - 1, ",\"x\":1");
              return base::Base64Url(AsBytes(header));
            })},
      {"protected with alg twice", Code::kDuplicate,
       edit("protected",
            [](const std::string& text) {
              std::string header = base::ToString(*base::FromBase64Url(text));
              header.insert(1, "\"\\u0061lg\":\"none\",");
              return base::Base64Url(AsBytes(header));
            })},
      {"recipients missing", Code::kMissing, [](J& w) { w.erase("recipients"); }},
      {"recipients no array", Code::kMalformed, [](J& w) { w["recipients"] = w["recipients"][0]; }},
      {"recipients empty", Code::kMalformed, [](J& w) { w["recipients"] = J::array(); }},
      {"recipient no object", Code::kMalformed, [](J& w) { w["recipients"][1] = "x"; }},
      {"recipient twice", Code::kDuplicate, [](J& w) { w["recipients"].push_back(w["recipients"][0]); }},
      {"recipient left out", Code::kMalformed, [](J& w) { w["recipients"].erase(1); }},
      {"recipients swapped", Code::kOk, [](J& w) { std::swap(w["recipients"][0], w["recipients"][1]); }},
      {"recipients' keys swapped", Code::kDecryptFailed,
       [](J& w) { std::swap(w["recipients"][0]["encrypted_key"], w["recipients"][1]["encrypted_key"]); }},
      {"sixty-five recipients", Code::kTooLarge,
       [](J& w) {
         for (int i = 0; i < 63; ++i) w["recipients"].push_back(w["recipients"][0]);
       }},
      {"header missing", Code::kMissing, [](J& w) { w["recipients"][0].erase("header"); }},
      {"header no object", Code::kMalformed, [](J& w) { w["recipients"][0]["header"] = "kid"; }},
      {"header with alg", Code::kMalformed, [](J& w) { w["recipients"][0]["header"]["alg"] = "none"; }},
      {"header with epk", Code::kMalformed, [](J& w) { w["recipients"][0]["header"]["epk"] = J::object(); }},
      {"kid missing", Code::kMissing, [](J& w) { w["recipients"][0]["header"].erase("kid"); }},
      {"kid no string", Code::kMalformed, [](J& w) { w["recipients"][0]["header"]["kid"] = 1; }},
      {"kid another's", Code::kMalformed, [](J& w) { w["recipients"][0]["header"]["kid"] = "did:x:1#1"; }},
      {"kids swapped", Code::kDecryptFailed,
       [](J& w) { std::swap(w["recipients"][0]["header"], w["recipients"][1]["header"]); }},
      {"encrypted_key missing", Code::kMissing, [](J& w) { w["recipients"][0].erase("encrypted_key"); }},
      {"encrypted_key no string", Code::kMalformed, [key](J& w) { key(w) = 1; }},
      {"encrypted_key empty", Code::kMalformed, [key](J& w) { key(w) = ""; }},
      {"encrypted_key short", Code::kMalformed, [key](J& w) { key(w) = "AAAAAAAAAAA"; }},
      {"encrypted_key tampered", Code::kDecryptFailed, [key](J& w) { key(w) = Flip(key(w).get<std::string>(), 20); }},
      {"encrypted_key of zeroes", Code::kDecryptFailed, [key](J& w) { key(w) = base::Base64Url(ByteArray<72>{}); }},
      {"iv missing", Code::kMissing, [](J& w) { w.erase("iv"); }},
      {"iv no string", Code::kMalformed, [](J& w) { w["iv"] = 1; }},
      {"iv short", Code::kMalformed, [](J& w) { w["iv"] = base::Base64Url(ByteArray<12>{}); }},
      {"iv tampered", Code::kDecryptFailed, edit("iv", [](const std::string& t) { return Flip(t, 3); })},
      {"iv padded", Code::kNotCanonical, edit("iv", [](const std::string& t) { return t + "=="; })},
      {"tag missing", Code::kMissing, [](J& w) { w.erase("tag"); }},
      {"tag no string", Code::kMalformed, [](J& w) { w["tag"] = nullptr; }},
      {"tag short", Code::kMalformed, edit("tag", [](const std::string& t) { return t.substr(0, 20); })},
      {"tag tampered", Code::kDecryptFailed, edit("tag", [](const std::string& t) { return Flip(t, 31); })},
      {"tag and iv swapped", Code::kMalformed, [](J& w) { std::swap(w["tag"], w["iv"]); }},
      {"ciphertext missing", Code::kMalformed, [](J& w) { w.erase("ciphertext"); }},
      {"ciphertext no string", Code::kMalformed, [](J& w) { w["ciphertext"] = J::array(); }},
      {"ciphertext empty", Code::kDecryptFailed, [](J& w) { w["ciphertext"] = ""; }},
      {"ciphertext cut", Code::kDecryptFailed,
       edit("ciphertext", [](const std::string& t) { return t.substr(0, 64); })},
      {"ciphertext longer", Code::kDecryptFailed, edit("ciphertext", [](const std::string& t) { return "AAAA" + t; })},
      {"ciphertext tampered", Code::kDecryptFailed,
       edit("ciphertext", [](const std::string& t) { return Flip(t, 77); })},
      {"ciphertext not base64url", Code::kMalformed, edit("ciphertext", [](const std::string& t) { return t + "!"; })},
      {"unprotected", Code::kMalformed, [](J& w) { w["unprotected"] = {{"alg", "none"}}; }},
      {"aad", Code::kMalformed, [](J& w) { w["aad"] = "AAAA"; }},
      {"flattened header", Code::kMalformed, [](J& w) { w["header"] = {{"kid", "did:x:1#1"}}; }},
      {"flattened key", Code::kMalformed, [](J& w) { w["encrypted_key"] = "AAAA"; }},
  };
  for (const bool auth : {true, false}) {
    const std::string good = SealByHand({both, auth ? &crowd.alice : nullptr, "A256CBC-HS512"}, plaintext);
    for (const TextCase& c : cases) {
      J whole = *base::ParseJson(good);
      c.edit(whole);
      Expect(std::string(auth ? "authcrypt " : "anoncrypt ") + c.what, c.code, base::DumpJson(whole));
    }
    // Doubled members, which a tree can't hold.
    for (const char* name : {"protected", "recipients", "iv", "ciphertext", "tag"}) {
      const J whole = *base::ParseJson(good);
      std::string twice = good;
      twice.insert(1, "\"" + std::string(name) + "\":" + base::DumpJson(whole[name]) + ",");
      Expect(std::string(name) + " twice", Code::kDuplicate, twice);
    }
    // Parts of another envelope to the same person: each is good where it belongs.
    const J other = *base::ParseJson(SealByHand({both, auth ? &crowd.alice : nullptr, "A256CBC-HS512"}, plaintext));
    for (const char* name : {"protected", "recipients", "iv", "ciphertext", "tag"}) {
      J whole = *base::ParseJson(good);
      whole[name] = other[name];
      Expect(std::string("another envelope's ") + name, Code::kDecryptFailed, base::DumpJson(whole));
    }
  }
}

TEST_F(Negative, OtherPeople) {
  const Crowd crowd(everyone_, crypto::KeyType::kX25519);
  Adopt(crowd);
  const Message message = MakeMessage(crowd.alice, crowd.bob);
  const std::string plaintext = *message.Serialize();
  const std::vector<Recipient> to_carol = {{crowd.carol.did + "#key-1", *crowd.carol.store->Public(crowd.carol.agree)}};
  Expect("to somebody else", Code::kNoSuchKey, SealByHand({to_carol, &crowd.alice}, plaintext));
  // Bob's kid over Carol's key, and the other way round.
  Expect("another's key under our kid", Code::kDecryptFailed,
         SealByHand({{{crowd.bob.did + "#key-1", to_carol[0].key}}, &crowd.alice}, plaintext));
  Expect("our key under another's kid", Code::kNoSuchKey,
         SealByHand({{{to_carol[0].kid, crowd.ToBob()[0].key}}, &crowd.alice}, plaintext));
  // Carol says that she is Alice: with her own key named, in the header alone, in the text alone.
  Expect("sender's name in the header forged", Code::kDecryptFailed,
         SealByHand({crowd.ToBob(), &crowd.carol}, plaintext, [&](J& h) {
           h["skid"] = crowd.alice.did + "#key-1";
           h["apu"] = base::Base64Url(AsBytes(crowd.alice.did + "#key-1"));
         }));
  Expect("sender's name in the text forged", Code::kWrongSender, SealByHand({crowd.ToBob(), &crowd.carol}, plaintext));
  const Message to_other = MakeMessage(crowd.alice, crowd.carol);
  Expect("written to somebody else", Code::kWrongRecipient,
         SealByHand({crowd.ToBob(), &crowd.alice}, *to_other.Serialize()));
  // Bob's Ed25519 key can't agree.
  Expect("a signature key of ours", Code::kBadKey,
         SealByHand({{{crowd.bob.did + "#key-2", crowd.ToBob()[0].key}}, nullptr, "XC20P"}, plaintext));
  Expect("an unresolvable sender", Code::kMethodNotSupported,
         SealByHand({crowd.ToBob(), &crowd.alice}, plaintext, [](J& h) {
           h["skid"] = "did:example:alice#1";
           h["apu"] = base::Base64Url(AsBytes(std::string_view("did:example:alice#1")));
         }));
}

TEST_F(Negative, Signed) {
  const Crowd crowd(everyone_, crypto::KeyType::kX25519);
  Adopt(crowd);
  const std::string plaintext = *MakeMessage(crowd.alice, crowd.bob).Serialize();
  const auto sign = [&](const J& header, const std::string& kid, const Person& signer) {
    J full = header;
    const std::string protected_b64 = base::Base64Url(AsBytes(base::DumpJson(full)));
    const std::string payload = base::Base64Url(AsBytes(plaintext));
    ByteArray<64> signature;
    EXPECT_TRUE(signer.store->Sign(signer.auth, AsBytes(protected_b64 + "." + payload), signature));
    return J{{"payload", payload},
             {"signatures",
              {{{"protected", protected_b64}, {"signature", base::Base64Url(signature)}, {"header", {{"kid", kid}}}}}}};
  };
  const std::string kid = crowd.alice.did + "#key-2";
  const J good_header = {{"alg", "EdDSA"}, {"typ", kTypSigned}};
  const auto with = [&](const std::function<void(J&)>& edit) {
    J header = good_header;
    edit(header);
    return base::DumpJson(sign(header, kid, crowd.alice));
  };
  Expect("good", Code::kOk, with([](J&) {}));
  Expect("typ absent", Code::kOk, with([](J& h) { h.erase("typ"); }));
  Expect("typ JWM", Code::kOk, with([](J& h) { h["typ"] = "JWM"; }));
  Expect("unknown member", Code::kOk, with([](J& h) { h["x"] = 1; }));
  Expect("kid in both", Code::kOk, with([&](J& h) { h["kid"] = kid; }));
  Expect("two kids", Code::kMalformed, with([](J& h) { h["kid"] = "did:x:1#1"; }));
  Expect("kid no string", Code::kMalformed, with([](J& h) { h["kid"] = 1; }));
  Expect("typ of an encrypted message", Code::kMalformed, with([](J& h) { h["typ"] = kTypEncrypted; }));
  Expect("typ JWT", Code::kMalformed, with([](J& h) { h["typ"] = "JWT"; }));
  Expect("typ no string", Code::kMalformed, with([](J& h) { h["typ"] = 1; }));
  Expect("alg missing", Code::kMissing, with([](J& h) { h.erase("alg"); }));
  Expect("alg no string", Code::kMalformed, with([](J& h) { h["alg"] = 1; }));
  Expect("alg none", Code::kAlgorithmNotAllowed, with([](J& h) { h["alg"] = "none"; }));
  Expect("alg HS256", Code::kAlgorithmNotAllowed, with([](J& h) { h["alg"] = "HS256"; }));
  Expect("alg RS256", Code::kAlgorithmNotAllowed, with([](J& h) { h["alg"] = "RS256"; }));
  Expect("alg ES512", Code::kAlgorithmNotAllowed, with([](J& h) { h["alg"] = "ES512"; }));
  Expect("alg of another key type", Code::kAlgorithmNotAllowed, with([](J& h) { h["alg"] = "ES256"; }));
  Expect("alg in lower case", Code::kAlgorithmNotAllowed, with([](J& h) { h["alg"] = "eddsa"; }));
  Expect("crit", Code::kUnsupported, with([](J& h) { h["crit"] = J::array({"exp"}); }));
  Expect("b64 false", Code::kUnsupported, with([](J& h) { h["b64"] = false; }));
  Expect("b64 true", Code::kUnsupported, with([](J& h) { h["b64"] = true; }));
  Expect("another's signature", Code::kBadSignature, base::DumpJson(sign(good_header, kid, crowd.carol)));
  Expect("another signer", Code::kWrongSender,
         base::DumpJson(sign(good_header, crowd.carol.did + "#key-2", crowd.carol)));
  Expect("a key for agreement", Code::kUntrusted,
         base::DumpJson(sign(good_header, crowd.alice.did + "#key-1", crowd.alice)));
  Expect("a key that isn't there", Code::kNotFound,
         base::DumpJson(sign(good_header, crowd.alice.did + "#key-9", crowd.alice)));
  Expect("kid without fragment", Code::kNotFound, base::DumpJson(sign(good_header, crowd.alice.did, crowd.alice)));
  Expect("unresolvable signer", Code::kMethodNotSupported,
         base::DumpJson(sign(good_header, "did:example:alice#1", crowd.alice)));

  const J good = sign(good_header, kid, crowd.alice);
  const TextCase cases[] = {
      {"payload missing", Code::kMalformed, [](J& w) { w.erase("payload"); }},
      {"payload no string", Code::kMalformed, [](J& w) { w["payload"] = J::object(); }},
      {"payload not base64url", Code::kMalformed, [](J& w) { w["payload"] = "e30$"; }},
      {"payload padded", Code::kNotCanonical, [](J& w) { w["payload"] = Pad(w["payload"].get<std::string>()); }},
      {"payload tampered", Code::kBadSignature, [](J& w) { w["payload"] = Flip(w["payload"].get<std::string>(), 9); }},
      {"payload empty", Code::kBadSignature, [](J& w) { w["payload"] = ""; }},
      {"signatures missing", Code::kMalformed, [](J& w) { w.erase("signatures"); }},
      {"signatures no array", Code::kMalformed, [](J& w) { w["signatures"] = w["signatures"][0]; }},
      {"signatures empty", Code::kMalformed, [](J& w) { w["signatures"] = J::array(); }},
      {"seventeen signatures", Code::kTooLarge,
       [](J& w) {
         for (int i = 0; i < 16; ++i) w["signatures"].push_back(w["signatures"][0]);
       }},
      {"signature twice", Code::kDuplicate, [](J& w) { w["signatures"].push_back(w["signatures"][0]); }},
      {"signature no object", Code::kMalformed, [](J& w) { w["signatures"][0] = "x"; }},
      {"protected missing", Code::kMissing, [](J& w) { w["signatures"][0].erase("protected"); }},
      {"protected no string", Code::kMalformed, [](J& w) { w["signatures"][0]["protected"] = 1; }},
      {"protected no JSON", Code::kMalformed, [](J& w) { w["signatures"][0]["protected"] = "AAAA"; }},
      {"protected no object", Code::kMalformed, [](J& w) { w["signatures"][0]["protected"] = "W10"; }},
      {"signature missing", Code::kMissing, [](J& w) { w["signatures"][0].erase("signature"); }},
      {"signature no string", Code::kMalformed, [](J& w) { w["signatures"][0]["signature"] = 1; }},
      {"signature empty", Code::kBadSignature, [](J& w) { w["signatures"][0]["signature"] = ""; }},
      {"signature short", Code::kBadSignature, [](J& w) { w["signatures"][0]["signature"] = "AAAA"; }},
      {"signature tampered", Code::kBadSignature,
       [](J& w) {
         J& s = w["signatures"][0]["signature"];
         s = Flip(s.get<std::string>(), 40);
       }},
      {"signature of zeroes", Code::kBadSignature,
       [](J& w) { w["signatures"][0]["signature"] = base::Base64Url(ByteArray<64>{}); }},
      {"header missing, no kid", Code::kMissing, [](J& w) { w["signatures"][0].erase("header"); }},
      {"header no object", Code::kMalformed, [](J& w) { w["signatures"][0]["header"] = 1; }},
      {"header with alg", Code::kMalformed, [](J& w) { w["signatures"][0]["header"]["alg"] = "none"; }},
      {"header without kid", Code::kMissing, [](J& w) { w["signatures"][0]["header"] = J::object(); }},
      {"general and flattened", Code::kMalformed, [](J& w) { w["signature"] = w["signatures"][0]["signature"]; }},
      {"flattened", Code::kOk,
       [](J& w) {
         J one = w["signatures"][0];
         one["payload"] = w["payload"];
         w = one;
       }},
  };
  for (const TextCase& c : cases) {
    J whole = good;
    c.edit(whole);
    Expect(c.what, c.code, base::DumpJson(whole));
  }
  std::string twice = base::DumpJson(good);
  twice.insert(1, "\"payload\":\"AAAA\",");
  Expect("payload twice", Code::kDuplicate, twice);
}

TEST_F(Negative, Plaintext) {
  const Crowd crowd(everyone_, crypto::KeyType::kX25519);
  Adopt(crowd);
  const J good = *base::ParseJson(*MakeMessage(crowd.alice, crowd.bob).Serialize());
  const TextCase cases[] = {
      {"nothing", Code::kOk, [](J&) {}},
      {"unknown header", Code::kOk, [](J& m) { m["x"] = {{"y", 1}}; }},
      {"typ absent", Code::kOk, [](J& m) { m.erase("typ"); }},
      {"typ short", Code::kOk, [](J& m) { m["typ"] = "didcomm-plain+json"; }},
      {"typ wrong", Code::kMalformed, [](J& m) { m["typ"] = kTypEncrypted; }},
      {"typ no string", Code::kMalformed, [](J& m) { m["typ"] = 1; }},
      {"id missing", Code::kMalformed, [](J& m) { m.erase("id"); }},
      {"id empty", Code::kMalformed, [](J& m) { m["id"] = ""; }},
      {"id no string", Code::kMalformed, [](J& m) { m["id"] = 7; }},
      {"type missing", Code::kMalformed, [](J& m) { m.erase("type"); }},
      {"type no string", Code::kMalformed, [](J& m) { m["type"] = J::array(); }},
      {"body missing", Code::kMalformed, [](J& m) { m.erase("body"); }},
      {"body no object", Code::kMalformed, [](J& m) { m["body"] = "x"; }},
      {"body null", Code::kMalformed, [](J& m) { m["body"] = nullptr; }},
      {"from no string", Code::kMalformed, [](J& m) { m["from"] = J::array({"did:x:1"}); }},
      {"to no array", Code::kMalformed, [](J& m) { m["to"] = "did:x:1"; }},
      {"to with a number", Code::kMalformed, [](J& m) { m["to"].push_back(1); }},
      {"thid no string", Code::kMalformed, [](J& m) { m["thid"] = 1; }},
      {"pthid no string", Code::kMalformed, [](J& m) { m["pthid"] = J::object(); }},
      {"created_time a string", Code::kMalformed, [](J& m) { m["created_time"] = "1"; }},
      {"created_time below zero", Code::kMalformed, [](J& m) { m["created_time"] = -1; }},
      {"created_time a fraction", Code::kMalformed, [](J& m) { m["created_time"] = 1.5; }},
      {"expires_time a string", Code::kMalformed, [](J& m) { m["expires_time"] = "soon"; }},
      {"expires_time true", Code::kMalformed, [](J& m) { m["expires_time"] = true; }},
      {"please_ack no array", Code::kMalformed, [](J& m) { m["please_ack"] = ""; }},
      {"ack with a number", Code::kMalformed, [](J& m) { m["ack"] = J::array({1}); }},
      {"return_route no string", Code::kMalformed, [](J& m) { m["return_route"] = true; }},
      {"attachments no array", Code::kMalformed, [](J& m) { m["attachments"] = J::object(); }},
      {"attachment no object", Code::kMalformed, [](J& m) { m["attachments"] = J::array({1}); }},
      {"attachment without data", Code::kMalformed, [](J& m) { m["attachments"] = {{{"id", "1"}}}; }},
      {"attachment with empty data", Code::kMalformed, [](J& m) { m["attachments"] = {{{"data", J::object()}}}; }},
      {"attachment linked without hash", Code::kMalformed,
       [](J& m) { m["attachments"] = {{{"data", {{"links", {"https://x"}}}}}}; }},
      {"attachment's base64 no string", Code::kMalformed,
       [](J& m) { m["attachments"] = {{{"data", {{"base64", 1}}}}}; }},
      {"from_prior no string", Code::kMalformed, [](J& m) { m["from_prior"] = J::object(); }},
      {"from_prior no JWT", Code::kMalformed, [](J& m) { m["from_prior"] = "x"; }},
      {"from_prior with alg none", Code::kAlgorithmNotAllowed,
       [](J& m) { m["from_prior"] = base::Base64Url(AsBytes(std::string_view(R"({"alg":"none"})"))) + ".e30."; }},
  };
  for (const TextCase& c : cases) {
    J whole = good;
    c.edit(whole);
    Expect(c.what, c.code, base::DumpJson(whole));
  }
  for (const char* name : {"id", "type", "from", "to", "body"}) {
    std::string twice = base::DumpJson(good);
    twice.insert(1, "\"" + std::string(name) + "\":" + base::DumpJson(good[name]) + ",");
    Expect(std::string(name) + " twice", Code::kDuplicate, twice);
  }
  Expect("no object", Code::kMalformed, "[]");
  Expect("no JSON", Code::kMalformed, "hello");
  Expect("nothing at all", Code::kMalformed, "");
  Expect("too deep", Code::kTooLarge,
         R"({"id":"1","type":"t","body":)" + std::string(64, '[') + std::string(64, ']') + "}");
}

}  // namespace
}  // namespace keel::didcomm
