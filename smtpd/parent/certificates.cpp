#include "smtpd/parent/certificates.h"

#include <algorithm>
#include <iterator>

#include "smtpd/base/log.h"
#include "smtpd/loop/loop.h"
#include "smtpd/parent/outfit.h"
#include "smtpd/parent/sealed_copy.h"

namespace holdfast {

namespace {

// Paths may be long, and public keys: so many fit into a packet.
constexpr std::size_t batch = 8;

// One of 8192 bits of RSA has about 1,060 bytes.
constexpr std::size_t max_public_key = 2048;

constexpr std::size_t max_names = 20;
constexpr std::size_t max_text = 300;
constexpr std::size_t max_reason = 1000;

std::string clipped(std::string text, std::size_t most) {
    if (text.size() > most) text.resize(most);
    return text;
}

// What smtpin says is for people, and smtpin may be anybody.
links::LoadedCertificate harmless_facts(links::LoadedCertificate facts) {
    facts.not_before = links::plausible_time(facts.not_before);
    facts.not_after = links::plausible_time(facts.not_after);
    facts.host.clear();
    facts.name.clear();
    facts.error.clear();
    facts.fingerprint = clipped(std::move(facts.fingerprint), 64);
    facts.warning = clipped(std::move(facts.warning), max_text);
    if (facts.names.size() > max_names) facts.names.resize(max_names);
    for (std::string& name : facts.names) name = clipped(std::move(name), max_text);
    return facts;
}

// One line, for the admin who asked.
std::string one_line(const links::CertificatePlan& plan, const std::string& reason) {
    const std::string text = plan.place.empty() ? reason : plan.place + ": " + reason;
    return clipped(text.substr(0, text.find('\n')), max_reason);
}

// The admin has to mend it, or it may be otherwise in a moment.
std::uint8_t status_of(const Error& error) {
    switch (error.code()) {
        case 0:
        case ENOENT:
        case ENOTDIR:
        case EACCES:
        case ELOOP:
            return EX_CONFIG;
        default:
            return EX_TEMPFAIL;
    }
}

}  // namespace

Certificates::Certificates(Loop& loop, Rooms rooms, Duration retired_limit)
    : loop_(loop),
      rooms_(std::move(rooms)),
      retired_limit_(retired_limit),
      timer_(loop, [this] { time_is_up(); }),
      retired_timer_(loop, [this] { forget_retired(); }) {}

void Certificates::plan(const std::vector<links::CertificatePlan>& plans) {
    plans_ = plans;
}

// --- from the files to the rooms ----------------------------------------------------------------

void Certificates::load(Done done) {
    done_ = std::move(done);
    readings_ = 0;
    if (!any()) return finish({});
    read();
}

void Certificates::read() {
    ++readings_;
    tried_ = {};
    answers_ = 0;
    facts_.clear();
    refusal_.clear();
    step_ = Step::keys;
    if (const Report copied = copy_files(); !copied.good()) {
        return unfit(copied.status, copied.reason);
    }
    tried_.number = ++last_set_;
    while (retired_.size() > max_retired) forget(retired_.front());
    timer_.set(answer_limit);
    if (!send_keys(tried_)) unfit(EX_TEMPFAIL, "the room signer is being started again: try again");
}

Report Certificates::copy_files() {
    for (const links::CertificatePlan& plan : plans_) {
        auto chain = sealed_copy("chain", plan.chain, max_file);
        if (!chain) return {status_of(chain.error()), one_line(plan, chain.error().text()), {}};
        auto key = sealed_copy("key", plan.key, max_file);
        if (!key) return {status_of(key.error()), one_line(plan, key.error().text()), {}};
        tried_.pairs.push_back({plan, std::move(*chain), std::move(*key), {}});
    }
    return {};
}

bool Certificates::send_keys(const Set& set) {
    for (std::size_t i = 0; i < set.pairs.size();) {
        links::LoadKeys message{set.number, {}};
        for (; i < set.pairs.size() && message.keys.size() < batch; ++i) {
            const Pair& pair = set.pairs[i];
            message.keys.push_back({static_cast<std::uint32_t>(i), pair.plan.key,
                                    duplicate(pair.key.get()), pair.plan.chain,
                                    duplicate(pair.chain.get())});
        }
        if (!rooms_.signer(std::move(message))) return false;
    }
    return true;
}

bool Certificates::send_chains(const Set& set) {
    for (std::size_t i = 0; i < set.pairs.size();) {
        links::LoadCertificates message{set.number, {}, false};
        for (; i < set.pairs.size() && message.certificates.size() < batch; ++i) {
            const Pair& pair = set.pairs[i];
            message.certificates.push_back({pair.plan.host, pair.plan.chain,
                                            static_cast<std::uint32_t>(i), pair.public_key,
                                            duplicate(pair.chain.get()), pair.plan.key});
        }
        message.more = i < set.pairs.size();
        if (!rooms_.smtpin(std::move(message))) return false;
    }
    return true;
}

// --- what the rooms answer ----------------------------------------------------------------------

// A room that came back reads them otherwise than before, and smtpin serves without.
template <class Loaded>
void Certificates::tell_of_lost(const std::vector<Loaded>& all) {
    for (const Loaded& one : all) {
        if (one.error.empty()) continue;
        return log::error("certificates-refused", {{"reason", clipped(one.error, max_reason)}});
    }
}

void Certificates::on(links::KeysLoaded&& answer) {
    if (answer.set == current_.number) return tell_of_lost(answer.keys);
    if (step_ != Step::keys || answer.set != tried_.number) return;
    for (const links::LoadedKey& key : answer.keys) take_answer(key);
    answers_ += answer.keys.size();
    if (!answer.keys.empty()) timer_.set(answer_limit);  // what says nothing gains no time
    if (answers_ < tried_.pairs.size()) return;
    if (!refusal_.empty()) return unfit(EX_CONFIG, refusal_);
    step_ = Step::chains;
    timer_.set(answer_limit);
    if (!send_chains(tried_))
        unfit(EX_TEMPFAIL, "the room smtpin is being started again: try again");
}

void Certificates::take_answer(const links::LoadedKey& key) {
    if (key.number >= tried_.pairs.size()) return;
    Pair& pair = tried_.pairs[key.number];
    pair.public_key = key.public_key;
    std::string error = key.error;
    if (pair.public_key.size() > max_public_key) error = pair.plan.key + ": is too large a key";
    if (!error.empty() && refusal_.empty()) refusal_ = one_line(pair.plan, error);
}

void Certificates::on(links::CertificatesLoaded&& answer) {
    if (answer.set == current_.number) return tell_of_lost(answer.certificates);
    if (step_ != Step::chains || answer.set != tried_.number) return;
    std::ranges::move(answer.certificates, std::back_inserter(facts_));
    if (answer.more && facts_.size() < tried_.pairs.size()) return;
    if (facts_.size() != tried_.pairs.size()) {
        return unfit(EX_SOFTWARE, "the room smtpin says nothing of some certificates");
    }
    for (std::size_t i = 0; i < facts_.size(); ++i) {
        Pair& pair = tried_.pairs[i];
        if (!facts_[i].error.empty()) return unfit(EX_CONFIG, one_line(pair.plan, facts_[i].error));
        pair.facts = harmless_facts(std::move(facts_[i]));
        if (const auto fresh = check_time(pair); !fresh) {
            return unfit(EX_CONFIG, one_line(pair.plan, fresh.error().text()));
        }
    }
    switch_over();
}

// One that is out of its time serves where there is no better; it takes the place of none that is
// valid.
Status Certificates::check_time(const Pair& pair) const {
    const std::int64_t now = loop_.clock().wall().time_since_epoch().count();
    const auto valid = [now](const links::LoadedCertificate& facts) {
        return facts.not_before <= now && now < facts.not_after;
    };
    const Pair* const before = find_like(pair);
    if (before == nullptr || !valid(before->facts) || valid(pair.facts)) return {};
    return plain_error(pair.plan.chain + " " + pair.facts.warning);
}

// From here on it is in use: whoever comes back is given this one.
void Certificates::switch_over() {
    for (Pair& pair : tried_.pairs) {
        const Pair* const before = find_like(pair);
        if (before != nullptr) pair.fingerprint_before = before->facts.fingerprint;
    }
    if (current_.number != 0) {
        retired_.push_back(current_.number);
        retired_timer_.set(retired_limit_);
    }
    current_ = std::exchange(tried_, {});
    step_ = Step::switching;
    timer_.set(answer_limit);
    static_cast<void>(rooms_.smtpin(links::UseCertificates{current_.number}));
}

void Certificates::on(links::CertificatesInUse&& answer) {
    if (step_ != Step::switching || answer.set != current_.number) return;
    Report report;
    report.certificates = status();
    finish(std::move(report));
}

void Certificates::on(links::CertificatesFree&& news) {
    if (std::ranges::find(retired_, news.set) != retired_.end()) forget(news.set);
}

void Certificates::forget_retired() {
    while (!retired_.empty()) forget(retired_.front());
}

void Certificates::forget(std::uint64_t set) {
    std::erase(retired_, set);
    static_cast<void>(rooms_.signer(links::ForgetKeys{set}));
}

// --- what goes wrong ----------------------------------------------------------------------------

// It may be half of a new pair: the other half comes.
void Certificates::unfit(std::uint8_t status, std::string reason) {
    if (readings_ >= max_readings) return give_up(status, std::move(reason));
    drop_tried();
    step_ = Step::pausing;
    timer_.set(between_readings);
}

void Certificates::give_up(std::uint8_t status, std::string reason) {
    drop_tried();
    if (current_.number != 0) reason += "; the certificates of before stay in use";
    finish({status, std::move(reason), {}});
}

void Certificates::drop_tried() {
    if (tried_.number != 0) forget(tried_.number);
    tried_ = {};
}

void Certificates::finish(Report report) {
    timer_.cancel();
    step_ = Step::idle;
    const Done done = std::exchange(done_, {});
    if (done) done(report);
}

void Certificates::time_is_up() {
    switch (step_) {
        case Step::idle:
            return;
        case Step::pausing:
            return read();
        case Step::keys:
            rooms_.end_signer();
            return give_up(EX_TEMPFAIL, "the room signer does not answer and is ended: try again");
        case Step::chains:
            return give_up(EX_TEMPFAIL, "the room smtpin does not answer: try again");
        case Step::switching:
            return finish({EX_TEMPFAIL,
                           "the room smtpin does not answer; it uses the new certificates as soon "
                           "as it goes on",
                           {}});
    }
}

// --- rooms that die -----------------------------------------------------------------------------

void Certificates::went_down(links::Room room) {
    if (room == links::Room::signer) {
        retired_.clear();
        if (step_ == Step::keys || step_ == Step::chains) {
            unfit(EX_TEMPFAIL, "the room signer has ended: try again");
        }
    }
    if (room == links::Room::smtpin) {
        forget_retired();
        if (step_ == Step::chains) unfit(EX_TEMPFAIL, "the room smtpin has ended: try again");
    }
}

void Certificates::came_up(links::Room room) {
    if (current_.number == 0) return;
    if (room == links::Room::signer) send_keys(current_);
    if (room == links::Room::smtpin) {
        send_chains(current_);
        static_cast<void>(rooms_.smtpin(links::UseCertificates{current_.number}));
    }
}

// --- facts --------------------------------------------------------------------------------------

std::vector<links::CertificateStatus> Certificates::status() const {
    std::vector<links::CertificateStatus> result;
    for (const Pair& pair : current_.pairs) {
        const links::LoadedCertificate& facts = pair.facts;
        result.push_back({pair.plan.host, pair.plan.chain, facts.fingerprint,
                          pair.fingerprint_before, facts.names, facts.not_before, facts.not_after,
                          facts.warning});
    }
    return result;
}

const Certificates::Pair* Certificates::find_like(const Pair& pair) const {
    const auto found = std::ranges::find_if(current_.pairs, [&pair](const Pair& one) {
        return one.plan.host == pair.plan.host && one.plan.chain == pair.plan.chain;
    });
    return found == current_.pairs.end() ? nullptr : &*found;
}

std::vector<std::string> Certificates::changes_from(const Certificates& before) const {
    std::vector<std::string> hosts;
    for (const Pair& pair : current_.pairs) {
        const Pair* const other = before.find_like(pair);
        if (other != nullptr && other->facts.fingerprint != pair.facts.fingerprint) {
            hosts.push_back(pair.plan.host);
        }
    }
    return hosts;
}

links::CertificatesState Certificates::leave() const {
    links::CertificatesState state{current_.number, last_set_, {}, retired_};
    for (const Pair& pair : current_.pairs) {
        state.certificates.push_back({pair.plan, duplicate(pair.chain.get()),
                                      duplicate(pair.key.get()), pair.public_key, pair.facts});
    }
    return state;
}

void Certificates::adopt(links::CertificatesState state) {
    last_set_ = state.last_set;
    retired_ = std::move(state.retired);
    if (!retired_.empty()) retired_timer_.set(retired_limit_);
    current_.number = state.set;
    for (links::CertificateState& one : state.certificates) {
        plans_.push_back(one.plan);
        current_.pairs.push_back({std::move(one.plan), std::move(one.chain), std::move(one.key),
                                  std::move(one.public_key), std::move(one.facts)});
    }
}

}  // namespace holdfast
