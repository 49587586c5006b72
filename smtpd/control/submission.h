// One submission, from Submit to its answer: checks it, completes its header, and turns it into
// what qmgr takes. The same for a client of the socket and for a file of drop/. Pure: messages in,
// messages out; it owns no descriptor and no clock. Nothing that the client says is believed.
//
// Recipients and header are held back until the header is whole and the user's name is known; the
// body streams through, as fast as qmgr gives credit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/control/recipients.h"
#include "smtpd/links/control_client.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/links/transfer_sender.h"
#include "smtpd/links/users_client.h"
#include "smtpd/mail/completion.h"
#include "smtpd/mail/message_text.h"

namespace holdfast::control {

// How a submission ended.
enum class Fate : std::uint8_t {
    settled,   // qmgr has decided
    refused,   // it was refused here: qmgr has not heard of it
    violated,  // whoever submits broke the protocol: nothing of the submission is kept
    lost,      // qmgr has gone with it: nobody knows what became of it
};

// The last word on a submission. The answer is for whoever submits; where the protocol was broken
// its text is for the log, and where qmgr has gone there is none.
struct Outcome {
    Fate fate = Fate::refused;
    links::Answer answer;
};
// Mostly there is none yet.
using MaybeOutcome = std::optional<Outcome>;

// Who submits, and under which numbers.
struct Submitter {
    std::uint32_t uid = 0;          // vouched for by the kernel
    std::uint64_t transaction = 0;  // on the channel to qmgr
    std::uint64_t drop = 0;         // the file of drop/ that it comes from, or 0
};

class Submission {
  public:
    // More than this is held back only for one submission at a time: see House.
    static constexpr std::size_t small = std::size_t{256} * 1024;
    static constexpr std::uint32_t max_hops = 50;
    // Of a header. What it takes to complete one is bounded by this.
    static constexpr std::size_t max_header = std::size_t{4} * 1024 * 1024;

    // `snapshot` outlives the submission.
    Submission(const links::ControlSnapshot& snapshot, Submitter submitter, links::Submit submit);

    // Judges the Submit itself.
    MaybeOutcome begin();
    MaybeOutcome on(links::SubmitRecipients&& message);
    MaybeOutcome on(links::SubmitBytes&& message);
    MaybeOutcome on(links::SubmitEnd&& message);

    // The answer of `users` to who the submitter is.
    void user_is(links::UserReply user) { user_ = std::move(user); }
    bool wants_user() const { return !user_.has_value(); }

    // Header and user are known: start() completes the header.
    bool ready_to_start() const { return phase_ == Phase::held && user_.has_value(); }
    MaybeOutcome start(WallTime now);

    // What may go to qmgr now.
    std::vector<links::TransferSender::Message> take();
    void credit(std::uint32_t bytes);
    Outcome committed();
    Outcome rejected(const links::Refusal& refusal);

    // Whoever submits has gone, or is sent away. Returns what takes back what qmgr has heard of;
    // once all of it is with qmgr, it stands.
    std::optional<links::Abort> give_up() const;

    // False: hold what comes next back until something else has happened.
    bool wants_input() const;
    // Held back so far.
    std::size_t held() const;
    // It needs its turn among the large ones to go on.
    bool is_large() const { return !sender_ && held() > small; }
    void grant_large_turn() { large_ = true; }

    // qmgr knows of it.
    bool begun() const { return sender_ && sender_->begun(); }
    // Everything is with qmgr: only its verdict is missing.
    bool handed_over() const { return sender_ && sender_->done(); }
    // Answered, and all that belongs to it has come.
    bool over() const { return phase_ == Phase::over; }

    const MessageId& id() const { return submit_.id; }

  private:
    enum class Phase : std::uint8_t {
        recipients,  // only SubmitRecipients have come
        header,      // bytes come, the header is not whole
        held,        // the header is whole: waits for start()
        flowing,     // the sender has it, and gets the rest of the body
        discarding,  // answered early: the rest of what was promised is thrown away
        over,
    };

    // A file of drop/ was acknowledged: its header alone goes to qmgr, for the bounce.
    bool oversized() const { return submit_.length > snapshot_.max_message_bytes; }
    std::string size_trouble() const;
    Outcome end(Fate fate, std::uint8_t status, std::string text);
    Outcome refuse(std::uint8_t status, std::string text);
    Outcome violation(std::string what);
    MaybeOutcome take_text(std::string_view bytes);
    void find_header_end();
    MaybeOutcome check_header_size();
    std::vector<Recipient> unreadable() const;
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
    bool ended_ = false;          // SubmitEnd has come
    bool large_ = false;          // has its turn among the large ones
    std::uint64_t brought_ = 0;   // bytes of SubmitBytes
    std::string text_;            // before start(): the header and what came with it
    std::size_t line_start_ = 0;  // of text_: the blank line is not before this
    std::size_t header_end_ = 0;  // of text_, once it is known
    std::optional<links::TransferSender> sender_;  // from start() on
};

// What a refusal of qmgr means for a caller of sendmail: 75 where another try may help, else 69.
std::uint8_t exit_status(const links::Refusal& refusal);

}  // namespace holdfast::control
