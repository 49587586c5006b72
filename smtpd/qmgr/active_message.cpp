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
      extra_(std::move(facts_.unrecorded)),
      timer_(house.loop, [this] {
          stuck_ = false;
          std::exchange(timer_action_, nullptr)();
      }) {}

std::int64_t ActiveMessage::wall() const {
    return house_.loop.clock().wall().time_since_epoch().count();
}

Duration ActiveMessage::age() const {
    return house_.loop.now() - facts_.born;
}

void ActiveMessage::start() {
    if (forget_) return remove();
    find_routes();
}

// --- Where it goes -------------------------------------------------------------------------------

// One is counted for this function, so that answers which come at once don't begin the round early.
void ActiveMessage::find_routes() {
    const auto count = static_cast<std::uint32_t>(message_.envelope.recipients.size());
    routes_.resize(count);
    routes_open_ = count + std::size_t{1};
    for (std::uint32_t i = 0; i < count; ++i) route(i);
    if (--routes_open_ == 0) begin_round();
}

void ActiveMessage::route(std::uint32_t recipient) {
    const auto attempt = [this, recipient](const KnownUser& known) {
        const queue::RecipientState& state = message_.state.recipients[recipient];
        if (state.expanded) return house_.router.resume(state.expansion, known);
        return house_.router.route(message_.envelope.recipients[recipient].address, known);
    };
    house_.users.route(
        attempt, [this, recipient](Route found) { routed(recipient, std::move(found)); }, alive_);
}

void ActiveMessage::routed(std::uint32_t recipient, Route route) {
    routes_[recipient] = std::move(route);
    if (--routes_open_ == 0) begin_round();
}

// --- The round -----------------------------------------------------------------------------------

void ActiveMessage::begin_round() {
    round_.emplace(message_, std::move(routes_), wall());
    for (std::size_t i = 0; i < round_->stops(); ++i) begin_stop(i);
    facts_.bytes.reset();  // the agents' jobs hold it while they need it
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
    job.deliver.recipient = stop.recipient;
    job.deliver.return_path = envelope.sender;
    job.deliver.delivered_to = envelope.recipients[stop.recipient].address;
    job.deliver.admitted = envelope.admitted;
    job.deliver.repeated = facts_.repeated;
    job.body = {envelope.id, message_.body, facts_.bytes};
    job.done = [this, at, alive = std::weak_ptr(alive_)](JobResult result) {
        if (!alive.expired()) stop_ended(at, std::move(result));
    };
    house_.agents.deliver(std::move(job));
}

void ActiveMessage::stop_ended(std::size_t at, JobResult result) {
    switch (result.end) {
        case JobEnd::uncertain:
            facts_.repeated = true;
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
        case JobEnd::reported:
        case JobEnd::not_begun:
        case JobEnd::unread:
            round_->report(at, result.outcome, wall());
            break;
    }
    check_soon();
}

// Verdicts that came together are recorded together.
void ActiveMessage::check_soon() {
    if (std::exchange(check_planned_, true)) return;
    house_.loop.after_turn([this, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        check_planned_ = false;
        check();
    });
}

void ActiveMessage::check() {
    tell_news();
    if (writing_ || stuck_ || concluded_) return;
    if (round_->over()) return conclude();
    // A success that leaves others pending must not be forgotten by a crash.
    if (round_->has_success()) record(queue::Durability::synced, [this] { check(); });
}

void ActiveMessage::tell_news() {
    for (const Round::News& news : round_->take_news()) {
        const std::string& to = message_.envelope.recipients[news.recipient].address;
        const std::string target = news.target.empty() ? "-" : news.target;
        const Outcome& outcome = news.outcome;
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
    expire_if_old();
    if (round_->settled()) return finish();
    defer();
}

void ActiveMessage::expire_if_old() {
    if (round_->settled() || !house_.backoff.expired(age())) return;
    round_->expire(short_duration(age()), wall());
    tell_news();
}

void ActiveMessage::defer() {
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
    const auto announced = announced_notice(message_);
    facts.id = announced ? *announced : MessageId::generate(house_.loop.clock().wall());
    facts.hostname = house_.hostname;
    facts.origin = house_.router.origin();
    facts.now = house_.loop.clock().wall();
    facts.plan = std::move(plan);
    facts.failed = message_.envelope;
    facts.recipients = std::move(failed);
    notice_ = facts.id;
    if (announced) return write_notice(std::move(facts));
    queue::Noticed noticed{queue::Notice::failure, facts.id, {}};
    for (std::uint32_t i = 0; i < message_.state.recipients.size(); ++i) {
        noticed.recipients.push_back(i);
    }
    const queue::LogEntry entry{wall(), std::move(noticed)};
    queue::apply(message_.state, entry);
    extra_.push_back(entry);
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
    house_.spool.run(write, [this, alive = std::weak_ptr(alive_)](Result<queue::Draft> draft) {
        if (!alive.expired()) notice_written(std::move(draft));
    });
}

// The message stays until its bounce is in the queue (F43).
void ActiveMessage::notice_written(Result<queue::Draft> draft) {
    if (!draft) {
        log::error("bounce-failed", {{"msg", message_.envelope.id}, {"reason", draft.error()}});
        return end(Ending::Kind::deferred);
    }
    house_.spool.commit(std::move(*draft),
                        [this, alive = std::weak_ptr(alive_)](const queue::Commit& commit) {
                            if (!alive.expired()) notice_committed(commit);
                        });
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
        case queue::CommitKind::failed: {
            const Error error = commit.error ? *commit.error : Error(EEXIST, "commit a bounce");
            house_.health.failed(error);
            log::error("bounce-failed", {{"msg", message_.envelope.id}, {"reason", error}});
            return end(Ending::Kind::deferred);
        }
    }
    log::info(
        "bounced",
        {{"msg", message_.envelope.id}, {"bounce", *notice_}, {"to", message_.envelope.sender}});
    remove();
}

void ActiveMessage::remove() {
    const Envelope& envelope = message_.envelope;
    const queue::Settled settled{envelope.id, envelope.source, envelope.uid,
                                 house_.loop.clock().wall()};
    house_.spool.remove(settled, [this, alive = std::weak_ptr(alive_)](const Status& status) {
        if (!alive.expired()) removed(status);
    });
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
    on_end(std::move(ending));
}

// --- The log -------------------------------------------------------------------------------------

void ActiveMessage::record(queue::Durability durability, std::function<void()> then) {
    auto entries = std::make_shared<std::vector<queue::LogEntry>>();
    if (round_) *entries = round_->take_entries();
    entries->insert(entries->end(), extra_.begin(), extra_.end());
    extra_.clear();
    if (entries->empty()) return then();
    writing_ = true;
    const auto write = [id = message_.envelope.id, at = message_.log, entries,
                        durability](queue::Store& store) {
        return store.record(id, at, *entries, durability);
    };
    house_.spool.run(write, [this, alive = std::weak_ptr(alive_), entries, durability,
                             then = std::move(then)](const Result<queue::LogCursor>& cursor) {
        if (alive.expired()) return;
        writing_ = false;
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
    });
}

// What it knows is nowhere else yet, so it stays in memory until the disk takes it.
void ActiveMessage::retry_later(std::string_view what, const Error& error,
                                std::function<void()> action) {
    house_.health.failed(error);
    log::error("disk-refused", {{"msg", message_.envelope.id}, {"what", what}, {"reason", error}});
    stuck_ = true;
    timer_action_ = std::move(action);
    timer_.set(disk_pause);
}

}  // namespace holdfast::qmgr
