// One message between the client's bytes and qmgr: decoded, checked as it streams by, and handed
// to the sender that keeps to qmgr's flow control.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/envelope.h"
#include "smtpd/links/smtpin_qmgr.h"
#include "smtpd/links/transfer_sender.h"
#include "smtpd/mail/data_decoder.h"
#include "smtpd/mail/reply.h"
#include "smtpd/smtpin/hop_counter.h"

namespace holdfast::smtpin {

class IncomingMessage {
  public:
    // `trace` goes before the body. `max_bytes` is the limit that SIZE announced.
    IncomingMessage(std::uint64_t transaction, Envelope envelope, std::string_view trace,
                    std::uint64_t max_bytes);

    // Returns how much of the input it used: it may want some of it again, behind take().
    std::size_t feed(std::string_view input);

    // What may go to qmgr now.
    std::vector<links::SmtpinToQmgr> take();
    void credit(std::uint32_t bytes) { sender_.credit(bytes); }

    // No more input before qmgr has given credit, as far as take() could tell.
    bool blocked() const { return !refusal_ && sender_.full(); }
    // qmgr has heard of it.
    bool begun() const { return sender_.begun(); }
    DataDecoder::Stage stage() const { return decoder_.stage(); }

    // The message will not be accepted, and this is what the client hears at the final dot. The
    // rest is decoded and thrown away.
    const std::optional<Reply>& refusal() const { return refusal_; }
    // We refuse it: qmgr gets an Abort where it has heard of the message.
    void refuse(Reply why);
    // qmgr refuses it, or has gone.
    void refused_by_queue(Reply why);

    std::uint64_t transaction() const { return sender_.transaction(); }
    const MessageId& id() const { return sender_.envelope().id; }

  private:
    void inspect(std::string_view fresh);

    std::uint64_t max_bytes_;
    DataDecoder decoder_;
    HopCounter hops_;
    links::TransferSender sender_;
    bool abort_ = false;  // qmgr is to be told
    std::optional<Reply> refusal_;
};

}  // namespace holdfast::smtpin
