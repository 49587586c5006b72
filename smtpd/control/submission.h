// One submission, from Submit to its answer: checks it, completes its header, and turns it into
// what qmgr takes. The same for a client of the socket and for a file of drop/. Pure: messages in,
// actions out; it owns no descriptor and no clock. Nothing that the client says is believed.
//
// Recipients and header are held back until the header is whole and the user's name is known; the
// body streams through, as fast as qmgr gives credit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/control/recipients.h"
#include "smtpd/links/control_client.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/links/users_client.h"
#include "smtpd/mail/completion.h"
#include "smtpd/mail/message_text.h"

namespace holdfast::control {

// The sender broke the protocol: nothing of the submission is kept.
struct Violation {
    std::string what;
};

// For qmgr, but for the last two, which are for whoever submits.
using Action = std::variant<links::Begin, links::Recipients, links::Chunk, links::End, links::Abort,
                            links::Answer, Violation>;
using Actions = std::vector<Action>;

// Who submits, and under which numbers.
struct Submitter {
    std::uint32_t uid = 0;          // vouched for by the kernel
    std::uint64_t transaction = 0;  // on the channel to qmgr
    std::uint64_t drop = 0;         // the file of drop/ that it comes from, or 0
};

class Submission {
  public:
    // More than this is held back only for one submission at a time: see LargeTurn.
    static constexpr std::size_t small = 256 * 1024;
    static constexpr std::uint32_t max_hops = 50;

    // `snapshot` outlives the submission.
    Submission(const links::ControlSnapshot& snapshot, Submitter submitter, links::Submit submit);

    // Judges the Submit itself.
    Actions begin();
    Actions on(links::SubmitRecipients&& message);
    Actions on(links::SubmitBytes&& message);
    Actions on(links::SubmitEnd&& message);

    // The answer of `users` to who the submitter is.
    void user_is(links::UserReply user);

    // Header and user are known: start() gives what qmgr needs first.
    bool ready_to_start() const;
    Actions start(WallTime now);

    Actions credit(std::uint32_t bytes);
    Actions committed();
    Actions rejected(const links::Refusal& refusal);

    // Whoever submits has gone, or is sent away: takes back what was begun. Once all of it is with
    // qmgr, it stands.
    Actions give_up();

    // False: hold what comes next back until something else has happened.
    bool wants_input() const;
    // Held back so far.
    std::size_t held() const { return recipients_.bytes() + text_.size() - flowed_; }
    // It needs its turn among the large ones to go on.
    bool is_large() const { return !begun() && held() > small; }
    void grant_large_turn() { large_ = true; }
    // qmgr knows of it.
    bool begun() const { return phase_ == Phase::flowing || phase_ == Phase::handed_over; }

    // Everything is with qmgr: only its verdict is missing.
    bool handed_over() const { return phase_ == Phase::handed_over; }
    // Answered, and all that belongs to it has come.
    bool over() const { return phase_ == Phase::over; }

    const MessageId& id() const { return submit_.id; }

  private:
    enum class Phase : std::uint8_t {
        recipients,   // only SubmitRecipients have come
        header,       // bytes come, the header is not whole
        held,         // the header is whole: waits for start()
        flowing,      // qmgr has Begin and takes the body
        handed_over,  // qmgr has End
        discarding,   // answered early: the rest of what was promised is thrown away
        over,
    };

    Actions answer(std::uint8_t status, std::string text);
    Actions violation(std::string what);
    Actions flow();
    void take_text(std::string_view bytes);
    void find_header_end();
    void add_recipients(Actions& actions, const std::vector<std::string>& addresses,
                        const links::Refusal& refusal) const;
    std::vector<std::string> unreadable() const;
    std::string login() const;
    std::optional<std::string> sender() const;
    Completion completion(const std::string& sender, WallTime now) const;
    Envelope envelope(const std::string& sender) const;
    std::uint8_t notify() const;

    const links::ControlSnapshot& snapshot_;
    Submitter submitter_;
    links::Submit submit_;
    RecipientList recipients_;
    MessageText cleaner_{LoneDot::is_text};
    std::optional<links::UserReply> user_;
    Phase phase_ = Phase::recipients;
    bool ended_ = false;         // SubmitEnd has come
    bool large_ = false;         // has its turn among the large ones
    std::uint64_t brought_ = 0;  // bytes of SubmitBytes
    std::uint64_t sent_ = 0;     // bytes of Chunk
    std::uint64_t credit_ = links::window;
    std::string text_;            // before start: header and what came with it; then what is unsent
    std::size_t flowed_ = 0;      // of text_, has been sent
    std::size_t line_start_ = 0;  // of text_: the blank line is not before this
    std::size_t header_end_ = 0;  // of text_, once it is known
};

// What a refusal of qmgr means for a caller of sendmail: 75 where another try may help, else 69.
std::uint8_t exit_status(const links::Refusal& refusal);

}  // namespace holdfast::control
