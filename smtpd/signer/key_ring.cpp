#include "smtpd/signer/key_ring.h"

#include "smtpd/base/read.h"
#include "smtpd/signer/handshake_text.h"

namespace holdfast::signer {

namespace {

using links::SignatureScheme;

// RFC 8446 section 4.2.3: TLS 1.3 has no PKCS#1 in handshakes.
bool allowed_in(HandshakeText kind, SignatureScheme scheme) {
    return kind == HandshakeText::tls12_key_exchange || scheme >= SignatureScheme::rsa_pss_sha256;
}

Status check_chain(const links::KeyFile& file) {
    if (!file.chain) return plain_error(file.chain_name + ": was not opened");
    const auto pem = read_at(file.chain.get(), 0, tls::max_chain_bytes + 1);
    if (!pem) return pem.error().in(file.chain_name);
    return tls::check_public(*pem, file.chain_name);
}

}  // namespace

Result<tls::PrivateKey> KeyRing::read(std::uint64_t set, const links::KeyFile& file) const {
    if (sets_.size() >= max_sets && !sets_.contains(set)) {
        return plain_error(file.name + ": not loaded: " + std::to_string(max_sets) +
                           " sets of keys are in use, forget one first");
    }
    if (!file.file) return plain_error(file.name + ": was not opened");
    if (const auto fit = check_chain(file); !fit) return fit.error().pass();
    auto key = tls::PrivateKey::read(file.file.get());
    if (!key) return key.error().in(file.name);
    return key;
}

links::LoadedKey KeyRing::load(std::uint64_t set, const links::KeyFile& file) {
    auto key = read(set, file);
    if (!key) return {file.number, {}, key.error().text()};
    links::LoadedKey loaded{file.number, key->public_key(), {}};
    sets_[set].insert_or_assign(file.number, std::move(*key));
    return loaded;
}

void KeyRing::forget(std::uint64_t set) {
    sets_.erase(set);
}

const tls::PrivateKey* KeyRing::find(const links::KeyId& id) const {
    const auto set = sets_.find(id.set);
    if (set == sets_.end()) return nullptr;
    const auto key = set->second.find(id.number);
    return key != set->second.end() ? &key->second : nullptr;
}

std::expected<std::string, std::string> KeyRing::sign(const links::Sign& request) const {
    const auto kind = recognise_handshake(request.text);
    if (!kind) return std::unexpected("this is no handshake of a TLS server");
    const tls::PrivateKey* key = find(request.key);
    if (key == nullptr) return std::unexpected("there is no such key");
    if (!key->fits(request.scheme) || !allowed_in(*kind, request.scheme)) {
        return std::unexpected("this key does not sign so");
    }
    auto signature = key->sign(request.scheme, request.text);
    if (!signature) return std::unexpected(signature.error().text());
    return std::move(*signature);
}

}  // namespace holdfast::signer
