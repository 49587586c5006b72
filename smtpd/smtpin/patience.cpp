#include "smtpd/smtpin/patience.h"

#include <algorithm>

namespace holdfast::smtpin {

void Patience::transaction_began(MonoTime now) {
    transaction_since_ = now;
    in_transaction_ = true;
}

void Patience::transaction_ended(MonoTime now) {
    in_transaction_ = false;
    command_since_ = now;
}

void Patience::body_began(MonoTime now) {
    body_since_ = now;
    byte_since_ = now;
    body_bytes_ = 0;
}

void Patience::body_came(MonoTime now, std::size_t bytes) {
    if (bytes != 0) byte_since_ = now;
    body_bytes_ += bytes;
}

void Patience::queue_gave_credit(MonoTime now) {
    body_since_ += now - queue_since_;
    transaction_since_ += now - queue_since_;
    byte_since_ = now;
}

void Patience::drain(MonoTime now) {
    if (!draining_) drain_since_ = now;
    draining_ = true;
}

MonoTime Patience::deadline(Waiting waiting) const {
    switch (waiting) {
        case Waiting::answer:
        case Waiting::credit:
            return queue_since_ + answer_timeout;
        case Waiting::commit:
            return queue_since_ + commit_timeout;
        case Waiting::command:
        case Waiting::body:
            break;
    }
    const MonoTime deadline = client_deadline(waiting);
    return draining_ ? std::min(deadline, drain_deadline(waiting)) : deadline;
}

MonoTime Patience::client_deadline(Waiting waiting) const {
    const MonoTime whole = in_transaction_ ? transaction_since_ + transaction_timeout
                                           : progress_since_ + progress_timeout;
    if (waiting == Waiting::command) return std::min(whole, command_since_ + command_timeout);
    const auto earned = std::chrono::seconds(body_bytes_ / body_rate);
    return std::min({whole, byte_since_ + body_idle_timeout, body_since_ + body_timeout + earned});
}

MonoTime Patience::drain_deadline(Waiting waiting) const {
    return drain_since_ + (waiting == Waiting::body ? drain_body_timeout : drain_timeout);
}

bool Patience::drain_is_over(Waiting waiting, MonoTime now) const {
    return draining_ && now >= drain_deadline(waiting);
}

}  // namespace holdfast::smtpin
