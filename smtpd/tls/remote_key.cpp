#include "smtpd/tls/remote_key.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "smtpd/tls/crypto_error.h"

namespace holdfast::tls {

namespace {

using links::SignatureScheme;
using SharedKey = std::shared_ptr<const RemoteKey>;

// No other provider knows this operation: OpenSSL can't take its own for it, with a key that it
// would have to export first.
constexpr const char* signature_name = "HOLDFAST-REMOTE";
// How make_remote_key() hands its key to import().
constexpr const char* key_parameter = "holdfast-key";

// What OpenSSL holds as a key.
struct KeyData {
    SharedKey key;
};

const RemoteKey& remote(const void* data) {
    return *static_cast<const KeyData*>(data)->key;
}

// ---- KEYMGMT: the public half answers every question

void* new_key(void*) noexcept {
    return std::make_unique<KeyData>().release();
}

void free_key(void* data) noexcept {
    const std::unique_ptr<KeyData> owner(static_cast<KeyData*>(data));
}

int import_key(void* data, int, const OSSL_PARAM params[]) noexcept {
    const OSSL_PARAM* parameter = OSSL_PARAM_locate_const(params, key_parameter);
    const void* shared = nullptr;
    std::size_t length = 0;
    if (parameter == nullptr || OSSL_PARAM_get_octet_ptr(parameter, &shared, &length) != 1 ||
        length != sizeof(SharedKey)) {
        return 0;
    }
    static_cast<KeyData*>(data)->key = *static_cast<const SharedKey*>(shared);
    return 1;
}

const OSSL_PARAM* import_types(int) noexcept {
    static const OSSL_PARAM types[] = {OSSL_PARAM_octet_ptr(key_parameter, nullptr, 0),
                                       OSSL_PARAM_END};
    return types;
}

int has_key(const void* data, int) noexcept {
    return static_cast<const KeyData*>(data)->key != nullptr ? 1 : 0;
}

int match_keys(const void* one, const void* other, int) noexcept {
    const EVP_PKEY* first = remote(one).public_half.get();
    return EVP_PKEY_eq(first, remote(other).public_half.get()) == 1 ? 1 : 0;
}

// Only ever the public half, whatever is asked for: OpenSSL compares it with the certificate's.
int export_key(void* data, int, OSSL_CALLBACK* callback, void* context) noexcept {
    return EVP_PKEY_export(remote(data).public_half.get(), EVP_PKEY_PUBLIC_KEY, callback, context);
}

const OSSL_PARAM* export_types(int) noexcept {
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0),
        OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
        OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0), OSSL_PARAM_END};
    return types;
}

int get_key_params(void* data, OSSL_PARAM params[]) noexcept {
    return EVP_PKEY_get_params(remote(data).public_half.get(), params);
}

const OSSL_PARAM* gettable_key_params(void*) noexcept {
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),
        OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),
        OSSL_PARAM_END};
    return types;
}

const char* operation_name(int operation) noexcept {
    return operation == OSSL_OP_SIGNATURE ? signature_name : nullptr;
}

// ---- SIGNATURE

enum class Hash : std::uint8_t { none, sha256, sha384, sha512 };

struct Signing {
    SharedKey key;
    Hash hash = Hash::none;
    bool pss = false;
};

Signing& signing(void* context) {
    return *static_cast<Signing*>(context);
}

bool refuse(const char* what) {
    raise_crypto_error(std::string("a remote key does not sign with ") + what);
    return false;
}

std::optional<Hash> hash_named(const char* name) {
    if (name == nullptr || *name == '\0') return Hash::none;
    const auto is_one_of = [&](std::initializer_list<const char*> names) {
        for (const char* known : names) {
            if (OPENSSL_strcasecmp(name, known) == 0) return true;
        }
        return false;
    };
    if (is_one_of({"SHA256", "SHA2-256", "SHA-256"})) return Hash::sha256;
    if (is_one_of({"SHA384", "SHA2-384", "SHA-384"})) return Hash::sha384;
    if (is_one_of({"SHA512", "SHA2-512", "SHA-512"})) return Hash::sha512;
    return std::nullopt;
}

std::optional<SignatureScheme> scheme_of_rsa(Hash hash, bool pss) {
    switch (hash) {
        case Hash::none:
            return std::nullopt;
        case Hash::sha256:
            return pss ? SignatureScheme::rsa_pss_sha256 : SignatureScheme::rsa_pkcs1_sha256;
        case Hash::sha384:
            return pss ? SignatureScheme::rsa_pss_sha384 : SignatureScheme::rsa_pkcs1_sha384;
        case Hash::sha512:
            return pss ? SignatureScheme::rsa_pss_sha512 : SignatureScheme::rsa_pkcs1_sha512;
    }
    return std::nullopt;
}

std::optional<SignatureScheme> scheme_of(const Signing& wanted) {
    switch (wanted.key->kind) {
        case KeyKind::rsa:
            return scheme_of_rsa(wanted.hash, wanted.pss);
        case KeyKind::ecdsa_p256:
        case KeyKind::ecdsa_p384:
            if (wanted.hash == Hash::sha256) return SignatureScheme::ecdsa_sha256;
            if (wanted.hash == Hash::sha384) return SignatureScheme::ecdsa_sha384;
            return std::nullopt;
        case KeyKind::ed25519:
            if (wanted.hash == Hash::none) return SignatureScheme::ed25519;
            return std::nullopt;
    }
    return std::nullopt;
}

void* new_signing(void*, const char*) noexcept {
    return std::make_unique<Signing>().release();
}

void free_signing(void* context) noexcept {
    const std::unique_ptr<Signing> owner(static_cast<Signing*>(context));
}

bool set_padding(Signing& wanted, const OSSL_PARAM& parameter) {
    int mode = 0;
    if (parameter.data_type == OSSL_PARAM_UTF8_STRING) {
        const auto* name = static_cast<const char*>(parameter.data);
        if (OPENSSL_strcasecmp(name, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0) mode = RSA_PKCS1_PSS_PADDING;
        if (OPENSSL_strcasecmp(name, OSSL_PKEY_RSA_PAD_MODE_PKCSV15) == 0) mode = RSA_PKCS1_PADDING;
    } else if (OSSL_PARAM_get_int(&parameter, &mode) != 1) {
        return refuse("this padding");
    }
    wanted.pss = mode == RSA_PKCS1_PSS_PADDING;
    return mode == RSA_PKCS1_PSS_PADDING || mode == RSA_PKCS1_PADDING || refuse("this padding");
}

// The salt of TLS is as long as the hash; signer knows no other.
bool check_salt(const OSSL_PARAM& parameter) {
    int length = 0;
    if (parameter.data_type == OSSL_PARAM_UTF8_STRING) {
        const auto* name = static_cast<const char*>(parameter.data);
        return std::strcmp(name, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0 || refuse("this salt");
    }
    return (OSSL_PARAM_get_int(&parameter, &length) == 1 && length == RSA_PSS_SALTLEN_DIGEST) ||
           refuse("this salt");
}

int set_signing_params(void* context, const OSSL_PARAM params[]) noexcept {
    if (params == nullptr) return 1;
    for (const OSSL_PARAM* parameter = params; parameter->key != nullptr; ++parameter) {
        const std::string_view key(parameter->key);
        if (key == OSSL_SIGNATURE_PARAM_PAD_MODE && !set_padding(signing(context), *parameter)) {
            return 0;
        }
        if (key == OSSL_SIGNATURE_PARAM_PSS_SALTLEN && !check_salt(*parameter)) return 0;
    }
    return 1;
}

const OSSL_PARAM* settable_signing_params(void*, void*) noexcept {
    static const OSSL_PARAM types[] = {
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, nullptr, 0),
        OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, nullptr, 0), OSSL_PARAM_END};
    return types;
}

int begin_signing(void* context, const char* digest, void* data,
                  const OSSL_PARAM params[]) noexcept {
    Signing& wanted = signing(context);
    if (data != nullptr) wanted.key = static_cast<const KeyData*>(data)->key;
    const auto hash = hash_named(digest);
    if (!wanted.key || !hash) return static_cast<int>(refuse("this digest"));
    wanted.hash = *hash;
    return set_signing_params(context, params);
}

// Without a buffer: how large it must be.
int sign(void* context, unsigned char* signature, std::size_t* length, std::size_t size,
         const unsigned char* text, std::size_t text_length) noexcept {
    const Signing& wanted = signing(context);
    const auto most = static_cast<std::size_t>(EVP_PKEY_get_size(wanted.key->public_half.get()));
    if (signature == nullptr) {
        *length = most;
        return 1;
    }
    const auto scheme = scheme_of(wanted);
    if (!scheme) return static_cast<int>(refuse("this digest"));
    const auto done = wanted.key->sign(
        {wanted.key->id, *scheme, {reinterpret_cast<const char*>(text), text_length}});
    if (!done) {
        raise_crypto_error(done.error().text());
        return 0;
    }
    if (done->size() > size || done->size() > most) {
        raise_crypto_error("the signature is too long");
        return 0;
    }
    std::ranges::copy(*done, signature);
    *length = done->size();
    return 1;
}

// ---- the provider

using Function = void (*)();

template <class Wanted>
OSSL_DISPATCH entry(int number, Wanted function) {
    return {number, reinterpret_cast<Function>(function)};
}

const OSSL_DISPATCH* key_functions() {
    static const OSSL_DISPATCH functions[] = {
        entry(OSSL_FUNC_KEYMGMT_NEW, new_key),
        entry(OSSL_FUNC_KEYMGMT_FREE, free_key),
        entry(OSSL_FUNC_KEYMGMT_HAS, has_key),
        entry(OSSL_FUNC_KEYMGMT_MATCH, match_keys),
        entry(OSSL_FUNC_KEYMGMT_IMPORT, import_key),
        entry(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, import_types),
        entry(OSSL_FUNC_KEYMGMT_EXPORT, export_key),
        entry(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, export_types),
        entry(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_key_params),
        entry(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable_key_params),
        entry(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, operation_name),
        OSSL_DISPATCH{0, nullptr}};
    return functions;
}

const OSSL_DISPATCH* signature_functions() {
    static const OSSL_DISPATCH functions[] = {
        entry(OSSL_FUNC_SIGNATURE_NEWCTX, new_signing),
        entry(OSSL_FUNC_SIGNATURE_FREECTX, free_signing),
        entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin_signing),
        entry(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
        entry(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_signing_params),
        entry(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable_signing_params),
        OSSL_DISPATCH{0, nullptr}};
    return functions;
}

constexpr const char* properties = "provider=holdfast-remote-keys";

const OSSL_ALGORITHM* query(void*, int operation, int* no_cache) noexcept {
    *no_cache = 0;
    static const OSSL_ALGORITHM keys[] = {
        OSSL_ALGORITHM{"RSA:rsaEncryption:1.2.840.113549.1.1.1", properties, key_functions(), ""},
        OSSL_ALGORITHM{"EC:id-ecPublicKey:1.2.840.10045.2.1", properties, key_functions(), ""},
        OSSL_ALGORITHM{"ED25519:1.3.101.112", properties, key_functions(), ""},
        OSSL_ALGORITHM{nullptr, nullptr, nullptr, nullptr}};
    static const OSSL_ALGORITHM signatures[] = {
        OSSL_ALGORITHM{signature_name, properties, signature_functions(), ""},
        OSSL_ALGORITHM{nullptr, nullptr, nullptr, nullptr}};
    if (operation == OSSL_OP_KEYMGMT) return keys;
    if (operation == OSSL_OP_SIGNATURE) return signatures;
    return nullptr;
}

const char* type_name(KeyKind kind) {
    switch (kind) {
        case KeyKind::rsa:
            return "RSA";
        case KeyKind::ecdsa_p256:
        case KeyKind::ecdsa_p384:
            return "EC";
        case KeyKind::ed25519:
            return "ED25519";
    }
    return "";
}

}  // namespace

extern "C" int start_remote_key_provider(const OSSL_CORE_HANDLE*, const OSSL_DISPATCH*,
                                         const OSSL_DISPATCH** out, void** context) {
    static const OSSL_DISPATCH functions[] = {entry(OSSL_FUNC_PROVIDER_QUERY_OPERATION, query),
                                              OSSL_DISPATCH{0, nullptr}};
    *out = functions;
    *context = nullptr;
    return 1;
}

Result<KeyHandle> make_remote_key(RemoteKey key) {
    const SharedKey shared = std::make_shared<const RemoteKey>(std::move(key));
    const KeyContext context(EVP_PKEY_CTX_new_from_name(shared->library->context(),
                                                        type_name(shared->kind), properties));
    void* address = const_cast<SharedKey*>(&shared);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_ptr(key_parameter, &address, sizeof shared),
                           OSSL_PARAM_construct_end()};
    EVP_PKEY* made = nullptr;
    if (context == nullptr || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &made, EVP_PKEY_KEYPAIR, params) != 1) {
        return crypto_error("make a key for the signer");
    }
    return KeyHandle(made);
}

}  // namespace holdfast::tls
