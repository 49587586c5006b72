#include "smtpd/qmgr/active_message.h"

#include "smtpd/base/log.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration disk_pause = std::chrono::seconds(30);

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
    if (state.expanded) return house_.router.resume(state.expansion, known);
    return house_.router.route(message_.envelope.recipients[recipient].address, known);
}

void ActiveMessage::routed(std::uint32_t recipient, Route route) {
    routes_[recipient] = std::move(route);
    if (--routes_open_ == 0) begin_round();
}

// --- The round -----------------------------------------------------------------------------------

void ActiveMessage::begin_round() {
    round_.emplace(message_, std::move(routes_), wall());
    for (std::size_t i = 0; i < round_->stops(); ++i) begin_stop(i);
    facts_.body.reset();  // the agents' jobs hold it while they need it
    check_soon();
}

void ActiveMessage::begin_stop(std::size_t at) {
    const Round::Stop& stop = round_->stop(at);
    const Envelope& envelope = message_.envelope;
    if (!house_.agents.has_room(stop.user)) {
        house_.agents.park(stop.user, envelope.id);
        return round_->skip(at);
    }
    Job job;
    job.user = stop.user;
    job.deliver.id = envelope.id;
    job.deliver.recipient = stop.refs.front().recipient;
    job.deliver.return_path = envelope.sender;
    job.deliver.delivered_to = envelope.recipients[job.deliver.recipient].address;
    job.deliver.admitted = envelope.admitted;
    job.deliver.repeated = facts_.repeated;
    job.place = message_.body;
    job.body = facts_.body;
    job.done = life_.guard([this, at](const JobResult& result) { stop_ended(at, result); });
    house_.agents.deliver(std::move(job));
}

void ActiveMessage::stop_ended(std::size_t at, const JobResult& result) {
    switch (result.end) {
        case JobEnd::uncertain:
            facts_.repeated = true;
            [[fallthrough]];
        case JobEnd::reported:
            round_->report(at, result.outcome, wall());
            break;
        case JobEnd::damaged:
            lost_ = true;
            log::error("message-damaged",
                       {{"msg", message_.envelope.id}, {"reason", result.outcome.text}});
            round_->skip(at);
            break;
        case JobEnd::drained:
            round_->skip(at);
            break;
    }
    check_soon();
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
    for (const queue::LogEntry& entry : round_->take_news()) {
        const auto* attempted = std::get_if<queue::Attempted>(&entry.event);
        if (attempted == nullptr) continue;
        const std::string& to = message_.envelope.recipients[attempted->recipient].address;
        const std::string target = attempted->target.empty() ? "-" : attempted->target;
        const Outcome& outcome = attempted->outcome;
        if (outcome.verdict == Verdict::delivered) {
            log::info("delivered", {{"msg", message_.envelope.id},
                                    {"to", to},
                                    {"target", target},
                                    {"via", outcome.place},
                                    {"delay", age()}});
        } else {
            log::info(outcome.verdict == Verdict::retry ? "deferred" : "refused",
                      {{"msg", message_.envelope.id},
                       {"to", to},
                       {"target", target},
                       {"status", outcome.enhanced},
                       {"reason", outcome.text}});
        }
    }
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
    if (round_->settled()) return finish();
    const auto kind =
        round_->has_entries() || !round_->skipped() ? Ending::Kind::deferred : Ending::Kind::parked;
    const auto durability =
        round_->has_success() ? queue::Durability::synced : queue::Durability::lazy;
    record(durability, [this, kind] { end(kind); });
}

void ActiveMessage::finish() {
    std::vector<FailedRecipient> failed = failed_recipients(message_);
    auto plan = plan_notice(message_.envelope, house_.router.origin());
    if (!failed.empty() && plan) return announce_notice(std::move(failed), std::move(*plan));
    const bool notice_died =
        message_.envelope.source == Source::queue && !plan &&
        message_.state.recipients.front().target({}).progress == queue::Progress::refused;
    if (!failed.empty() || notice_died) {
        log::warning("undeliverable", {{"msg", message_.envelope.id},
                                       {"to", message_.envelope.recipients.front().address},
                                       {"bounce", "none, the sender is null"}});
    }
    remove();
}

// The log names the notice before it exists: after a crash the same one is made again, and where
// it is in the queue already, its id says so.
void ActiveMessage::announce_notice(std::vector<FailedRecipient> failed, NoticePlan plan) {
    NoticeFacts facts;
    facts.hostname = house_.hostname;
    facts.origin = house_.router.origin();
    facts.now = house_.spool.wall();
    facts.plan = std::move(plan);
    facts.failed = message_.envelope;
    facts.recipients = std::move(failed);
    const auto announced = announced_notice(message_);
    notice_ = facts.id = announced ? *announced : MessageId::generate(facts.now);
    if (!announced) round_->announce(facts.id, wall());
    record(queue::Durability::synced, [this, facts = std::move(facts)] { write_notice(facts); });
}

void ActiveMessage::write_notice(NoticeFacts facts) {
    const auto write = [facts = std::move(facts),
                        place = message_.body](queue::Store& store) -> Result<queue::Draft> {
        const auto body = store.open_body(facts.failed.id, place);
        if (!body) return body.error().error.in("read the message for its bounce");
        const auto start = body->read(0, return_limit);
        if (!start) return start.error().in("read the message for its bounce");
        auto draft = store.draft(notice_envelope(facts));
        if (!draft) return draft.error().pass();
        if (const auto done = draft->append(render_notice(facts, *start)); !done) {
            return done.error().pass();
        }
        return std::move(*draft);
    };
    house_.spool.run(write, life_.guard([this](Result<queue::Draft> draft) {
        if (!draft) return notice_failed(draft.error());
        house_.spool.commit(std::move(*draft), life_.guard([this](const queue::Commit& commit) {
            notice_committed(commit);
        }));
    }));
}

void ActiveMessage::notice_committed(const queue::Commit& commit) {
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
    log::info(
        "bounced",
        {{"msg", message_.envelope.id}, {"bounce", *notice_}, {"to", message_.envelope.sender}});
    remove();
}

// The message stays until its bounce is in the queue (F43).
void ActiveMessage::notice_failed(const Error& error) {
    log::error("bounce-failed", {{"msg", message_.envelope.id}, {"reason", error}});
    end(Ending::Kind::deferred);
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
    Ending ending{kind, facts_.repeated, {}};
    if (kind == Ending::Kind::gone) ending.notice = notice_;
    const auto on_end = on_end_;
    on_end(ending);
}

// --- The log -------------------------------------------------------------------------------------

void ActiveMessage::record(queue::Durability durability, std::function<void()> then) {
    auto entries = std::make_shared<std::vector<queue::LogEntry>>(round_->take_entries());
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
