// A name server on loopback that answers from a script, over UDP and TCP, on the loop of the test.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "smtpd/base/unique_fd.h"
#include "smtpd/dns/answer.h"
#include "smtpd/loop/acceptor.h"
#include "smtpd/loop/loop.h"
#include "smtpd/loop/watch.h"
#include "tests/smtpd/loop/ports.h"

namespace holdfast::dns {

struct FakeRecord {
    std::string owner;
    std::uint16_t type = 0;
    std::string rdata;
};

// "192.0.2.1" or "2001:db8::1".
FakeRecord address_record(const std::string& owner, const std::string& literal);
FakeRecord alias_record(const std::string& owner, const std::string& target);

struct FakeReply {
    int rcode = 0;
    std::vector<FakeRecord> records = {};
    bool silent = false;
    bool truncated_over_udp = false;
    bool truncated_over_tcp = false;
    bool with_soa =
        true;  // where there are no records: as a resolver does that has a negative answer
};

class FakeNameServer {
  public:
    struct Asked {
        std::string name;  // lower case, no dot at the end
        RecordType type;
        bool tcp;
        bool operator==(const Asked&) const = default;
    };

    explicit FakeNameServer(Loop& loop, const std::string& address = "127.0.0.1",
                            std::uint16_t port = free_port());
    ~FakeNameServer();

    std::uint16_t port() const { return port_; }

    // What is not scripted is NODATA where the name has a script of another type, else NXDOMAIN.
    void script(const std::string& name, RecordType type, FakeReply reply);
    // A record of the type of the literal.
    void add(const std::string& name, const std::string& literal);
    // The same for both types.
    void script_both(const std::string& name, const FakeReply& reply);

    const std::vector<Asked>& asked() const { return asked_; }
    std::size_t times_asked(const std::string& name, RecordType type) const;

  private:
    struct Stream;

    void on_datagram();
    void on_connection(UniqueFd socket);
    void on_stream(int number);
    // Empty: silence.
    std::string response_to(std::string_view packet, bool tcp);
    FakeReply reply_to(const Asked& asked) const;

    Loop& loop_;
    std::uint16_t port_;
    UniqueFd udp_;
    std::unique_ptr<FdWatch> udp_watch_;
    std::unique_ptr<Acceptor> acceptor_;
    std::map<int, std::unique_ptr<Stream>> streams_;
    std::map<std::pair<std::string, RecordType>, FakeReply> script_;
    std::vector<Asked> asked_;
};

}  // namespace holdfast::dns
