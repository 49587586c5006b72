// Finds the addresses of a host: a literal address, a name of the hosts file, or what the name
// servers say to A and AAAA, which are asked side by side.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/base/life.h"
#include "smtpd/dns/answer.h"
#include "smtpd/dns/query.h"
#include "smtpd/dns/resolver.h"
#include "smtpd/loop/ip_address.h"
#include "smtpd/loop/watch.h"

namespace holdfast::dns {

struct HostAddresses {
    // no_data: the name is there, and has an address of neither family.
    Meaning meaning = Meaning::unavailable;
    std::vector<IpAddress> addresses;  // where found; else none
    std::string why;                   // where not found: one line for people, with the host
};

// What both answers come to. Only what both can say is final (F44).
HostAddresses combined(const std::string& host, const Answer& ipv6, const Answer& ipv4);

class Lookup {
  public:
    static constexpr Duration default_limit = std::chrono::seconds(30);

    // `host` is a full name, in ASCII, or a literal address without brackets. `callback` is called
    // once, at most `limit` from now, never before the constructor has returned; it may destroy
    // this. Destroyed before that, it is not called.
    Lookup(Resolver& resolver, std::string host, std::function<void(HostAddresses)> callback,
           Duration limit = default_limit);
    Lookup(const Lookup&) = delete;
    Lookup& operator=(const Lookup&) = delete;

  private:
    std::optional<HostAddresses> known(const Resolver& resolver) const;
    void on_answer(std::optional<Answer>& place, Answer answer);
    void on_deadline();
    void finish(HostAddresses result);

    Loop& loop_;
    std::string host_;
    std::function<void(HostAddresses)> callback_;
    Duration limit_;
    MonoTime deadline_;
    Timer timer_;
    std::optional<Answer> ipv6_;
    std::optional<Answer> ipv4_;
    std::optional<Query> ipv6_query_;
    std::optional<Query> ipv4_query_;
    Life life_;
};

}  // namespace holdfast::dns
