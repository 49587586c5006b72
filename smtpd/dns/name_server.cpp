#include "smtpd/dns/name_server.h"

#include <array>
#include <span>
#include <utility>

#include <unbound-event.h>
#include <unbound.h>

#include "smtpd/dns/message.h"
#include "smtpd/loop/loop.h"

namespace holdfast::dns {

namespace {

struct Option {
    const char* name;
    const char* value;
};

constexpr int class_internet = 1;

constexpr std::array options{
    // These are for one who asks the servers of each domain himself.
    Option{"qname-minimisation:", "no"},
    Option{"unblock-lan-zones:", "yes"},
    // The order of addresses is the resolver's.
    Option{"rrset-roundrobin:", "no"},
    // A name that was added is found soon.
    Option{"cache-max-negative-ttl:", "60"},
    // A resolver takes its time over a name that it has to ask others for: so long it is given
    // before a question is repeated, ten seconds in all.
    Option{"infra-cache-min-rtt:", "400"},
    // It may have been silent because a domain is. Without these it would be left alone for
    // minutes, though it answers again.
    Option{"infra-host-ttl:", "1"},
    Option{"infra-keep-probing:", "yes"},
    // Questions about hung domains must not hold up the others (F42).
    Option{"outgoing-range:", "256"},
    Option{"outgoing-num-tcp:", "16"},
};

// Names that unbound would deny by itself, though a resolver may well serve them.
constexpr std::array served_elsewhere{"test.", "home.arpa."};

Status checked(int code, std::string_view doing) {
    if (code == UB_NOERROR) return {};
    return plain_error(std::string(doing) + ": " + ub_strerror(code));
}

Status set_options(ub_ctx* context, std::span<const Option> settings) {
    for (const auto& [name, value] : settings) {
        if (const auto set = checked(ub_ctx_set_option(context, name, value), name); !set) {
            return set;
        }
    }
    return {};
}

Status set_options(ub_ctx* context, const NameServer::Setup& setup) {
    if (const auto set = set_options(context, std::span(options)); !set) return set;
    const bool validates = !setup.trust_anchors.empty();
    const std::array own{
        Option{"module-config:", validates ? "validator iterator" : "iterator"},
        Option{"tcp-upstream:", setup.transport == ResolvConf::Transport::tcp ? "yes" : "no"},
    };
    return set_options(context, std::span(own));
}

Status add_trust_anchors(ub_ctx* context, const std::vector<std::string>& anchors) {
    for (const std::string& anchor : anchors) {
        const auto added = checked(ub_ctx_add_ta(context, anchor.c_str()), "trust anchor");
        if (!added) return added;
    }
    return {};
}

// The first of these makes the settings final, and looks at the trust anchors.
Status remove_zones(ub_ctx* context) {
    for (const char* const zone : served_elsewhere) {
        const auto removed = checked(ub_ctx_zone_remove(context, zone), "accept the settings");
        if (!removed) return removed;
    }
    return {};
}

Status configure(ub_ctx* context, const NameServer::Setup& setup) {
    if (const auto set = set_options(context, setup); !set) return set;
    if (const auto added = add_trust_anchors(context, setup.trust_anchors); !added) return added;
    const std::string server = setup.address + "@" + std::to_string(setup.port);
    if (const auto set = checked(ub_ctx_set_fwd(context, server.c_str()), server); !set) return set;
    return remove_zones(context);
}

Security security_of(int security) {
    switch (security) {
        case 1:
            return Security::bogus;
        case 2:
            return Security::secure;
        default:
            return Security::insecure;
    }
}

std::string explanation(const Response& response, const char* why_bogus) {
    if (response.security == Security::bogus) {
        return std::string("DNSSEC validation failed") +
               (why_bogus == nullptr ? "" : std::string(": ") + why_bogus);
    }
    if (response.truncated && response.rcode == noerror) return "the answer was cut short";
    return response.rcode == noerror ? "no such record" : rcode_text(response.rcode);
}

// What libunbound passes to a callback.
struct Outcome {
    int rcode = 0;
    std::string_view packet;  // not to be looked at where there is an rcode
    int security = 0;
    const char* why_bogus = nullptr;
};

Answer answer_from(const Outcome& outcome, RecordType type) {
    std::optional<Message> message;
    if (outcome.rcode == noerror) message = parse_message(outcome.packet, type);
    Response response{.rcode = outcome.rcode == noerror ? servfail : outcome.rcode};
    if (message) {
        response.rcode = message->rcode;
        response.truncated = message->truncated;
        response.records = message->records.size();
    }
    response.security = security_of(outcome.security);
    Answer answer;
    answer.meaning = meaning_of(response);
    answer.security = response.security;
    if (answer.meaning != Meaning::found) {
        answer.why = explanation(response, outcome.why_bogus);
    } else {
        answer.records = std::move(message->records);
    }
    return answer;
}

}  // namespace

// What libunbound holds a pointer to, until it has called back or has been told to forget it.
struct NameServer::Pending {
    NameServer* owner;
    Ticket ticket;
    RecordType type;
    std::function<void(Answer)> callback;
    int async_id = 0;  // libunbound's; 0: it has not begun
    std::optional<Answer> answer = {};
};

struct NameServer::Call {
    static void on_answer(void* data, int rcode, void* packet, int size, int security,
                          char* why_bogus, int /*was_ratelimited*/) noexcept {
        Pending& pending = *static_cast<Pending*>(data);
        std::string_view bytes;
        if (packet != nullptr && size > 0) {
            bytes = {static_cast<const char*>(packet), static_cast<std::size_t>(size)};
        }
        const Outcome outcome{rcode, bytes, security, why_bogus};
        pending.owner->settle(pending, answer_from(outcome, pending.type));
    }
};

NameServer::NameServer(Loop& loop, Setup setup) : loop_(loop), setup_(std::move(setup)) {}

NameServer::~NameServer() = default;

NameServer::Ticket NameServer::ask(const Question& question, std::function<void(Answer)> callback) {
    const Ticket ticket = ++last_ticket_;
    auto& pending = pending_[ticket] =
        std::make_unique<Pending>(Pending{this, ticket, question.type, std::move(callback)});
    if (const auto begun = begin(*pending, question); !begun) {
        settle(*pending, {.why = begun.error().text()});
    }
    return ticket;
}

// libunbound calls back before ub_resolve_event returns where it has the answer already.
Status NameServer::begin(Pending& pending, const Question& question) {
    if (context_ == nullptr) {
        auto context = make_context();
        if (!context) return context.error().in("set up the resolver");
        context_ = std::move(*context);
    }
    return checked(
        ub_resolve_event(context_.get(), question.name.c_str(), static_cast<int>(question.type),
                         class_internet, &pending, &Call::on_answer, &pending.async_id),
        "begin a query");
}

// libunbound is on the stack, and whoever is told may destroy it: so nobody is told before the
// turn's end.
void NameServer::settle(Pending& pending, Answer answer) {
    pending.answer = std::move(answer);
    loop_.after_turn(life_.guard([this, ticket = pending.ticket] { deliver(ticket); }));
}

void NameServer::deliver(Ticket ticket) {
    const auto found = pending_.find(ticket);
    if (found == pending_.end()) return;
    const auto pending = std::move(found->second);
    pending_.erase(found);
    pending->callback(std::move(*pending->answer));
}

void NameServer::cancel(Ticket ticket) {
    const auto found = pending_.find(ticket);
    if (found == pending_.end()) return;
    const Pending& pending = *found->second;
    if (!pending.answer && pending.async_id != 0) ub_cancel(context_.get(), pending.async_id);
    pending_.erase(found);
}

Result<NameServer::Context> NameServer::make_context() const {
    Context context(ub_ctx_create_event(loop_.base()));
    if (context == nullptr) return plain_error("libunbound has no context for this event loop");
    ub_ctx_debugout(context.get(), nullptr);  // it would write to standard error
    if (const auto done = configure(context.get(), setup_); !done) return done.error().pass();
    return context;
}

}  // namespace holdfast::dns
