#include "smtpd/parent/house.h"

#include <algorithm>
#include <iterator>

#include <fcntl.h>
#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/base/paths.h"
#include "smtpd/base/write.h"
#include "smtpd/parent/orphans.h"

namespace holdfast {

House::House(Loop& loop, HouseFacts facts)
    : loop_(loop),
      facts_(std::move(facts)),
      log_(loop, facts_.outfit.log, system_log_path, [this] { log_opened(); }),
      log_keeper_(loop, [this] { log_.lost(); }),
      manager_(loop),
      started_(loop.now()),
      run_(loop, {paths::run, paths::instance_lock, paths::control_socket, facts_.outfit.empty},
           std::move(facts_.lock), [this] { control_republished(); }),
      leaving_(loop),
      ticket_keys_(loop.now()),
      ticket_timer_(loop, [this] { renew_ticket_keys(); }),
      certificates_timer_(loop, [this] { look_at_certificates(); }),
      agents_(
          loop, paths::agents_lock,
          [this](std::uint32_t number, auto reply) {
              Generation* const generation = find(number);
              if (generation == nullptr) return;
              std::visit(
                  [&](auto& said) { generation->room(links::Room::qmgr).send(std::move(said)); },
                  reply);
          }),
      token_([this](std::uint32_t number, links::ParentToQmgr message) {
          Generation* const generation = find(number);
          if (generation == nullptr) return;
          std::visit([&](auto& said) { generation->room(links::Room::qmgr).send(std::move(said)); },
                     message);
      }),
      not_accepting_deadline_(loop, [this] { finish_change(); }),
      hand_over_timer_(loop, [this] { hand_over(); }),
      strangers_timer_(loop, [this] { look_for_strangers(); }),
      stop_deadline_(loop, [this] { kill_the_rest(); }),
      sweep_timer_(loop, [this] { sweep(); }),
      roster_(facts_.outfit.roster) {
    agents_.when_none([this](std::uint32_t number) {
        token_.dead(number);
        sweep_timer_.set(Duration::zero());
    });
}

House::~House() = default;

Generation* House::find(std::uint32_t number) {
    if (newcomer_ && newcomer_->number() == number) return newcomer_.get();
    const auto found = std::ranges::find_if(
        generations_, [number](const auto& one) { return one->number() == number; });
    return found == generations_.end() ? nullptr : found->get();
}

Generation::Events House::events_of(std::uint32_t number) {
    return {[this, number](Generation::Phase phase) { phase_reached(*find(number), phase); },
            [this](const Report& why) { candidate_failed(why); },
            [this, number](Generation::Call call) {
                std::visit([&](auto& message) { on(*find(number), std::move(message)); }, call);
            },
            [this, number](Generation::Events::Qmgr news) { qmgr_changed(number, news); },
            [this] { loop_.post([this] { finish_change(); }); },
            [this, number] { programs_gone(number); },
            [this] { replace_ticket_keys(); },
            generations_.empty()};
}

void House::start(std::function<void()> on_serving) {
    on_serving_ = std::move(on_serving);
    ticket_timer_.set(ticket_keys_.time_left(loop_.now()));
    use_kept_sockets();
    find_orphans_of_another();
    hold_back_for_strangers();
    prepare(facts_.outfit.image);
}

// --- work ---------------------------------------------------------------------------------------

void House::want(Work::Task task) {
    if (stopping_) return;
    waiting_.find_or_add(task);
    next_work();
}

template <class Waiter>
void House::want(Work::Task task, bool now, Waiter waiter) {
    if (stopping_) return answer(waiter, {EX_TEMPFAIL, "smtpd is being stopped", {}});
    if (waiting_.waiters() >= max_waiters) {
        return answer(waiter, {EX_TEMPFAIL, "too many requests wait: try again", {}});
    }
    Work& work = waiting_.find_or_add(task);
    work.join(std::move(waiter));
    if (now) work.hurry();
    next_work();
}

void House::next_work() {
    if (work_ || generations_.empty() || stopping_) return;
    const bool full = generations_.size() >= max_generations;
    auto work =
        waiting_.take([full](const Work& one) { return !full || !one.adds_a_generation(); });
    if (work) return begin(std::move(*work));
    if (full) wait_for_room();
}

// Too many generations live. Whoever cannot wait has the oldest cut short.
void House::wait_for_room() {
    Generation& oldest = *generations_.front();
    for (Work& work : waiting_.all()) {
        if (work.now()) oldest.kill();
        const links::Progress progress{
            "waiting for an older generation to finish its sessions "
            "(--now cuts off those of generation " +
            std::to_string(oldest.number()) + ")"};
        for (const UniqueFd& client : work.take_untold()) tell(client.get(), progress);
    }
}

void House::begin(Work work) {
    work_ = std::move(work);
    switch (work_->task()) {
        case Work::Task::aliases:
            return read_aliases();
        case Work::Task::reload:
            log::info("reloading", {{"generation", last_generation_ + 1}});
            manager_.reloading("reading the configuration again");
            return prepare(serving().outfit().image);
        case Work::Task::restart:
            return restart();
        case Work::Task::reload_certs:
            return reload_certificates();
    }
}

void House::finish_work(Report report) {
    candidate_.reset();
    aliases_probe_.reset();
    rehearsal_.reset();
    successor_.reset();
    done_.reset();
    not_accepting_deadline_.cancel();
    if (!work_) return;
    const Work work = std::move(*std::exchange(work_, {}));
    const std::string_view task = task_name(work.task());
    if (work.task() != Work::Task::aliases) {
        last_change_ = std::string(task) + ": " + (report.good() ? "done" : report.summary());
        last_change_at_ = loop_.clock().wall();
    }
    if (!report.good()) {
        log::error("request-failed", {{"request", task}, {"reason", report.summary()}});
        if (report.reason.empty()) report.reason = "the configuration is wrong: nothing changes";
    }
    static_cast<void>(write_all(STDERR_FILENO, report.complaints));
    if (!stopping_) manager_.ready(status_line());
    answer(work, report);
    next_work();
}

// All that is wanted, in progress or not.
void House::refuse_work(const Report& report) {
    if (work_) finish_work(report);
    const auto any = [](const Work&) { return true; };
    while (const auto work = waiting_.take(any)) answer(*work, report);
}

void House::answer(const Work& work, const Report& report) {
    for (const UniqueFd& client : work.clients()) answer(client, report);
    for (const links::Asker& asker : work.askers()) answer(asker, report);
}

void House::answer(const UniqueFd& client, const Report& report) {
    tell_certificates(client.get(), report.certificates);
    if (report.good()) {
        tell(client.get(), links::Outcome{serving().number(), paths::version, report.changes});
    }
    tell(client.get(), links::Answer{report.status, report.complaints + report.reason});
}

void House::answer(const links::Asker& asker, const Report& report) {
    Generation* const generation = find(asker.generation);
    if (generation == nullptr) return;
    generation->room(links::Room::control)
        .send(links::Done{asker.request, report.status, report.complaints + report.reason});
}

// Agents of a parent that was killed: with their qmgr they finish what they have in hand, or they
// are stuck with what is their user's.
void House::hold_back_for_strangers() {
    strangers_since_ = loop_.now();
    look_for_strangers();
}

void House::look_for_strangers() {
    constexpr Duration between_looks = std::chrono::milliseconds(100);
    const auto live = agents_.strangers_live();
    if (!live) log::warning("agents-unknown", {{"reason", live.error()}});
    const bool late = loop_.now() - strangers_since_ > Agents::orphan_limit;
    if (!live || !*live || late) return token_.go_on();
    token_.hold_back();
    strangers_timer_.set(between_looks);
}

// --- from one generation to the next ------------------------------------------------------------

void House::prepare(std::shared_ptr<const Image> image) {
    Outfit outfit = facts_.outfit;
    outfit.image = std::move(image);
    outfit.generation = ++last_generation_;
    const bool first = generations_.empty();
    candidate_ = std::make_unique<Candidate>(
        loop_,
        Candidate::Ground{
            std::move(outfit), facts_.config, leaving_.and_those(listeners_),
            first ? ProbeRequest::Complaints::printed : ProbeRequest::Complaints::kept},
        [this](const Report& report) { prepared(report); });
}

void House::prepared(const Report& report) {
    if (!candidate_) return;
    Report outcome = report;
    if (outcome.good()) {
        outcome = switch_over();
        outcome.complaints = report.complaints;
    }
    if (outcome.good()) {  // candidate_serves() or candidate_failed() follows
        change_ = std::move(outcome);
        return;
    }
    if (generations_.empty()) return first_start_failed(outcome);
    if (resumption_.fallback >= 0) return give_way_to_fallback(outcome);
    finish_work(std::move(outcome));
}

void House::first_start_failed(const Report& report) {
    failure_ = report.reason;
    candidate_.reset();
    if (newcomer_) newcomer_->leave_alone();
    loop_.stop(report.status);
}

// From here on both could serve; the one before it goes on until the newcomer does.
Report House::switch_over() {
    ListenerChange& change = candidate_->listeners();
    if (const auto listens = listen_on_added(change); !listens) {
        return failed(EX_UNAVAILABLE, listens.error());
    }
    if (const auto published = run_.publish(); !published) {
        return failed(EX_OSFILE, published.error());
    }
    newcomer_ = candidate_->take_generation();
    newcomer_->listen_to(events_of(newcomer_->number()));
    newcomer_->use_ticket_keys(ticket_keys_.keys());
    newcomer_->serve(change.next, run_.control_socket());
    return {};
}

void House::candidate_serves() {
    ListenerChange change = std::move(candidate_->listeners());
    candidate_.reset();
    Generation* const before = generations_.empty() ? nullptr : generations_.back().get();
    auto listeners_before = std::exchange(listeners_, std::move(change.next));
    have_listeners_kept(listeners_before);
    have_control_kept();
    have_listeners_found();
    // Those that another process has left are accepted on by nobody any more.
    if (before != nullptr) leaving_.replaced(std::move(listeners_before), listeners_);
    generations_.push_back(std::move(newcomer_));
    log::info("serving", {{"generation", serving().number()},
                          {"listeners", listeners_.size()},
                          {"version", paths::version}});
    token_.pass_to(serving().number());
    certificates_loaded();
    done_ = std::exchange(change_, {});
    if (before != nullptr) {
        done_->changes = serving().changes_from(*before);
        before->drain(std::move(change.leaving));
    }
    relieve(std::exchange(orphans_, {}));
    if (on_serving_) std::exchange(on_serving_, {})();
    if (before == nullptr) manager_.ready(status_line());
    const UniqueFd fallback(std::exchange(resumption_, {}).fallback);
    constexpr Duration patience = std::chrono::seconds(5);
    not_accepting_deadline_.set(patience);
    finish_change();
}

// Whoever connects after the answer is served by what the answer tells of.
void House::finish_change() {
    if (!done_) return;
    for (const auto& one : generations_) {
        if (one.get() == &serving() || !one->accepts()) continue;
        if (not_accepting_deadline_.pending()) return;
        log::warning("still-accepts", {{"generation", one->number()}});
    }
    finish_work(std::move(*done_));
}

void House::candidate_failed(const Report& why) {
    if (!newcomer_) return;
    const Report report{why.status, why.reason, std::exchange(change_, {}).complaints};
    if (generations_.empty()) return first_start_failed(report);
    retire_newcomer();
    if (resumption_.fallback >= 0) {
        // Its callback is on the stack.
        return loop_.post([this, report] { give_way_to_fallback(report); });
    }
    finish_work(report);
}

// It was told to serve, so there may be somebody whom it serves: it finishes that like any other.
void House::retire_newcomer() {
    token_.withdraw(newcomer_->number());
    Generation& gone = **generations_.insert(std::prev(generations_.end()), std::move(newcomer_));
    gone.drain({});
}

void House::phase_reached(Generation& generation, Generation::Phase phase) {
    if (phase == Generation::Phase::serving && &generation == newcomer_.get()) {
        // Its callback is on the stack, and what follows may move it.
        return loop_.post([this] {
            if (newcomer_ && candidate_) candidate_serves();
        });
    }
    if (phase == Generation::Phase::over) sweep_timer_.set(Duration::zero());
}

// Lets go of the generations of which nothing is left.
void House::sweep() {
    std::erase_if(generations_, [this](const auto& one) {
        if (one->phase() != Generation::Phase::over || agents_.any(one->number())) return false;
        log::info("generation-over", {{"generation", one->number()}});
        token_.forget(one->number());
        return true;
    });
    if (stopping_ && generations_.empty()) return stop_when_alone();
    next_work();
}

// --- what rooms ask -----------------------------------------------------------------------------

void House::qmgr_changed(std::uint32_t number, Generation::Events::Qmgr news) {
    if (news == Generation::Events::Qmgr::up) return token_.qmgr_up(number);
    agents_.forget_requests(number);
    const bool live = agents_.any(number);
    token_.qmgr_down(number, live ? QueueToken::Agents::alive : QueueToken::Agents::gone);
}

void House::on(Generation& from, links::SpawnMda&& request) {
    agents_.spawn(from.agent_kit(), std::move(request));
}

void House::on(Generation& from, links::AbandonMda&& request) {
    agents_.abandon(from.number(), request);
}

void House::on(Generation& from, links::Released&& said) {
    token_.on(from.number(), std::move(said));
}

void House::on(Generation& from, links::Settled&& said) {
    token_.on(from.number(), std::move(said));
}

void House::on(Generation&, links::LogLost&&) {
    log_.lost();
}

void House::on(Generation& from, links::AliasesQuery&& query) {
    want(Work::Task::aliases, false, links::Asker{from.number(), query.request});
}

void House::on(Generation&, links::AdminOrder&& order) {
    if (!order.client) return;
    if (!may_command(order.client.get())) {
        return answer(order.client, {EX_NOPERM, "only root may give orders to smtpd", {}});
    }
    switch (order.order) {
        case links::Order::stop:
            tell(order.client.get(), links::Answer{});
            return stop(order.now ? Stop::now : Stop::when_finished);
        case links::Order::reload:
            return want(Work::Task::reload, order.now, std::move(order.client));
        case links::Order::restart:
            return want(Work::Task::restart, order.now, std::move(order.client));
        case links::Order::reload_certs:
            return want(Work::Task::reload_certs, order.now, std::move(order.client));
    }
}

void House::log_opened() {
    log::reopen(duplicate(facts_.outfit.log));
    // Agents do without: they live for seconds, and qmgr logs what they did.
    for (const auto& generation : generations_) generation->use_log(facts_.outfit.log);
}

}  // namespace holdfast
