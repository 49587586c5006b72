#include "smtpd/smtpin/incoming_message.h"

#include <algorithm>
#include <utility>

#include "smtpd/base/packet.h"
#include "smtpd/smtpin/limits.h"

namespace holdfast::smtpin {

namespace {

// More than the encoding of a recipient adds to its strings.
constexpr std::size_t recipient_overhead = 32;

std::size_t encoded_size(const Recipient& recipient) {
    return recipient.address.size() + recipient.original.size() + recipient_overhead;
}

}  // namespace

IncomingMessage::IncomingMessage(std::uint64_t transaction, Envelope envelope, std::string trace,
                                 std::uint64_t max_bytes)
    : transaction_(transaction),
      envelope_(std::move(envelope)),
      max_bytes_(max_bytes),
      decoder_(std::move(trace)) {}

std::size_t IncomingMessage::feed(std::string_view input) {
    std::size_t used = 0;
    while (used < input.size() && stage() == DataDecoder::Stage::body && !blocked()) {
        const std::size_t before = decoder_.body().size();
        used += decoder_.feed(input.substr(used, max_chunk - before));
        inspect(std::string_view(decoder_.body()).substr(before));
        advance();
    }
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

// Chunks as full as they can be, then the end.
void IncomingMessage::advance() {
    if (refusal_) return decoder_.discard_body();
    if (ended_ || stage() == DataDecoder::Stage::bare_line_end) return;
    if (has_chunk() && !blocked()) send_chunk();
    if (stage() != DataDecoder::Stage::end || !decoder_.body().empty()) return;
    send_begin();
    frames_.emplace_back(links::End{transaction_, length_});
    ended_ = true;
}

bool IncomingMessage::has_chunk() const {
    const std::size_t size = decoder_.body().size();
    return size == max_chunk || (stage() == DataDecoder::Stage::end && size != 0);
}

bool IncomingMessage::blocked() const {
    return !refusal_ && has_chunk() && outstanding_ + decoder_.body().size() > links::window;
}

void IncomingMessage::send_begin() {
    if (std::exchange(begun_, true)) return;
    envelope_.eight_bit |= decoder_.has_eight_bit();
    links::Begin first{transaction_, envelope_};
    const auto recipients = std::exchange(first.envelope.recipients, {});
    frames_.emplace_back(std::move(first));
    links::Recipients batch{transaction_, {}};
    std::size_t size = 0;
    for (const Recipient& recipient : recipients) {
        if (size + encoded_size(recipient) > max_chunk) {
            frames_.emplace_back(std::exchange(batch, {transaction_, {}}));
            size = 0;
        }
        size += encoded_size(recipient);
        batch.recipients.push_back(recipient);
    }
    frames_.emplace_back(std::move(batch));
}

void IncomingMessage::send_chunk() {
    send_begin();
    const std::size_t size = decoder_.body().size();
    frames_.emplace_back(links::Chunk{transaction_, decoder_.take_body()});
    length_ += size;
    outstanding_ += size;
}

IncomingMessage::Frames IncomingMessage::take_frames() {
    return std::exchange(frames_, {});
}

void IncomingMessage::credit(std::uint32_t bytes) {
    outstanding_ -= std::min<std::size_t>(bytes, outstanding_);
    advance();
}

void IncomingMessage::refuse(Reply why) {
    if (refusal_) return;
    refused_by_queue(std::move(why));
    // What has not left yet need not leave.
    const bool unheard = !frames_.empty() && std::holds_alternative<links::Begin>(frames_.front());
    frames_.clear();
    if (begun_ && !unheard) frames_.emplace_back(links::Abort{transaction_});
}

void IncomingMessage::refused_by_queue(Reply why) {
    if (!refusal_) refusal_ = std::move(why);
    decoder_.discard_body();
}

}  // namespace holdfast::smtpin
