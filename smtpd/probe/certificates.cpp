#include "smtpd/probe/certificates.h"

#include <algorithm>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include <string.h>

#include "smtpd/base/quote.h"
#include "smtpd/tls/crypto_error.h"
#include "smtpd/tls/private_key.h"

namespace holdfast::probe {

namespace {

using config::Cert;
using config::Diagnostics;
using config::Placed;
using tls::CertificateChain;
using tls::KeyKind;

constexpr int rounds = 5;
constexpr Duration between_rounds = std::chrono::milliseconds(200);

// What one look at a certificate and its key has brought.
struct Finding {
    Diagnostics diagnostics;
    bool may_settle = false;  // a fault that somebody who replaces the files leaves for a moment
    std::optional<KeyKind> kind;
};

// Of one certificate and its key.
class Examination {
  public:
    Examination(const AdminFiles& files, const Cert& cert, WallTime now)
        : files_(files), cert_(cert), now_(now) {}

    Finding finding() {
        const auto chain = read_chain();
        const auto public_key = read_key();
        if (chain && public_key) check_pair(*chain, *public_key);
        return std::move(finding_);
    }

  private:
    bool in_folder() const { return cert_.chain.place.column == cert_.key.place.column; }

    // Every fault has its place, and what to do in the error's text or in the note.
    void error(const Placed& file, std::string message, std::string note = {}) {
        config::Diagnostic diagnostic{.place = file.place, .message = std::move(message)};
        if (!note.empty()) diagnostic.notes.push_back(std::move(note));
        finding_.diagnostics.add(std::move(diagnostic));
    }

    void report(const Placed& file, const std::string& problem, std::string remedy) {
        error(file, escaped(file.value) + " " + problem, std::move(remedy));
    }

    std::optional<CertificateChain> read_chain() {
        AdminFile file = files_.read(cert_.chain.value, tls::max_chain_bytes);
        if (file.missing && in_folder()) {
            file.remedy = "a folder holds fullchain.pem and privkey.pem; of other names: cert " +
                          cert_.host.value + " chain FILE key FILE";
            folder_lacks_chain_ = true;
        }
        if (!file.problem.empty()) report(cert_.chain, file.problem, file.remedy);
        if (!file.text) return std::nullopt;
        auto chain = CertificateChain::parse(*file.text, escaped(cert_.chain.value));
        // Refused or not, a key that stood there has been read.
        explicit_bzero(file.text->data(), file.text->size());
        if (!chain) {
            finding_.may_settle = true;
            error(cert_.chain, chain.error().text());
            return std::nullopt;
        }
        finding_.kind = chain->key_kind();
        check_validity(*chain);
        return std::move(*chain);
    }

    void check_validity(const CertificateChain& chain) {
        for (const std::string& warning : chain.warnings(cert_.host.value, now_)) {
            finding_.diagnostics.add({.severity = config::Severity::warning,
                                      .place = cert_.chain.place,
                                      .message = chain.name() + " " + warning});
        }
    }

    // The public half. Older clients leave keys that everybody may read in folders that nobody
    // may enter: that serves, and is warned of.
    std::optional<std::string> read_key() {
        const OpenedFile file = files_.open(cert_.key.value);
        if (file.missing && folder_lacks_chain_) return std::nullopt;
        if (!file.problem.empty()) report(cert_.key, file.problem, file.remedy);
        if (!file.fd) return std::nullopt;
        if (file.for_everybody) {
            finding_.diagnostics.warn(cert_.key.place,
                                      escaped(cert_.key.value) + " may be read by every user",
                                      "mend it: chmod o= " + cert_.key.value);
        }
        const auto key = tls::PrivateKey::read(file.fd.get());
        if (key) return key->public_key();
        finding_.may_settle = true;
        report(cert_.key, key.error().text(), {});
        return std::nullopt;
    }

    void check_pair(const CertificateChain& chain, const std::string& public_key) {
        const auto fits = chain.check_key(public_key, escaped(cert_.key.value));
        if (fits) return;
        finding_.may_settle = true;
        error(cert_.chain, fits.error().text());
    }

    const AdminFiles& files_;
    const Cert& cert_;
    WallTime now_;
    Finding finding_;
    bool folder_lacks_chain_ = false;
};

void check_rivals(const std::vector<Cert>& certs, std::vector<Finding>& findings) {
    for (std::size_t later = 1; later < certs.size(); ++later) {
        for (std::size_t earlier = 0; earlier < later; ++earlier) {
            const auto& one = findings[earlier].kind;
            const auto& other = findings[later].kind;
            if (certs[earlier].host.value != certs[later].host.value || !one || !other ||
                !tls::same_choice(*one, *other)) {
                continue;
            }
            findings[later].diagnostics.error(
                certs[later].host.place,
                config::in_quotes(certs[later].host.value) +
                    " has a certificate with the same kind of key already",
                "it stands in " + certs[earlier].host.place.text() +
                    ", and clients would see that one only; keep one of them");
            break;
        }
    }
}

}  // namespace

config::Diagnostics check_certificates(const AdminFiles& files,
                                       const std::vector<config::Cert>& certs, const Clock& clock) {
    if (certs.empty()) return {};
    tls::set_up_crypto();
    std::vector<Finding> findings(certs.size());
    for (int round = 0; round < rounds; ++round) {
        if (round != 0) std::this_thread::sleep_for(between_rounds);
        for (std::size_t i = 0; i < certs.size(); ++i) {
            if (round != 0 && !findings[i].may_settle) continue;
            findings[i] = Examination(files, certs[i], clock.wall()).finding();
        }
        if (std::ranges::none_of(findings, &Finding::may_settle)) break;
    }
    check_rivals(certs, findings);
    Diagnostics all;
    for (Finding& finding : findings) all.append(std::move(finding.diagnostics));
    return all;
}

}  // namespace holdfast::probe
