#include "ctl/sendmail/submission.h"

#include <algorithm>

#include "smtpd/base/packet.h"
#include "smtpd/base/quote.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/address_list.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/mail/header.h"

namespace holdfast::sendmail {

namespace {

// Enough for a notice; a frame must hold them.
constexpr std::size_t max_unreadable = 16;
constexpr std::size_t max_unreadable_length = 200;

std::string encoded(const links::ClientToControl& message) {
    links::Encoder encoder;
    encoder.put_frame(message);
    return std::move(encoder.bytes);
}

std::string without_case_of_domain(const std::string& text) {
    const auto address = Address::parse(text);
    if (!address) return text;  // a name without a domain
    std::string key = address->local_part() + "@";
    std::ranges::transform(address->domain(), std::back_inserter(key), ascii::lower);
    return key;
}

std::unexpected<Failure> bad_recipient(std::string_view operand, std::string_view why) {
    return fails(Exit::data, "recipient \"" + escaped(operand.substr(0, 200)) +
                                 "\": " + std::string(why) + "; nothing was sent");
}

std::vector<std::string> some_of(std::span<const std::string> pieces) {
    std::vector<std::string> some;
    for (const std::string& piece : pieces.first(std::min(pieces.size(), max_unreadable))) {
        some.push_back(piece.substr(0, max_unreadable_length));
    }
    return some;
}

links::Submit described(const Options& options) {
    links::Submit submit;
    submit.sender_given = options.sender.has_value();
    submit.sender = options.sender.value_or("");
    submit.full_name = options.full_name;
    submit.complete_header = options.header_work == HeaderWork::complete;
    submit.hops = options.hops;
    submit.notify = options.notify;
    submit.ret = options.ret;
    submit.envid = options.envid;
    submit.eight_bit = options.eight_bit;
    return submit;
}

}  // namespace

void RecipientSet::add(std::string address) {
    if (known_.insert(without_case_of_domain(address)).second) {
        addresses_.push_back(std::move(address));
    }
}

Attempt<RecipientSet> operand_recipients(std::span<const std::string> operands) {
    RecipientSet recipients;
    for (const std::string& operand : operands) {
        if (std::ranges::any_of(operand, ascii::is_control)) {
            return bad_recipient(operand, "holds a control character");
        }
        AddressList list = parse_address_list(operand, BareWords::recipients);
        if (!list.unreadable.empty()) {
            return bad_recipient(list.unreadable.front(), "not an address");
        }
        for (ListedAddress& address : list.addresses) recipients.add(std::move(address.text));
    }
    return recipients;
}

Attempt<Submission> compose(const Options& options, RecipientSet operands, std::string text) {
    Submission submission;
    submission.submit = described(options);
    const SplitMessage split = split_message(text);
    if (options.recipient_source == RecipientSource::header_too) {
        HeaderRecipients named = header_recipients(split.fields);
        for (std::string& address : named.addresses) operands.add(std::move(address));
        if (operands.empty() && !named.unreadable.empty()) {
            return bad_recipient(named.unreadable.front(), "not an address");
        }
        submission.submit.unreadable = some_of(named.unreadable);
    }
    if (operands.empty()) {
        return fails(Exit::usage,
                     "no recipients: neither an operand nor, with -t, the header "
                     "names any");
    }
    submission.recipients = operands.take();
    const std::string header = public_header(split.fields);
    text.replace(0, text.size() - split.body.size(), header);
    submission.text = std::move(text);
    submission.submit.length = submission.text.size();
    return submission;
}

std::optional<std::string> SubmissionPackets::next() {
    std::string packet;
    while (held_ || (held_ = next_frame())) {
        if (packet.size() + frame_header + held_->size() > max_packet) break;
        append_frame(packet, *held_);
        held_.reset();
    }
    if (packet.empty()) return std::nullopt;
    return packet;
}

std::optional<std::string> SubmissionPackets::next_frame() {
    switch (stage_) {
        case Stage::submit:
            stage_ = Stage::recipients;
            return encoded(submission_.submit);
        case Stage::recipients:
            return recipients_frame();
        case Stage::text:
            return text_frame();
        case Stage::end:
            stage_ = Stage::done;
            return encoded(links::SubmitEnd{});
        case Stage::done:
            return std::nullopt;
    }
    return std::nullopt;
}

std::string SubmissionPackets::recipients_frame() {
    constexpr std::size_t length_field = 4;
    const std::vector<std::string>& all = submission_.recipients;
    links::SubmitRecipients some;
    std::size_t size = length_field + 2;
    while (recipients_given_ < all.size()) {
        size += all[recipients_given_].size() + length_field;
        if (size > max_chunk) break;
        some.recipients.push_back(all[recipients_given_++]);
    }
    if (recipients_given_ == all.size()) {
        stage_ = submission_.text.empty() ? Stage::end : Stage::text;
    }
    return encoded(some);
}

std::string SubmissionPackets::text_frame() {
    links::SubmitBytes some{submission_.text.substr(text_given_, max_chunk)};
    text_given_ += some.bytes.size();
    if (text_given_ == submission_.text.size()) stage_ = Stage::end;
    return encoded(some);
}

}  // namespace holdfast::sendmail
