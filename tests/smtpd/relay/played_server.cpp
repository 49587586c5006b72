#include "tests/smtpd/relay/played_server.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "tests/catch.h"

namespace holdfast::relay {

namespace {

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out.push_back(text[i]);
            continue;
        }
        const char c = text[++i];
        out.push_back(c == 'r' ? '\r' : c == 'n' ? '\n' : c == '0' ? '\0' : c);
    }
    return out;
}

bool matches(std::string_view seen, std::string_view expected) {
    if (!expected.ends_with('*')) return seen == expected;
    expected.remove_suffix(1);
    return seen.starts_with(expected);
}

std::string word_of(links::Way way) {
    switch (way) {
        case links::Way::usable:
            return "usable";
        case links::Way::unreachable:
            return "unreachable";
        case links::Way::broken:
            break;
    }
    return "broken";
}

std::string word_of(Verdict verdict) {
    switch (verdict) {
        case Verdict::delivered:
            return "delivered";
        case Verdict::retry:
            return "retry";
        case Verdict::refused:
            break;
    }
    return "refused";
}

}  // namespace

SessionPlan test_plan() {
    SessionPlan plan;
    plan.host = "mx.example";
    plan.hostname = "us.example";
    plan.nonce = "rOprNGfwEbeRWgbNEkqO";
    return plan;
}

Transaction message_for(const std::vector<std::string>& recipients) {
    Transaction transaction;
    transaction.sender = "a@us.example";
    for (const std::string& recipient : recipients) {
        transaction.recipients.push_back({recipient, {}, notify_default});
    }
    transaction.size = 100;
    return transaction;
}

PlayedServer::PlayedServer(SessionPlan plan) : session_(std::move(plan)) {
    apply(session_.begin(now_));
}

void PlayedServer::play(std::string_view script) {
    while (!script.empty()) {
        std::string_view line = script.substr(0, script.find('\n'));
        script.remove_prefix(std::min(script.size(), line.size() + 1));
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        if (line.empty() || line.front() == '#') continue;
        INFO(line);
        step(line);
    }
}

void PlayedServer::step(std::string_view line) {
    const std::string_view kind = line.substr(0, 2);
    const std::string_view text = line.substr(std::min<std::size_t>(3, line.size()));
    if (kind == "C:") return expect_line(text);
    if (kind == "A:" || kind == "R:") return expect_event(line);
    if (kind == "S|") {
        gathered_.append(text).append("\r\n");
        return;
    }
    expect_silence();
    if (kind == "S:") return say(std::exchange(gathered_, {}).append(text).append("\r\n"));
    if (kind == "S~") return say(unescaped(text));
    if (kind == "B:") return give_line(text);
    if (kind == "T:") {
        return pass_time(std::chrono::seconds(std::atoll(std::string(text).c_str())));
    }
    if (kind == "X:") return happen(text);
    FAIL("no such step");
}

void PlayedServer::happen(std::string_view what) {
    const std::size_t space = std::min(what.find(' '), what.size());
    const std::string_view why = what.substr(std::min(space + 1, what.size()));
    const std::string_view event = what.substr(0, space);
    if (event == "secured") return apply(session_.on_secured({Trust::unverified, 0}, now_));
    if (event == "verified") return apply(session_.on_secured({Trust::verified, 0}, now_));
    if (event == "insecure") return apply(session_.on_handshake_failed(why, now_));
    if (event == "unreadable") return apply(session_.on_body_failed(why, now_));
    if (event == "closed") return apply(session_.on_closed(why, now_));
    if (event == "quit") return apply(session_.quit(now_));
    FAIL("no such event");
}

void PlayedServer::expect_silence() {
    CHECK(output_ == "");
    std::string events;
    for (const std::string& event : events_) events += event + "\n";
    CHECK(events == "");
}

void PlayedServer::expect_line(std::string_view text) {
    if (text == "nothing") {
        REQUIRE(output_ == "");
        return;
    }
    const std::size_t end = output_.find("\r\n");
    REQUIRE(end != std::string::npos);
    const std::string line = output_.substr(0, end);
    output_.erase(0, end + 2);
    INFO("said: " << line);
    REQUIRE(matches(line, text));
}

void PlayedServer::expect_event(std::string_view text) {
    REQUIRE_FALSE(events_.empty());
    const std::string event = events_.front();
    events_.pop_front();
    INFO("there is " << event);
    REQUIRE(matches(event, text));
}

void PlayedServer::transact(Transaction transaction) {
    expect_silence();
    apply(session_.transact(std::move(transaction), now_));
}

void PlayedServer::say(std::string_view bytes) {
    apply(session_.on_input(bytes, now_));
}

// As WireWriter has it, each line a chunk.
void PlayedServer::give_line(std::string_view text) {
    if (text == "end") return end_body(form_ == WireForm::dotted ? ".\r\n" : "BDAT 0 LAST\r\n");
    CHECK(session_.takes_body());
    std::string piece = std::string(text) + "\r\n";
    if (form_ == WireForm::chunked) {
        piece.insert(0, "BDAT " + std::to_string(piece.size()) + "\r\n");
        ++chunks_;
    }
    give_body(piece, chunks_);
}

void PlayedServer::give_body(std::string_view piece, std::uint64_t chunks) {
    apply(session_.body(piece, chunks, now_));
}

void PlayedServer::end_body(std::string_view piece) {
    apply(session_.end_body(piece, now_));
}

void PlayedServer::pass_time(Duration time) {
    now_ += time;
    if (now_ >= session_.deadline()) apply(session_.on_deadline(now_));
}

void PlayedServer::apply(Actions actions) {
    CHECK_FALSE(closed_);
    if (actions.about_to_end) events_.emplace_back("A: final dot");
    output_ += actions.bytes;
    if (actions.start_tls) events_.emplace_back("A: handshake");
    if (actions.stop_body) events_.emplace_back("A: stop body");
    if (actions.send_body) {
        form_ = actions.send_body->form;
        chunks_ = 0;
        events_.push_back(std::string("A: body ") +
                          (form_ == WireForm::dotted ? "dotted " : "chunked ") +
                          (actions.send_body->eight_bit ? "8bit" : "7bit"));
    }
    if (actions.finished) note(*actions.finished);
    if (actions.idle) events_.emplace_back("A: idle");
    CHECK(actions.idle <= session_.idle());
    if (const auto& failure = actions.failure) {
        events_.push_back("A: failed " + word_of(failure->way) + " " + failure->enhanced + " " +
                          failure->why);
    }
    if (actions.plain_may_help) events_.emplace_back("A: plain may help");
    if (actions.close) events_.emplace_back("A: close");
    closed_ = actions.close;
}

void PlayedServer::note(const Transacted& transacted) {
    last_ = transacted;
    events_.push_back("R: " + word_of(transacted.way) + (transacted.uncertain ? " uncertain" : "") +
                      (transacted.why.empty() ? "" : " " + transacted.why));
    for (const links::SentRecipient& recipient : transacted.recipients) {
        const Outcome& outcome = recipient.outcome;
        CHECK(outcome.place == "mx.example");
        events_.push_back("R: " + word_of(outcome.verdict) + " " + outcome.enhanced + " " +
                          outcome.text);
    }
}

}  // namespace holdfast::relay
