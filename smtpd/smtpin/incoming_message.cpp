#include "smtpd/smtpin/incoming_message.h"

#include <utility>

#include "smtpd/base/packet.h"
#include "smtpd/smtpin/limits.h"

namespace holdfast::smtpin {

namespace {

links::TransferSender make_sender(std::uint64_t transaction, Envelope envelope) {
    const auto recipients = std::exchange(envelope.recipients, {});
    links::TransferSender sender({transaction, std::move(envelope), 0});
    sender.add(recipients);
    return sender;
}

}  // namespace

IncomingMessage::IncomingMessage(std::uint64_t transaction, Envelope envelope,
                                 std::string_view trace, std::uint64_t max_bytes)
    : max_bytes_(max_bytes), sender_(make_sender(transaction, std::move(envelope))) {
    sender_.append(trace);
}

std::size_t IncomingMessage::feed(std::string_view input) {
    const std::size_t used = decoder_.feed(input.substr(0, max_chunk));
    const std::string fresh = decoder_.take_body();
    inspect(fresh);
    if (refusal_) return used;
    sender_.append(fresh);
    if (stage() == DataDecoder::Stage::end) sender_.end();
    return used;
}

void IncomingMessage::inspect(std::string_view fresh) {
    if (refusal_) return;
    hops_.feed(fresh);
    if (hops_.hops() > max_hops) {
        refuse({554, "5.4.6", "mail loop: more than " + std::to_string(max_hops) + " hops"});
    } else if (decoder_.wire_size() > max_bytes_) {
        refuse({552, "5.3.4", "message larger than " + std::to_string(max_bytes_) + " bytes"});
    } else if (decoder_.has_nul()) {
        refuse({554, "5.6.0", "message holds a NUL byte, which is neither 7bit nor 8bit data"});
    }
}

std::vector<links::SmtpinToQmgr> IncomingMessage::take() {
    std::vector<links::SmtpinToQmgr> frames;
    if (std::exchange(abort_, false)) frames.emplace_back(links::Abort{transaction()});
    if (refusal_) return frames;
    for (auto& part : sender_.take()) {
        std::visit([&](auto& message) { frames.emplace_back(std::move(message)); }, part);
    }
    return frames;
}

void IncomingMessage::refuse(Reply why) {
    if (refusal_) return;
    abort_ = sender_.begun();
    refusal_ = std::move(why);
}

void IncomingMessage::refused_by_queue(Reply why) {
    if (!refusal_) refusal_ = std::move(why);
}

}  // namespace holdfast::smtpin
