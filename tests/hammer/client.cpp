#include "tests/hammer/client.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace holdfast::hammer {

void Tally::greeted(Time asked) {
    const Time time = now();
    waits.push_back(Seconds(time - asked).count() * 1000);
    if (last != Time{}) longest_gap = std::max(longest_gap, Seconds(time - last).count() * 1000);
    last = time;
}

void Tally::complain(const std::string& what) {
    if (how.size() < 10) how.push_back(what);
}

Client::Client(Tally& tally, Task task, UniqueFd socket)
    : tally_(tally), task_(std::move(task)), wire_(std::move(socket)) {
    ++tally_.begun;
    enter(0);
}

void Client::enter(std::size_t step) {
    step_ = step;
    sent_ = false;
    if (step_ == task_.steps.size()) return end();
    if (task_.steps[step_].pause > 0) {
        due_ = now() + std::chrono::duration_cast<std::chrono::nanoseconds>(
                           Seconds(task_.steps[step_].pause));
        return;
    }
    send_step();
}

void Client::on_time(Time time) {
    if (ended_ || time < due_) return;
    if (sent_) return went_wrong(&Tally::unanswered, "no reply");
    send_step();
}

void Client::send_step() {
    const Step& step = task_.steps[step_];
    sent_ = true;
    due_ = now() + patience;
    const Wire::Moved moved = wire_.send(step.bytes);
    if (moved.state != Wire::State::fine) {
        return went_wrong(&Tally::cut, "send: " + moved.reason);
    }
    if (step.code == 0) enter(step_ + 1);
}

void Client::on_ready() {
    if (ended_) return;
    if (shaking_hands_) return start_tls();
    receive();
}

void Client::receive() {
    std::array<char, 4096> buffer{};
    while (!ended_ && !shaking_hands_) {
        const Wire::Moved moved = wire_.receive(buffer);
        switch (moved.state) {
            case Wire::State::wait:
                return;
            case Wire::State::closed:
                return went_wrong(&Tally::cut, "the server closed the connection");
            case Wire::State::failed:
                return went_wrong(
                    moved.reason == std::strerror(ECONNREFUSED) ? &Tally::refused : &Tally::cut,
                    moved.reason);
            case Wire::State::fine:
                break;
        }
        if (task_.kind == Kind::control) return on_answer();
        input_.append(buffer.data(), moved.bytes);
        if (!take_replies()) return;
    }
}

// A packet, and there is one only.
void Client::on_answer() {
    tally_.greeted(begun_);
    end();
}

// False where the client has ended.
bool Client::take_replies() {
    std::size_t end = 0;
    while ((end = input_.find("\r\n")) != std::string::npos) {
        const std::string line = input_.substr(0, end);
        input_.erase(0, end + 2);
        if (line.size() > 3 && line[3] == '-') continue;
        int code = 0;
        std::from_chars(line.data(), line.data() + std::min<std::size_t>(3, line.size()), code);
        on_reply(code);
        if (ended_) return false;
    }
    return true;
}

void Client::on_reply(int code) {
    const Step& step = task_.steps[step_];
    if (!sent_ || step.code != code) {
        return went_wrong(&Tally::wrong, "step " + std::to_string(step_) + ": " +
                                             std::to_string(code) + " where " +
                                             std::to_string(step.code) + " was expected");
    }
    if (step_ == 0) tally_.greeted(begun_);
    if (step.ends_message) {
        tally_.accepted.push_back(task_.name);
        task_.name.clear();
    }
    if (step.starts_tls) return start_tls();
    enter(step_ + 1);
}

void Client::start_tls() {
    const Wire::Moved moved = wire_.shake_hands();
    shaking_hands_ = moved.state == Wire::State::wait;
    if (shaking_hands_) return;
    if (moved.state != Wire::State::fine) {
        return went_wrong(&Tally::cut, "handshake: " + moved.reason);
    }
    enter(step_ + 1);
}

void Client::end() {
    ended_ = true;
    ++tally_.done;
    wire_ = {};
}

void Client::went_wrong(std::uint64_t Tally::* count, const std::string& what) {
    ++(tally_.*count);
    tally_.complain("step " + std::to_string(step_) + ", after " +
                    std::to_string(Seconds(now() - begun_).count()) + " s: " + what);
    if (!task_.name.empty()) tally_.unknown.push_back(task_.name);
    ended_ = true;
    wire_ = {};
}

}  // namespace holdfast::hammer
