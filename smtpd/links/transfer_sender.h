// The sending half of a transfer (transfer.h), the same in smtpin and in control: recipients in
// batches that fit into a frame, the body in full chunks, never more than a window of it under
// way. qmgr hears of a message with its first chunk, so that a small one is one packet. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "smtpd/base/packet.h"
#include "smtpd/links/transfer.h"

namespace holdfast::links {

class TransferSender {
  public:
    using Message = std::variant<Begin, Recipients, Chunk, End>;

    // `begin` as in transfer.h: its envelope is without recipients.
    explicit TransferSender(Begin begin)
        : transaction_(begin.transaction), begin_(std::move(begin)) {}

    // Recipients with one fate, however many. Before the first take().
    void add(const std::vector<Recipient>& recipients, const Refusal& refusal = {});

    // The body's next bytes; LF line ends.
    void append(std::string_view bytes);
    // The body is complete.
    void end() { ended_ = true; }
    void credit(std::uint32_t bytes);

    // What may go to qmgr now, in this order.
    std::vector<Message> take();

    // Behind take(): it goes on only when there is credit, and nothing more should be appended.
    bool full() const { return waiting() >= max_chunk || (ended_ && !done_); }
    // Bytes that were appended or added, and not taken.
    std::size_t held() const { return waiting() + recipient_bytes_; }

    // qmgr has heard of it: from here on it can be taken back only with an Abort.
    bool begun() const { return begun_; }
    // qmgr has all of it.
    bool done() const { return done_; }

    std::uint64_t transaction() const { return transaction_; }
    const Envelope& envelope() const { return begin_.envelope; }

  private:
    std::size_t waiting() const { return body_.size() - taken_; }
    std::size_t next_chunk() const;
    void open(std::vector<Message>& messages);

    std::uint64_t transaction_;
    Begin begin_;
    std::vector<Recipients> recipients_;
    std::size_t recipient_bytes_ = 0;
    std::string body_;
    std::size_t taken_ = 0;  // of body_
    std::uint64_t length_ = 0;
    std::size_t outstanding_ = 0;
    bool begun_ = false;
    bool ended_ = false;
    bool done_ = false;
};

}  // namespace holdfast::links
