#include "ctl/sendmail/submission.h"

#include <algorithm>
#include <iterator>

#include "smtpd/base/packet.h"
#include "smtpd/base/quote.h"
#include "smtpd/mail/address_list.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/mail/header.h"

namespace holdfast::sendmail {

namespace {

// Enough for a notice; a frame must hold them.
constexpr std::size_t max_unreadable = 16;
constexpr std::size_t max_unreadable_length = 200;

// Fills packets with as many frames as they take.
class Packing {
  public:
    using Take = std::function<bool(std::string_view, More)>;
    explicit Packing(const Take& take) : take_(take) {}

    bool add(const links::ClientToControl& message) {
        links::Encoder encoder;
        encoder.put_frame(message);
        const bool fits = packet_.size() + frame_header + encoder.bytes.size() <= max_packet;
        if (!fits && !flush(More::yes)) return false;
        append_frame(packet_, encoder.bytes);
        return true;
    }

    bool flush(More more) { return take_(std::exchange(packet_, {}), more); }

  private:
    const Take& take_;
    std::string packet_;
};

// How many of `recipients`, one at the least, a frame takes.
std::size_t count_for_a_frame(std::span<const std::string> recipients) {
    constexpr std::size_t length_field = 4;
    std::size_t size = length_field + 2;
    const auto end = std::ranges::find_if(recipients, [&](const std::string& recipient) {
        return (size += recipient.size() + length_field) > max_chunk;
    });
    return static_cast<std::size_t>(end - recipients.begin());
}

std::unexpected<Failure> bad_recipient(std::string_view operand, std::string_view why) {
    return fails(EX_DATAERR, "recipient \"" + escaped(operand.substr(0, 200)) +
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

Attempt<std::vector<std::string>> operand_recipients(std::span<const std::string> operands) {
    std::vector<std::string> recipients;
    for (const std::string& operand : operands) {
        if (std::ranges::any_of(operand, ascii::is_control)) {
            return bad_recipient(operand, "holds a control character");
        }
        AddressList list = parse_address_list(operand, BareWords::recipients);
        if (!list.unreadable.empty()) {
            return bad_recipient(list.unreadable.front(), "not an address");
        }
        for (ListedAddress& address : list.addresses) {
            recipients.push_back(std::move(address.text));
        }
    }
    return recipients;
}

Attempt<Submission> compose(const Options& options, std::vector<std::string> operands,
                            std::string text) {
    Submission submission;
    submission.submit = described(options);
    const SplitMessage split = split_message(text);
    if (options.recipient_source == RecipientSource::header_too) {
        HeaderRecipients named = header_recipients(split.fields);
        std::ranges::move(named.addresses, std::back_inserter(operands));
        if (operands.empty() && !named.unreadable.empty()) {
            return bad_recipient(named.unreadable.front(), "not an address");
        }
        submission.submit.unreadable = some_of(named.unreadable);
    }
    if (operands.empty()) {
        return fails(EX_USAGE,
                     "no recipients: neither an operand nor, with -t, the header "
                     "names any");
    }
    submission.recipients = std::move(operands);
    const std::string header = public_header(split.fields);
    text.replace(0, text.size() - split.body.size(), header);
    submission.text = std::move(text);
    submission.submit.length = submission.text.size();
    return submission;
}

void for_each_packet(const Submission& submission,
                     const std::function<bool(std::string_view packet, More more)>& take) {
    Packing packing(take);
    bool wanted = packing.add(submission.submit);
    std::span<const std::string> recipients = submission.recipients;
    while (wanted && !recipients.empty()) {
        const auto some = recipients.first(count_for_a_frame(recipients));
        recipients = recipients.subspan(some.size());
        wanted = packing.add(links::SubmitRecipients{{some.begin(), some.end()}});
    }
    std::string_view text = submission.text;
    while (wanted && !text.empty()) {
        const std::string_view some = text.substr(0, max_chunk);
        text.remove_prefix(some.size());
        wanted = packing.add(links::SubmitBytes{std::string(some)});
    }
    if (wanted && packing.add(links::SubmitEnd{})) packing.flush(More::no);
}

}  // namespace holdfast::sendmail
