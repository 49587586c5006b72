#include "smtpd/smtpin/patience.h"

#include <algorithm>

namespace holdfast::smtpin {

void Patience::transaction_ended(MonoTime now) {
    whole_ = progress_;
    command_done(now);
}

void Patience::handshake_began(MonoTime now) {
    command_done(now);
    handshake_ = now + handshake_timeout;
}

void Patience::body_began(MonoTime now) {
    body_ = now + body_timeout;
    byte_ = now + body_idle_timeout;
}

void Patience::body_came(MonoTime now, std::size_t bytes) {
    if (bytes == 0) return;
    byte_ = now + body_idle_timeout;
    body_ += Duration(std::chrono::seconds(bytes)) / body_rate;
}

void Patience::queue_gave_credit(MonoTime now) {
    body_ += now - queue_since_;
    whole_ += now - queue_since_;
    byte_ = now + body_idle_timeout;
}

void Patience::drain(Grace grace) {
    grace_.soft = std::min(grace_.soft, grace.soft);
    grace_.hard = std::min(grace_.hard, grace.hard);
}

MonoTime Patience::drain_deadline(Waiting waiting) const {
    if (waiting == Waiting::handshake && grace_.soft != MonoTime::max()) {
        return std::min(grace_.soft + handshake_drain_time, grace_.hard);
    }
    return waiting == Waiting::next ? grace_.soft : grace_.hard;
}

MonoTime Patience::deadline(Waiting waiting) const {
    switch (waiting) {
        case Waiting::answer:
        case Waiting::credit:
            return queue_since_ + answer_timeout;
        case Waiting::commit:
            return queue_since_ + commit_timeout;
        case Waiting::next:
        case Waiting::command:
            return std::min({whole_, command_, drain_deadline(waiting)});
        case Waiting::handshake:
            return std::min({whole_, handshake_, drain_deadline(waiting)});
        case Waiting::body:
            return std::min({whole_, byte_, body_, drain_deadline(waiting)});
    }
    return whole_;
}

bool Patience::drain_is_over(Waiting waiting, MonoTime now) const {
    return now >= drain_deadline(waiting);
}

}  // namespace holdfast::smtpin
