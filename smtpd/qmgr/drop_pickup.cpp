#include "smtpd/qmgr/drop_pickup.h"

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration between_trims = std::chrono::hours(1);

// No honest submission is larger: such a file is not even looked into. What is above the limit for
// messages is control's affair, which has its sender told.
constexpr std::uint64_t max_file_bytes = std::uint64_t{1} << 38;

}  // namespace

DropPickup::DropPickup(Loop& loop, Spool& spool, Setup setup, Offer offer)
    : loop_(loop),
      spool_(spool),
      drop_(std::make_shared<queue::Drop>(std::move(setup.drop))),
      folder_(std::move(setup.folder)),
      offer_(std::move(offer)),
      timer_(loop, [this] { look(); }) {}

void DropPickup::start() {
    auto watch = FolderWatch::open(loop_, folder_, FolderWatch::News::arrivals, [this] { look(); });
    if (watch) {
        watch_ = std::move(*watch);
    } else {
        log::warning("drop-unwatched", {{"reason", watch.error()}, {"every", every}});
    }
    look();
}

void DropPickup::drain() {
    draining_ = true;
    timer_.cancel();
    watch_.reset();
}

void DropPickup::connected() {
    connected_ = true;
    advance();
}

void DropPickup::disconnected() {
    connected_ = false;
    look_again_ = look_again_ || !in_hand_.empty();
    in_hand_.clear();
}

// --- What is there -------------------------------------------------------------------------------

void DropPickup::look() {
    if (draining_) return;
    timer_.set(every);
    look_again_ = walk_ != nullptr;
    if (look_again_) return give_up_late_ones();
    walk_ = std::make_shared<Walk>();
    walk_->reading = true;
    spool_.run(
        [drop = drop_, now = spool_.wall()](queue::Store&) {
            if (const auto reaped = drop->reap(now); !reaped) {
                log::warning("reap-failed", {{"reason", reaped.error()}});
            }
            return drop->scan();
        },
        [this](Result<queue::Scan> scan) {
            if (!scan) return over(scan.error().pass());
            walk_->scan = std::make_shared<queue::Scan>(std::move(*scan));
            next_batch();
        });
}

void DropPickup::give_up_late_ones() {
    std::erase_if(in_hand_, [this](const auto& item) {
        if (loop_.now() - item.second.since < patience) return false;
        log::warning("drop-late", {{"file", item.second.id}});
        return true;
    });
    advance();
}

// A batch is done with before the next is read, and a walk before the next begins, so that no file
// is met while it is in hand.
void DropPickup::advance() {
    if (!walk_ || walk_->reading || !connected_ || draining_) return;
    while (!walk_->waiting.empty() && in_hand_.size() + on_disk_ < max_in_hand) {
        const MessageId id = walk_->waiting.front();
        walk_->waiting.pop_front();
        open(id);
    }
    if (in_hand_.empty() && on_disk_ == 0) next_batch();
}

void DropPickup::next_batch() {
    walk_->reading = true;
    spool_.run([scan = walk_->scan](queue::Store&) { return scan->next(); },
               [this](const Result<queue::Scan::Batch>& batch) {
                   if (!batch) return over(batch.error().pass());
                   for (const std::string& name : batch->strangers) {
                       refuse(name, "its name is none that sendmail gives");
                   }
                   if (batch->last) return over({});
                   walk_->waiting.assign(batch->ids.begin(), batch->ids.end());
                   walk_->reading = false;
                   advance();
               });
}

void DropPickup::over(const Status& status) {
    if (!status) log::error("drop-unread", {{"reason", status.error()}});
    const auto walk = std::exchange(walk_, nullptr);
    if (walk->stuck > stuck_) {
        log::warning_limited("drop-stuck", {{"files", walk->stuck}, {"reason", walk->why_stuck}});
    }
    if (status) stuck_ = walk->stuck;
    if (look_again_) return look();
    if (status && walk->empty) trim_seen();
}

// An old submission in drop/ may be a repeat, so nothing is forgotten while one waits.
void DropPickup::trim_seen() {
    if (last_trim_ && loop_.now() - *last_trim_ < between_trims) return;
    last_trim_ = loop_.now();
    spool_.run([now = spool_.wall()](queue::Store& store) { return store.seen().trim(now); },
               [](const Result<unsigned>& count) {
                   if (!count) log::warning("trim-failed", {{"reason", count.error()}});
               });
}

// --- Offering it ---------------------------------------------------------------------------------

void DropPickup::open(const MessageId& id) {
    ++on_disk_;
    spool_.run([drop = drop_,
                id](queue::Store&) { return drop->take(queue::drop_name(id), max_file_bytes); },
               [this, id](std::expected<queue::DropFile, queue::DropFailure> file) {
                   --on_disk_;
                   opened(id, std::move(file));
                   advance();
               });
}

void DropPickup::opened(const MessageId& id,
                        std::expected<queue::DropFile, queue::DropFailure> file) {
    if (!file) {
        const auto& [fault, error] = file.error();
        if (fault == queue::DropFault::gone) return;
        if (fault != queue::DropFault::failed) return refuse(queue::drop_name(id), error.text());
        walk_->empty = false;
        return log::warning_limited("drop-unread", {{"file", id}, {"reason", error}});
    }
    walk_->empty = false;
    if (!connected_ || draining_) {
        look_again_ = true;
        return;
    }
    const std::uint64_t number = ++last_number_;
    const auto uid = static_cast<std::uint32_t>(file->uid);
    in_hand_[number] = {id, uid, loop_.now()};
    offer_({number, uid, file->length, std::move(file->file)});
}

// --- Its end -------------------------------------------------------------------------------------

std::optional<std::uint32_t> DropPickup::owner(std::uint64_t drop) const {
    const auto at = in_hand_.find(drop);
    if (at == in_hand_.end()) return std::nullopt;
    return at->second.uid;
}

void DropPickup::on(links::DropBad&& bad) {
    ended(bad.drop, {554, "5.6.0", std::move(bad.why)});
}

void DropPickup::ended(std::uint64_t drop, const links::Refusal& refusal) {
    const auto at = in_hand_.find(drop);
    if (at == in_hand_.end()) return;
    const File& file = at->second;
    if (refusal.code == 0) {
        log::info("picked-up", {{"msg", file.id}, {"uid", file.uid}});
        return remove(drop, file);
    }
    if (refusal.code >= 500) refuse(queue::drop_name(file.id), refusal.text);
    done(drop);
}

// In hand until it is gone, so that no walk meets it again.
void DropPickup::remove(std::uint64_t number, const File& file) {
    spool_.run(
        [drop = drop_, id = file.id](queue::Store&) { return drop->remove(queue::drop_name(id)); },
        [this, number, id = file.id](const Status& status) {
            if (!status) {
                log::warning_limited("drop-stays", {{"file", id}, {"reason", status.error()}});
            }
            done(number);
        });
}

void DropPickup::done(std::uint64_t number) {
    in_hand_.erase(number);
    advance();
}

// What cannot be moved, such as somebody else's folder, is met by every walk: it is counted.
void DropPickup::refuse(const std::string& name, const std::string& why) {
    ++on_disk_;
    spool_.run([drop = drop_, name](queue::Store&) { return drop->quarantine(name); },
               [this, name, why](const Result<std::string>& where) {
                   if (where) {
                       log::warning_limited("drop-unfit", {{"file", "drop/" + name},
                                                           {"reason", why},
                                                           {"now", "quarantine/" + *where}});
                   } else if (walk_) {
                       ++walk_->stuck;
                       walk_->why_stuck = where.error().text();
                   }
                   --on_disk_;
                   advance();
               });
}

}  // namespace holdfast::qmgr
