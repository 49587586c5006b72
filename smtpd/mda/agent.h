// Serves qmgr: takes messages off the channel, stores them in batches, reports. One process, one
// user, blocking calls; it ends when qmgr closes the channel, after storing what it has whole.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/base/unique_fd.h"
#include "smtpd/mda/incoming.h"
#include "smtpd/mda/mailbox.h"

namespace holdfast::mda {

class Agent {
  public:
    Agent(UniqueFd qmgr, Mailbox mailbox);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Returns the exit status: 0 at the end of the channel, EX_PROTOCOL when qmgr says what the
    // link does not allow, EX_IOERR when a verdict can't be given: qmgr then takes what it has not
    // heard of for repeated.
    int run();

  private:
    enum class Next : std::uint8_t { go_on, end, malformed };

    Next receive();
    bool handle(std::string_view packet, std::vector<UniqueFd>& fds);
    bool on(links::Deliver&& order);
    bool on(links::Bytes&& bytes);
    void finish_front();
    bool more_is_here() const;
    bool store_batch();
    bool is_gone() const;
    void send(const links::MdaToQmgr& message);
    void give_credit();
    void flush();

    UniqueFd qmgr_;
    Mailbox mailbox_;
    std::string buffer_;
    std::string outgoing_;  // one packet of frames
    std::deque<Incoming> incoming_;
    std::vector<Parcel> batch_;
    std::size_t batch_memory_ = 0;
    std::uint64_t credit_ = 0;
    bool stale_ = false;  // its mailbox is not where it was
};

}  // namespace holdfast::mda
