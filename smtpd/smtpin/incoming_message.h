// One message between the client's bytes and qmgr's frames: decoded, checked as it streams by,
// cut into chunks, never more than a window of it under way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/envelope.h"
#include "smtpd/links/smtpin_qmgr.h"
#include "smtpd/mail/data_decoder.h"
#include "smtpd/mail/reply.h"
#include "smtpd/smtpin/hop_counter.h"

namespace holdfast::smtpin {

class IncomingMessage {
  public:
    using Frames = std::vector<links::SmtpinToQmgr>;

    // `trace` goes before the body. qmgr hears of the message with its first chunk, so a small
    // one is one packet. `max_bytes` is the limit that SIZE announced.
    IncomingMessage(std::uint64_t transaction, Envelope envelope, std::string trace,
                    std::uint64_t max_bytes);

    // Returns how much of the input it used: all, unless the message ended or is blocked().
    std::size_t feed(std::string_view input);

    // What may go to qmgr now.
    Frames take_frames();
    void credit(std::uint32_t bytes);

    // No more input before qmgr has given credit.
    bool blocked() const;
    // qmgr has heard of it.
    bool begun() const { return begun_; }
    DataDecoder::Stage stage() const { return decoder_.stage(); }

    // The message will not be accepted, and this is what the client hears at the final dot. The
    // rest is decoded and thrown away.
    const std::optional<Reply>& refusal() const { return refusal_; }
    // We refuse it: qmgr gets an Abort where it has heard of the message.
    void refuse(Reply why);
    // qmgr refuses it, or has gone.
    void refused_by_queue(Reply why);

    std::uint64_t transaction() const { return transaction_; }
    const Envelope& envelope() const { return envelope_; }
    std::uint64_t wire_size() const { return decoder_.wire_size(); }

  private:
    void inspect(std::string_view fresh);
    void advance();
    bool has_chunk() const;
    void send_begin();
    void send_chunk();

    std::uint64_t transaction_;
    Envelope envelope_;
    std::uint64_t max_bytes_;
    DataDecoder decoder_;
    HopCounter hops_;
    Frames frames_;
    std::uint64_t length_ = 0;  // of the chunks so far
    std::size_t outstanding_ = 0;
    bool begun_ = false;
    bool ended_ = false;
    std::optional<Reply> refusal_;
};

}  // namespace holdfast::smtpin
