#include "tests/smtpd/smtpin/dialogue.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "tests/catch.h"

namespace holdfast::smtpin {

namespace {

std::string unescaped(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '\\' || i + 1 == text.size()) {
            out.push_back(text[i]);
            continue;
        }
        switch (text[++i]) {
            case 'r':
                out.push_back('\r');
                break;
            case 'n':
                out.push_back('\n');
                break;
            case '0':
                out.push_back('\0');
                break;
            default:
                out.push_back(text[i]);
        }
    }
    return out;
}

bool matches(std::string_view seen, std::string_view expected) {
    if (!expected.ends_with('*')) return seen == expected;
    expected.remove_suffix(1);
    return seen.starts_with(expected);
}

links::Refusal parse_refusal(std::string_view text) {
    const std::size_t first = text.find(' ');
    const std::size_t second = text.find(' ', first + 1);
    return {static_cast<std::uint16_t>(std::atoi(std::string(text.substr(0, first)).c_str())),
            std::string(text.substr(first + 1, second - first - 1)),
            std::string(text.substr(second + 1))};
}

std::string show(const links::SmtpinToQmgr& frame) {
    struct {
        std::string operator()(const links::RecipientQuery& query) const {
            return "ask " + (query.sender.empty() ? "<>" : query.sender) + " " + query.recipient;
        }
        std::string operator()(const links::Begin&) const { return "begin"; }
        std::string operator()(const links::Recipients&) const { return "recipients"; }
        std::string operator()(const links::Chunk&) const { return "chunk"; }
        std::string operator()(const links::End&) const { return "end"; }
        std::string operator()(const links::Abort&) const { return "abort"; }
    } const shower;
    return std::visit(shower, frame);
}

}  // namespace

Policy test_policy() {
    return {"mx.example", 1000, 100, [](WallTime) { return *MessageId::parse(test_id); },
            [] { return true; }};
}

Dialogue::Dialogue(Policy policy, links::TlsMode tls)
    : policy_(std::move(policy)),
      now_{MonoTime(std::chrono::hours(1)), WallTime(std::chrono::seconds(1794209418))},
      session_(policy_, 7, {"[192.0.2.1]", "[192.0.2.1]:4711", tls}, now_.mono) {
    apply(session_.begin(SmtpSession::Queue::present, now_));
}

void Dialogue::play(std::string_view script) {
    while (!script.empty()) {
        std::string_view line = script.substr(0, script.find('\n'));
        script.remove_prefix(std::min(script.size(), line.size() + 1));
        line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
        if (line.empty() || line.front() == '#') continue;
        INFO(line);
        step(line);
    }
    expect_silence();
}

void Dialogue::step(std::string_view line) {
    const std::string_view kind = line.substr(0, 2);
    const std::string_view text = line.substr(std::min<std::size_t>(3, line.size()));
    if (kind == "S:") return expect_reply(text);
    if (kind == "Q:") return expect_frames(text);
    if (kind == "C|") {
        gathered_.append(text).append("\r\n");
        return;
    }
    if (kind == "A:") return answer(text);
    expect_silence();
    if (kind == "C:") return send(std::exchange(gathered_, {}).append(text).append("\r\n"));
    if (kind == "C~") return send(unescaped(text));
    if (kind == "T:") {
        return pass_time(std::chrono::seconds(std::atoll(std::string(text).c_str())));
    }
    if (line.starts_with("X: drain")) return drain(line.substr(8));
    if (line == "X: secured") return secure();
    if (line.starts_with("X: insecure ")) {
        return apply(session_.on_handshake_failed(std::string(line.substr(12)), now_));
    }
    if (line == "X: client left") return apply(session_.on_client_left(now_));
    FAIL("no such step");
}

void Dialogue::expect_silence() {
    CHECK(output_ == "");
    for (const auto& frame : frames_) FAIL_CHECK("qmgr got " << show(frame));
    CHECK_FALSE(handshake_);
    CHECK(closed_ == closed_seen_);
}

void Dialogue::expect_reply(std::string_view text) {
    if (text == "nothing") {
        REQUIRE(output_ == "");
        return;
    }
    if (text == "handshake") {
        REQUIRE(output_ == "");
        REQUIRE(handshake_);
        handshake_ = false;
        return;
    }
    if (text == "closed") {
        REQUIRE(output_ == "");
        REQUIRE(closed_);
        closed_seen_ = true;
        return;
    }
    const std::size_t end = output_.find("\r\n");
    REQUIRE(end != std::string::npos);
    const std::string line = output_.substr(0, end);
    output_.erase(0, end + 2);
    INFO("said: " << line);
    REQUIRE(matches(line, text));
}

void Dialogue::expect_frames(std::string_view text) {
    if (text == "message") return expect_message();
    if (text == "nothing") {
        REQUIRE(frames_.empty());
        return;
    }
    REQUIRE_FALSE(frames_.empty());
    const auto frame = std::move(frames_.front());
    frames_.pop_front();
    REQUIRE(show(frame) == text);
    if (const auto* query = std::get_if<links::RecipientQuery>(&frame)) {
        questions_.push_back(query->query);
    }
    if (const auto* begin = std::get_if<links::Begin>(&frame)) {
        transaction_ = begin->transaction;
        body_.clear();
        envelope_ = begin->envelope;
    }
    if (const auto* chunk = std::get_if<links::Chunk>(&frame)) body_ += chunk->bytes;
    if (const auto* recipients = std::get_if<links::Recipients>(&frame)) {
        envelope_.recipients.insert(envelope_.recipients.end(), recipients->recipients.begin(),
                                    recipients->recipients.end());
    }
    if (const auto* end = std::get_if<links::End>(&frame)) CHECK(end->length == body_.size());
}

void Dialogue::expect_message() {
    expect_frames("begin");
    expect_frames("recipients");
    while (!frames_.empty() && show(frames_.front()) == "chunk") expect_frames("chunk");
    expect_frames("end");
}

void Dialogue::answer(std::string_view text) {
    if (text == "gone") questions_.clear();
    if (text == "gone") return apply(session_.on_queue(SmtpSession::Queue::absent, now_));
    if (text == "back") return apply(session_.on_queue(SmtpSession::Queue::present, now_));
    if (text == "committed") return apply(session_.on(links::Committed{transaction_}, now_));
    constexpr std::string_view rejected = "rejected ";
    if (text.starts_with(rejected)) {
        text.remove_prefix(rejected.size());
        return apply(session_.on(links::Rejected{transaction_, parse_refusal(text)}, now_));
    }
    REQUIRE_FALSE(questions_.empty());
    links::RecipientReply reply{questions_.front(), {}};
    questions_.pop_front();
    if (text != "yes") reply.refusal = parse_refusal(text);
    apply(session_.on(reply, now_));
}

// As a stream does it.
void Dialogue::secure() {
    tls::Secured facts{"TLSv1.3", "TLS_TEST", "mx.example"};
    facts.discarded = input_.size();
    input_.clear();
    apply(session_.on_secured(facts, now_));
}

void Dialogue::drain(std::string_view patience) {
    const auto seconds = std::chrono::seconds(std::atoll(std::string(patience).c_str()));
    const MonoTime hard = now_.mono + std::chrono::minutes(15);
    apply(session_.on_drain({now_.mono + seconds, hard}, now_));
}

void Dialogue::send(std::string_view bytes) {
    input_.append(bytes);
    feed();
}

void Dialogue::feed() {
    std::size_t used = 1;
    while (used != 0 && !input_.empty() && !closed_ && session_.takes_input()) {
        Actions actions = session_.on_input(input_, now_);
        used = actions.used;
        input_.erase(0, used);
        perform(std::move(actions));
    }
}

void Dialogue::pass_time(Duration time) {
    now_.mono += time;
    now_.wall += std::chrono::duration_cast<std::chrono::milliseconds>(time);
    if (now_.mono >= session_.deadline()) apply(session_.on_deadline(now_));
}

// What could not be used before may go on now.
void Dialogue::apply(Actions actions) {
    perform(std::move(actions));
    feed();
}

void Dialogue::perform(Actions actions) {
    for (auto& frame : actions.for_queue) frames_.push_back(std::move(frame));
    output_ += actions.for_client;
    facts_.insert(facts_.end(), actions.facts.begin(), actions.facts.end());
    handshake_ |= actions.start_tls;
    closed_ = actions.finish;
}

std::vector<std::string> Dialogue::take_replies() {
    std::vector<std::string> lines;
    std::string_view rest = output_;
    while (!rest.empty()) {
        const std::size_t end = rest.find("\r\n");
        if (end == std::string_view::npos) FAIL("half a reply");
        lines.emplace_back(rest.substr(0, end));
        rest.remove_prefix(end + 2);
    }
    output_.clear();
    return lines;
}

std::vector<links::SmtpinToQmgr> Dialogue::take_frames() {
    std::vector<links::SmtpinToQmgr> all(std::make_move_iterator(frames_.begin()),
                                         std::make_move_iterator(frames_.end()));
    frames_.clear();
    return all;
}

Policy large_policy() {
    Policy policy = test_policy();
    policy.max_message_bytes = 50'000'000;
    return policy;
}

void answer_all(Dialogue& dialogue) {
    const auto frames = dialogue.take_frames();
    for (const auto& frame : frames) {
        if (const auto* query = std::get_if<links::RecipientQuery>(&frame)) {
            dialogue.apply(
                dialogue.session().on(links::RecipientReply{query->query, {}}, dialogue.now()));
        }
        if (const auto* chunk = std::get_if<links::Chunk>(&frame)) {
            const auto bytes = static_cast<std::uint32_t>(chunk->bytes.size());
            dialogue.apply(
                dialogue.session().on(links::Credit{chunk->transaction, bytes}, dialogue.now()));
        }
        if (const auto* end = std::get_if<links::End>(&frame)) {
            dialogue.apply(
                dialogue.session().on(links::Committed{end->transaction}, dialogue.now()));
        }
    }
    if (!frames.empty()) answer_all(dialogue);
}

void open_body(Dialogue& dialogue) {
    dialogue.send(
        "EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
    answer_all(dialogue);
    REQUIRE(dialogue.take_replies().back().starts_with("354 "));
}

}  // namespace holdfast::smtpin
