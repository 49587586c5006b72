#include "smtpd/smtpin/certificates.h"

#include <algorithm>
#include <utility>

#include "smtpd/base/log.h"
#include "smtpd/base/panic.h"
#include "smtpd/base/read.h"

namespace holdfast::smtpin {

namespace {

// What the parent passes on fits into a line and a packet.
constexpr std::size_t max_text = 1000;
constexpr std::size_t max_names = 20;

// Whoever lets the last one go has it told.
class Hold {
  public:
    using OnFree = std::function<void(std::uint64_t)>;
    Hold(std::uint64_t set, std::weak_ptr<OnFree> on_free)
        : set_(set), on_free_(std::move(on_free)) {}
    ~Hold() {
        if (const auto on_free = on_free_.lock()) (*on_free)(set_);
    }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

  private:
    std::uint64_t set_;
    std::weak_ptr<OnFree> on_free_;
};

std::int64_t milliseconds(WallTime time) {
    return time.time_since_epoch().count();
}

void describe(const tls::Certificate& leaf, links::LoadedCertificate& facts) {
    facts.names = leaf.names;
    facts.names.resize(std::min(facts.names.size(), max_names));
    facts.fingerprint = leaf.fingerprint;
    facts.not_before = milliseconds(leaf.not_before);
    facts.not_after = milliseconds(leaf.not_after);
}

std::string joined(const std::vector<std::string>& parts) {
    std::string text;
    for (const std::string& part : parts) text.append(text.empty() ? "" : "; ").append(part);
    return text;
}

Result<tls::CertificateChain> read_chain(const links::CertificateFile& file) {
    if (!file.chain) return plain_error(file.name + ": was not opened");
    const auto pem = read_at(file.chain.get(), 0, tls::max_chain_bytes + 1);
    if (!pem) return pem.error().in(file.name);
    return tls::CertificateChain::parse(*pem, file.name);
}

}  // namespace

Certificates::Certificates(Callbacks callbacks)
    : sign_(std::move(callbacks.sign)),
      can_sign_(std::move(callbacks.can_sign)),
      on_free_(std::make_shared<Hold::OnFree>(std::move(callbacks.on_free))) {}

Certificates::Candidate Certificates::examine(const links::CertificateFile& file, WallTime now) {
    Candidate candidate;
    candidate.key = file.key;
    links::LoadedCertificate& facts = candidate.facts;
    facts.host = file.host;
    facts.name = file.name;
    auto chain = read_chain(file);
    if (!chain) {
        facts.error = chain.error().text().substr(0, max_text);
        return candidate;
    }
    describe(chain->leaf(), facts);
    facts.warning = joined(chain->warnings(file.host, now)).substr(0, max_text);
    const std::string key_name = file.key_name.empty() ? "that goes with it" : file.key_name;
    const auto fits = chain->check_key(file.public_key, key_name);
    if (!fits) facts.error = fits.error().text().substr(0, max_text);
    candidate.chain = std::move(*chain);
    return candidate;
}

std::optional<links::CertificatesLoaded> Certificates::load(links::LoadCertificates message,
                                                            WallTime now) {
    auto& gathered = loading_[message.set];
    for (const links::CertificateFile& file : message.certificates) {
        gathered.push_back(examine(file, now));
    }
    if (message.more) return std::nullopt;
    auto candidates = std::move(loading_.extract(message.set).mapped());
    build(message.set, candidates);
    links::CertificatesLoaded answer{message.set, {}};
    for (Candidate& candidate : candidates) {
        answer.certificates.push_back(std::move(candidate.facts));
    }
    return answer;
}

// Clients would see the first one only.
void Certificates::refuse_rivals(std::vector<Candidate>& candidates) {
    for (auto later = candidates.begin(); later != candidates.end(); ++later) {
        const bool rival = std::any_of(candidates.begin(), later, [&](const Candidate& earlier) {
            return earlier.chain && later->chain && earlier.facts.host == later->facts.host &&
                   tls::same_choice(earlier.chain->key_kind(), later->chain->key_kind());
        });
        if (rival && later->facts.error.empty()) {
            later->facts.error = later->facts.name + ": " + later->facts.host +
                                 " has a certificate with the same kind of key already; keep one";
        }
    }
}

// All of them or none.
void Certificates::build(std::uint64_t number, std::vector<Candidate>& candidates) {
    refuse_rivals(candidates);
    const bool good = std::ranges::all_of(
        candidates, [](const Candidate& candidate) { return candidate.facts.error.empty(); });
    if (!good) return;
    Set set;
    for (const Candidate& candidate : candidates) {
        set.certificates.push_back({*candidate.chain, {number, candidate.key}});
    }
    auto context = context_for(set.certificates);
    if (!context) {
        candidates.front().facts.error = context.error().text().substr(0, max_text);
        return;
    }
    set.context = std::move(*context);
    set.hold = hold_of(number);
    sets_.insert_or_assign(number, std::move(set));
}

Result<std::optional<tls::ServerContext>> Certificates::context_for(
    const std::vector<tls::ServerCertificate>& certificates) {
    if (certificates.empty()) return std::nullopt;
    if (!library_) {
        auto made = tls::CryptoLibrary::make();
        if (!made) return made.error().pass();
        library_ = std::move(*made);
    }
    auto context = tls::ServerContext::make({library_, certificates, ticket_keys_, sign_});
    if (!context) return context.error().pass();
    return std::move(*context);
}

std::shared_ptr<const void> Certificates::hold_of(std::uint64_t number) const {
    const auto found = sets_.find(number);
    return found != sets_.end() ? found->second.hold : std::make_shared<Hold>(number, on_free_);
}

void Certificates::use(std::uint64_t set) {
    const auto found = sets_.find(set);
    if (found == sets_.end()) panic("use of certificates that were not loaded");
    current_ = &found->second;
    sets_.erase(sets_.begin(), found);
    loading_.erase(loading_.begin(), loading_.lower_bound(set));
}

// A set that cannot be built anew goes on with the keys of before: clients only resume less.
void Certificates::use_ticket_keys(std::vector<tls::TicketKey> keys) {
    ticket_keys_ = std::move(keys);
    for (auto& [number, set] : sets_) {
        auto context = context_for(set.certificates);
        if (context) {
            set.context = std::move(*context);
        } else {
            log::error("ticket-keys-unused", {{"reason", context.error()}});
        }
    }
}

std::optional<Certificates::Handshake> Certificates::begin_handshake() const {
    if (!any()) return std::nullopt;
    return Handshake{*current_->context, current_->hold};
}

}  // namespace holdfast::smtpin
