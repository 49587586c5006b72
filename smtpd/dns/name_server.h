// One name server, asked over libunbound: an unbound context that forwards everything to it, on our
// own event loop, without a thread and without a file. Truncated answers, retransmission, aliases,
// a cache and DNSSEC are libunbound's.
//
// The answers come from strangers. They are libunbound's to check; here they are only read.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "smtpd/base/deleter.h"
#include "smtpd/base/error.h"
#include "smtpd/base/life.h"
#include "smtpd/dns/answer.h"
#include "smtpd/dns/resolv_conf.h"

struct ub_ctx;
extern "C" void ub_ctx_delete(ub_ctx*);

namespace holdfast {
class Loop;
}

namespace holdfast::dns {

struct Question {
    std::string name;  // full, without a dot at its end
    RecordType type = RecordType::a;
};

class NameServer {
  public:
    struct Setup {
        std::string address;  // "192.0.2.1", "fe80::1%eth0"
        std::uint16_t port = 53;
        ResolvConf::Transport transport = ResolvConf::Transport::any;
        std::vector<std::string> trust_anchors;  // none: nothing is validated
    };

    NameServer(Loop& loop, Setup setup);
    ~NameServer();
    NameServer(const NameServer&) = delete;
    NameServer& operator=(const NameServer&) = delete;

    using Ticket = std::uint64_t;

    // `callback` is called once, never before this has returned, and may destroy the name server.
    // libunbound gives a silent server up in its own time: a caller that cannot wait cancels.
    Ticket ask(const Question& question, std::function<void(Answer)> callback);

    // The callback of this one is not called. One that was called already: nothing happens.
    void cancel(Ticket ticket);

    const std::string& address() const { return setup_.address; }

  private:
    struct Pending;
    struct Call;
    using Context = std::unique_ptr<ub_ctx, Deleter<ub_ctx_delete>>;

    Result<Context> make_context() const;
    Status begin(Pending& pending, const Question& question);
    void settle(Pending& pending, Answer answer);
    void deliver(Ticket ticket);

    Loop& loop_;
    Setup setup_;
    Ticket last_ticket_ = 0;
    std::map<Ticket, std::unique_ptr<Pending>> pending_;
    // Made with the first question: most of the name servers behind the first are never asked.
    Context context_;
    Life life_;
};

}  // namespace holdfast::dns
