#include "smtpd/qmgr/control_peer.h"

#include <algorithm>

#include <sysexits.h>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"

namespace holdfast::qmgr {

namespace {

// All of a page's items together stay below a frame.
constexpr std::size_t max_item = max_chunk / ControlPeer::page - 64;
constexpr std::size_t max_last = 200;

// So often a list looks for messages that moved while it looked.
constexpr unsigned max_looks = 5;

std::string not_in_queue(const MessageId& id) {
    return id.text() + " is not in the queue";
}

// Of the pending targets of a recipient, what the latest attempt said.
std::string last_text(const queue::RecipientState& state) {
    const queue::TargetState* latest = nullptr;
    for (const auto& target : state.targets) {
        if (target.progress != queue::Progress::pending || target.attempts == 0) continue;
        if (latest == nullptr || target.last_time > latest->last_time) latest = &target;
    }
    return latest == nullptr ? std::string() : latest->last.text.substr(0, max_last);
}

std::vector<links::QueueRecipient> pending_recipients(const queue::Message& message,
                                                      std::size_t room) {
    std::vector<links::QueueRecipient> result;
    std::size_t more = 0;
    for (std::size_t i = 0; i < message.envelope.recipients.size(); ++i) {
        if (message.state.recipients[i].settled()) continue;
        links::QueueRecipient one{message.envelope.recipients[i].address,
                                  last_text(message.state.recipients[i])};
        const std::size_t size = one.address.size() + one.last.size() + 16;
        if (more > 0 || size > room) {
            ++more;
            continue;
        }
        room -= size;
        result.push_back(std::move(one));
    }
    if (more > 0) result.push_back({"(and " + std::to_string(more) + " more)", {}});
    return result;
}

links::QueueState state_of(Phase phase) {
    switch (phase) {
        case Phase::found:
        case Phase::queued:
            return links::QueueState::queued;
        case Phase::active:
            return links::QueueState::active;
        case Phase::deferred:
            break;
    }
    return links::QueueState::deferred;
}

}  // namespace

ControlPeer::ControlPeer(Reception& reception, Instance instance, UniqueFd channel, OnEnd on_end)
    : house_(reception.house),
      deliveries_(reception.deliveries),
      pickup_(reception.pickup),
      instance_(instance),
      on_end_(std::move(on_end)),
      channel_(house_.loop, std::move(channel), *this),
      intake_(reception, Submitter::user, [this](Intake::Answer answer) {
          std::visit([this](auto& one) { channel_.send(std::move(one)); }, answer);
      }) {}

void ControlPeer::on(links::DropCredit&& message) {
    if (pickup_ != nullptr) pickup_->on(std::move(message));
}

void ControlPeer::on(links::DropBad&& message) {
    if (pickup_ != nullptr) pickup_->on(std::move(message));
}

void ControlPeer::finish(std::uint64_t request, int status, std::string text) {
    send(links::Finished{request, static_cast<std::uint8_t>(status), std::move(text)});
}

bool ControlPeer::refused(std::uint64_t request, const UniqueFd& client) {
    if (client && rights_of(client.get(), instance_) == Rights::administrator) return false;
    finish(request, EX_NOPERM, "only root may do this");
    return true;
}

// --- Counts and lists ----------------------------------------------------------------------------

void ControlPeer::on(links::CountsQuery&& query) {
    house_.spool.run(
        [](queue::Store& store) { return store.quarantined(); },
        life_.guard([this, request = query.request](const Result<std::vector<std::string>>& names) {
            counted(request, names ? names->size() : 0);
        }));
}

void ControlPeer::counted(std::uint64_t request, std::size_t quarantined) {
    const MessageIndex& index = deliveries_.index();
    links::QueueCounts counts;
    counts.queued = index.count(Phase::found) + index.count(Phase::queued);
    counts.active = index.count(Phase::active);
    counts.deferred = index.count(Phase::deferred);
    counts.quarantined = quarantined;
    counts.trouble = house_.health.trouble();
    counts.accepting = counts.trouble.empty();
    if (counts.trouble.empty() && !deliveries_.holds_lock()) {
        counts.trouble = "nothing is delivered: another process schedules this spool";
    }
    send(links::CountsReply{request, std::move(counts)});
}

void ControlPeer::on(links::ListQuery&& query) {
    List list{query.request, {}, {}, 0};
    MessageIndex& index = deliveries_.index();
    const MessageIndex::Item* item = index.behind(query.after);
    for (; item != nullptr && list.ids.size() < page; item = index.behind(item->first)) {
        list.ids.push_back(item->first);
    }
    go_on(std::move(list));
}

// Messages that are being worked on are known better in memory than on disk, the others are read.
// One may be laid aside while that is done: then it is looked for again.
void ControlPeer::go_on(List list) {
    std::vector<MessageId> missing;
    std::ranges::copy_if(list.ids, std::back_inserter(missing), [&](const MessageId& id) {
        return deliveries_.active(id) == nullptr && deliveries_.index().find(id) != nullptr &&
               !list.read.contains(id);
    });
    if (missing.empty() || ++list.looks > max_looks) return answer(list);
    house_.spool.run(
        [missing = std::move(missing), now = house_.spool.wall()](queue::Store& store) {
            std::vector<queue::Message> messages;
            for (const MessageId& id : missing) {
                if (auto message = store.load(id, now)) messages.push_back(std::move(*message));
            }
            return messages;
        },
        life_.guard([this, list = std::move(list)](std::vector<queue::Message> messages) mutable {
            for (queue::Message& message : messages) {
                list.read.emplace(message.envelope.id, std::move(message));
            }
            go_on(std::move(list));
        }));
}

void ControlPeer::answer(const List& list) {
    links::ListItems answer{list.request, {}, list.ids.size() < page};
    for (const MessageId& id : list.ids) {
        const auto* known = deliveries_.index().find(id);
        const queue::Message* message = deliveries_.active(id);
        const auto read = list.read.find(id);
        if (message == nullptr && read != list.read.end()) message = &read->second;
        if (known != nullptr && message != nullptr) {
            answer.items.push_back(item_of(*known, *message));
        }
    }
    send(std::move(answer));
}

links::QueueItem ControlPeer::item_of(const MessageIndex::Item& item,
                                      const queue::Message& message) const {
    links::QueueItem result;
    result.id = item.first;
    result.state = state_of(item.second.phase);
    result.size = message.body.length;
    result.admitted = message.envelope.admitted;
    result.attempts = attempts_of(message.state);
    result.sender = message.envelope.sender;
    result.recipients = pending_recipients(message, max_item - result.sender.size() - 64);
    if (item.second.phase == Phase::deferred) {
        const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(item.second.next -
                                                                                house_.loop.now());
        result.next = house_.spool.wall().time_since_epoch().count() +
                      std::max<std::int64_t>(wait.count(), 0);
    }
    return result;
}

// --- One message ---------------------------------------------------------------------------------

void ControlPeer::on(links::ShowQuery&& query) {
    if (refused(query.request, query.client)) return;
    house_.spool.run(
        [id = query.id, offset = query.offset](queue::Store& store) -> Result<std::string> {
            const auto text = store.open_text(id);
            if (!text) return text.error().pass();
            return text->read(offset, max_chunk);
        },
        life_.guard([this, request = query.request, id = query.id](Result<std::string> bytes) {
            if (bytes) return send(links::Text{request, std::move(*bytes)});
            const bool gone = bytes.error().code() == ENOENT;
            finish(request, gone ? EX_NOINPUT : EX_TEMPFAIL,
                   gone ? not_in_queue(id) : bytes.error().text());
        }));
}

// One answer for all of the messages of a request, when the last of them is gone.
struct ControlPeer::Removal {
    std::size_t open = 1;
    std::vector<MessageId> missing;
};

void ControlPeer::on(links::RemoveQuery&& query) {
    if (refused(query.request, query.client)) return;
    auto removal = std::make_shared<Removal>();
    const auto one_done = [this, request = query.request, removal] {
        if (--removal->open > 0) return;
        if (removal->missing.empty()) return finish(request, EX_OK, {});
        std::string text = not_in_queue(removal->missing.front());
        const std::size_t more = removal->missing.size() - 1;
        if (more > 0) text += ", nor are " + std::to_string(more) + " others";
        finish(request, EX_NOINPUT, std::move(text));
    };
    for (const MessageId& id : query.ids) {
        const auto forgotten = [id, done = life_.guard(one_done)]() mutable {
            log::info("forgotten", {{"msg", id}, {"by", "the administrator"}});
            done();
        };
        ++removal->open;
        if (deliveries_.forget(id, forgotten)) continue;
        removal->missing.push_back(id);
        --removal->open;
    }
    one_done();
}

void ControlPeer::on(links::FlushQuery&& query) {
    if (query.ids.empty()) deliveries_.flush_all();
    for (const MessageId& id : query.ids) {
        if (!deliveries_.flush(id)) return finish(query.request, EX_NOINPUT, not_in_queue(id));
    }
    finish(query.request, EX_OK, {});
}

}  // namespace holdfast::qmgr
