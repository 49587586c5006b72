// The way to one server, up to a socket that is connected: its secret, whom to trust, where it is.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "smtpd/base/life.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/loop/dialer.h"
#include "smtpd/relay/names.h"
#include "smtpd/relay/sasl.h"
#include "smtpd/relay/transaction.h"
#include "smtpd/relay/trust.h"

namespace holdfast::relay {

// What all approaches need of the room; outlives them.
struct Means {
    Loop& loop;
    Files& files;
    Names& names;
    TrustStore& trust;
    const links::RelaySnapshot& config;
};

class Approach {
  public:
    struct Arrived {
        UniqueFd socket;
        Credentials credentials;
        std::optional<tls::ClientContext> context;  // none where TLS is not wanted
    };
    // Called once, not before the constructor has returned; may destroy this. Destroyed before
    // that, it is not called.
    using Done = std::function<void(std::expected<Arrived, Failure>)>;

    // `plan` outlives it.
    Approach(const Means& means, const links::RelayPlan& plan, Done done);

  private:
    void read_secret();
    void find_trust();
    void find_host();
    void dial(const dns::HostAddresses& found);
    void finish(std::expected<Arrived, Failure> result);
    void fail(links::Way way, std::string why);

    const Means& means_;
    const links::RelayPlan& plan_;
    Done done_;
    Arrived arrived_;
    std::unique_ptr<Dialer> dialer_;
    Life life_;
};

}  // namespace holdfast::relay
