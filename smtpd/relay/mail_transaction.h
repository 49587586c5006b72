// One Transaction, from its first MAIL to the last reply: as many times MAIL to the end of the data
// as its recipients need. Pure: replies in, commands out. Knows nothing of what came before MAIL,
// and of time; client_session.h has it carried out.
//
// Nothing but a 2xx reply to the end of the data is a delivery, and nothing that a recipient was
// told before that is lost by what happens to the others.
#pragma once

#include <cstddef>
#include <deque>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/relay/outcome.h"
#include "smtpd/relay/transaction.h"

namespace holdfast::relay {

class MailTransaction {
  public:
    // What a reply is an answer to.
    enum class Command : std::uint8_t { mail, rcpt, data, chunk, end, empty_end, reset };

    // What is to be done about the server, in this order.
    struct Orders {
        bool about_to_end = false;  // what follows may make the server take the message
        std::string bytes;
        std::optional<BodyForm> send_body;  // from its beginning
        bool stop_body = false;             // no more of it is wanted
    };

    // `server` outlives the transaction.
    MailTransaction(Transaction transaction, const Server& server);

    // Begins. Where nothing can be sent to this server at all it is settled at once.
    void start();
    // The error: the server makes no sense, or wants none of us. Then comes abandon().
    std::expected<void, Failure> on_reply(const ServerReply& reply);

    // Whether the server waits for more of the body, and may be given some, or the end, now.
    bool takes_body() const;
    // A piece of it as WireWriter made it, with its chunks() behind it. Once the body was stopped
    // pieces lead to nothing.
    void body(std::string_view piece, std::uint64_t chunks);
    // What WireWriter::finish() made, when all before it has left.
    void end_body(std::string_view piece);

    Orders take_orders();

    // The connection has ended for the transaction: who has no answer gets this one.
    void abandon(const Outcome& outcome);

    // Every recipient has an outcome; there may still be something to be cleared away.
    bool settled() const;
    // There is not: the connection is free for another transaction.
    bool at_rest() const;
    // The end of the message has left, and the server has not said what became of it.
    bool uncertain() const;
    std::vector<links::SentRecipient> results() const;

    const Transaction& transaction() const { return transaction_; }
    // What is waited for; nothing while the body goes out.
    std::optional<Command> awaited() const;
    std::size_t replies_due() const { return awaited_.size(); }
    // So often MAIL has been said.
    unsigned rounds() const { return rounds_; }

  private:
    // Of a round.
    enum class Stage : std::uint8_t {
        envelope,  // up to the leave to send the body
        body,      // it goes out, or its end waits for the reply
        over,      // all that is left is to clear away
    };
    struct Awaited {
        Command command = Command::mail;
        std::size_t recipient = 0;  // of rcpt, and of end in LMTP
    };
    using Progress = std::expected<void, Failure>;

    // Why nothing can be sent at all, and why not from or to an address.
    std::optional<Outcome> hindrance() const;
    std::optional<Outcome> hindrance(const std::string& address, std::string_view malformed) const;

    void start_round();
    void say_more();
    void say(Awaited next);
    std::string line_of(Awaited next) const;
    WireForm form() const;
    bool is_lmtp() const { return server_.protocol == links::RelayProtocol::lmtp; }

    bool makes_sense(Command to, const ServerReply& reply) const;
    Progress on_early_reply(const ServerReply& reply);
    Progress on_closing(Awaited to, const ServerReply& reply);
    Progress take_answer(Awaited to, const ServerReply& reply);
    void on_mail(const ServerReply& reply);
    void on_rcpt(std::size_t recipient, const ServerReply& reply);
    Progress on_data(const ServerReply& reply);
    void on_chunk(const ServerReply& reply);
    void on_end(Awaited to, const ServerReply& reply);
    Progress on_reset(const ServerReply& reply);

    void go_on();
    void ask_for_body();
    void begin_body();
    void await_end();
    bool awaits_end() const;

    void settle(std::size_t recipient, Outcome outcome);
    void settle_accepted(const Outcome& outcome);

    Transaction transaction_;
    const Server& server_;
    std::vector<std::optional<links::SentRecipient>> results_;
    unsigned rounds_ = 0;
    Orders orders_;

    // The round.
    Stage stage_ = Stage::envelope;
    std::vector<std::size_t> round_;     // its recipients
    std::vector<std::size_t> accepted_;  // those of it that the server takes
    std::deque<Awaited> unsaid_;
    std::deque<Awaited> awaited_;
    bool open_ = false;           // the server is inside a transaction
    bool in_body_ = false;        // more of the body is to go out
    bool chunk_refused_ = false;  // the server cannot have the message, whatever it says later
    std::uint64_t chunks_ = 0;    // that have gone out, but for the last
};

// "RCPT": as texts name it.
std::string_view name_of(MailTransaction::Command command);

}  // namespace holdfast::relay
