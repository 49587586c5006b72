#include "smtpd/qmgr/disk_health.h"

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration look_when_full = std::chrono::seconds(1);
constexpr Duration look_when_good = std::chrono::seconds(5);

const links::Refusal full{452, "4.3.1", "the mail queue's disk is full; try again later"};
const links::Refusal untrusted{451, "4.3.0",
                               "the mail queue's disk has failed; the administrator must look"};
const links::Refusal hiccup{451, "4.3.0", "the message could not be stored; try again later"};

bool is_full(const Error& error) {
    return error.code() == ENOSPC || error.code() == EDQUOT;
}

std::string amount(const queue::Space& space) {
    return std::to_string(space.bytes / 1024) + " KiB and " + std::to_string(space.files) +
           " files are free";
}

}  // namespace

DiskHealth::DiskHealth(Loop& loop, Spool& spool)
    : loop_(loop), spool_(spool), timer_(loop, [this] { look(); }) {}

std::optional<links::Refusal> DiskHealth::refusal() const {
    switch (state_) {
        case State::good:
            return std::nullopt;
        case State::full:
            return full;
        case State::failed:
            break;
    }
    return untrusted;
}

std::string DiskHealth::trouble() const {
    return state_ == State::good ? std::string() : why_;
}

void DiskHealth::committed() {
    if (state_ == State::good && loop_.now() - last_look_ >= look_when_good) look();
}

links::Refusal DiskHealth::failed(const Error& error) {
    if (is_full(error)) {
        if (state_ == State::good) fill(error.text());
        return full;
    }
    // The kernel has marked the pages clean: a repeated fsync would lie (F39).
    if (error.code() == EIO) return lost_trust(error);
    return hiccup;
}

links::Refusal DiskHealth::lost_trust(const Error& error) {
    if (state_ != State::failed) {
        state_ = State::failed;
        why_ = "the disk has failed (" + error.text() + "); accepting ends until a restart";
        log::error("disk-failed", {{"reason", error}, {"accepting", "no"}});
    }
    return untrusted;
}

void DiskHealth::fill(std::string why) {
    state_ = State::full;
    why_ = "the disk is full (" + why + ")";
    timer_.set(look_when_full);
    log::error("disk-full", {{"reason", why}, {"accepting", "no"}});
}

void DiskHealth::look() {
    if (looking_) return;
    looking_ = true;
    last_look_ = loop_.now();
    spool_.run([](queue::Store& store) { return store.space(); },
               [this](const Result<queue::Space>& space) { looked(space); });
}

void DiskHealth::looked(const Result<queue::Space>& space) {
    looking_ = false;
    if (state_ == State::failed) return;
    const std::uint64_t times = state_ == State::full ? 2 : 1;
    const bool enough =
        space && space->bytes >= times * reserved_bytes && space->files >= times * reserved_files;
    if (!enough && state_ == State::good)
        return fill(space ? amount(*space) : space.error().text());
    if (enough && state_ == State::full) {
        state_ = State::good;
        log::info("disk-recovered", {{"free", amount(*space)}, {"accepting", "yes"}});
    }
    if (state_ == State::full) timer_.set(look_when_full);
}

}  // namespace holdfast::qmgr
