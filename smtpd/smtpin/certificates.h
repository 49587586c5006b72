// The sets of certificates that the parent has this room load, and the one of them that clients
// are shown. Holds no private key: signatures come from elsewhere.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/links/parent_smtpin.h"
#include "smtpd/tls/server_context.h"

namespace holdfast::smtpin {

class Certificates {
  public:
    struct Callbacks {
        tls::SignFunction sign;
        std::function<bool()> can_sign;  // as far as one can tell
        // No handshake uses this set any more, nor will. Not called for a set that was refused: it
        // never was one. Nor once the certificates have been destroyed.
        std::function<void(std::uint64_t set)> on_free;
    };
    explicit Certificates(Callbacks callbacks);

    // Adds to a set; with the last message of it all are checked, and the answer is for the
    // parent. A set of the same number is replaced.
    std::optional<links::CertificatesLoaded> load(links::LoadCertificates message, WallTime now);

    // Whether this set was loaded, and not refused.
    bool has(std::uint64_t set) const { return sets_.contains(set); }
    // Handshakes that begin from now on use this set, which is there; sets of lower numbers are
    // given up as soon as no handshake uses them.
    void use(std::uint64_t set);

    // Sessions that were begun under these keys, by whatever process, resume.
    void use_ticket_keys(std::vector<tls::TicketKey> keys);

    // What a handshake begins with. The set is in use until `hold` is let go.
    struct Handshake {
        tls::ServerContext context;
        std::shared_ptr<const void> hold;
    };
    // Nothing where no certificate is in use.
    std::optional<Handshake> begin_handshake() const;
    // Whether one could succeed.
    bool ready() const { return any() && can_sign_(); }

  private:
    struct Set {
        std::vector<tls::ServerCertificate> certificates;
        std::optional<tls::ServerContext> context;  // none without certificates
        std::shared_ptr<const void> hold;
    };
    struct Candidate {
        links::LoadedCertificate facts;
        std::optional<tls::CertificateChain> chain;
        std::uint32_t key = 0;
    };

    bool any() const { return current_ != nullptr && current_->context.has_value(); }
    static Candidate examine(const links::CertificateFile& file, WallTime now);
    static void refuse_rivals(std::vector<Candidate>& candidates);
    void build(std::uint64_t number, std::vector<Candidate>& candidates);
    Result<std::optional<tls::ServerContext>> context_for(
        const std::vector<tls::ServerCertificate>& certificates);
    std::shared_ptr<const void> hold_of(std::uint64_t number) const;

    tls::SignFunction sign_;
    std::function<bool()> can_sign_;
    std::shared_ptr<const tls::CryptoLibrary> library_;  // made for the first certificate
    std::vector<tls::TicketKey> ticket_keys_;
    std::map<std::uint64_t, std::vector<Candidate>> loading_;
    std::map<std::uint64_t, Set> sets_;
    const Set* current_ = nullptr;                                 // among them
    std::shared_ptr<std::function<void(std::uint64_t)>> on_free_;  // goes first
};

}  // namespace holdfast::smtpin
