// A local client, or a file of drop/, that says anything at all: packets with a length in front,
// decoded and carried through a submission as the room would. What goes to qmgr keeps the order
// and the limits of its link.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "smtpd/base/packet.h"
#include "smtpd/control/submission.h"

namespace {

using namespace holdfast;
using control::Submission;

const links::ControlSnapshot snapshot{"box.example.net", "box.example.net", 1'000'000};

void require(bool condition) {
    if (!condition) std::abort();
}

// qmgr's view of one submission.
class Watcher {
  public:
    void on(const links::Begin& begin) {
        require(!begun_);
        require(begin.envelope.uid == 1001);
        require(begin.envelope.sender.find_first_of("\r\n") == std::string::npos);
        begun_ = true;
    }
    void on(const links::Recipients& some) {
        require(begun_ && sent_ == 0 && !some.recipients.empty());
        for (const Recipient& recipient : some.recipients) {
            require(recipient.address.find_first_of("\r\n") == std::string::npos);
        }
    }
    void on(const links::Chunk& chunk) {
        require(begun_ && !ended_ && chunk.bytes.size() <= max_chunk);
        require(chunk.bytes.find_first_of(std::string_view("\r\0", 2)) == std::string::npos);
        sent_ += chunk.bytes.size();
        require(sent_ - credited_ <= links::window);
    }
    void on(const links::End& end) {
        require(begun_ && !ended_ && end.length == sent_);
        ended_ = true;
    }
    void on(const links::Abort&) { require(begun_ && !ended_); }
    void on(const control::Outcome& outcome) {
        require(outcome.answer.status != 0);
        violated_ = outcome.fate == control::Fate::violated;
    }

    void credit() { credited_ = sent_; }
    bool violated() const { return violated_; }

  private:
    bool begun_ = false;
    bool ended_ = false;
    bool violated_ = false;
    std::uint64_t sent_ = 0;
    std::uint64_t credited_ = 0;
};

class Session {
  public:
    bool on(links::ClientToControl&& message) {
        if (auto* submit = std::get_if<links::Submit>(&message)) return begin(std::move(*submit));
        if (!submission_) return false;
        if (auto* recipients = std::get_if<links::SubmitRecipients>(&message)) {
            watch(submission_->on(std::move(*recipients)));
        } else if (auto* bytes = std::get_if<links::SubmitBytes>(&message)) {
            watch(submission_->on(std::move(*bytes)));
        } else if (auto* end = std::get_if<links::SubmitEnd>(&message)) {
            watch(submission_->on(std::move(*end)));
        } else {
            return false;
        }
        go_on();
        return !watcher_.violated();
    }

  private:
    bool begin(links::Submit&& submit) {
        if (submission_ && !submission_->over()) return false;
        watcher_ = Watcher();
        submission_.emplace(snapshot, control::Submitter{1001, 1, 0}, std::move(submit));
        watch(submission_->begin());
        submission_->user_is({1, links::Lookup::found, "al\"ice", 1001, "Alice\nExample", "/"});
        return !watcher_.violated();
    }

    void go_on() {
        if (submission_->ready_to_start()) watch(submission_->start(WallTime()));
        take();
        watcher_.credit();
        submission_->credit(links::window);
        take();
    }

    void take() {
        for (const auto& message : submission_->take()) {
            std::visit([this](const auto& value) { watcher_.on(value); }, message);
        }
    }

    void watch(const control::MaybeOutcome& outcome) {
        if (!outcome) return;
        watcher_.on(*outcome);
        if (const auto abort = submission_->give_up()) watcher_.on(*abort);
    }

    std::optional<Submission> submission_;
    Watcher watcher_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view file(reinterpret_cast<const char*>(data), size);
    Session session;
    while (auto packet = take_frame(file)) {
        while (const auto frame = take_frame(*packet)) {
            links::Decoder decoder(*frame, {}, links::Tail::skip);
            auto message = decoder.take_frame<links::ClientToControl>();
            if (!message || !session.on(std::move(*message))) return 0;
        }
    }
    return 0;
}
