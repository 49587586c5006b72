// The dialogue with one server, the client's side of SMTP and LMTP, pure: bytes, events and the
// time in, actions out. It owns no descriptor and no clock; connection.cpp carries its actions out
// and brings the body.
//
//     begin -> (transact -> send_body -> body* -> end_body -> finished)* -> quit
//
// The server is trusted with nothing: what it says in the wrong place ends the session, and where
// TLS is required neither login nor mail goes out before it stands (F17, F18).
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "smtpd/base/clock.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/relay/deadlines.h"
#include "smtpd/relay/login.h"
#include "smtpd/relay/mail_transaction.h"
#include "smtpd/relay/server_reply.h"
#include "smtpd/relay/transaction.h"

namespace holdfast::relay {

// What a session is to do, of its relay's plan and of the attempt.
struct SessionPlan {
    links::RelayProtocol protocol = links::RelayProtocol::smtp;
    links::RelayTls tls = links::RelayTls::opportunistic;
    bool implicit_tls = false;
    std::string host;      // of the server, for outcomes
    std::string hostname;  // ours, for EHLO
    Credentials credentials;
    std::string nonce;  // as for SaslClient; fresh for each session
};

// How a handshake went that has succeeded.
struct Handshake {
    Trust trust = Trust::unverified;
    std::size_t discarded = 0;  // tls::Secured::discarded
};

// To be done in this order.
struct Actions {
    bool about_to_end = false;  // tell qmgr FinalDot before `bytes` leave
    std::string bytes;          // for the server
    bool start_tls = false;     // begin a handshake when they have left
    bool stop_body = false;     // what of the body has not been given is not wanted any more
    std::optional<BodyForm> send_body;   // bring the body, from its beginning
    std::optional<Transacted> finished;  // the transaction is over
    bool idle = false;                   // transact() or quit(), whenever there is a reason to
    std::optional<Failure> failure;      // no more transactions here, and why
    // With it: another connection, without TLS, might do what this one could not.
    bool plain_may_help = false;
    bool close = false;  // drop the connection, with all output that has not left. The last action
};

class ClientSession {
  public:
    explicit ClientSession(SessionPlan plan);
    ClientSession(const ClientSession&) = delete;
    ClientSession& operator=(const ClientSession&) = delete;

    // The connection stands.
    Actions begin(MonoTime now);

    // Takes all of it.
    Actions on_input(std::string_view input, MonoTime now);

    Actions on_secured(const Handshake& handshake, MonoTime now);
    // It could not begin, has failed, or the certificate is not good enough.
    Actions on_handshake_failed(std::string_view why, MonoTime now);

    // One at a time: the first at any time, another when `finished` has come. Where the session
    // is not idle it waits for that. Every one is answered by `finished`, whatever happens.
    Actions transact(Transaction transaction, MonoTime now);
    // Between transactions. Nothing of the last one is under way any more.
    bool idle() const { return state_ == State::idle; }
    // Whether a piece of the body, or its end, may be given now; asked again after every event.
    bool takes_body() const;
    // What WireWriter made, as MailTransaction has it. Each piece when the last has left, or
    // nearly: from one to the next, and to the end, patience is that of Phase::block.
    Actions body(std::string_view piece, std::uint64_t chunks, MonoTime now);
    Actions end_body(std::string_view piece, MonoTime now);
    // It cannot be brought: the connection is cut inside of it, so that nothing of it counts.
    Actions on_body_failed(std::string_view why, MonoTime now);

    // Says goodbye where it is idle, else ends at once. `close` follows.
    Actions quit(MonoTime now);

    // The connection has ended, for this reason; may be empty. The last call.
    Actions on_closed(std::string_view why, MonoTime now);

    // Call on_deadline() when this has come; it does nothing before.
    MonoTime deadline() const { return deadlines_.next(); }
    Actions on_deadline(MonoTime now);

    // What the server offers, once it is ready.
    const Extensions& extensions() const { return server_.extensions; }

  private:
    enum class State : std::uint8_t {
        fresh,
        securing,  // a handshake is under way
        greeting,
        hello,        // behind EHLO or LHLO
        plain_hello,  // behind HELO
        starttls,
        login,
        idle,
        transaction,
        quitting,
        ended,
    };
    enum class Leave : std::uint8_t {
        quit,  // the server listens to commands
        cut,
    };

    Actions actions();
    Phase phase() const;
    std::size_t replies_due() const;
    void follow_transaction();
    void report(const Failure& failure);
    void fail(Failure failure, Leave leave);
    void fail_handshake(links::Way way, std::string_view why);
    void end();

    // Replies (client_session_replies.cpp).
    void take_reply(const ServerReply& reply);
    void take_unasked(const ServerReply& reply);
    void take_set_up_reply(const ServerReply& reply);
    void on_hello(const ServerReply& reply);
    void on_starttls(const ServerReply& reply);
    void on_login(const ServerReply& reply);
    void on_progress(const std::expected<void, Failure>& progress);
    std::string_view asked() const;

    void say(std::string_view command);
    void say_hello();
    void after_hello();
    void begin_handshake();
    void begin_login();
    void become_ready();
    void begin_transaction(Transaction transaction);
    bool can_do_without_extensions() const;
    void refuse_set_up(const ServerReply& reply);
    void fail_as_nonsense(const ServerReply& reply);

    SessionPlan plan_;
    State state_ = State::fresh;
    MonoTime now_{};
    bool secure_ = false;
    Server server_;
    ReplyReader reader_;
    std::size_t due_ = 0;   // replies that commands wait for which have been handed out
    bool unasked_ = false;  // what the reader has begun is none of them
    std::optional<Login> login_;
    std::optional<Transaction> waiting_;  // for the session to be ready
    std::optional<MailTransaction> mail_;
    bool reported_ = false;  // what came of it
    unsigned rounds_ = 0;    // of it that have begun
    Deadlines deadlines_;
    bool progressed_ = false;  // by this event

    Actions pending_;  // what the event at hand brings about
};

}  // namespace holdfast::relay
