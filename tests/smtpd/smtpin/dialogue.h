// Plays a script against a session that is alone in the world: no socket, no loop, time as the
// script says. One step a line:
//
//     C: EHLO a.example       the client sends a line; "C| NOOP" waits and goes with the next C:
//     C~ text\r\n             raw bytes; \r \n \0 \\ are escapes
//     S: 250 2.0.0 Ok         the server says this line; a "*" at the end stands for anything
//     S: closed               it has closed its side
//     S: nothing              nothing more has been said
//     Q: ask a@b c@d          qmgr gets a question, from the sender about the recipient
//     Q: message              ... a whole message, which body() and envelope() show then
//     Q: begin                ... the start of one
//     Q: abort
//     Q: nothing
//     A: yes                  qmgr answers the oldest question; or "A: 550 5.1.1 no such user"
//     A: committed            ... the last message; or "A: rejected 452 4.3.1 full"
//     A: gone, A: back        the channel to qmgr
//     T: 60                   seconds pass
//     X: drain                no patience is left; in 15 minutes an open transaction is cut off
//     X: drain 300            ... and so many seconds of patience
//     X: client left
//     S: handshake            the server waits for one to begin
//     X: secured              it has succeeded; what the client sent before it is thrown away
//     X: insecure WHY         it has failed
//
// Whatever the session says or asks must be in the script.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/smtpin/session.h"

namespace holdfast::smtpin {

inline constexpr std::string_view test_id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

// Host mx.example; 100 recipients, messages of 1000 bytes.
Policy test_policy();

class Dialogue {
  public:
    explicit Dialogue(Policy policy = test_policy(), links::TlsMode tls = links::TlsMode::none);
    Dialogue(const Dialogue&) = delete;
    Dialogue& operator=(const Dialogue&) = delete;

    // Each line is as above; empty lines and what follows "#" are ignored.
    void play(std::string_view script);

    // For tests that need more than a script.
    void send(std::string_view bytes);
    void pass_time(Duration time);
    void apply(Actions actions);
    std::vector<std::string> take_replies();
    std::vector<links::SmtpinToQmgr> take_frames();
    SmtpSession& session() { return session_; }
    Moment now() const { return now_; }
    bool closed() const { return closed_; }
    std::size_t unused_input() const { return input_.size(); }

    const std::string& body() const { return body_; }
    const Envelope& envelope() const { return envelope_; }
    const std::vector<Fact>& facts() const { return facts_; }

  private:
    void step(std::string_view line);
    void expect_reply(std::string_view text);
    void expect_frames(std::string_view text);
    void expect_message();
    void answer(std::string_view text);
    void drain(std::string_view patience);
    void secure();
    void feed();
    void perform(Actions actions);
    void expect_silence();

    Policy policy_;
    Moment now_{};
    SmtpSession session_;
    std::string input_;
    std::string gathered_;
    std::string output_;
    std::deque<links::SmtpinToQmgr> frames_;
    std::deque<std::uint64_t> questions_;
    std::uint64_t transaction_ = 0;
    std::string body_;
    Envelope envelope_;
    std::vector<Fact> facts_;
    bool handshake_ = false;
    bool closed_ = false;
    bool closed_seen_ = false;
};

// --- How dialogues begin, and a qmgr that consents to everything ---------------------------------

// From the greeting to the answer to EHLO.
inline constexpr std::string_view hello = R"(
    S: 220 mx.example ESMTP Holdfast
    C: EHLO client.example
    S: 250-mx.example
    S: 250-PIPELINING
    S: 250-SIZE 1000
    S: 250-8BITMIME
    S: 250 ENHANCEDSTATUSCODES
)";

// The same where TLS is offered.
inline constexpr std::string_view hello_with_tls = R"(
    S: 220 mx.example ESMTP Holdfast
    C: EHLO client.example
    S: 250-mx.example
    S: 250-PIPELINING
    S: 250-SIZE 1000
    S: 250-8BITMIME
    S: 250-ENHANCEDSTATUSCODES
    S: 250 STARTTLS
)";

// From MAIL to 354.
inline constexpr std::string_view to_data = R"(
    C: MAIL FROM:<a@client.example>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@mx.example>
    Q: ask a@client.example b@mx.example
    A: yes
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 *
)";

// From MAIL to the answer to the final dot.
inline constexpr std::string_view transaction = R"(
    C: MAIL FROM:<a@client.example>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@mx.example>
    Q: ask a@client.example b@mx.example
    A: yes
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 *
    C| Subject: x
    C: .
    Q: message
    A: committed
    S: 250 2.0.0 *
)";

// As test_policy(), for messages of 50 MB.
Policy large_policy();

// Takes what qmgr was sent, and answers: yes to each recipient, credit for each chunk, committed.
void answer_all(Dialogue& dialogue);

// All from EHLO to 354, in one burst.
void open_body(Dialogue& dialogue);

}  // namespace holdfast::smtpin
