// One server's socket and its session: carries out what the session decides, brings it the body as
// fast as the socket takes it, and judges the certificate.
#pragma once

#include <functional>
#include <optional>
#include <string_view>

#include "smtpd/links/snapshots.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"
#include "smtpd/relay/approach.h"
#include "smtpd/relay/client_session.h"
#include "smtpd/tls/stream.h"

namespace holdfast::relay {

class Connection {
  public:
    // A server may be tired of us after so many transactions; most have a limit of their own.
    static constexpr unsigned max_transactions = 100;

    // Whom it serves at the moment. None is called before a call of ours has returned; each may
    // destroy the connection.
    struct Callbacks {
        // The session stands, and nothing is under way: transact() may come.
        std::function<void()> on_idle;
        // The server waits for the body, from its beginning.
        std::function<void(BodyForm)> on_body;
        // More of it may be given.
        std::function<void()> on_room;
        // What of it was not given is not wanted.
        std::function<void()> on_stop;
        // The end of the message leaves when this returns.
        std::function<void()> on_final;
        std::function<void(Transacted)> on_finished;
        // The last call.
        struct End {
            Failure failure;
            bool plain_may_help = false;
        };
        std::function<void(End)> on_end;
    };

    // `plan` outlives it.
    struct Setup {
        const links::RelayPlan& plan;
        links::RelayTls tls;  // plan's, or less
        std::string hostname;
        std::string nonce;
        Approach::Arrived arrived;
    };
    Connection(Loop& loop, Setup setup);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void serve(Callbacks callbacks) { callbacks_ = std::move(callbacks); }
    void begin();

    void transact(Transaction transaction);
    bool takes_body() const;
    // All that was given has left.
    bool takes_end() const;
    // A piece of the body as WireWriter made it, with all of its BDAT commands so far.
    void body(std::string_view piece, std::uint64_t chunks);
    void end_body(std::string_view piece);
    void body_failed(std::string_view why);
    // Says goodbye and ends.
    void quit();

    bool idle() const { return session_.idle(); }
    // Nothing comes of it any more.
    bool over() const { return ended_; }
    bool worn_out() const { return transactions_ >= max_transactions; }
    const Extensions& extensions() const { return session_.extensions(); }
    const links::RelayPlan& plan() const { return plan_; }

  private:
    std::size_t on_input(std::string_view input);
    void on_end(const tls::End& end);
    void on_drained();
    void ask_for_more_later();
    void start_tls();
    void on_secured(const tls::Secured& secured);
    void perform(Actions actions);
    void tell_later(Actions actions);
    void tell(const Actions& actions);
    void set_timer();

    Loop& loop_;
    const links::RelayPlan& plan_;
    links::RelayTls tls_;
    std::optional<tls::ClientContext> context_;
    Callbacks callbacks_;
    ClientSession session_;
    tls::Stream stream_;
    Timer timer_;
    unsigned transactions_ = 0;
    bool bringing_ = false;  // the body
    bool ended_ = false;
    Life life_;
};

// Whether a certificate will do for a plan that asks for TLS: empty, or why not.
std::string distrust(const links::RelayPlan& plan, const tls::PeerCertificate& peer);

}  // namespace holdfast::relay
