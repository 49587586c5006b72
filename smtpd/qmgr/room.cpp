#include "smtpd/qmgr/room.h"

#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/panic.h"
#include "smtpd/links/snapshot_file.h"
#include "smtpd/qmgr/route_notice.h"

namespace holdfast::qmgr {

namespace {

constexpr Duration drain_look = std::chrono::milliseconds(20);
constexpr Duration orphan_look = std::chrono::milliseconds(200);
constexpr std::size_t most_agents = 100;  // the parent starts no more

std::uint32_t random_seed(const Loop& loop) {
    const MessageId random = MessageId::generate(loop.clock().wall());
    return static_cast<std::uint32_t>(std::hash<MessageId>()(random));
}

}  // namespace

Room::Room(Loop& loop, Setup setup)
    : loop_(loop),
      spool_(std::move(setup.spool)),
      router_(setup.snapshot),
      backoff_(setup.snapshot, random_seed(loop)),
      health_(loop, *spool_),
      parent_(loop, std::move(setup.parent), *this, links::Tail::skip),
      log_keeper_(loop, [this] { parent_.send(links::LogLost()); }),
      users_(loop, [this] { report_breach(links::Room::users, Breach{"a malformed message"}); }),
      agents_(loop, *spool_, std::clamp<std::size_t>(setup.snapshot.max_agents, 1, most_agents),
              {[this](links::SpawnMda request) { parent_.send(std::move(request)); },
               [this](links::AbandonMda request) { parent_.send(request); },
               [this](const MessageId& id) { deliveries_.unpark(id); }}),
      destinations_(loop, *spool_, router_.table(),
                    {[this](const MessageId& id) { deliveries_.unpark(id); },
                     [this](const Destinations::Closure& closure) { on_broken(closure); },
                     [this](const std::optional<Breach>& breach) {
                         report_breach(links::Room::relay, breach);
                     }}),
      surroundings_{loop,          *spool_,  health_,
                    users_,        router_,  agents_,
                    destinations_, backoff_, setup.snapshot.hostname},
      pickup_(make_pickup(std::move(setup.drop))),
      deliveries_(surroundings_, std::move(setup.folder),
                  {[this] {
                       if (pickup_) pickup_->start();
                   },
                   [this] {
                       if (control_) control_->queue_known();
                   },
                   [this](const MessageId& id) {
                       settled_.push_back(id);
                       tell_settled();
                   }}),
      reception_{surroundings_, deliveries_, pickup_.get(), setup.snapshot.max_message_bytes},
      instance_(setup.instance),
      drain_timer_(loop, [this] { orphan_ ? look_at_orphan() : stop_if_quiet(); }) {
    parent_.send(links::Ready());
}

Room::~Room() = default;

std::unique_ptr<DropPickup> Room::make_pickup(std::optional<DropPickup::Setup> setup) {
    if (!setup) return nullptr;
    return std::make_unique<DropPickup>(
        loop_, *spool_, std::move(*setup),
        [this](links::DropBegin file) { control_->send(std::move(file)); });
}

void Room::on(links::Start&&) {
    panic("a second Start");
}

void Room::on(links::Peer&& message) {
    switch (message.room) {
        case links::Room::smtpin:
            return meet_smtpin(std::move(message.channel));
        case links::Room::control:
            return meet_control(std::move(message.channel));
        case links::Room::users:
            return users_.connect(std::move(message.channel));
        case links::Room::relay:
            return destinations_.connect(std::move(message.channel));
        case links::Room::parent:
        case links::Room::qmgr:
        case links::Room::mda:
        case links::Room::probe:
        case links::Room::signer:
            break;
    }
    log::warning("unknown-peer", {{"room", links::room_name(message.room)}});
}

void Room::meet_smtpin(UniqueFd channel) {
    smtpin_ = std::make_unique<SmtpinPeer>(reception_, std::move(channel),
                                           [this](const std::optional<Breach>& breach) {
                                               smtpin_.reset();
                                               report_breach(links::Room::smtpin, breach);
                                           });
}

void Room::meet_control(UniqueFd channel) {
    if (pickup_) pickup_->disconnected();
    control_ = std::make_unique<ControlPeer>(reception_, instance_, std::move(channel),
                                             [this](const std::optional<Breach>& breach) {
                                                 if (pickup_) pickup_->disconnected();
                                                 control_.reset();
                                                 report_breach(links::Room::control, breach);
                                             });
    if (pickup_) pickup_->connected();
}

// The parent replaces the sender; everybody else goes on.
void Room::report_breach(links::Room sender, const std::optional<Breach>& breach) {
    if (!breach) return;
    log::error("peer-malformed", {{"room", links::room_name(sender)}, {"what", breach->what}});
    parent_.send(links::Malformed{sender});
}

// The administrator is told, once for as long as it lasts.
void Room::on_broken(const Destinations::Closure& closure) {
    RouteNotice notice;
    notice.now = spool_->wall();
    notice.id = MessageId::generate(notice.now);
    notice.hostname = surroundings_.hostname;
    notice.origin = router_.origin();
    notice.relays = closure.relays;
    notice.places = closure.places;
    notice.why = closure.why;
    const auto failed = [](const Error& error) {
        log::error("notice-failed", {{"reason", error}});
    };
    auto draft =
        spool_->store().draft(route_notice_envelope(notice), route_notice_verdicts(notice));
    if (!draft) return failed(draft.error());
    if (const auto done = draft->append(render_route_notice(notice)); !done) {
        return failed(done.error());
    }
    spool_->commit(std::move(*draft),
                   life_.guard([this, failed, id = notice.id](const queue::Commit& commit) {
                       if (commit.kind == queue::CommitKind::failed) return failed(*commit.error);
                       deliveries_.take_up(id);
                   }));
}

void Room::on(links::NewAliases&& message) {
    auto snapshot = links::read_struct<links::AliasSnapshot>(message.snapshot.get());
    if (!snapshot) {
        log::error("aliases-unread", {{"reason", snapshot.error()}});
        return;
    }
    AliasTable table(std::move(*snapshot));
    log::info("aliases-loaded", {{"aliases", table.size()}});
    router_.use(std::move(table));
}

void Room::on(links::Go&&) {
    parent_.send(links::Serving{});
}

void Room::on(links::Schedule&& message) {
    std::ranges::copy(message.in_hand, std::back_inserter(in_hand_));
    if (!message.more) deliveries_.schedule(std::exchange(in_hand_, {}));
}

void Room::on(links::Settled&& message) {
    deliveries_.settle(message.ids);
}

void Room::on(links::Release&&) {
    if (pickup_) pickup_->drain();
    deliveries_.release([this](const std::vector<MessageId>& in_hand) {
        links::in_parts(in_hand, [this](std::vector<MessageId> part, bool more) {
            parent_.send(links::Released{std::move(part), more});
        });
    });
}

// Those of a turn together.
void Room::tell_settled() {
    if (settled_.size() > 1) return;
    loop_.after_turn(life_.guard([this] {
        links::in_parts(std::exchange(settled_, {}), [this](std::vector<MessageId> part, bool) {
            parent_.send(links::Settled{std::move(part)});
        });
    }));
}

void Room::on(links::Drain&&) {
    drain();
}

// Nobody starts agents or rooms any more, and a new parent may have come already: what is in hand
// is finished, then the schedule is his. smtpin and control end by themselves, and commit until
// then.
void Room::on_end(ChannelEnd) {
    if (draining_since_) return;
    log::warning("parent-gone", {});
    orphan_ = true;
    if (pickup_) pickup_->drain();
    deliveries_.retire();
    drain_timer_.set(Duration::zero());
}

void Room::look_at_orphan() {
    if (!smtpin_ && !control_) {
        orphan_ = false;
        return drain();
    }
    drain_timer_.set(orphan_look);
}

void Room::drain() {
    if (draining_since_) return;
    draining_since_ = loop_.now();
    log::info("draining", {});
    deliveries_.drain();
    agents_.drain();
    destinations_.drain();
    if (pickup_) pickup_->drain();
    drain_timer_.set(Duration::zero());
}

bool Room::quiet() const {
    if ((smtpin_ && smtpin_->open() > 0) || (control_ && control_->open() > 0)) return false;
    return agents_.open_jobs() + destinations_.open_jobs() == 0 && deliveries_.quiet() &&
           spool_->under_way() == 0;
}

void Room::stop_if_quiet() {
    const bool may_still_come = smtpin_ || control_;
    const bool waited = loop_.now() - *draining_since_ >= grace;
    if (quiet() && (!may_still_come || waited)) return loop_.stop(0);
    drain_timer_.set(drain_look);
}

}  // namespace holdfast::qmgr
