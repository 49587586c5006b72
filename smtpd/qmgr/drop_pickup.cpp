#include "smtpd/qmgr/drop_pickup.h"

#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"

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
    if (std::exchange(started_, true)) return;
    auto watch = FolderWatch::open(loop_, folder_, [this](FolderWatch::News news) {
        std::vector<MessageId> ids;
        for (const std::string& name : news.names) {
            if (const auto id = queue::parse_drop_name(name)) ids.push_back(*id);
        }
        if (news.incomplete) look();
        if (!ids.empty()) classify(std::move(ids), [this] { offer_more(); });
    });
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
    offer_more();
}

void DropPickup::disconnected() {
    connected_ = false;
    for (const auto& [number, file] : offered_) order_.release(file.id);
    offered_.clear();
    if (started_ && !draining_) look();
}

// --- What is there -------------------------------------------------------------------------------

void DropPickup::look() {
    if (draining_) return;
    timer_.set(every);
    give_up_late_ones();
    if (looking_) {
        look_again_ = true;
        return;
    }
    looking_ = true;
    spool_.run(
        [drop = drop_, now = spool_.wall()](queue::Store&) {
            if (const auto reaped = drop->reap(now); !reaped) {
                log::warning("reap-failed", {{"reason", reaped.error()}});
            }
            return drop->scan();
        },
        [this](Result<queue::Scan> scan) {
            if (scan) return next_batch(std::make_shared<queue::Scan>(std::move(*scan)));
            log::error("drop-unread", {{"reason", scan.error()}});
            looked(false);
        });
}

void DropPickup::next_batch(std::shared_ptr<queue::Scan> scan) {
    spool_.run([scan](queue::Store&) { return scan->next(); },
               [this, scan](Result<queue::Scan::Batch> batch) {
                   if (!batch) {
                       log::error("drop-unread", {{"reason", batch.error()}});
                       return looked(false);
                   }
                   for (const std::string& name : batch->strangers) {
                       quarantine(name, "its name is none that sendmail gives");
                   }
                   if (batch->last) return looked(true);
                   classify(std::move(batch->ids), [this, scan] { next_batch(scan); });
               });
}

void DropPickup::looked(bool whole) {
    looking_ = false;
    if (std::exchange(look_again_, false)) return look();
    if (whole && order_.known() == 0) trim_seen();
    offer_more();
}

// An old submission in drop/ may be a repeat, so nothing is forgotten while one waits.
void DropPickup::trim_seen() {
    if (last_trim_ != MonoTime() && loop_.now() - last_trim_ < between_trims) return;
    last_trim_ = loop_.now();
    spool_.run([now = spool_.wall()](
                   queue::Store& store) { return store.seen().trim(now, queue::DropState::read); },
               [](const Result<unsigned>& count) {
                   if (!count) log::warning("trim-failed", {{"reason", count.error()}});
               });
}

// Whose they are, which only opening them tells.
void DropPickup::classify(std::vector<MessageId> ids, std::function<void()> then) {
    std::erase_if(ids, [this](const MessageId& id) { return order_.knows(id); });
    using Found =
        std::vector<std::pair<MessageId, std::expected<std::uint32_t, queue::DropFailure>>>;
    const auto open = [drop = drop_, ids = std::move(ids), limit = max_file_bytes_](queue::Store&) {
        Found found;
        for (const MessageId& id : ids) {
            auto file = drop->take(queue::drop_name(id), limit);
            if (file) {
                found.emplace_back(id, static_cast<std::uint32_t>(file->uid));
            } else {
                found.emplace_back(id, std::unexpected(std::move(file.error())));
            }
        }
        return found;
    };
    spool_.run(open, [this, then = std::move(then)](const Found& found) {
        for (const auto& [id, uid] : found) {
            if (uid) {
                order_.add(*uid, id);
            } else {
                not_taken(id, uid.error());
            }
        }
        then();
    });
}

void DropPickup::not_taken(const MessageId& id, const queue::DropFailure& failure) {
    order_.release(id);
    switch (failure.fault) {
        case queue::DropFault::gone:
            return;
        case queue::DropFault::failed:
            log::error("drop-unread", {{"file", id}, {"reason", failure.error}});
            return;
        case queue::DropFault::unfit:
        case queue::DropFault::large:
            return quarantine(queue::drop_name(id), failure.error.text());
    }
}

void DropPickup::quarantine(const std::string& name, std::string why) {
    spool_.run([drop = drop_, name](queue::Store&) { return drop->quarantine(name); },
               [name, why = std::move(why)](const Result<std::string>& where) {
                   log::error("drop-unfit", {{"file", "drop/" + name},
                                             {"reason", why},
                                             {"now", where ? *where : where.error().text()}});
               });
}

// --- Offering it ---------------------------------------------------------------------------------

void DropPickup::offer_more() {
    while (connected_ && !draining_ && offered_.size() + opening_ < max_offered) {
        const auto id = order_.take();
        if (!id) return;
        offer(*id);
    }
}

void DropPickup::offer(const MessageId& id) {
    ++opening_;
    spool_.run([drop = drop_, id, limit = max_file_bytes_](
                   queue::Store&) { return drop->take(queue::drop_name(id), limit); },
               [this, id](std::expected<queue::DropFile, queue::DropFailure> file) {
                   --opening_;
                   opened(id, std::move(file));
                   offer_more();
               });
}

void DropPickup::opened(const MessageId& id,
                        std::expected<queue::DropFile, queue::DropFailure> file) {
    if (!file) return not_taken(id, file.error());
    if (!connected_ || draining_) return order_.release(id);
    const std::uint64_t number = ++last_number_;
    Offered& offered = offered_[number];
    offered.id = id;
    offered.uid = file->uid;
    offered.bytes = std::make_shared<queue::Slice>(std::move(file->bytes));
    offered.since = loop_.now();
    send_(links::DropBegin{number, offered.uid});
    pump(number);
}

void DropPickup::pump(std::uint64_t number) {
    const auto at = offered_.find(number);
    if (at == offered_.end()) return;
    Offered& file = at->second;
    if (file.reading || file.all_sent) return;
    const std::uint64_t rest = file.bytes->length() - file.offset;
    if (rest == 0) {
        file.all_sent = true;
        return send_(links::DropEnd{number});
    }
    const auto size = static_cast<std::size_t>(
        std::min({rest, std::uint64_t{max_chunk}, links::window - file.outstanding}));
    if (size == 0) return;
    file.reading = true;
    spool_.run([bytes = file.bytes, offset = file.offset,
                size](queue::Store&) { return bytes->read(offset, size); },
               [this, number](Result<std::string> piece) { piece_read(number, std::move(piece)); });
}

void DropPickup::piece_read(std::uint64_t number, Result<std::string> piece) {
    const auto at = offered_.find(number);
    if (at == offered_.end()) return;
    at->second.reading = false;
    if (!piece || piece->empty()) {
        // Its owner has cut it short meanwhile, or the disk fails: what came makes no submission.
        const MessageId id = at->second.id;
        log::error("drop-unread",
                   {{"file", id}, {"reason", piece ? "it has shrunk" : piece.error().text()}});
        at->second.all_sent = true;
        return send_(links::DropEnd{number});
    }
    at->second.offset += piece->size();
    at->second.outstanding += piece->size();
    send_(links::DropBytes{number, std::move(*piece)});
    pump(number);
}

void DropPickup::on(links::DropCredit&& credit) {
    const auto at = offered_.find(credit.drop);
    if (at == offered_.end()) return;
    at->second.outstanding -= std::min<std::uint64_t>(at->second.outstanding, credit.bytes);
    pump(credit.drop);
}

// --- Its end -------------------------------------------------------------------------------------

std::optional<std::uint32_t> DropPickup::owner(std::uint64_t drop) const {
    const auto at = offered_.find(drop);
    if (at == offered_.end()) return std::nullopt;
    return at->second.uid;
}

void DropPickup::on(links::DropBad&& bad) {
    const auto at = offered_.find(bad.drop);
    if (at == offered_.end()) return;
    const MessageId id = at->second.id;
    offered_.erase(at);
    order_.release(id);
    quarantine(queue::drop_name(id), bad.why);
    offer_more();
}

// What was refused for now stays, and is found again by a later look.
void DropPickup::ended(std::uint64_t drop, const links::Refusal& refusal) {
    const auto at = offered_.find(drop);
    if (at == offered_.end()) return;
    const MessageId id = at->second.id;
    const std::uint32_t uid = at->second.uid;
    offered_.erase(at);
    if (refusal.code == 0) {
        log::info("picked-up", {{"msg", id}, {"uid", uid}});
        remove(id);
    } else {
        order_.release(id);
        if (refusal.code >= 500) quarantine(queue::drop_name(id), refusal.text);
    }
    offer_more();
}

// It is known until it is gone, so that no look meets it again.
void DropPickup::remove(const MessageId& id) {
    spool_.run([drop = drop_, id](queue::Store&) { return drop->remove(queue::drop_name(id)); },
               [this, id](const Status& status) {
                   order_.release(id);
                   if (status) return;
                   log::error("drop-stays", {{"file", id}, {"reason", status.error()}});
               });
}

void DropPickup::give_up_late_ones() {
    std::erase_if(offered_, [this](const auto& item) {
        if (loop_.now() - item.second.since < patience) return false;
        log::warning("drop-late", {{"file", item.second.id}});
        order_.release(item.second.id);
        return true;
    });
}

}  // namespace holdfast::qmgr
