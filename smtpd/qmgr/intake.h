// Messages on their way in over one channel, from smtpin or from control: checked again, written
// as they come, committed at the end. Nothing that the other room says is believed; what an honest
// one could not have said is a Breach, after which its channel is closed.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>

#include "smtpd/links/transfer.h"
#include "smtpd/qmgr/deliveries.h"
#include "smtpd/qmgr/drop_pickup.h"
#include "smtpd/qmgr/envelope_check.h"

namespace holdfast::qmgr {

// What the messages of every channel share. All outlive the intakes.
struct Reception {
    Surroundings& house;
    Deliveries& deliveries;
    DropPickup* pickup = nullptr;  // nullptr: there is no drop/
    std::uint64_t max_message_bytes = 0;
    // Bytes of accepted bodies that are kept in memory for the agents.
    std::shared_ptr<std::size_t> kept = std::make_shared<std::size_t>(0);
    std::optional<MonoTime> last_flush{};  // that a user asked for
};

class Intake {
  public:
    static constexpr std::size_t max_open = 4096;
    // Of the channel's messages together, not yet committed.
    static constexpr std::size_t max_recipients_open = 500'000;
    static constexpr std::size_t max_kept = 4 * 1024 * 1024;
    // Of the channel's messages together, received and not yet on disk.
    static constexpr std::uint64_t max_outstanding = 64 * 1024 * 1024;
    // Header fields that smtpin and control add come on top of a message's limit.
    static constexpr std::uint64_t header_allowance = 64 * 1024;

    using Answer = std::variant<links::Credit, links::Committed, links::Rejected>;
    // `submitter`: stranger or user.
    Intake(Reception& reception, Submitter submitter, std::function<void(Answer)> send);
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
    void judge(Transfer& transfer, const links::Refusal& verdict) const;
    std::optional<Breach> start_body(const Handle& transfer);
    std::uint64_t outstanding() const;
    void append(const Handle& transfer, const std::string& bytes);
    void write_next(const Handle& transfer);
    void written(const Handle& transfer, std::uint64_t bytes, const Status& status);
    void commit(const Handle& transfer);
    void committed(const Handle& transfer, const queue::Commit& commit);
    static void admit(Reception& reception, Transfer& transfer, const queue::Commit& commit,
                      std::string body);
    links::Refusal not_stored(const Transfer& transfer, const Error& error);
    void accept(const Handle& transfer);
    void reject(const Handle& transfer, const links::Refusal& refusal);
    void drop(const Handle& transfer);

    Reception& reception_;
    Surroundings& house_;
    Submitter submitter_;
    std::function<void(Answer)> send_;
    std::map<std::uint64_t, Handle> transfers_;
    std::size_t recipients_open_ = 0;
    Life life_;
};

}  // namespace holdfast::qmgr
