// How the house comes to its end: with its rooms, or without them.
#include <sysexits.h>
#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/base/paths.h"
#include "smtpd/loop/last_call.h"
#include "smtpd/parent/house.h"

namespace holdfast {

void House::stop(Stop how) {
    const bool first = !stopping_;
    if (first) log::info("stopping", {});
    stopping_ = true;
    manager_.stopping("finishing what is in hand");
    roster_.close();
    candidate_.reset();
    // It was told to serve, and ends like any other; its room may be asking for this.
    if (newcomer_) generations_.push_back(std::move(newcomer_));
    refuse_work({EX_TEMPFAIL, "smtpd is being stopped", {}});
    if (how == Stop::now) {
        alone_by_ = loop_.now();
        return kill_the_rest();
    }
    if (!first) return;
    constexpr Duration until_they_notice = std::chrono::seconds(5);
    alone_by_ = loop_.now() + LastCall::limit + until_they_notice;
    stop_deadline_.set(LastCall::limit);
    for (const auto& generation : generations_) generation->stop();
    if (generations_.empty()) stop_when_alone();
}

// The rooms that an earlier parent has left have as long as ours, and are nobody's to kill.
void House::stop_when_alone() {
    constexpr Duration between_looks = std::chrono::milliseconds(50);
    const bool in_time = loop_.now() < alone_by_;
    if (in_time && roster_.anybody()) return sweep_timer_.set(between_looks);
    run_.withdraw();
    unlink(paths::listeners_record);
    log::info("stopped", {});
    loop_.stop(EX_OK);
}

void House::leave_rooms() {
    if (!manager_.present()) return stop(Stop::when_finished);
    log::info("leaving-rooms", {});
    stopping_ = true;
    manager_.stopping("the rooms finish their sessions");
    refuse_work({EX_TEMPFAIL, "smtpd is being restarted", {}});
    if (newcomer_) generations_.push_back(std::move(newcomer_));
    for (const auto& generation : generations_) generation->leave_alone();
    loop_.stop(EX_OK);
}

void House::kill_the_rest() {
    for (const auto& generation : generations_) {
        generation->stop();
        generation->kill();
        agents_.kill_all(generation->number());
    }
    sweep_timer_.set(Duration::zero());
}

}  // namespace holdfast
