#include "tests/smtpd/tls/issuing.h"

#include <array>

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/catch.h"

namespace holdfast::tls {

namespace {

void add_extension(X509* certificate, int what, const std::string& value) {
    X509V3_CTX context{};
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
    const std::unique_ptr<X509_EXTENSION, Deleter<X509_EXTENSION_free>> extension(
        X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
    REQUIRE(extension != nullptr);
    REQUIRE(X509_add_ext(certificate, extension.get(), -1) == 1);
}

std::string contents(BIO* bio) {
    char* text = nullptr;
    const long length = BIO_get_mem_data(bio, &text);
    return {text, static_cast<std::size_t>(length)};
}

}  // namespace

KeyHandle new_rsa_key(int bits) {
    return KeyHandle(EVP_RSA_gen(static_cast<unsigned>(bits)));
}

KeyHandle new_ec_key(const char* curve) {
    return KeyHandle(EVP_EC_gen(curve));
}

KeyHandle new_key(KeyKind kind) {
    switch (kind) {
        case KeyKind::rsa:
            return new_rsa_key(2048);
        case KeyKind::ecdsa_p256:
            return new_ec_key("P-256");
        case KeyKind::ecdsa_p384:
            return new_ec_key("P-384");
        case KeyKind::ed25519:
            return KeyHandle(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    }
    return {};
}

EVP_PKEY* shared_key(KeyKind kind) {
    static std::array<KeyHandle, 4> keys;
    KeyHandle& key = keys.at(static_cast<std::size_t>(kind));
    if (!key) key = new_key(kind);
    return key.get();
}

X509Handle issue(EVP_PKEY* key, const Issue& wanted) {
    X509Handle certificate(X509_new());
    X509_set_version(certificate.get(), X509_VERSION_3);
    static long serial = 0;
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), ++serial);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), wanted.from);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), wanted.until);
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(wanted.common_name.c_str()),
                               -1, -1, 0);
    X509_set_issuer_name(certificate.get(),
                         wanted.issuer ? X509_get_subject_name(wanted.issuer) : name);
    X509_set_pubkey(certificate.get(), key);
    std::string names;
    for (const std::string& host : wanted.names) {
        names += (names.empty() ? "DNS:" : ",DNS:") + host;
    }
    if (!names.empty()) add_extension(certificate.get(), NID_subject_alt_name, names);
    if (wanted.authority) {
        add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
    }
    EVP_PKEY* by = wanted.issuer_key ? wanted.issuer_key : key;
    const bool hashes = EVP_PKEY_is_a(by, "ED25519") == 0;
    REQUIRE(X509_sign(certificate.get(), by, hashes ? EVP_sha256() : nullptr) > 0);
    return certificate;
}

std::string pem_of(X509* certificate) {
    const BioHandle out(BIO_new(BIO_s_mem()));
    REQUIRE(PEM_write_bio_X509(out.get(), certificate) == 1);
    return contents(out.get());
}

std::string pem_of(EVP_PKEY* key, KeyForm form) {
    const BioHandle out(BIO_new(BIO_s_mem()));
    unsigned char word[] = "secret";
    const bool encrypted =
        form == KeyForm::pkcs8_encrypted || form == KeyForm::traditional_encrypted;
    const EVP_CIPHER* cipher = encrypted ? EVP_aes_128_cbc() : nullptr;
    const bool pkcs8 = form == KeyForm::pkcs8 || form == KeyForm::pkcs8_encrypted;
    const auto write = pkcs8 ? PEM_write_bio_PKCS8PrivateKey : nullptr;
    const int done =
        pkcs8 ? write(out.get(), key, cipher, encrypted ? reinterpret_cast<char*>(word) : nullptr,
                      encrypted ? 6 : 0, nullptr, nullptr)
              : PEM_write_bio_PrivateKey_traditional(out.get(), key, cipher, word, 6, nullptr,
                                                     nullptr);
    REQUIRE(done == 1);
    return contents(out.get());
}

UniqueFd any_chain() {
    return file_with("-----BEGIN CERTIFICATE-----\n");
}

UniqueFd file_with(const std::string& text) {
    UniqueFd file(memfd_create("test", MFD_CLOEXEC));
    REQUIRE(write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
    return file;
}

CertificateChain chain_for(KeyKind kind, std::vector<std::string> names) {
    Issue wanted;
    wanted.names = std::move(names);
    auto chain = CertificateChain::parse(pem_of(issue(shared_key(kind), wanted).get()), "test.pem");
    REQUIRE(chain);
    return std::move(*chain);
}

}  // namespace holdfast::tls
