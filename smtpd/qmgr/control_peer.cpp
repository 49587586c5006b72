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

// By users other than root, all together.
constexpr Duration between_flushes = std::chrono::minutes(1);

constexpr Duration between_looks = std::chrono::seconds(1);  // at those who wait

std::string not_in_queue(const MessageId& id) {
    return id.text() + " is not in the queue";
}

// Of the targets of a recipient with this progress, what the latest attempt said; nothing where
// there is none.
std::optional<std::string> last_text(const queue::RecipientState& state, queue::Progress progress) {
    const queue::TargetState* latest = nullptr;
    for (const auto& target : state.targets) {
        if (target.progress != progress) continue;
        if (latest == nullptr || target.last_time > latest->last_time) latest = &target;
    }
    if (latest == nullptr) return std::nullopt;
    return latest->last.text.substr(0, max_last);
}

// Nothing for one that has the message.
std::optional<links::QueueRecipient> listed(const queue::Message& message, std::size_t number) {
    const queue::RecipientState& state = message.state.recipients[number];
    const std::string& address = message.envelope.recipients[number].address;
    if (!state.settled()) {
        const auto last = last_text(state, queue::Progress::pending);
        return links::QueueRecipient{address, last.value_or(std::string())};
    }
    const auto refused = last_text(state, queue::Progress::refused);
    if (!refused) return std::nullopt;
    return links::QueueRecipient{address, "refused: " + *refused};
}

std::vector<links::QueueRecipient> listed_recipients(const queue::Message& message,
                                                     std::size_t room) {
    std::vector<links::QueueRecipient> result;
    std::size_t more = 0;
    for (std::size_t i = 0; i < message.envelope.recipients.size(); ++i) {
        auto found = listed(message, i);
        if (!found) continue;
        links::QueueRecipient& one = *found;
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

// Without its state. A message has perhaps many recipients, its item few.
links::QueueItem item_of(const queue::Message& message) {
    links::QueueItem result;
    result.id = message.envelope.id;
    result.size = message.body.length;
    result.admitted = message.envelope.admitted;
    result.attempts = attempts_of(message.state);
    result.sender = message.envelope.sender;
    result.recipients = listed_recipients(message, max_item - result.sender.size() - 64);
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
    : reception_(reception),
      house_(reception.house),
      deliveries_(reception.deliveries),
      pickup_(reception.pickup),
      instance_(instance),
      on_end_(std::move(on_end)),
      channel_(house_.loop, std::move(channel), *this),
      intake_(reception, Submitter::user,
              [this](Intake::Answer answer) {
                  std::visit([this](auto& one) { channel_.send(std::move(one)); }, answer);
              }),
      timer_(house_.loop, [this] { look_at_waiting(); }) {}

void ControlPeer::on(links::DropBad&& message) {
    if (pickup_ != nullptr) pickup_->on(std::move(message));
}

void ControlPeer::finish(std::uint64_t request, int status, std::string text) {
    send(links::Finished{request, static_cast<std::uint8_t>(status), std::move(text)});
}

// `missing`: those that the request named and the queue does not hold.
void ControlPeer::finish(std::uint64_t request, const std::vector<MessageId>& missing) {
    if (missing.empty()) return finish(request, EX_OK, {});
    std::string text = not_in_queue(missing.front());
    const std::size_t more = missing.size() - 1;
    if (more > 0) text += ", nor are " + std::to_string(more) + " others";
    finish(request, EX_NOINPUT, std::move(text));
}

bool ControlPeer::refused(std::uint64_t request, const UniqueFd& client) {
    if (rights_of(client.get(), instance_) == Rights::administrator) return false;
    finish(request, EX_NOPERM, "only root may do this");
    return true;
}

// --- Who asks before the queue is known ----------------------------------------------------------

void ControlPeer::answer_later(Question question) {
    const bool hopeless = !deliveries_.may_schedule() || waiting_.size() >= max_waiting;
    if (deliveries_.knows_queue() || hopeless) return answer_now(std::move(question));
    waiting_.push_back({house_.loop.now(), std::move(question)});
    if (!timer_.pending()) timer_.set(between_looks);
}

// Of a queue that is being read, as far as it is known.
void ControlPeer::answer_now(Question question) {
    const std::string trouble = deliveries_.trouble();
    std::visit(
        [&](auto& query) {
            if (trouble.empty()) return answer_to(std::move(query));
            finish(query.request, EX_TEMPFAIL, trouble + ": try again");
        },
        question);
}

void ControlPeer::queue_known() {
    for (Waiting& one : std::exchange(waiting_, {})) answer_now(std::move(one.question));
}

void ControlPeer::look_at_waiting() {
    const MonoTime now = house_.loop.now();
    while (!waiting_.empty() &&
           (!deliveries_.may_schedule() || now - waiting_.front().since >= patience)) {
        Waiting one = std::move(waiting_.front());
        waiting_.pop_front();
        answer_now(std::move(one.question));
    }
    if (!waiting_.empty()) timer_.set(between_looks);
}

// --- Counts and lists ----------------------------------------------------------------------------

void ControlPeer::on(links::CountsQuery&& query) {
    house_.spool.run(
        [](queue::Store& store) { return store.quarantined(); },
        life_.guard([this, request = query.request](const Result<std::uint64_t>& count) {
            counted(request, count.value_or(0));
        }));
}

void ControlPeer::counted(std::uint64_t request, std::uint64_t quarantined) {
    const MessageIndex& index = deliveries_.index();
    links::QueueCounts counts;
    counts.queued = index.count(Phase::found) + index.count(Phase::queued);
    counts.active = index.count(Phase::active);
    counts.deferred = index.count(Phase::deferred);
    counts.quarantined = quarantined;
    counts.trouble = house_.health.trouble();
    counts.accepting = counts.trouble.empty();
    if (counts.trouble.empty()) counts.trouble = deliveries_.trouble();
    send(links::CountsReply{request, std::move(counts)});
}

// Messages that are being worked on are known better in memory than on disk, the others are read.
void ControlPeer::answer_to(links::ListQuery&& query) {
    links::ListItems list{query.request, {}, true};
    std::vector<MessageId> stored;
    MessageIndex& index = deliveries_.index();
    const MessageIndex::Item* item = index.behind(query.after);
    for (std::size_t met = 0; item != nullptr && met < page; ++met) {
        const queue::Message* message = deliveries_.active(item->first);
        if (message != nullptr) {
            list.items.push_back(item_of(*message));
        } else {
            stored.push_back(item->first);
        }
        item = index.behind(item->first);
    }
    list.last = item == nullptr;
    house_.spool.run(
        [list = std::move(list), stored = std::move(stored),
         now = house_.spool.wall()](queue::Store& store) mutable {
            for (const MessageId& id : stored) {
                if (const auto message = store.load(id, now))
                    list.items.push_back(item_of(*message));
            }
            return std::move(list);
        },
        life_.guard([this](links::ListItems read) { answer(std::move(read)); }));
}

// Without those that have gone meanwhile.
void ControlPeer::answer(links::ListItems list) {
    MessageIndex& index = deliveries_.index();
    std::erase_if(list.items, [&](const auto& item) { return index.find(item.id) == nullptr; });
    std::ranges::sort(list.items, {}, &links::QueueItem::id);
    for (links::QueueItem& item : list.items) {
        const auto& entry = index.find(item.id)->second;
        item.state = state_of(entry.phase);
        if (item.state == links::QueueState::deferred) item.next = next_attempt(entry);
    }
    send(std::move(list));
}

std::int64_t ControlPeer::next_attempt(const MessageIndex::Entry& entry) const {
    const auto wait =
        std::chrono::duration_cast<std::chrono::milliseconds>(entry.next - house_.loop.now());
    return house_.spool.wall().time_since_epoch().count() + std::max<std::int64_t>(wait.count(), 0);
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
    bool handed_over = false;
};

void ControlPeer::answer_to(links::RemoveQuery&& query) {
    if (refused(query.request, query.client)) return;
    auto removal = std::make_shared<Removal>();
    const auto one_done = [this, request = query.request, removal] {
        if (--removal->open > 0) return;
        if (!removal->handed_over) return finish(request, removal->missing);
        finish(request, EX_TEMPFAIL, "not all is removed: " + deliveries_.trouble());
    };
    for (const MessageId& id : query.ids) {
        using Forgotten = Deliveries::Forgotten;
        const auto forgotten = [id, removal, done = life_.guard(one_done)](Forgotten how) mutable {
            if (how == Forgotten::gone) {
                log::info("forgotten", {{"msg", id}, {"by", "the administrator"}});
            } else {
                removal->handed_over = true;
            }
            done();
        };
        ++removal->open;
        if (deliveries_.forget(id, forgotten)) continue;
        removal->missing.push_back(id);
        --removal->open;
    }
    one_done();
}

// Each attempt costs the machine something, so only root may have one whenever he likes.
bool ControlPeer::flushed_lately(const UniqueFd& client) {
    if (rights_of(client.get(), instance_) == Rights::administrator) return false;
    const MonoTime now = house_.loop.now();
    auto& last = reception_.last_flush;
    if (last && now - *last < between_flushes) return true;
    last = now;
    return false;
}

void ControlPeer::answer_to(links::FlushQuery&& query) {
    if (flushed_lately(query.client)) {
        return finish(query.request, EX_TEMPFAIL,
                      "the queue was flushed less than a minute ago; only root may do it again");
    }
    house_.destinations.try_now();
    if (query.ids.empty()) deliveries_.flush_all();
    std::erase_if(query.ids, [this](const MessageId& id) { return deliveries_.flush(id); });
    finish(query.request, query.ids);
}

}  // namespace holdfast::qmgr
