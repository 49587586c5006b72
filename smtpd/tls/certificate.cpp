#include "smtpd/tls/certificate.h"

#include <algorithm>
#include <array>
#include <ctime>

#include <openssl/err.h>
#include <openssl/pem.h>

#include "smtpd/links/certificate_status.h"
#include "smtpd/tls/crypto_error.h"
#include "smtpd/tls/key_kind.h"
#include "smtpd/tls/openssl.h"

namespace holdfast::tls {

namespace {

// A name of subjectAltName may be as long as its certificate: none of ours is.
constexpr std::size_t max_host = 253;

// How many names of a certificate stand in a message.
constexpr std::size_t max_names_shown = 5;

std::string subject_of(const X509* certificate) {
    const BioHandle out(BIO_new(BIO_s_mem()));
    X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_ONELINE);
    char* text = nullptr;
    const long length = BIO_get_mem_data(out.get(), &text);
    const std::size_t kept = std::min<std::size_t>(static_cast<std::size_t>(length), 200);
    return length > 0 ? std::string(text, kept) : "no subject";
}

std::string der_of(X509* certificate) {
    std::string der(static_cast<std::size_t>(std::max(i2d_X509(certificate, nullptr), 0)), '\0');
    auto* at = reinterpret_cast<unsigned char*>(der.data());
    i2d_X509(certificate, &at);
    return der;
}

// Letters, digits, hyphens, underscores and dots, and "*." in front.
bool is_dns_name(std::string_view name) {
    if (name.starts_with("*.")) name.remove_prefix(2);
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
    return !name.empty() && name.size() <= max_host && name.front() != '.' &&
           name.find_first_not_of(allowed) == std::string_view::npos;
}

std::vector<std::string> names_of(const X509* certificate) {
    std::vector<std::string> names;
    const NamesHandle all(static_cast<GENERAL_NAMES*>(
        X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
    for (int i = 0; all != nullptr && i < sk_GENERAL_NAME_num(all.get()); ++i) {
        int type = 0;
        const void* value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(all.get(), i), &type);
        if (type != GEN_DNS || value == nullptr) continue;
        const auto* text = static_cast<const ASN1_IA5STRING*>(value);
        const auto* bytes = reinterpret_cast<const char*>(ASN1_STRING_get0_data(text));
        std::string name =
            canonical_host({bytes, static_cast<std::size_t>(ASN1_STRING_length(text))});
        if (is_dns_name(name)) names.push_back(std::move(name));
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    return names;
}

Result<WallTime> time_of(const ASN1_TIME* time) {
    std::tm fields{};
    if (ASN1_TIME_to_tm(time, &fields) != 1) return crypto_error("read the time of validity");
    return WallTime(std::chrono::seconds(timegm(&fields)));
}

std::string fingerprint_of(const std::string& der) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    std::size_t length = 0;
    EVP_Q_digest(nullptr, "SHA256", nullptr, der.data(), der.size(), digest.data(), &length);
    std::string text;
    for (std::size_t i = 0; i < length; ++i) {
        constexpr std::string_view digits = "0123456789abcdef";
        text.push_back(digits[digest.at(i) >> 4]);
        text.push_back(digits[digest.at(i) & 15]);
    }
    return text;
}

std::string place(std::string_view name, std::size_t index, const std::string& subject) {
    return std::string(name) + ": certificate " + std::to_string(index + 1) + " (" + subject + ")";
}

Result<Certificate> facts_of(X509* x509) {
    Certificate certificate;
    certificate.der = der_of(x509);
    certificate.subject = subject_of(x509);
    certificate.names = names_of(x509);
    certificate.fingerprint = fingerprint_of(certificate.der);
    const auto not_before = time_of(X509_get0_notBefore(x509));
    if (!not_before) return not_before.error().pass();
    const auto not_after = time_of(X509_get0_notAfter(x509));
    if (!not_after) return not_after.error().pass();
    certificate.not_before = *not_before;
    certificate.not_after = *not_after;
    const EVP_PKEY* key = X509_get0_pubkey(x509);
    if (key == nullptr) return crypto_error("read the public key");
    certificate.public_key = public_key_of(key);
    return certificate;
}

// Nothing where no further certificate follows.
Result<X509Handle> next_certificate(BIO* pem) {
    ERR_clear_error();
    X509Handle certificate(PEM_read_bio_X509(pem, nullptr, no_passphrase, nullptr));
    if (certificate != nullptr) return certificate;
    const unsigned long error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE) {
        ERR_clear_error();
        return X509Handle();
    }
    return plain_error(take_crypto_reason());
}

std::unexpected<Error> no_certificate(std::string_view name) {
    return plain_error(std::string(name) + ": holds no certificate in PEM form " +
                       "(\"-----BEGIN CERTIFICATE-----\")");
}

Result<std::vector<X509Handle>> read_all(std::string_view pem, std::string_view name) {
    if (pem.size() > max_chain_bytes) {
        return plain_error(std::string(name) + ": is too large for certificates: give the file " +
                           "with the server's chain only");
    }
    if (const auto public_only = check_public(pem, name); !public_only)
        return public_only.error().pass();
    const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    std::vector<X509Handle> all;
    while (all.size() <= max_chain_length) {
        auto next = next_certificate(bio.get());
        if (!next) {
            const std::string which = "certificate " + std::to_string(all.size() + 1);
            return next.error().in(std::string(name) + ": " + which + " can't be read, " +
                                   "write the file anew");
        }
        if (*next == nullptr) break;
        all.push_back(std::move(*next));
    }
    if (all.empty()) return no_certificate(name);
    if (all.size() > max_chain_length) {
        return plain_error(std::string(name) + ": holds more than " +
                           std::to_string(max_chain_length) +
                           " certificates: give the server's chain only");
    }
    return all;
}

bool issued(X509* issuer, X509* subject) {
    const bool is_issuer = X509_check_issued(issuer, subject) == X509_V_OK &&
                           X509_verify(subject, X509_get0_pubkey(issuer)) == 1;
    ERR_clear_error();
    return is_issuer;
}

Status check_order(const std::vector<X509Handle>& all, std::string_view name) {
    for (std::size_t i = 1; i < all.size(); ++i) {
        if (issued(all[i].get(), all[i - 1].get())) continue;
        return plain_error(place(name, i, subject_of(all[i].get())) + " did not issue the one " +
                           "before it (" + subject_of(all[i - 1].get()) +
                           "): put the server's certificate first, then the issuer of each");
    }
    return {};
}

// Why its dates are to be looked at; empty: they need not.
std::string untimely(const Certificate& certificate, WallTime now) {
    const auto at = [](WallTime time) { return time.time_since_epoch().count(); };
    const std::string end = rfc3339_time(certificate.not_after);
    if (now < certificate.not_before) {
        return "is not valid before " + rfc3339_time(certificate.not_before) +
               ": check the clock of this machine";
    }
    if (now >= certificate.not_after) return "has expired on " + end + ": renew it";
    if (!links::expires_soon(at(certificate.not_before), at(certificate.not_after), at(now))) {
        return {};
    }
    return "expires on " + end + ", in " + short_duration(certificate.not_after - now) +
           ": renew it";
}

std::string names_shown(const std::vector<std::string>& names) {
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), max_names_shown); ++i) {
        text.append(i == 0 ? "" : ", ").append(names[i]);
    }
    if (names.size() <= max_names_shown) return text;
    return text + " and " + std::to_string(names.size() - max_names_shown) + " more";
}

std::string_view parent_domain(std::string_view host) {
    const std::size_t dot = host.find('.');
    return dot == std::string_view::npos ? std::string_view() : host.substr(dot);
}

}  // namespace

std::string canonical_host(std::string_view host) {
    if (host.ends_with('.')) host.remove_suffix(1);
    std::string result(host);
    for (char& letter : result) {
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    }
    return result;
}

Status check_public(std::string_view pem, std::string_view name) {
    if (pem.find("PRIVATE KEY-----") != std::string_view::npos) {
        return plain_error(std::string(name) + ": holds a private key, which who shows " +
                           "certificates must not see: keep it in a file of its own");
    }
    if (pem.find("-----BEGIN CERTIFICATE-----") == std::string_view::npos) {
        return no_certificate(name);
    }
    return {};
}

bool same_choice(KeyKind one, KeyKind other) {
    const auto is_ecdsa = [](KeyKind kind) {
        return kind == KeyKind::ecdsa_p256 || kind == KeyKind::ecdsa_p384;
    };
    return one == other || (is_ecdsa(one) && is_ecdsa(other));
}

Result<CertificateChain> CertificateChain::parse(std::string_view pem, std::string_view name) {
    const auto all = read_all(pem, name);
    if (!all) return all.error().pass();
    CertificateChain chain;
    chain.name_ = name;
    for (std::size_t i = 0; i < all->size(); ++i) {
        X509* x509 = (*all)[i].get();
        auto certificate = facts_of(x509);
        if (!certificate) return certificate.error().in(place(name, i, subject_of(x509)));
        chain.certificates_.push_back(std::move(*certificate));
    }
    const auto kind = kind_of(X509_get0_pubkey(all->front().get()));
    if (!kind) return kind.error().in(place(name, 0, chain.leaf().subject));
    chain.key_kind_ = *kind;
    if (const auto order = check_order(*all, name); !order) return order.error().pass();
    return chain;
}

Status CertificateChain::check_key(std::string_view public_key, std::string_view key_name) const {
    if (public_key == leaf().public_key) return {};
    // The same key may be written in more than one way.
    const auto read = [](std::string_view der) {
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        return KeyHandle(d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size())));
    };
    const KeyHandle theirs = read(public_key);
    const KeyHandle ours = read(leaf().public_key);
    const bool same = theirs && ours && EVP_PKEY_eq(theirs.get(), ours.get()) == 1;
    ERR_clear_error();
    if (same) return {};
    return plain_error(name_ + ": is not the certificate of the key " + std::string(key_name) +
                       ": install both from the same issue");
}

std::vector<std::string> CertificateChain::warnings(std::string_view host, WallTime now) const {
    std::vector<std::string> all;
    if (!covers(host)) {
        const std::string names = names_shown(leaf().names);
        all.push_back("is not for " + canonical_host(host) +
                      (names.empty() ? ": it names no host" : ", only for " + names));
    }
    for (std::size_t i = 0; i < certificates_.size(); ++i) {
        const Certificate& certificate = certificates_[i];
        const std::string problem = untimely(certificate, now);
        if (problem.empty()) continue;
        all.push_back((i == 0 ? "" : "certificate " + std::to_string(i + 1) + " ") + problem);
    }
    return all;
}

bool CertificateChain::covers(std::string_view host) const {
    const std::string wanted = canonical_host(host);
    const auto has = [&](const std::string& name) {
        return std::ranges::binary_search(leaf().names, name);
    };
    const std::string_view domain = parent_domain(wanted);
    return has(wanted) || (!domain.empty() && has("*" + std::string(domain)));
}

Fingerprints fingerprints_of(x509_st* certificate) {
    const EVP_PKEY* const key = X509_get0_pubkey(certificate);
    return {fingerprint_of(der_of(certificate)),
            key == nullptr ? std::string() : fingerprint_of(public_key_of(key))};
}

}  // namespace holdfast::tls
