// Plays a script against a client session that is alone in the world: no socket, no loop, time as
// the script says. One step a line:
//
//     S: 220 mx.example    the server says a line; "S| 250-x" waits and goes with the next S:
//     S~ 25                raw bytes; \r \n \0 \\ are escapes
//     C: EHLO us.example   the session has said this line; a "*" at the end stands for anything
//     C: nothing           it has said nothing more
//     B: text              a line of the body is given to it; "B: end" gives the end
//     A: handshake         it wants one to begin
//     A: body dotted 8bit  it wants the body: dotted or chunked, 8bit or 7bit
//     A: stop body, A: final dot, A: idle, A: plain may help, A: close
//     A: failed unreachable 4.4.2 WHY
//     R: usable            what came of the transaction: its way, "uncertain", the reason
//     R: refused 5.1.1 TEXT  ... and of each recipient, in their order
//     T: 60                seconds pass
//     X: secured           the handshake has succeeded; "X: verified" with a good certificate
//     X: insecure WHY      it has failed
//     X: unreadable WHY    the body cannot be had
//     X: closed WHY        the connection has ended
//     X: quit
//
// Whatever the session says or wants must be in the script before its next step that is not ours,
// or the end of the test.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/relay/client_session.h"

namespace holdfast::relay {

// To mx.example from us.example: SMTP, opportunistic TLS, no login.
SessionPlan test_plan();
// From a@us.example, 100 bytes.
Transaction message_for(const std::vector<std::string>& recipients);

class PlayedServer {
  public:
    explicit PlayedServer(SessionPlan plan = test_plan());
    PlayedServer(const PlayedServer&) = delete;
    PlayedServer& operator=(const PlayedServer&) = delete;
    ~PlayedServer() { expect_silence(); }

    // Each line is as above; empty lines and what follows "#" are ignored.
    void play(std::string_view script);
    void transact(Transaction transaction);

    // For tests that need more than a script.
    void say(std::string_view bytes);
    void give_body(std::string_view piece, std::uint64_t chunks);
    void end_body(std::string_view piece);
    void pass_time(Duration time);
    std::string take_output() { return std::exchange(output_, {}); }
    void ignore_rest() { output_.clear(), events_.clear(); }
    const Transacted& last() const { return last_; }
    ClientSession& session() { return session_; }

  private:
    void step(std::string_view line);
    void happen(std::string_view what);
    void expect_line(std::string_view text);
    void expect_event(std::string_view text);
    void expect_silence();
    void give_line(std::string_view text);
    void apply(Actions actions);
    void note(const Transacted& transacted);

    MonoTime now_{std::chrono::hours(1)};
    ClientSession session_;
    std::string gathered_;
    std::string output_;
    std::deque<std::string> events_;
    WireForm form_ = WireForm::dotted;
    std::uint64_t chunks_ = 0;
    Transacted last_;
    bool closed_ = false;
};

// --- How dialogues begin -------------------------------------------------------------------------

// A server that offers nothing, up to MAIL's turn.
inline constexpr std::string_view bare_hello = R"(
    S: 220 mx.example
    C: EHLO us.example
    S: 250 mx.example
)";

inline constexpr std::string_view pipelining_hello = R"(
    S: 220 mx.example ESMTP
    C: EHLO us.example
    S| 250-mx.example
    S| 250-PIPELINING
    S| 250-8BITMIME
    S: 250 ENHANCEDSTATUSCODES
)";

inline constexpr std::string_view chunking_hello = R"(
    S: 220 mx.example ESMTP
    C: EHLO us.example
    S| 250-mx.example
    S| 250-PIPELINING
    S| 250-CHUNKING
    S: 250 ENHANCEDSTATUSCODES
)";

}  // namespace holdfast::relay
