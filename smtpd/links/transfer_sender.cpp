#include "smtpd/links/transfer_sender.h"

#include <algorithm>
#include <utility>

#include "smtpd/base/packet.h"

namespace holdfast::links {

namespace {

// More than the encoding of a recipient adds to its strings.
constexpr std::size_t recipient_overhead = 32;

bool has_high_bit(std::string_view bytes) {
    unsigned char all = 0;  // no early exit: this way it is done many bytes at a time
    for (const char c : bytes) all |= static_cast<unsigned char>(c);
    return all >= 0x80;
}

}  // namespace

void TransferSender::add(const std::vector<Recipient>& recipients, const Refusal& refusal) {
    std::size_t room = 0;
    for (const Recipient& recipient : recipients) {
        const std::size_t size =
            recipient.address.size() + recipient.original.size() + recipient_overhead;
        if (size > room) {
            recipients_.push_back({transaction_, {}, refusal});
            room = max_chunk;
        }
        room -= size;
        recipient_bytes_ += size + sizeof recipient;
        recipients_.back().recipients.push_back(recipient);
    }
}

void TransferSender::append(std::string_view bytes) {
    if (!begun_ && has_high_bit(bytes)) begin_.envelope.eight_bit = true;
    body_.append(bytes);
    length_ += bytes.size();
}

void TransferSender::credit(std::uint32_t bytes) {
    outstanding_ -= std::min<std::size_t>(bytes, outstanding_);
}

// Full ones, but for the last; 0: none yet.
std::size_t TransferSender::next_chunk() const {
    const std::size_t size = std::min(waiting(), max_chunk);
    const bool whole = size == max_chunk || ended_;
    return whole && outstanding_ + size <= window ? size : 0;
}

void TransferSender::open(std::vector<Message>& messages) {
    if (std::exchange(begun_, true)) return;
    messages.emplace_back(begin_);
    recipient_bytes_ = 0;
    for (Recipients& some : std::exchange(recipients_, {})) messages.emplace_back(std::move(some));
}

std::vector<TransferSender::Message> TransferSender::take() {
    std::vector<Message> messages;
    while (const std::size_t size = next_chunk()) {
        open(messages);
        messages.emplace_back(Chunk{transaction_, body_.substr(taken_, size)});
        taken_ += size;
        outstanding_ += size;
    }
    // Moving the rest to the front each time would be quadratic for a header of megabytes.
    if (taken_ > body_.size() / 2) body_.erase(0, std::exchange(taken_, 0));
    if (ended_ && waiting() == 0 && !done_) {
        open(messages);
        messages.emplace_back(End{transaction_, length_});
        done_ = true;
    }
    return messages;
}

}  // namespace holdfast::links
