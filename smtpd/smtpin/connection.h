// Joins one client's socket and its session: carries out what the session decides, and holds
// reading back while the session, the client's unread replies or qmgr ask for it.
#pragma once

#include <memory>

#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"
#include "smtpd/smtpin/client_address.h"
#include "smtpd/smtpin/session.h"
#include "smtpd/tls/stream.h"

namespace holdfast::smtpin {

class Sessions;

struct Arrival {
    UniqueFd socket;
    ClientAddress client;
    links::TlsMode tls = links::TlsMode::none;  // of its listener
    bool may_relay = false;
};

class Connection {
  public:
    // `sessions` outlives the connection.
    Connection(Sessions& sessions, Arrival arrival, SessionNumber number);
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void begin(SmtpSession::Queue queue);

    template <class Answer>
    void on_answer(const Answer& answer) {
        perform(session_.on(answer, now()));
        resume();
    }
    void on_queue(SmtpSession::Queue queue);
    void on_drain(Grace grace);

    // Goes on where congestion has held reading back.
    void resume();

    const ClientAddress& client() const { return client_; }
    MonoTime displaceable_at() const {
        return finished_ ? MonoTime::max() : session_.displaceable_at();
    }
    // Says so to the client. To be destroyed then: an idle client has sent nothing that we have
    // not read, so the reply survives the close.
    void displace();

  private:
    std::size_t on_input(std::string_view input);
    void on_end(const tls::End& end);
    void start_tls();
    void on_secured(const tls::Secured& facts);
    void on_timer();
    void perform(Actions actions);
    void write_facts(const Actions& actions) const;
    void finish();
    void set_timer(MonoTime deadline);
    void pause();
    bool can_read() const;
    Moment now() const { return {loop_.now(), loop_.clock().wall()}; }

    Sessions& sessions_;
    Loop& loop_;
    ClientAddress client_;
    SessionNumber number_;
    MonoTime since_;
    SmtpSession session_;
    tls::Stream stream_;
    std::shared_ptr<const void> handshake_;  // what is in use while one is under way
    Timer timer_;
    MonoTime timer_at_ = MonoTime::max();
    bool paused_ = false;
    bool finished_ = false;
};

}  // namespace holdfast::smtpin
