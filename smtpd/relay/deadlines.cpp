#include "smtpd/relay/deadlines.h"

#include <algorithm>

namespace holdfast::relay {

std::string_view lack_of(Phase phase) {
    switch (phase) {
        case Phase::handshake:
            return "no end to the TLS handshake";
        case Phase::greeting:
            return "no greeting";
        case Phase::hello:
            return "no answer to EHLO";
        case Phase::starttls:
            return "no answer to STARTTLS";
        case Phase::login:
            return "no answer to AUTH";
        case Phase::mail:
            return "no answer to MAIL";
        case Phase::recipient:
            return "no answer to RCPT";
        case Phase::data:
            return "no answer to DATA";
        case Phase::block:
            return "no progress of the message";
        case Phase::end:
            return "no answer to the end of data";
        case Phase::reset:
            return "no answer to RSET";
        case Phase::quit:
            return "no answer to QUIT";
        case Phase::none:
            break;
    }
    return "nothing to do";
}

Duration patience_for(Phase phase) {
    switch (phase) {
        case Phase::greeting:
        case Phase::hello:
        case Phase::starttls:
        case Phase::login:
        case Phase::mail:
        case Phase::recipient:
        case Phase::reset:
            return std::chrono::minutes(5);
        case Phase::handshake:
            return std::chrono::minutes(1);
        case Phase::data:
            return std::chrono::minutes(2);
        case Phase::block:
            return std::chrono::minutes(3);
        case Phase::end:
            return std::chrono::minutes(10);
        case Phase::quit:
            return std::chrono::seconds(5);
        case Phase::none:
            break;
    }
    return Duration::max();
}

void Deadlines::body_went(std::uint64_t bytes) {
    if (total_ == MonoTime::max()) return;
    total_ += Duration(std::chrono::seconds(bytes)) / body_rate;
}

void Deadlines::wait_for(Phase phase, MonoTime now) {
    phase_ = phase;
    if (phase == Phase::none) {
        waited_ = total_ = MonoTime::max();
    } else {
        waited_ = now + patience_for(phase);
    }
}

MonoTime Deadlines::next() const {
    return std::min(waited_, total_);
}

std::string Deadlines::what_passed(MonoTime now) const {
    if (now < waited_) return "the server takes too long in all";
    return std::string(lack_of(phase_)) + " within " + short_duration(patience_for(phase_));
}

}  // namespace holdfast::relay
