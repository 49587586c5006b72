// Messages on their way in over one channel, from smtpin or from control: checked again, written
// as they come, committed at the end. Nothing that the other room says is believed; what an honest
// one could not have said is a Breach, after which its channel is closed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>

#include "smtpd/links/transfer.h"
#include "smtpd/qmgr/deliveries.h"
#include "smtpd/qmgr/disk_health.h"
#include "smtpd/qmgr/envelope_check.h"
#include "smtpd/qmgr/spool.h"

namespace holdfast::qmgr {

// Bodies in memory, which the house bounds.
class BodyMemory {
  public:
    static constexpr std::size_t max_kept = 4 * 1024 * 1024;       // of accepted messages
    static constexpr std::size_t max_incoming = 64 * 1024 * 1024;  // not yet on disk

    // For the agents, right after the commit; nothing where there is no room.
    std::shared_ptr<const std::string> keep(std::string bytes);

    bool has_room(std::size_t more) const { return incoming_ + more <= max_incoming; }
    void take(std::size_t bytes) { incoming_ += bytes; }
    void give_back(std::size_t bytes) { incoming_ -= bytes; }

  private:
    std::shared_ptr<std::size_t> kept_ = std::make_shared<std::size_t>(0);
    std::size_t incoming_ = 0;
};

// What the messages of every channel share. All outlive the intakes.
struct Reception {
    Loop& loop;
    Spool& spool;
    DiskHealth& health;
    Deliveries& deliveries;
    const Router& router;
    BodyMemory& memory;
    std::uint64_t max_message_bytes = 0;
};

class Intake {
  public:
    static constexpr std::size_t max_open = 4096;
    // Header fields that smtpin and control add come on top of a message's limit.
    static constexpr std::uint64_t header_allowance = 64 * 1024;

    struct Callbacks {
        std::function<void(links::Credit)> credit;
        std::function<void(links::Committed)> committed;
        std::function<void(links::Rejected)> rejected;
        // Control only: the owner of a file of drop/ that was offered, and how it ended (a code
        // of 0: committed).
        std::function<std::optional<std::uint32_t>(std::uint64_t drop)> drop_owner;
        std::function<void(std::uint64_t drop, const links::Refusal&)> drop_ended;
    };

    Intake(Reception& house, Submitter submitter, Callbacks callbacks);
    // What was not complete is forgotten; what is being committed stays committed.
    ~Intake();

    std::optional<Breach> on(links::Begin&& begin);
    std::optional<Breach> on(links::Recipients&& recipients);
    std::optional<Breach> on(links::Chunk&& chunk);
    std::optional<Breach> on(links::End&& end);
    std::optional<Breach> on(links::Abort&& abort);

    // Transfers that have not ended.
    std::size_t open() const { return transfers_.size(); }

  private:
    struct Transfer;
    using Handle = std::shared_ptr<Transfer>;

    Handle find(std::uint64_t transaction) const;
    std::optional<links::Refusal> refusal(const links::Begin& begin, Submitter submitter) const;
    std::optional<Breach> start_body(const Handle& transfer);
    void append(const Handle& transfer, std::string bytes);
    void write_next(const Handle& transfer);
    void written(const Handle& transfer, std::size_t bytes, const Status& status);
    void commit(const Handle& transfer);
    void committed(const Handle& transfer, const queue::Commit& commit);
    static void admit(Reception& house, Transfer& transfer, const queue::Commit& commit);
    links::Refusal not_stored(const Transfer& transfer, const Error& error);
    void accept(const Handle& transfer);
    void reject(const Handle& transfer, const links::Refusal& refusal);
    void drop(const Handle& transfer);

    Reception& house_;
    Submitter submitter_;
    Callbacks callbacks_;
    std::map<std::uint64_t, Handle> transfers_;
    std::shared_ptr<char> alive_ = std::make_shared<char>();
};

}  // namespace holdfast::qmgr
