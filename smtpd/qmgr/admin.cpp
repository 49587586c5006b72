#include "smtpd/qmgr/admin.h"

#include <algorithm>

#include <sysexits.h>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"

namespace holdfast::qmgr {

namespace {

// All of a page's items together stay below a frame.
constexpr std::size_t max_item = max_chunk / Admin::page - 64;
constexpr std::size_t max_last = 200;

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

Admin::Admin(Loop& loop, Spool& spool, DiskHealth& health, Deliveries& deliveries)
    : loop_(loop), spool_(spool), health_(health), deliveries_(deliveries) {}

void Admin::finish(std::uint64_t request, int status, std::string text) {
    send(links::Finished{request, static_cast<std::uint8_t>(status), std::move(text)});
}

bool Admin::refused(std::uint64_t request, const UniqueFd& client) {
    if (client && rights_of(client.get(), instance) == Rights::administrator) return false;
    finish(request, EX_NOPERM, "only root may do this");
    return true;
}

void Admin::on(links::CountsQuery&& query) {
    spool_.run([](queue::Store& store) { return store.quarantined(); },
               [this, request = query.request](const Result<std::vector<std::string>>& names) {
                   counted(request, names ? names->size() : 0);
               });
}

void Admin::counted(std::uint64_t request, std::size_t quarantined) {
    const MessageIndex& index = deliveries_.index();
    links::QueueCounts counts;
    counts.queued = index.count(Phase::queued);
    counts.active = index.count(Phase::active);
    counts.deferred = index.count(Phase::deferred);
    counts.quarantined = quarantined;
    counts.trouble = health_.trouble();
    counts.accepting = counts.trouble.empty();
    if (counts.trouble.empty() && !deliveries_.holds_lock()) {
        counts.trouble = "nothing is delivered: another process schedules this spool";
    }
    send(links::CountsReply{request, std::move(counts)});
}

// Messages that are being worked on are known better in memory than on disk.
void Admin::on(links::ListQuery&& query) {
    std::vector<MessageId> ids;
    MessageIndex& index = deliveries_.index();
    const MessageIndex::Item* item = index.behind(query.after);
    for (; item != nullptr && ids.size() < page; item = index.behind(item->first)) {
        ids.push_back(item->first);
    }
    std::vector<MessageId> stored;
    std::ranges::copy_if(ids, std::back_inserter(stored),
                         [this](const MessageId& id) { return deliveries_.active(id) == nullptr; });
    spool_.run(
        [stored = std::move(stored), now = spool_.wall()](queue::Store& store) {
            std::vector<queue::Message> messages;
            for (const MessageId& id : stored) {
                if (auto message = store.load(id, now)) messages.push_back(std::move(*message));
            }
            return messages;
        },
        [this, request = query.request,
         ids = std::move(ids)](const std::vector<queue::Message>& messages) {
            links::ListItems list{request, {}, ids.size() < page};
            auto next = messages.begin();
            for (const MessageId& id : ids) {
                const bool read = next != messages.end() && next->envelope.id == id;
                const queue::Message* message = read ? &*next++ : deliveries_.active(id);
                const auto* known = deliveries_.index().find(id);
                if (message == nullptr || known == nullptr) continue;
                list.items.push_back(item_of(*known, *message));
            }
            send(std::move(list));
        });
}

links::QueueItem Admin::item_of(const MessageIndex::Item& item,
                                const queue::Message& message) const {
    links::QueueItem result;
    result.id = item.first;
    result.state = state_of(item.second.phase);
    result.size = message.body.length;
    result.admitted = message.envelope.admitted;
    result.attempts = item.second.aged ? item.second.attempts : attempts_of(message.state);
    result.sender = message.envelope.sender;
    result.recipients = pending_recipients(message, max_item - result.sender.size() - 64);
    if (item.second.phase == Phase::deferred) {
        const auto wait =
            std::chrono::duration_cast<std::chrono::milliseconds>(item.second.next - loop_.now());
        result.next =
            spool_.wall().time_since_epoch().count() + std::max<std::int64_t>(wait.count(), 0);
    }
    return result;
}

void Admin::on(links::ShowQuery&& query) {
    if (refused(query.request, query.client)) return;
    using Bytes = Result<std::string>;
    spool_.run(
        [id = query.id, offset = query.offset](queue::Store& store) -> Bytes {
            const auto text = store.open_text(id);
            if (!text) return text.error().pass();
            return text->read(offset, max_chunk);
        },
        [this, request = query.request, id = query.id](Bytes bytes) {
            if (bytes) return send(links::Text{request, std::move(*bytes)});
            const bool gone = bytes.error().code() == ENOENT;
            finish(request, gone ? EX_NOINPUT : EX_TEMPFAIL,
                   gone ? not_in_queue(id) : bytes.error().text());
        });
}

// One answer for all of the messages of a request.
struct Admin::Removal {
    std::uint64_t request = 0;
    std::size_t open = 0;
    std::vector<MessageId> missing;
};

void Admin::on(links::RemoveQuery&& query) {
    if (refused(query.request, query.client)) return;
    auto removal = std::make_shared<Removal>();
    removal->request = query.request;
    removal->open = query.ids.size() + 1;
    const auto one_done = [this, removal] {
        if (--removal->open > 0) return;
        if (removal->missing.empty()) return finish(removal->request, EX_OK, {});
        std::string text = not_in_queue(removal->missing.front());
        const std::size_t more = removal->missing.size() - 1;
        if (more > 0) text += ", nor are " + std::to_string(more) + " others";
        finish(removal->request, EX_NOINPUT, std::move(text));
    };
    for (const MessageId& id : query.ids) {
        deliveries_.forget(id, [id, removal, one_done](bool removed) {
            if (removed) {
                log::info("forgotten", {{"msg", id}, {"by", "the administrator"}});
            } else {
                removal->missing.push_back(id);
            }
            one_done();
        });
    }
    one_done();
}

void Admin::on(links::FlushQuery&& query) {
    if (query.ids.empty()) deliveries_.flush_all();
    for (const MessageId& id : query.ids) {
        if (!deliveries_.flush(id)) {
            return finish(query.request, EX_NOINPUT, not_in_queue(id));
        }
    }
    finish(query.request, EX_OK, {});
}

}  // namespace holdfast::qmgr
