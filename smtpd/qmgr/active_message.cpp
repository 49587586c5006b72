#include "smtpd/qmgr/active_message.h"

#include <algorithm>

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration disk_pause = std::chrono::seconds(30);

bool in_vain(const queue::LogEntry& entry) {
    const auto* attempted = std::get_if<queue::Attempted>(&entry.event);
    return attempted != nullptr && attempted->outcome.verdict == Verdict::retry;
}

}  // namespace

ActiveMessage::ActiveMessage(Surroundings& house, queue::Message message, Facts facts, OnEnd on_end)
    : house_(house),
      message_(std::move(message)),
      facts_(std::move(facts)),
      on_end_(std::move(on_end)),
      disk_timer_(house.loop, [this] {
          disk_ = Disk::free;
          std::exchange(when_disk_works_, nullptr)();
      }) {}

// --- Where it goes -------------------------------------------------------------------------------

// One is counted for this function, so that answers which come at once don't begin the round early.
void ActiveMessage::start() {
    if (forget_) return remove();
    const auto count = static_cast<std::uint32_t>(message_.envelope.recipients.size());
    routes_.resize(count);
    routes_open_ = count + std::size_t{1};
    for (std::uint32_t i = 0; i < count; ++i) {
        house_.users.route([this, i](const KnownUser& known) { return find_route(i, known); },
                           [this, i](Route found) { routed(i, std::move(found)); }, life_.token());
    }
    if (--routes_open_ == 0) begin_round();
}

Route ActiveMessage::find_route(std::uint32_t recipient, const KnownUser& known) const {
    const queue::RecipientState& state = message_.state.recipients[recipient];
    const Envelope& envelope = message_.envelope;
    if (state.expanded) return house_.router.resume(state.expansion, envelope.sender, known);
    return house_.router.route({envelope.recipients[recipient].address, envelope.sender}, known);
}

void ActiveMessage::routed(std::uint32_t recipient, Route route) {
    routes_[recipient] = std::move(route);
    if (--routes_open_ == 0) begin_round();
}

// --- The round -----------------------------------------------------------------------------------

void ActiveMessage::begin_round() {
    if (forget_) return remove();
    round_.emplace(message_, std::move(routes_), wall());
    for (std::size_t i = 0; i < round_->stops(); ++i) begin_stop(i);
    facts_.body.reset();  // the agents' jobs hold it while they need it
    check_soon();
}

void ActiveMessage::begin_stop(std::size_t at) {
    if (round_->stop(at).route) return begin_relay(at);
    begin_mailbox(at);
}

void ActiveMessage::begin_mailbox(std::size_t at) {
    const Round::Place& place = round_->stop(at).places.front();
    const Envelope& envelope = message_.envelope;
    const std::size_t weight = envelope.recipients.size();
    if (!house_.agents.has_room(place.name, weight)) {
        house_.agents.park(place.name, envelope.id, weight);
        return round_->skip(at);
    }
    MailboxJob job;
    fill(job, at);
    job.user = place.name;
    job.deliver.id = envelope.id;
    job.deliver.recipient = place.refs.front().recipient;
    job.deliver.return_path = envelope.sender;
    job.deliver.delivered_to = envelope.recipients[job.deliver.recipient].address;
    job.deliver.admitted = envelope.admitted;
    job.deliver.repeated = facts_.repeated;
    house_.agents.deliver(std::move(job));
}

void ActiveMessage::begin_relay(std::size_t at) {
    const Round::Stop& stop = round_->stop(at);
    const Envelope& envelope = message_.envelope;
    const std::size_t weight = envelope.recipients.size();
    if (!house_.destinations.has_room(*stop.route, weight)) {
        house_.destinations.park(*stop.route, envelope.id, weight);
        return round_->skip(at);
    }
    RelayJob job;
    fill(job, at);
    job.route = *stop.route;
    job.send.id = envelope.id;
    job.send.sender = envelope.sender;
    job.send.eight_bit = envelope.eight_bit;
    job.send.ret = envelope.ret;
    job.send.envid = envelope.envid;
    for (const Round::Place& place : stop.places) {
        const Recipient& first = envelope.recipients[place.refs.front().recipient];
        // What stands behind an alias is not what the sender wrote.
        const bool aliased = !place.refs.front().key.empty();
        job.send.recipients.push_back(
            {place.name, aliased && first.original.empty() ? "" : first.original, first.notify});
    }
    house_.destinations.deliver(std::move(job));
}

void ActiveMessage::fill(Job& job, std::size_t at) {
    job.weight = message_.envelope.recipients.size();
    job.place = message_.body;
    job.body = facts_.body;
    job.done = life_.guard([this, at](const JobResult& result) { stop_ended(at, result); });
}

void ActiveMessage::stop_ended(std::size_t at, const JobResult& result) {
    switch (result.end) {
        case JobEnd::uncertain:
            facts_.repeated = true;
            tell_doubt(at);
            [[fallthrough]];
        case JobEnd::reported:
            round_->report(at, result.outcomes, wall());
            break;
        case JobEnd::lost:
            lost_ = true;
            round_->skip(at);
            break;
        case JobEnd::drained:
            round_->skip(at);
            break;
        case JobEnd::held:
            round_->hold(at, result.outcomes.front(), wall());
            break;
    }
    check_soon();
}

// Another server may have taken it, and get it again (RFC 1047).
void ActiveMessage::tell_doubt(std::size_t at) const {
    const Round::Stop& stop = round_->stop(at);
    if (!stop.route) return;
    log::warning("maybe-delivered",
                 {{"msg", message_.envelope.id},
                  {"to", stop.places.front().name},
                  {"reason", "the connection ended before the server said whether it has it"}});
}

// Verdicts that came together are recorded together.
void ActiveMessage::check_soon() {
    if (std::exchange(check_planned_, true)) return;
    house_.loop.after_turn(life_.guard([this] {
        check_planned_ = false;
        check();
    }));
}

void ActiveMessage::check() {
    tell_news();
    if (disk_ != Disk::free || concluded_) return;
    if (round_->over()) return conclude();
    // A success that leaves others pending must not be forgotten by a crash.
    if (round_->has_success()) record(queue::Durability::synced, [this] { check(); });
}

void ActiveMessage::tell_news() {
    for (const RoundNews::Item& news : round_->news().take()) tell(news);
}

void ActiveMessage::tell(const RoundNews::Item& news) const {
    const MessageId& id = message_.envelope.id;
    const std::string& to = message_.envelope.recipients[news.recipient].address;
    const log::Field target = log::Field::unless_empty("target", news.target);
    const auto& [verdict, status, text, place] = news.outcome;
    switch (verdict) {
        case Verdict::delivered:
            return log::info("delivered", {{"msg", id},
                                           {"to", to},
                                           target,
                                           log::Field::unless_empty("via", place),
                                           {"delay", delay()}});
        case Verdict::retry:
            return log::info(
                "deferred",
                {{"msg", id}, {"to", to}, target, {"status", status}, {"reason", text}});
        case Verdict::refused:
            break;
    }
    log::warning("refused",
                 {{"msg", id}, {"to", to}, target, {"status", status}, {"reason", text}});
}

void ActiveMessage::tell_rest() {
    const auto name = [](Verdict verdict) {
        if (verdict == Verdict::delivered) return "delivered";
        return verdict == Verdict::retry ? "deferred" : "refused";
    };
    for (const RoundNews::Rest& rest : round_->news().take_rest()) {
        const auto say = rest.verdict == Verdict::refused ? &log::warning : &log::info;
        say(name(rest.verdict), {{"msg", message_.envelope.id},
                                 {"recipients", rest.recipients},
                                 log::Field::unless_empty("mailbox", rest.mailbox),
                                 {"status", rest.status}});
    }
}

// What lay in drop/ for long was submitted before it was admitted. A wall clock that jumps is
// believed for a week.
Duration ActiveMessage::delay() const {
    const auto admitted = std::chrono::milliseconds(message_.envelope.admitted);
    const std::chrono::milliseconds by_clock = house_.spool.wall().time_since_epoch() - admitted;
    const auto least = std::chrono::duration_cast<std::chrono::milliseconds>(age());
    return std::clamp<std::chrono::milliseconds>(by_clock, least, least + std::chrono::days(7));
}

// --- Its end -------------------------------------------------------------------------------------

void ActiveMessage::conclude() {
    concluded_ = true;
    if (lost_) return end(Ending::Kind::lost);
    if (forget_) return remove();
    if (!round_->settled() && house_.backoff.expired(age())) {
        round_->expire(short_duration(age()), wall());
        tell_news();
    }
    tell_rest();
    tried_ = round_->has_entries() || !round_->skipped();
    auto facts = due_notice();
    if (!facts) return rest();
    const auto notice = std::make_shared<const NoticeFacts>(std::move(*facts));
    record(durability(), [this, notice] { write_notice(notice); });
}

// A success among others that it would leave pending must not be forgotten by a crash.
queue::Durability ActiveMessage::durability() const {
    return round_->has_success() ? queue::Durability::synced : queue::Durability::lazy;
}

// A sender hears of a recipient that failed at once, whatever becomes of the others.
std::optional<NoticeFacts> ActiveMessage::due_notice() const {
    auto failed = failed_recipients(message_);
    auto bounce = plan_bounce(message_, house_.router.origin());
    if (!failed.empty() && bounce) return notice_facts(std::move(*bounce), std::move(failed));
    // Of what a failure of ours holds back one person is told once (F45).
    if (round_->settled() || round_->skipped() || !house_.backoff.overdue(age())) {
        return std::nullopt;
    }
    auto late = delayed_recipients(message_);
    auto warning = plan_delay(message_);
    if (late.empty() || !warning) return std::nullopt;
    return notice_facts(std::move(*warning), std::move(late));
}

NoticeFacts ActiveMessage::notice_facts(NoticePlan plan,
                                        std::vector<NoticeRecipient> recipients) const {
    NoticeFacts facts;
    facts.now = house_.spool.wall();
    facts.id = MessageId::generate(facts.now);
    facts.hostname = house_.hostname;
    facts.origin = house_.router.origin();
    facts.plan = std::move(plan);
    facts.failed = message_.envelope;
    facts.failed.recipients.clear();  // perhaps many, of which the notice tells some
    facts.recipients = std::move(recipients);
    return facts;
}

void ActiveMessage::write_notice(const Notice& notice) {
    const auto write = [notice,
                        place = message_.body](queue::Store& store) -> Result<queue::Draft> {
        const NoticeFacts& facts = *notice;
        const auto body = store.open_body(facts.failed.id, place);
        if (!body) return body.error().error.in("read the message for its bounce");
        const auto start = body->read(0, return_limit);
        if (!start) return start.error().in("read the message for its bounce");
        auto draft = store.draft(notice_envelope(facts), notice_verdicts(facts));
        if (!draft) return draft.error().pass();
        if (const auto done = draft->append(render_notice(facts, *start)); !done) {
            return done.error().pass();
        }
        return std::move(*draft);
    };
    house_.spool.run(write, life_.guard([this, notice](Result<queue::Draft> draft) {
        if (!draft) return notice_failed(draft.error());
        house_.spool.commit(std::move(*draft),
                            life_.guard([this, notice](const queue::Commit& commit) {
                                notice_committed(*notice, commit);
                            }));
    }));
}

void ActiveMessage::notice_committed(const NoticeFacts& facts, const queue::Commit& commit) {
    switch (commit.kind) {
        case queue::CommitKind::accepted:
        case queue::CommitKind::repeated:
            break;
        case queue::CommitKind::unknown:
            house_.health.lost_trust(*commit.error);
            break;
        case queue::CommitKind::taken:
            return notice_failed(Error(EEXIST, "commit a bounce"));
        case queue::CommitKind::failed:
            house_.health.failed(*commit.error);
            return notice_failed(*commit.error);
    }
    notice_ = facts.id;
    notice_sent(facts);
}

// The log hears of the notice when it is in the queue: a crash in between repeats it, and no crash
// loses it.
void ActiveMessage::notice_sent(const NoticeFacts& facts) {
    const MessageId& id = message_.envelope.id;
    const NoticePlan& plan = facts.plan;
    if (plan.kind == queue::Notice::delay) {
        log::info("delayed", {{"msg", id}, {"notice", facts.id}, {"to", plan.to}});
    } else {
        log::warning("bounced", {{"msg", id}, {"bounce", facts.id}, {"to", plan.to}});
    }
    if (plan.reader == Reader::root) {
        log::error("undeliverable", {{"msg", id},
                                     {"to", message_.envelope.recipients.front().address},
                                     {"kept", "in the mailbox of root, as " + facts.id.text()}});
    }
    if (round_->settled()) return remove();
    queue::Noticed noticed{plan.kind, facts.id, {}};
    for (const NoticeRecipient& one : facts.recipients) noticed.recipients.push_back(one.number);
    round_->noticed(std::move(noticed), wall());
    record(queue::Durability::synced, [this] { rest(); });
}

// The message stays until its bounce is in the queue (F43).
void ActiveMessage::notice_failed(const Error& error) {
    log::error("bounce-failed", {{"msg", message_.envelope.id}, {"reason", error}});
    end(Ending::Kind::deferred);
}

void ActiveMessage::rest() {
    if (round_->settled()) return finish();
    record(durability(), [this] { end(tried_ ? Ending::Kind::deferred : Ending::Kind::parked); });
}

// Nobody is left who could be told.
void ActiveMessage::finish() {
    if (failed_recipients(message_).empty()) return remove();
    if (message_.envelope.source == Source::queue) return keep();
    log::error("undeliverable", {{"msg", message_.envelope.id},
                                 {"to", message_.envelope.recipients.front().address},
                                 {"kept", "no: the sender is null"}});
    remove();
}

// The last word on a message that was accepted once: for a person to find.
void ActiveMessage::keep() {
    const auto kept = [this](const Result<std::string>& name) {
        if (!name) return retry_later("quarantine", name.error(), [this] { keep(); });
        log::error("undeliverable", {{"msg", message_.envelope.id},
                                     {"to", message_.envelope.recipients.front().address},
                                     {"kept", "quarantine/" + *name}});
        end(Ending::Kind::lost);
    };
    house_.spool.run(
        [id = message_.envelope.id](queue::Store& store) { return store.quarantine(id); },
        life_.guard(kept));
}

void ActiveMessage::remove() {
    const Envelope& envelope = message_.envelope;
    house_.spool.remove({envelope.id, envelope.source, envelope.uid, house_.spool.wall()},
                        life_.guard([this](const Status& status) { removed(status); }));
}

void ActiveMessage::removed(const Status& status) {
    if (status) return end(Ending::Kind::gone);
    if (status.error().code() != EIO) {
        return retry_later("remove", status.error(), [this] { remove(); });
    }
    // No later sync will succeed. This process knows that the message is done with.
    house_.health.lost_trust(status.error());
    end(Ending::Kind::gone);
}

void ActiveMessage::end(Ending::Kind kind) {
    const auto on_end = on_end_;
    on_end({kind, facts_.repeated, notice_});
}

// --- The log -------------------------------------------------------------------------------------

void ActiveMessage::record(queue::Durability durability, std::function<void()> then) {
    auto entries = std::make_shared<std::vector<queue::LogEntry>>(round_->take_entries());
    if (facts_.attempt == Attempt::forced) std::erase_if(*entries, in_vain);
    if (entries->empty()) return then();
    disk_ = Disk::writing;
    const auto write = [id = message_.envelope.id, at = message_.log, entries,
                        durability](queue::Store& store) {
        return store.record(id, at, *entries, durability);
    };
    const auto written = [this, entries, durability,
                          then = std::move(then)](const Result<queue::LogCursor>& cursor) {
        disk_ = Disk::free;
        if (cursor) {
            message_.log = *cursor;
            return then();
        }
        if (durability == queue::Durability::lazy) {
            log::warning("record-failed",
                         {{"msg", message_.envelope.id}, {"reason", cursor.error()}});
            return then();
        }
        round_->give_back(std::move(*entries));
        retry_later("record", cursor.error(),
                    [this, durability, then] { record(durability, then); });
    };
    house_.spool.run(write, life_.guard(written));
}

// What it knows is nowhere else yet, so it stays in memory until the disk takes it.
void ActiveMessage::retry_later(std::string_view what, const Error& error,
                                std::function<void()> action) {
    house_.health.failed(error);
    log::error("disk-refused", {{"msg", message_.envelope.id}, {"what", what}, {"reason", error}});
    disk_ = Disk::stuck;
    when_disk_works_ = std::move(action);
    disk_timer_.set(disk_pause);
}

}  // namespace holdfast::qmgr
