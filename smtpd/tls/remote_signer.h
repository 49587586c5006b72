// A room's way to its private keys: one question and its answer over the link to signer. It
// blocks, for a handshake can't go on without; so the answer has a deadline.
#pragma once

#include <cstdint>
#include <string>

#include "smtpd/base/clock.h"
#include "smtpd/base/error.h"
#include "smtpd/base/unique_fd.h"
#include "smtpd/tls/sign.h"

namespace holdfast::tls {

class RemoteSigner {
  public:
    explicit RemoteSigner(Duration patience = std::chrono::seconds(2)) : patience_(patience) {}

    // A new channel to signer (links/smtpin_signer.h); the old one, and what waits on it, is let
    // go. An empty one: signer is not there.
    void replace(UniqueFd channel);

    // Whether signer is there, as far as the channel shows.
    bool present() const;

    // Fails where signer is not there, refuses, breaks the rules of the link, or is late.
    Result<std::string> sign(const SignRequest& request);

    // Signer broke the rules of the link, or was late: the channel was closed, since a signer that
    // hangs must not hold up the room for every client that comes. Told once: the owner tells the
    // parent Malformed, which starts another.
    bool take_failed();

  private:
    enum class Waiting : std::uint8_t { answered, late, gone, malformed };

    Status send(const SignRequest& request);
    Waiting wait_until(MonoTime deadline);
    Waiting take_packet();
    Waiting take_frames(std::string_view packet);
    std::unexpected<Error> failure(Waiting how);

    Duration patience_;
    UniqueFd channel_;
    std::uint64_t asked_ = 0;     // number of the last question
    std::uint64_t answered_ = 0;  // the last answer's
    links::Signed answer_;
    bool failed_ = false;
};

}  // namespace holdfast::tls
