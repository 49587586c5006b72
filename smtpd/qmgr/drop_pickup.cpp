#include "smtpd/qmgr/drop_pickup.h"

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration between_trims = std::chrono::hours(1);

}  // namespace

DropPickup::DropPickup(Loop& loop, Spool& spool, Setup setup, std::function<void(Offer)> send)
    : loop_(loop),
      spool_(spool),
      drop_(std::make_shared<queue::Drop>(std::move(setup.drop))),
      folder_(std::move(setup.folder)),
      max_file_bytes_(setup.max_file_bytes),
      send_(std::move(send)),
      timer_(loop, [this] { look(); }) {}

void DropPickup::start() {
    auto watch = FolderWatch::open(loop_, folder_, [this] { look(); });
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
    if (const std::size_t more = complaints_.take_count(); more > 0) {
        log::error("drop-unfit", {{"files", more}});
    }
    const bool empty = std::exchange(walk_, nullptr)->empty;
    if (look_again_) return look();
    if (status && empty) trim_seen();
}

// An old submission in drop/ may be a repeat, so nothing is forgotten while one waits.
void DropPickup::trim_seen() {
    if (last_trim_ && loop_.now() - *last_trim_ < between_trims) return;
    last_trim_ = loop_.now();
    spool_.run([now = spool_.wall()](
                   queue::Store& store) { return store.seen().trim(now, queue::DropState::read); },
               [](const Result<unsigned>& count) {
                   if (!count) log::warning("trim-failed", {{"reason", count.error()}});
               });
}

// --- Offering it ---------------------------------------------------------------------------------

void DropPickup::open(const MessageId& id) {
    ++on_disk_;
    spool_.run([drop = drop_, id, limit = max_file_bytes_](
                   queue::Store&) { return drop->take(queue::drop_name(id), limit); },
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
        return complain("drop-unread", id, error);
    }
    walk_->empty = false;
    if (!connected_ || draining_) {
        look_again_ = true;
        return;
    }
    const std::uint64_t number = ++last_number_;
    File& place = in_hand_[number];
    place.id = id;
    place.uid = static_cast<std::uint32_t>(file->uid);
    place.since = loop_.now();
    place.bytes = std::make_unique<Feed>(
        spool_, [this, number](Result<std::string> piece) { give(number, std::move(piece)); });
    send_(links::DropBegin{number, place.uid});
    place.bytes->start(std::make_shared<const queue::Slice>(std::move(file->bytes)));
}

// Where its owner has cut it short meanwhile, or the disk fails, what came makes no submission.
void DropPickup::give(std::uint64_t number, Result<std::string> piece) {
    if (piece && !piece->empty()) return send_(links::DropBytes{number, std::move(*piece)});
    if (!piece) {
        log::error("drop-unread", {{"file", in_hand_.at(number).id}, {"reason", piece.error()}});
    }
    send_(links::DropEnd{number});
}

void DropPickup::on(links::DropCredit&& credit) {
    const auto at = in_hand_.find(credit.drop);
    if (at != in_hand_.end()) at->second.bytes->taken(credit.bytes);
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
            if (!status) complain("drop-stays", id, status.error());
            done(number);
        });
}

void DropPickup::done(std::uint64_t number) {
    in_hand_.erase(number);
    advance();
}

void DropPickup::refuse(const std::string& name, const std::string& why) {
    ++on_disk_;
    spool_.run([drop = drop_, name](queue::Store&) { return drop->quarantine(name); },
               [this, name, why](const Result<std::string>& where) {
                   refused(name, why, where);
                   --on_disk_;
                   advance();
               });
}

// What cannot be moved, such as somebody else's folder, is met by every look.
void DropPickup::refused(const std::string& name, const std::string& why,
                         const Result<std::string>& where) {
    const auto thing = where ? Complaints::Thing::passing : Complaints::Thing::lasting;
    if (!complaints_.worth_a_line(name, thing)) return;
    log::error("drop-unfit", {{"file", "drop/" + name},
                              {"reason", why},
                              {"now", where ? "quarantine/" + *where : where.error().text()}});
}

void DropPickup::complain(std::string_view event, const MessageId& id, const Error& error) {
    if (!complaints_.worth_a_line(id.text(), Complaints::Thing::lasting)) return;
    log::error(event, {{"file", id}, {"reason", error}});
}

}  // namespace holdfast::qmgr
