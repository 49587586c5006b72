// The dialogue with one client, pure: bytes, qmgr's answers and the time in, actions out. It owns
// no descriptor and no clock; connection.cpp carries its actions out.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/links/smtpin_qmgr.h"
#include "smtpd/links/tls_mode.h"
#include "smtpd/mail/command.h"
#include "smtpd/mail/line_reader.h"
#include "smtpd/mail/reply.h"
#include "smtpd/smtpin/facts.h"
#include "smtpd/smtpin/incoming_message.h"
#include "smtpd/smtpin/limits.h"
#include "smtpd/smtpin/patience.h"
#include "smtpd/tls/layer.h"

namespace holdfast::smtpin {

// What all sessions share; outlives them.
struct Policy {
    std::string hostname;
    std::uint64_t max_message_bytes = 0;
    std::uint32_t max_recipients = 0;
    std::function<MessageId(WallTime)> new_id;
    // Whether a handshake could succeed now: there are certificates and a signer.
    std::function<bool()> can_start_tls = [] { return false; };
};

struct Moment {
    MonoTime mono;
    WallTime wall;
};

// Where a client comes from, as texts, and what the listener that it came to says of TLS.
struct Client {
    std::string literal;    // "[192.0.2.1]"
    std::string with_port;  // "[192.0.2.1]:4711"
    links::TlsMode tls = links::TlsMode::none;
    bool may_relay = false;  // send to other machines
};

// All sessions share one channel to qmgr. The high bits of each number that a session gives to a
// question or a transaction are its own, so that answers find it.
using SessionNumber = std::uint64_t;
inline constexpr unsigned serial_bits = 24;
constexpr SessionNumber session_of(std::uint64_t number) {
    return number >> serial_bits;
}

// Where all places are taken, a session that has been idle for so long gives way: between
// transactions, or inside one, which a client may have begun to keep its place.
inline constexpr Duration idle_before_displaced = std::chrono::seconds(5);
inline constexpr Duration silent_before_displaced = std::chrono::seconds(60);

// To be done in this order.
struct Actions {
    std::size_t used = 0;  // bytes of the input that are done with
    std::vector<links::SmtpinToQmgr> for_queue;
    std::string for_client;  // complete replies
    std::vector<Fact> facts;
    // Then begin a handshake: input that is not used by then is thrown away.
    bool start_tls = false;
    bool finish = false;  // then say no more, and let the client go
};

class SmtpSession {
  public:
    enum class Queue : std::uint8_t { present, absent };

    SmtpSession(const Policy& policy, SessionNumber number, Client client, MonoTime now);

    // The greeting; or, where the soft limit of a drain has passed, the farewell in its place.
    // With implicit TLS the handshake comes first.
    Actions begin(Queue queue, Moment now);

    // Input that is not used comes again, with more behind it, once takes_input() and the replies
    // have gone out. At most max_command_line + 1 bytes need to be kept meanwhile.
    Actions on_input(std::string_view input, Moment now);
    bool takes_input() const;

    Actions on(const links::RecipientReply& answer, Moment now);
    Actions on(const links::Credit& credit, Moment now);
    Actions on(const links::Committed& committed, Moment now);
    Actions on(const links::Rejected& rejected, Moment now);

    // The channel to qmgr broke, with all that was under way there; or there is a new one.
    Actions on_queue(Queue queue, Moment now);

    // The handshake has succeeded: nothing that was said before counts any more.
    Actions on_secured(const tls::Secured& facts, Moment now);
    // It could not begin, or has failed.
    Actions on_handshake_failed(const std::string& why, Moment now);

    // There is an end to it. May come before begin(), and again.
    Actions on_drain(Grace grace, Moment now);

    // From when on this session may be ended in favour of one that finds no place.
    MonoTime displaceable_at() const;
    // It is. The last call.
    Actions on_displaced(Moment now);

    // The connection has ended; `why` is for the log where that ended a handshake. The last call.
    Actions on_client_left(Moment now, const std::string& why = {});

    // Call on_deadline() when this has come; it does nothing before.
    MonoTime deadline() const;
    Actions on_deadline(Moment now);

  private:
    enum class State : std::uint8_t {
        fresh,       // before HELO
        ready,       // between transactions
        recipients,  // behind MAIL
        body,        // behind DATA
        committing,  // the whole message is with qmgr
        securing,    // a handshake is under way
        finished,
    };
    struct Question {
        std::uint64_t number = 0;
        std::string recipient;
    };

    Actions actions(std::size_t used = 0);
    Waiting waiting() const;
    bool between_transactions() const { return state_ == State::fresh || state_ == State::ready; }

    // Input. Each returns how much it used; 0: nothing more can be done with it now.
    std::size_t take(std::string_view input);
    std::size_t take_line(std::string_view input);
    std::size_t take_body(std::string_view input);

    // Commands (session_commands.cpp).
    void do_command(std::string_view line);
    void do_hello(const Command& command);
    void do_mail(std::string_view argument);
    void do_rcpt(std::string_view argument);
    void do_data(std::string_view argument);
    void do_rset(std::string_view argument);
    void do_starttls(std::string_view argument);
    void begin_handshake();
    void greet();
    bool offers_tls() const;
    std::expected<std::string, Reply> sender_of(const PathArgument& path) const;
    std::expected<std::string, Reply> recipient_of(std::string_view argument) const;
    void begin_body();
    Envelope make_envelope(MessageId id) const;
    std::string received_field(MessageId id) const;

    // Answers and ends.
    static Reply queue_absent();
    void say(const Reply& reply);
    void refuse(Subject subject, const Reply& reply, const std::string& recipient = {});
    void note_refusal(Refused refused);
    void answer_question(const Reply& reply);
    void send_message_frames();
    void after_body_advanced();
    void end_body();
    void end_transaction();
    void leave_if_drained();
    Reply restarting() const;
    void finish(Reason reason);
    void finish(Reason reason, const Reply& last);
    std::uint64_t next_number();

    const Policy& policy_;
    SessionNumber number_;
    Client client_;
    Patience patience_;
    Moment now_{};

    State state_ = State::fresh;
    Queue queue_ = Queue::absent;
    bool extended_ = false;  // EHLO
    std::uint64_t serial_ = 0;
    std::string helo_;
    std::string tls_;         // version and cipher, once there is TLS
    bool start_tls_ = false;  // an action
    LineReader lines_{max_command_line};

    // The transaction.
    std::string sender_;
    bool eight_bit_ = false;
    std::vector<std::string> recipients_;
    std::optional<Question> question_;  // open; nothing else is done meanwhile
    std::optional<IncomingMessage> message_;

    ErrorBudget budget_;
    unsigned accepted_ = 0;
    unsigned refused_ = 0;
    unsigned refusals_noted_ = 0;  // a bit for each Subject

    // What the event at hand brings about. Replies wait here while a question is open, so that
    // those of pipelined commands leave together.
    std::string replies_;
    std::vector<links::SmtpinToQmgr> frames_;
    std::vector<Fact> facts_;
};

}  // namespace holdfast::smtpin
