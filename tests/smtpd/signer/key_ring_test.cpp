// Keys as the parent loads them, and what they may sign.
#include "smtpd/signer/key_ring.h"

#include "tests/catch.h"
#include "tests/smtpd/signer/texts.h"
#include "tests/smtpd/tls/issuing.h"

using namespace holdfast;
using namespace holdfast::signer;
using links::SignatureScheme;
using tls::KeyForm;
using tls::KeyKind;

namespace {

links::KeyFile file(std::uint32_t number, const std::string& text) {
    return {number, "/etc/key.pem", tls::file_with(text), "/etc/chain.pem", tls::any_chain()};
}

std::string error_of(const std::string& text) {
    KeyRing ring;
    return ring.load(1, file(1, text)).error;
}

bool says(const std::string& text, const std::string& part) {
    INFO(text);
    return text.find(part) != std::string::npos;
}

std::expected<std::string, std::string> sign(const KeyRing& ring, const links::KeyId& key,
                                             SignatureScheme scheme, const std::string& text) {
    return ring.sign({1, key, scheme, text});
}

}  // namespace

TEST_CASE("every form of key file is read, and the public key is told") {
    KeyRing ring;
    for (const KeyKind kind : tls::all_kinds) {
        EVP_PKEY* key = tls::shared_key(kind);
        const auto loaded = ring.load(1, file(1, tls::pem_of(key)));
        CHECK(loaded.error.empty());
        CHECK(tls::chain_for(kind, {"a.example"}).check_key(loaded.public_key, "key"));
        if (kind == KeyKind::ed25519) continue;  // has no older form
        const std::string older = tls::pem_of(key, KeyForm::traditional);
        CHECK(older.find(kind == KeyKind::rsa ? "BEGIN RSA" : "BEGIN EC") != std::string::npos);
        CHECK(ring.load(1, file(2,
                                "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n"
                                "-----END EC PARAMETERS-----\n" +
                                    older))
                  .public_key == loaded.public_key);
    }
}

TEST_CASE("what is no key that serves is refused by name, with what to do") {
    EVP_PKEY* key = tls::shared_key(KeyKind::rsa);
    for (const KeyForm form : {KeyForm::pkcs8_encrypted, KeyForm::traditional_encrypted}) {
        CHECK(says(error_of(tls::pem_of(key, form)), "/etc/key.pem: is encrypted: "));
    }
    CHECK(says(error_of(""), "/etc/key.pem: holds no private key in PEM form"));
    CHECK(says(error_of(tls::pem_of(tls::issue(key, {}).get())), "holds no private key"));
    CHECK(says(error_of("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
               "/etc/key.pem: holds a key that can't be read"));
    CHECK(says(error_of(std::string(tls::max_key_file + 1, 'x')), "too large"));
    CHECK(says(error_of(tls::pem_of(tls::new_rsa_key(1024).get())), "RSA of 1024 bits"));
    CHECK(says(error_of(tls::pem_of(tls::new_ec_key("P-521").get())), "on the curve secp521r1"));
    KeyRing ring;
    CHECK(says(ring.load(1, {1, "/etc/key.pem", {}, "", {}}).error, "was not opened"));
    CHECK(ring.sets() == 0);
}

TEST_CASE("a chain is no way to show smtpin any file of root's") {
    const std::string key = tls::pem_of(tls::shared_key(KeyKind::ed25519));
    const auto error_with = [&](UniqueFd chain) {
        return KeyRing()
            .load(1, {1, "/etc/key.pem", tls::file_with(key), "/etc/chain.pem", std::move(chain)})
            .error;
    };
    CHECK(error_with(tls::any_chain()).empty());
    CHECK(says(error_with({}), "/etc/chain.pem: was not opened"));
    CHECK(says(error_with(tls::file_with("root:*:19000:0:99999:7:::\n")),
               "/etc/chain.pem: holds no certificate"));
    CHECK(says(error_with(tls::file_with("-----BEGIN CERTIFICATE-----\n" + key)),
               "/etc/chain.pem: holds a private key"));
}

TEST_CASE("a key whose halves do not belong together is refused") {
    // The private number of one key beside the public point of another: PKCS#8, as DER.
    const auto der = [](const tls::KeyHandle& key) {
        unsigned char* bytes = nullptr;
        const int length = i2d_PrivateKey(key.get(), &bytes);
        std::string text(reinterpret_cast<char*>(bytes), static_cast<std::size_t>(length));
        OPENSSL_free(bytes);
        return text;
    };
    const auto one = tls::new_key(KeyKind::ecdsa_p256);
    std::string mixed = der(one);
    const std::string other = der(tls::new_key(KeyKind::ecdsa_p256));
    mixed.replace(mixed.size() - 64, 64, other.substr(other.size() - 64));
    const tls::BioHandle out(BIO_new(BIO_s_mem()));
    PEM_write_bio(out.get(), "EC PRIVATE KEY", "", reinterpret_cast<unsigned char*>(mixed.data()),
                  static_cast<long>(mixed.size()));
    char* text = nullptr;
    const long length = BIO_get_mem_data(out.get(), &text);
    CHECK_FALSE(error_of({text, static_cast<std::size_t>(length)}).empty());
}

TEST_CASE("a refused key leaves the one before it in force") {
    KeyRing ring;
    const links::KeyId id{1, 1};
    REQUIRE(ring.load(1, file(1, tls::pem_of(tls::shared_key(KeyKind::ed25519)))).error.empty());
    CHECK_FALSE(ring.load(1, file(1, "")).error.empty());
    CHECK(sign(ring, id, SignatureScheme::ed25519, verify_text(32)));
}

TEST_CASE("a set's keys sign until it is forgotten, and only so many sets are held") {
    KeyRing ring;
    const std::string pem = tls::pem_of(tls::shared_key(KeyKind::ed25519));
    for (std::uint64_t i = 1; i <= max_sets; ++i) CHECK(ring.load(i, file(1, pem)).error.empty());
    CHECK(says(ring.load(99, file(1, pem)).error, "forget one first"));
    CHECK(ring.load(3, file(2, pem)).error.empty());
    CHECK(sign(ring, {1, 1}, SignatureScheme::ed25519, verify_text(32)));
    ring.forget(1);
    ring.forget(1);
    CHECK(sign(ring, {1, 1}, SignatureScheme::ed25519, verify_text(32)).error() ==
          "there is no such key");
    CHECK(ring.load(99, file(1, pem)).error.empty());
}

TEST_CASE("a key signs with its own schemes only, and TLS 1.3 without PKCS#1") {
    KeyRing ring;
    for (const KeyKind kind : tls::all_kinds) {
        ring.load(1, file(static_cast<std::uint32_t>(kind), tls::pem_of(tls::shared_key(kind))));
    }
    const auto possible = [&](KeyKind kind, SignatureScheme scheme) {
        switch (kind) {
            case KeyKind::rsa:
                return scheme <= SignatureScheme::rsa_pss_sha512;
            case KeyKind::ecdsa_p256:
            case KeyKind::ecdsa_p384:
                return scheme == SignatureScheme::ecdsa_sha256 ||
                       scheme == SignatureScheme::ecdsa_sha384;
            case KeyKind::ed25519:
                return scheme == SignatureScheme::ed25519;
        }
        return false;
    };
    for (const KeyKind kind : tls::all_kinds) {
        for (unsigned i = 0; i < links::enum_limit<SignatureScheme>; ++i) {
            const auto scheme = static_cast<SignatureScheme>(i);
            const links::KeyId id{1, static_cast<std::uint32_t>(kind)};
            const bool pkcs1 = scheme <= SignatureScheme::rsa_pkcs1_sha512;
            CHECK(sign(ring, id, scheme, exchange_text(29, 32)).has_value() ==
                  possible(kind, scheme));
            CHECK(sign(ring, id, scheme, verify_text(48)).has_value() ==
                  (possible(kind, scheme) && !pkcs1));
        }
    }
}

TEST_CASE("nothing but a handshake is signed, for no key") {
    KeyRing ring;
    ring.load(1, file(1, tls::pem_of(tls::shared_key(KeyKind::ecdsa_p256))));
    for (const std::string text : {"", "a mail", "From: root\r\n\r\n"}) {
        CHECK(sign(ring, {1, 1}, SignatureScheme::ecdsa_sha256, text).error() ==
              "this is no handshake of a TLS server");
    }
}
