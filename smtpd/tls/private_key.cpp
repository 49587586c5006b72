#include "smtpd/tls/private_key.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "smtpd/base/read.h"
#include "smtpd/tls/crypto_error.h"
#include "smtpd/tls/key_kind.h"

namespace holdfast::tls {

namespace {

using links::SignatureScheme;

struct Scheme {
    const char* digest = nullptr;  // none: the scheme hashes by itself
    bool pss = false;
};

Scheme details_of(SignatureScheme scheme) {
    switch (scheme) {
        case SignatureScheme::rsa_pkcs1_sha256:
            return {"SHA256"};
        case SignatureScheme::rsa_pkcs1_sha384:
            return {"SHA384"};
        case SignatureScheme::rsa_pkcs1_sha512:
            return {"SHA512"};
        case SignatureScheme::rsa_pss_sha256:
            return {"SHA256", true};
        case SignatureScheme::rsa_pss_sha384:
            return {"SHA384", true};
        case SignatureScheme::rsa_pss_sha512:
            return {"SHA512", true};
        case SignatureScheme::ecdsa_sha256:
            return {"SHA256"};
        case SignatureScheme::ecdsa_sha384:
            return {"SHA384"};
        case SignatureScheme::ed25519:
            return {};
    }
    return {};
}

SignatureScheme scheme_for(KeyKind kind) {
    switch (kind) {
        case KeyKind::rsa:
            return SignatureScheme::rsa_pss_sha256;
        case KeyKind::ecdsa_p256:
            return SignatureScheme::ecdsa_sha256;
        case KeyKind::ecdsa_p384:
            return SignatureScheme::ecdsa_sha384;
        case KeyKind::ed25519:
            return SignatureScheme::ed25519;
    }
    return SignatureScheme::rsa_pss_sha256;
}

bool is_encrypted(std::string_view pem) {
    return pem.find("-----BEGIN ENCRYPTED PRIVATE KEY-----") != std::string_view::npos ||
           pem.find("Proc-Type: 4,ENCRYPTED") != std::string_view::npos;
}

Result<KeyHandle> decode(std::string_view pem) {
    const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    unsigned char* der = nullptr;
    long length = 0;
    if (PEM_bytes_read_bio(&der, &length, nullptr, "ANY PRIVATE KEY", bio.get(), no_passphrase,
                           nullptr) != 1) {
        ERR_clear_error();
        return plain_error("holds no private key in PEM form (\"-----BEGIN PRIVATE KEY-----\")");
    }
    const unsigned char* at = der;
    KeyHandle key(d2i_AutoPrivateKey(nullptr, &at, length));
    OPENSSL_clear_free(der, static_cast<std::size_t>(length));
    if (key == nullptr) {
        return plain_error("holds a key that can't be read: " + take_crypto_reason());
    }
    return key;
}

bool set_padding(EVP_PKEY_CTX* context, const Scheme& scheme) {
    if (!scheme.pss) return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

}  // namespace

Result<PrivateKey> PrivateKey::read(int file) {
    auto text = read_at(file, 0, max_key_file + 1);
    if (!text) return text.error().pass();
    Result<PrivateKey> key =
        text->size() <= max_key_file ? parse(*text) : plain_error("is too large for a private key");
    OPENSSL_cleanse(text->data(), text->size());
    return key;
}

Result<PrivateKey> PrivateKey::parse(std::string_view pem) {
    if (is_encrypted(pem)) {
        return plain_error(
            "is encrypted: a server starts without anybody to type the passphrase; store it "
            "without one (openssl pkey), readable by root only");
    }
    auto read = decode(pem);
    if (!read) return read.error().pass();
    const auto kind = kind_of(read->get());
    if (!kind) return kind.error().pass();
    PrivateKey key;
    key.key_ = std::move(*read);
    key.kind_ = *kind;
    key.public_key_ = public_key_of(key.key_.get());
    if (const auto tried = key.try_out(); !tried) return tried.error().pass();
    return key;
}

bool PrivateKey::fits(SignatureScheme scheme) const {
    switch (kind_) {
        case KeyKind::rsa:
            return scheme < SignatureScheme::ecdsa_sha256;
        case KeyKind::ecdsa_p256:
        case KeyKind::ecdsa_p384:
            return scheme == SignatureScheme::ecdsa_sha256 ||
                   scheme == SignatureScheme::ecdsa_sha384;
        case KeyKind::ed25519:
            return scheme == SignatureScheme::ed25519;
    }
    return false;
}

Result<std::string> PrivateKey::sign(SignatureScheme scheme, std::string_view text) const {
    const Scheme details = details_of(scheme);
    const DigestContext context(EVP_MD_CTX_new());
    EVP_PKEY_CTX* key_context = nullptr;
    std::string signature(static_cast<std::size_t>(EVP_PKEY_get_size(key_.get())), '\0');
    std::size_t length = signature.size();
    auto* out = reinterpret_cast<unsigned char*>(signature.data());
    if (context == nullptr ||
        EVP_DigestSignInit_ex(context.get(), &key_context, details.digest, nullptr, nullptr,
                              key_.get(), nullptr) != 1 ||
        (kind_ == KeyKind::rsa && !set_padding(key_context, details)) ||
        EVP_DigestSign(context.get(), out, &length, bytes_of(text), text.size()) != 1) {
        return crypto_error("sign");
    }
    signature.resize(length);
    return signature;
}

// A key whose halves do not belong together would fail every handshake, or give itself away.
Status PrivateKey::try_out() const {
    constexpr std::string_view text = "Holdfast tries out a key";
    const SignatureScheme scheme = scheme_for(kind_);
    const auto signature = sign(scheme, text);
    if (!signature) return signature.error().pass();
    const Scheme details = details_of(scheme);
    const DigestContext context(EVP_MD_CTX_new());
    const auto* at = bytes_of(public_key_);
    const KeyHandle key(d2i_PUBKEY(nullptr, &at, static_cast<long>(public_key_.size())));
    EVP_PKEY_CTX* key_context = nullptr;
    const bool verified = context != nullptr && key != nullptr &&
                          EVP_DigestVerifyInit_ex(context.get(), &key_context, details.digest,
                                                  nullptr, nullptr, key.get(), nullptr) == 1 &&
                          (kind_ != KeyKind::rsa || set_padding(key_context, details)) &&
                          EVP_DigestVerify(context.get(), bytes_of(*signature), signature->size(),
                                           bytes_of(text), text.size()) == 1;
    ERR_clear_error();
    if (!verified) return plain_error("is damaged: what it signs does not verify; make a new key");
    return {};
}

}  // namespace holdfast::tls
