// Everything that leaves this machine: who waits for which destination, how many transactions it
// has at once, and what is done while it takes none. A destination is a list of relays, the best
// first; one that hangs keeps its own slots and delays nobody else's mail (F42).
//
// A destination that is closed by a failure of ours is closed as a whole: its messages are parked,
// not tried and not bounced, until one of them gets through again (F45).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/line.h"
#include "smtpd/qmgr/passage.h"
#include "smtpd/qmgr/relay_peer.h"
#include "smtpd/qmgr/route_table.h"

namespace holdfast::qmgr {

class Destinations {
  public:
    // What people are told of one that is not open.
    struct Closure {
        std::string relays;  // "main, spare"
        std::string places;  // "smtpd.conf:3, smtpd.conf:4"
        std::string why;
        links::Way way = links::Way::usable;
        Duration lasts{};     // so far
        Duration next_try{};  // from now
        std::size_t waiting = 0;
    };
    struct Callbacks {
        std::function<void(const MessageId&)> unpark;  // there is room for it, or it is worth a try
        std::function<void(const Closure&)> on_broken;  // once, until it is usable again
        std::function<void(std::optional<Breach>)> on_peer_end;
    };

    // `table` outlives this.
    Destinations(Loop& loop, Spool& spool, const RouteTable& table, Callbacks callbacks);
    ~Destinations();

    // Relay; replaces an earlier one.
    void connect(UniqueFd channel);

    // Of the line of a route's destination (line.h). None while it is closed by a failure of ours.
    bool has_room(std::size_t route, std::size_t weight) const;
    void deliver(RelayJob job);
    void park(std::size_t route, const MessageId& message, std::size_t weight);

    // An administrator wants everything to be tried.
    void try_now();

    // Of a route's destination; nothing where it is open.
    std::optional<Closure> closure(std::size_t route) const;
    std::vector<Closure> closures() const;

    // Deliveries that have not ended.
    std::size_t open_jobs() const { return open_jobs_; }
    // Nothing more is begun: what waits ends as `drained`, what relay has is finished.
    void drain();

  private:
    struct Destination;
    using Key = std::vector<std::uint32_t>;  // relays

    Destination& destination(std::size_t route);
    const Destination* find(std::size_t route) const;
    void pump(Destination& place);
    void ended(Destination& place, RelayJob job, RelayPeer::End end);
    void sent(Destination& place, RelayJob job, links::Sent sent);
    void cut(Destination& place, RelayJob job);
    void shown(Destination& place, links::Way way, const std::string& why);
    void defer_line(Destination& place);
    void hold_line(Destination& place);
    void call(Destination& place, std::size_t count);
    Closure closure_of(const Destination& place) const;
    void plan();
    void on_timer();

    Loop& loop_;
    Spool& spool_;
    const RouteTable& table_;
    Callbacks callbacks_;
    std::map<Key, std::unique_ptr<Destination>> places_;
    std::unique_ptr<RelayPeer> peer_;
    std::size_t open_jobs_ = 0;
    bool draining_ = false;
    Timer timer_;
    Life life_;
};

}  // namespace holdfast::qmgr
