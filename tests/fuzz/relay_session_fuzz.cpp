// A whole session as a client. The first byte is the plan; each piece of input behind it begins
// with a byte that says what happens next: so many bytes from the server, a transaction, some of
// the body or its end, time, the end of a handshake, the end of the connection.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "smtpd/relay/client_session.h"

namespace {

using namespace holdfast;
using namespace holdfast::relay;

void require(bool holds) {
    if (!holds) std::abort();
}

bool is_printable(std::string_view text) {
    return std::ranges::none_of(text, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7f; });
}

SessionPlan plan_of(unsigned what) {
    SessionPlan plan;
    plan.protocol = (what & 1) != 0 ? links::RelayProtocol::lmtp : links::RelayProtocol::smtp;
    plan.tls = static_cast<links::RelayTls>(what / 2 % 3);
    plan.implicit_tls = (what & 8) != 0;
    plan.host = "mx.example";
    plan.hostname = "us.example";
    if ((what & 16) != 0) {
        const auto kind = (what & 32) != 0 ? SecretKind::token : SecretKind::password;
        plan.credentials = {"user", "pencil", kind};
    }
    plan.nonce = "nonce";
    return plan;
}

Transaction transaction_of(unsigned what) {
    Transaction transaction;
    transaction.sender = what % 5 == 0 ? "" : "a@us.example";
    const unsigned count = what % 7 == 0 ? 103 : what % 4;
    for (unsigned i = 0; i < count; ++i) {
        transaction.recipients.push_back(
            {"u" + std::to_string(i) + "@x.example", "rfc822;a@b", notify_success});
    }
    if (what % 3 == 0) transaction.recipients.push_back({"a b\r\n@x", "", notify_default});
    transaction.size = std::uint64_t{10} * what;
    transaction.eight_bit = what % 2 == 0;
    transaction.utf8 = what % 11 == 0;
    transaction.require_tls = what % 13 == 0;
    transaction.envid = "id";
    return transaction;
}

class Player {
  public:
    explicit Player(SessionPlan plan) : plan_(std::move(plan)), session_(plan_) {
        carry_out(session_.begin(now_));
    }

    void play(std::string_view script) {
        while (!script.empty() && !closed_) {
            const auto what = static_cast<unsigned char>(script.front());
            script.remove_prefix(1);
            const std::size_t length = std::min<std::size_t>(what & 0x7f, script.size());
            if (what < 0x80) {
                heard_since_end_ += script.substr(0, length);
                carry_out(session_.on_input(script.substr(0, length), now_));
                script.remove_prefix(length);
            } else {
                happen(what & 0x7f);
            }
        }
        if (!closed_) carry_out(session_.on_closed("", now_));
        require(closed_ && !open_);
    }

  private:
    void happen(unsigned what) {
        switch (what % 10) {
            case 0:
            case 1:
                return transact(what / 10);
            case 2:
                if (session_.takes_body()) give_body();
                return;
            case 3:
                if (!session_.takes_body()) return;
                return carry_out(session_.end_body(chunked_ ? "BDAT 0 LAST\r\n" : ".\r\n", now_));
            case 4:
                now_ += std::chrono::seconds(what);
                return carry_out(session_.on_deadline(now_));
            case 5:
            case 6:
                return end_handshake(what / 10);
            case 7:
                return carry_out(session_.on_body_failed("\r\nno", now_));
            case 8:
                return carry_out(session_.quit(now_));
            default:
                return carry_out(session_.on_closed("\r\ngone", now_));
        }
    }

    void transact(unsigned what) {
        if (open_) return;
        open_ = true;
        ended_ = false;
        Transaction transaction = transaction_of(what);
        recipients_ = transaction.recipients.size();
        carry_out(session_.transact(std::move(transaction), now_));
    }

    void give_body() {
        if (chunked_) ++chunks_;
        carry_out(session_.body(chunked_ ? "BDAT 3\r\nx\r\n" : "x\r\n", chunks_, now_));
    }

    void end_handshake(unsigned what) {
        if (!handshake_) return;
        handshake_ = false;
        if (what % 4 == 0) return carry_out(session_.on_handshake_failed("\nno", now_));
        const Trust trust = what % 4 == 1 ? Trust::unverified : Trust::verified;
        secure_ = plan_.tls != links::RelayTls::required || trust == Trust::verified;
        carry_out(session_.on_secured({trust, what % 8 == 7 ? 1U : 0U}, now_));
    }

    void carry_out(const Actions& actions) {
        if (actions.about_to_end) {
            require(!actions.bytes.empty());
            if (!ended_) heard_since_end_.clear();
            ended_ = true;
        }
        check_output(actions.bytes);
        require(!actions.start_tls || !handshake_);
        handshake_ |= actions.start_tls;
        if (actions.send_body) {
            chunked_ = actions.send_body->form == WireForm::chunked;
            chunks_ = 0;
        }
        if (actions.finished) check_result(*actions.finished);
        require(!actions.idle || session_.idle());
        if (actions.failure) require(is_printable(actions.failure->why));
        require(!actions.plain_may_help || plan_.tls == links::RelayTls::opportunistic);
        closed_ = actions.close;
        require(closed_ || session_.idle() || session_.deadline() != MonoTime::max());
    }

    // Whole lines; in plain no more than what asks for TLS, where that is required.
    void check_output(std::string_view bytes) const {
        require(bytes.size() <= 64 * 1024);
        require(bytes.empty() || bytes.ends_with("\r\n"));
        while (!bytes.empty()) {
            const std::string_view line = bytes.substr(0, bytes.find("\r\n"));
            bytes.remove_prefix(line.size() + 2);
            require(is_printable(line));
            require(line.find('<') == std::string_view::npos || line.find('>') < line.size());
            if (plan_.tls != links::RelayTls::required || secure_) continue;
            require(line.starts_with("EHLO ") || line.starts_with("LHLO ") || line == "STARTTLS" ||
                    line == "QUIT");
        }
    }

    // Nothing is delivered but by a success that came behind the end of the data.
    void check_result(const Transacted& result) {
        require(open_ && result.recipients.size() == recipients_);
        open_ = false;
        for (const links::SentRecipient& recipient : result.recipients) {
            const std::string& text = recipient.outcome.text;
            require(!text.empty() && text.size() <= 1024 && is_printable(text));
            require(!text.starts_with("end of data: 3") ||
                    recipient.outcome.verdict == Verdict::retry);
            if (recipient.outcome.verdict != Verdict::delivered) continue;
            require(ended_);
            require(heard_since_end_.starts_with('2') ||
                    heard_since_end_.find("\n2") != std::string::npos);
            require(text.starts_with("end of data: 2"));
        }
        require(!result.uncertain || ended_);
    }

    SessionPlan plan_;
    MonoTime now_{std::chrono::hours(1)};
    ClientSession session_;
    std::string heard_since_end_;
    std::size_t recipients_ = 0;
    std::uint64_t chunks_ = 0;
    bool open_ = false;  // a transaction that has no result
    bool ended_ = false;
    bool chunked_ = false;
    bool handshake_ = false;
    bool secure_ = false;
    bool closed_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.empty()) return 0;
    Player player(plan_of(static_cast<unsigned char>(input.front())));
    player.play(input.substr(1));
    return 0;
}
