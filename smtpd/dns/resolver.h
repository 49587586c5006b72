// What a process knows about resolving names: the name servers of resolv.conf and the names of the
// hosts file, both given as text by whoever may open files. Lookups (lookup.h) are made with it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/dns/hosts_file.h"
#include "smtpd/dns/query.h"
#include "smtpd/dns/resolv_conf.h"

namespace holdfast::dns {

class Resolver {
  public:
    struct Setup {
        std::string_view resolv_conf;
        std::string_view hosts;
        std::string_view trust_anchors = {};  // none: nothing is validated (DNSSEC)
        std::uint16_t port = 53;
        Duration patience = std::chrono::seconds(5);  // with one name server, before the next
    };

    // It opens no file and starts no thread, now or later; sockets are opened for each question.
    // Outlives the lookups that are made with it.
    Resolver(Loop& loop, const Setup& setup);

    // The files may have changed. Lookups under way finish with what they began with; what has been
    // learned from the name servers stays where they are the same.
    void set_up(const Setup& setup);

    Loop& loop() const { return loop_; }
    const HostsFile& hosts() const { return hosts_; }
    std::shared_ptr<const NameServers> servers() const { return servers_; }

  private:
    // All that the name servers are made from.
    struct Source {
        ResolvConf conf;
        std::vector<std::string> trust_anchors;
        std::uint16_t port = 0;
        Duration patience{};
        bool operator==(const Source&) const = default;
    };

    static std::shared_ptr<const NameServers> servers_from(Loop& loop, const Source& source);

    Loop& loop_;
    HostsFile hosts_;
    Source source_;
    std::shared_ptr<const NameServers> servers_;
};

}  // namespace holdfast::dns
