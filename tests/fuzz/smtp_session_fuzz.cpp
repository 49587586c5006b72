// A whole session. Each piece of input begins with a byte that says what happens next: so many
// bytes from the client, an answer of qmgr, the channel to it, time, a drain; while a handshake is
// under way, how that ends.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <string>
#include <string_view>

#include "smtpd/smtpin/session.h"

namespace {

using namespace holdfast;
using namespace holdfast::smtpin;

void require(bool holds) {
    if (!holds) std::abort();
}

class Player {
  public:
    Player() { carry_out(session_.begin(SmtpSession::Queue::present, now_)); }

    void play(std::string_view script) {
        while (!script.empty() && !finished_) {
            const auto what = static_cast<unsigned char>(script.front());
            script.remove_prefix(1);
            const std::size_t length = std::min<std::size_t>(what & 0x7f, script.size());
            if (what < 0x80) {
                input_.append(script.substr(0, length));
                script.remove_prefix(length);
            } else {
                happen(what & 0x7f);
            }
            feed();
        }
        if (!finished_) carry_out(session_.on_client_left(now_));
        // Nothing was promised that qmgr did not commit.
        require(promised_ == committed_);
    }

  private:
    void happen(unsigned what) {
        if (handshake_ && what % 8 < 4) return end_handshake(what);
        switch (what % 8) {
            case 0:
                return answer({});
            case 1:
                return answer({550, "5.1.1", "no\r\n250 yes"});
            case 2:
                return carry_out(session_.on(links::Rejected{transaction_, {}}, now_));
            case 3:
                return commit();
            case 4:
                return carry_out(session_.on_queue(SmtpSession::Queue::absent, now_));
            case 5:
                return carry_out(session_.on_queue(SmtpSession::Queue::present, now_));
            case 6:
                now_.mono += std::chrono::seconds(what);
                return carry_out(session_.on_deadline(now_));
            default:
                return what >= 119 ? drain(what == 127 ? 0 : 5) : credit();
        }
    }

    // What came before it is thrown away.
    void end_handshake(unsigned what) {
        handshake_ = false;
        if (what % 2 == 0) return carry_out(session_.on_handshake_failed("no", now_));
        tls::Secured facts{"TLSv1.3", "TLS_TEST", ""};
        facts.discarded = input_.size();
        input_.clear();
        carry_out(session_.on_secured(facts, now_));
    }

    void answer(const links::Refusal& refusal) {
        if (questions_.empty()) return;
        const links::RecipientReply reply{questions_.front(), refusal};
        questions_.pop_front();
        carry_out(session_.on(reply, now_));
    }

    void commit() {
        if (!ended_) return;
        ended_ = false;
        const unsigned before = promised_;
        carry_out(session_.on(links::Committed{transaction_}, now_));
        if (promised_ != before) ++committed_;
    }

    void credit() {
        const auto bytes = static_cast<std::uint32_t>(outstanding_);
        outstanding_ = 0;
        carry_out(session_.on(links::Credit{transaction_, bytes}, now_));
    }

    void drain(int minutes) {
        const MonoTime soft = now_.mono + std::chrono::minutes(minutes);
        carry_out(session_.on_drain({soft, soft + std::chrono::minutes(10)}, now_));
    }

    void feed() {
        std::size_t used = 1;
        while (used != 0 && !input_.empty() && !finished_ && session_.takes_input()) {
            Actions actions = session_.on_input(input_, now_);
            used = actions.used;
            require(used <= input_.size());
            input_.erase(0, used);
            carry_out(std::move(actions));
        }
        require(!handshake_ || finished_ || !session_.takes_input());
        require(finished_ || !session_.takes_input() || input_.size() <= max_command_line + 1);
    }

    void carry_out(Actions actions) {
        for (const auto& frame : actions.for_queue) {
            if (const auto* query = std::get_if<links::RecipientQuery>(&frame)) {
                questions_.push_back(query->query);
            } else if (const auto* begin = std::get_if<links::Begin>(&frame)) {
                transaction_ = begin->transaction;
                outstanding_ = 0;
                ended_ = false;
            } else if (const auto* chunk = std::get_if<links::Chunk>(&frame)) {
                outstanding_ += chunk->bytes.size();
                require(outstanding_ <= links::window);
            } else if (std::holds_alternative<links::End>(frame)) {
                ended_ = true;
            }
        }
        check_replies(actions.for_client);
        require(!actions.start_tls || !handshake_);
        handshake_ |= actions.start_tls;
        finished_ = actions.finish;
    }

    // Whole lines of printable ASCII that begin with a code.
    void check_replies(std::string_view text) {
        while (!text.empty()) {
            const std::size_t end = text.find("\r\n");
            require(end != std::string_view::npos && end >= 4 && end <= 510);
            const std::string_view line = text.substr(0, end);
            require(std::ranges::all_of(line, [](char c) { return c >= 0x20 && c < 0x7f; }));
            require(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
            if (line.find("queued as") != std::string_view::npos) ++promised_;
            text.remove_prefix(end + 2);
        }
    }

    const Policy policy_{"mx.example", 100'000, 5, [](WallTime) { return MessageId(); },
                         [] { return true; }};
    Moment now_{MonoTime(std::chrono::hours(1)), {}};
    SmtpSession session_{
        policy_, 1, {"[192.0.2.1]", "[192.0.2.1]:1", links::TlsMode::starttls}, now_.mono};
    std::string input_;
    std::deque<std::uint64_t> questions_;
    std::uint64_t transaction_ = 0;
    std::size_t outstanding_ = 0;
    bool ended_ = false;
    bool handshake_ = false;
    bool finished_ = false;
    unsigned promised_ = 0;
    unsigned committed_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Player player;
    player.play({reinterpret_cast<const char*>(data), size});
    return 0;
}
