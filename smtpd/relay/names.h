// Where hosts are: the resolver, with resolv.conf and the hosts file as they are at the moment.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/base/life.h"
#include "smtpd/dns/lookup.h"
#include "smtpd/relay/files.h"

namespace holdfast::relay {

class Names {
  public:
    // What was read so lately is not read again.
    static constexpr Duration fresh = std::chrono::seconds(10);

    Names(Loop& loop, Files& files) : loop_(loop), files_(files) {}

    // `done` is called once, not before this returns; whoever may go first guards it.
    using Done = std::function<void(dns::HostAddresses)>;
    void find(const std::string& host, Done done);

  private:
    struct Wanted {
        std::string host;
        Done done;
    };

    void read_files();
    void set_up(const std::string& resolv_conf, const std::string& hosts);
    void look_up(Wanted wanted);

    Loop& loop_;
    Files& files_;
    std::optional<dns::Resolver> resolver_;
    std::optional<MonoTime> read_;  // when the files were
    bool reading_ = false;
    std::vector<Wanted> waiting_;  // for them
    std::list<std::unique_ptr<dns::Lookup>> lookups_;
    Life life_;
};

}  // namespace holdfast::relay
