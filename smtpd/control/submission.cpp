#include "smtpd/control/submission.h"

#include <algorithm>

#include <sysexits.h>

#include "smtpd/base/packet.h"
#include "smtpd/base/quote.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/completion.h"

namespace holdfast::control {

namespace {

constexpr std::size_t max_envid = 100;       // RFC 3461 section 4.4
constexpr std::size_t max_full_name = 1000;  // no line of a header is longer
constexpr std::size_t max_answer = 1000;
constexpr std::size_t max_unreadable = 20;
constexpr const char* no_recipients = "no recipients";
constexpr std::size_t max_unreadable_length = 200;

constexpr std::uint8_t all_notify_bits =
    notify_never | notify_success | notify_failure | notify_delay;

links::Refusal loop_refusal(std::uint64_t hops) {
    return {554, "5.4.6",
            "the message has been through " + std::to_string(hops) +
                " hosts (Received fields and -h): a mail loop"};
}

}  // namespace

std::uint8_t exit_status(const links::Refusal& refusal) {
    return refusal.code < 500 ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

Submission::Submission(const links::ControlSnapshot& snapshot, Submitter submitter,
                       links::Submit submit)
    : snapshot_(snapshot),
      submitter_(submitter),
      submit_(std::move(submit)),
      recipients_(snapshot.origin) {}

MaybeOutcome Submission::begin() {
    if (submit_.id == MessageId()) return violation("a submission without an id");
    if (oversized() && submitter_.drop == 0) {
        return refuse(EX_UNAVAILABLE, size_trouble());
    }
    if (submit_.envid.size() > max_envid || submit_.full_name.size() > max_full_name) {
        return refuse(EX_USAGE, "envelope id (-V) or full name (-F) is too long");
    }
    if (submit_.sender == "<>") submit_.sender.clear();
    if (!submit_.sender_given || submit_.sender.empty()) return {};
    const auto sender = Address::parse_with_origin(submit_.sender, snapshot_.origin);
    if (!sender) {
        return refuse(EX_USAGE, "sender " + quoted(submit_.sender) + " is not an address");
    }
    submit_.sender = sender->text();
    return {};
}

std::string Submission::size_trouble() const {
    return "the message has " + std::to_string(submit_.length) + " bytes, the limit is " +
           std::to_string(snapshot_.max_message_bytes);
}

MaybeOutcome Submission::on(links::SubmitRecipients&& message) {
    if (phase_ == Phase::discarding) return {};
    if (phase_ != Phase::recipients) return violation("recipients in the wrong place");
    for (const std::string& text : message.recipients) {
        const auto added = recipients_.add(text);
        if (added) continue;
        if (added.error().code() == E2BIG) {
            return refuse(EX_UNAVAILABLE, "too many recipients: at most " +
                                              std::to_string(RecipientList::max_count) +
                                              ", together " +
                                              std::to_string(RecipientList::max_bytes) + " bytes");
        }
        return refuse(EX_DATAERR, quoted(text) + " is not an address: nobody gets the message");
    }
    return {};
}

MaybeOutcome Submission::on(links::SubmitBytes&& message) {
    if (ended_ || phase_ == Phase::over) return violation("bytes in the wrong place");
    brought_ += message.bytes.size();
    if (message.bytes.empty()) return violation("an empty chunk");
    if (message.bytes.size() > max_chunk) return violation("a chunk above the limit");
    if (brought_ > submit_.length) return violation("more bytes than were promised");
    if (phase_ == Phase::discarding) return {};
    if (phase_ == Phase::recipients) {
        if (recipients_.empty()) return refuse(EX_USAGE, no_recipients);
        phase_ = Phase::header;
    }
    return take_text(cleaner_.feed(message.bytes));
}

MaybeOutcome Submission::on(links::SubmitEnd&&) {
    if (ended_ || phase_ == Phase::over) return violation("an end in the wrong place");
    if (phase_ == Phase::discarding) {
        phase_ = Phase::over;
        return {};
    }
    if (brought_ != submit_.length) return violation("fewer bytes than were promised");
    ended_ = true;
    if (phase_ == Phase::recipients && recipients_.empty()) return refuse(EX_USAGE, no_recipients);
    if (auto refused = take_text(cleaner_.finish())) return refused;
    if (sender_) {
        sender_->end();
    } else {
        if (phase_ != Phase::held) header_end_ = text_.size();
        phase_ = Phase::held;
    }
    return {};
}

// Nothing is scanned twice: a header may be as large as the message.
MaybeOutcome Submission::take_text(std::string_view bytes) {
    if (sender_) {
        if (!oversized()) sender_->append(bytes);
        return {};
    }
    text_.append(bytes);
    if (phase_ == Phase::header) find_header_end();
    return phase_ == Phase::header || phase_ == Phase::held ? check_header_size() : MaybeOutcome();
}

// A body without a blank line is no header, however long it is.
MaybeOutcome Submission::check_header_size() {
    if (phase_ == Phase::held ? header_end_ <= max_header : text_.size() <= max_header) return {};
    if (!header_ends_within(std::string_view(text_).substr(0, max_header))) {
        return refuse(EX_DATAERR,
                      "the header has more than " + std::to_string(max_header) + " bytes");
    }
    if (phase_ == Phase::header) header_end_ = text_.size();
    phase_ = Phase::held;
    return {};
}

void Submission::find_header_end() {
    const auto length = header_length(std::string_view(text_).substr(line_start_));
    if (length) {
        header_end_ = line_start_ + *length;
        phase_ = Phase::held;
        return;
    }
    const std::size_t line_end = text_.rfind('\n');
    if (line_end != std::string::npos) line_start_ = line_end + 1;
}

// Empty where he has none.
std::string Submission::login() const {
    return user_->lookup == links::Lookup::found ? user_->name : std::string();
}

// Nothing where the origin is no domain.
std::optional<std::string> Submission::sender() const {
    if (submit_.sender_given) return submit_.sender;
    const auto address = login_address(login(), submitter_.uid, snapshot_.origin);
    if (!address) return std::nullopt;
    return address->text();
}

std::uint8_t Submission::notify() const {
    const std::uint8_t bits = submit_.notify & all_notify_bits;
    if (bits == 0) return notify_default;
    return (bits & notify_never) != 0 ? notify_never : bits;
}

Envelope Submission::envelope(const std::string& sender) const {
    Envelope envelope;
    envelope.id = submit_.id;
    envelope.source = Source::local;
    envelope.uid = submitter_.uid;
    envelope.sender = sender;
    envelope.eight_bit = submit_.eight_bit;
    envelope.ret = submit_.ret;
    envelope.envid = submit_.envid;
    return envelope;
}

Completion Submission::completion(const std::string& sender, WallTime now) const {
    Completion facts;
    facts.work = submit_.complete_header ? HeaderWork::complete : HeaderWork::keep;
    facts.uid = submitter_.uid;
    facts.user = login();
    facts.full_name = user_->lookup == links::Lookup::found ? user_->full_name : std::string();
    facts.given_name = submit_.full_name;
    facts.sender = sender;
    facts.origin = snapshot_.origin;
    facts.hostname = snapshot_.hostname;
    facts.id = submit_.id;
    facts.now = now;
    return facts;
}

MaybeOutcome Submission::start(WallTime now) {
    const auto from = sender();
    if (!from) {
        return refuse(EX_CONFIG, "smtpd.conf: the origin " + quoted(snapshot_.origin) +
                                     " is no domain: nobody here has an address");
    }
    const CompletedHeader header =
        complete_header(std::string_view(text_).substr(0, header_end_), completion(*from, now));
    const std::uint64_t hops = std::uint64_t{submit_.hops} + header.hops;

    links::Refusal refusal = hops > max_hops ? loop_refusal(hops) : links::Refusal();
    if (oversized()) refusal = {552, "5.3.4", size_trouble()};
    std::vector<Recipient> recipients;
    for (const std::string& address : recipients_.addresses()) {
        recipients.push_back({address, {}, notify()});
    }
    recipients_ = RecipientList(snapshot_.origin);
    sender_.emplace(links::Begin{submitter_.transaction, envelope(*from), submitter_.drop});
    sender_->add(recipients, refusal);
    sender_->add(unreadable(), {553, "5.1.3", "this part of the header is no address"});
    sender_->append(header.bytes);
    if (!oversized()) sender_->append(std::string_view(text_).substr(header_end_));
    if (ended_ || oversized()) sender_->end();
    text_ = std::string();
    phase_ = Phase::flowing;
    return {};
}

// What the header named and nobody can read: recipients only in that the sender hears of them.
std::vector<Recipient> Submission::unreadable() const {
    std::vector<Recipient> result;
    for (const std::string& piece : submit_.unreadable) {
        if (result.size() == max_unreadable) break;
        const std::string_view start = std::string_view(piece).substr(0, max_unreadable_length);
        result.push_back({escaped(start), {}, notify()});
    }
    return result;
}

std::vector<links::TransferSender::Message> Submission::take() {
    if (!sender_) return {};
    return sender_->take();
}

void Submission::credit(std::uint32_t bytes) {
    if (sender_) sender_->credit(bytes);
}

std::size_t Submission::held() const {
    return recipients_.memory() + text_.size() + (sender_ ? sender_->held() : 0);
}

// qmgr may know the id from before, and say so while the body still comes.
Outcome Submission::committed() {
    return end(Fate::settled, EX_OK, {});
}

Outcome Submission::rejected(const links::Refusal& refusal) {
    std::string reply = std::to_string(refusal.code);
    if (!refusal.enhanced.empty()) reply += " " + refusal.enhanced;
    return end(Fate::settled, exit_status(refusal),
               "not accepted: " + refusal.text + " (" + reply + ")");
}

// From here on nothing of this submission matters but where the next one begins.
Outcome Submission::end(Fate fate, std::uint8_t status, std::string text) {
    phase_ = ended_ ? Phase::over : Phase::discarding;
    text_ = std::string();
    recipients_ = RecipientList(snapshot_.origin);
    sender_.reset();
    text.resize(std::min(text.size(), max_answer));
    return {fate, {status, harmless(text)}};
}

Outcome Submission::refuse(std::uint8_t status, std::string text) {
    return end(Fate::refused, status, std::move(text));
}

// The sender is kept: give_up() is to say whether qmgr has heard of the submission.
Outcome Submission::violation(std::string what) {
    phase_ = Phase::over;
    return {Fate::violated, {EX_PROTOCOL, std::move(what)}};
}

std::optional<links::Abort> Submission::give_up() const {
    if (!begun() || handed_over()) return std::nullopt;
    return links::Abort{submitter_.transaction};
}

bool Submission::wants_input() const {
    switch (phase_) {
        case Phase::recipients:
        case Phase::header:
            return held() <= small || large_;
        case Phase::held:
            return false;
        case Phase::flowing:  // also when qmgr has all: to learn that the client has gone
            return !sender_->full();
        case Phase::discarding:
        case Phase::over:
            return true;
    }
    return true;
}

}  // namespace holdfast::control
