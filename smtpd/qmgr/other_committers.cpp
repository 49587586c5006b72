#include "smtpd/qmgr/other_committers.h"

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

void tell_unwatched(const Error& error) {
    log::warning("queue-unwatched",
                 {{"reason", error}, {"walked-every", OtherCommitters::unwatched_walks}});
}

}  // namespace

OtherCommitters::OtherCommitters(Loop& loop, Spool& spool, std::string folder, Callbacks callbacks)
    : loop_(loop),
      spool_(spool),
      folder_(std::move(folder)),
      callbacks_(std::move(callbacks)),
      timer_(loop, [this] { look(); }) {}

void OtherCommitters::start() {
    stopped_ = false;
    open_watch();
    look();
}

void OtherCommitters::stop() {
    stopped_ = true;
    present_ = false;
    timer_.cancel();
    watch_.reset();
}

void OtherCommitters::open_watch() {
    if (folder_.empty()) return;
    auto watch = QueueWatch::open(
        loop_, folder_, {[this] { newcomer(); }, callbacks_.on_arrivals, [this] { walk(); }});
    if (!watch) return tell_unwatched(watch.error());
    watch_ = std::move(*watch);
}

void OtherCommitters::look() {
    timer_.cancel();
    if (stopped_ || std::exchange(looking_, true)) return;
    newcomer_ = false;
    spool_.run([](queue::Store& store) { return store.alone(); },
               [this](const Result<bool>& alone) { looked(alone); });
}

void OtherCommitters::looked(const Result<bool>& alone) {
    looking_ = false;
    if (when_quiet_) return std::exchange(when_quiet_, nullptr)();
    if (stopped_) return;
    if (!alone) log::warning_limited("committers-unknown", {{"reason", alone.error()}});
    if (alone && *alone && !newcomer_) {
        part();
    } else {
        meet();
    }
    const bool blind = !watch_ || (present_ && !sees_queue_);
    if (!last_walk_ || (blind && loop_.now() - *last_walk_ >= unwatched_walks)) walk();
    if (present_ || blind) timer_.set(between_looks);
}

// One that comes while a look is under way is not to be overlooked when that comes to its end.
void OtherCommitters::newcomer() {
    newcomer_ = true;
    if (stopped_ || !last_walk_) return;
    meet();
    if (!looking_) timer_.set(between_looks);
}

// Watched first: what came before is found by the walk.
void OtherCommitters::meet() {
    if (std::exchange(present_, true)) return;
    log::info("others-commit", {});
    if (watch_) {
        const auto watched = watch_->watch_queue();
        sees_queue_ = watched.has_value();
        if (!watched) tell_unwatched(watched.error());
    }
    walk();
}

// What they committed to the last is in queue/; of another that comes now we hear.
void OtherCommitters::part() {
    if (!std::exchange(present_, false)) return;
    log::info("others-gone", {});
    if (watch_) watch_->ignore_queue();
    walk();
}

void OtherCommitters::walk() {
    last_walk_ = loop_.now();
    callbacks_.walk();
}

}  // namespace holdfast::qmgr
