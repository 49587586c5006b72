#include "smtpd/relay/approach.h"

#include <utility>

#include "smtpd/mail/ascii.h"

namespace holdfast::relay {

namespace {

constexpr std::string_view not_reached = "4.4.1";  // RFC 3463 section 3.5: no answer from host

std::string without_line_end(std::string text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
    return text;
}

}  // namespace

Approach::Approach(const Means& means, const links::RelayPlan& plan, Done done)
    : means_(means), plan_(plan), done_(std::move(done)) {
    means_.loop.after_turn(life_.guard([this] { read_secret(); }));
}

void Approach::read_secret() {
    if (plan_.user.empty()) return find_trust();
    means_.files.read(plan_.secret_file, life_.guard([this](const Result<std::string>& secret) {
        if (!secret) return fail(links::Way::broken, "secret: " + secret.error().text());
        const SecretKind kind = plan_.token ? SecretKind::token : SecretKind::password;
        arrived_.credentials = {plan_.user, without_line_end(*secret), kind};
        if (arrived_.credentials.secret.empty()) {
            return fail(links::Way::broken,
                        "secret: " + means_.config.files.at(plan_.secret_file) + " is empty");
        }
        find_trust();
    }));
}

// Where any certificate will do, nobody need be trusted; and a pin says all there is.
void Approach::find_trust() {
    if (plan_.tls == links::RelayTls::none) return find_host();
    const bool judged = plan_.tls == links::RelayTls::required && plan_.pins.empty();
    means_.trust.get(judged ? plan_.ca_file : links::no_file,
                     life_.guard([this](Result<tls::ClientContext> context) {
                         if (!context) return fail(links::Way::broken, context.error().text());
                         arrived_.context = std::move(*context);
                         find_host();
                     }));
}

void Approach::find_host() {
    means_.names.find(plan_.host,
                      life_.guard([this](const dns::HostAddresses& found) { dial(found); }));
}

// The host of a relay is what the administrator wrote: that it is not there is a slip of his, or
// of whoever looks after that name, and nothing that a message should come back for (F44).
void Approach::dial(const dns::HostAddresses& found) {
    if (found.addresses.empty()) {
        const bool not_there =
            found.meaning == dns::Meaning::no_such_name || found.meaning == dns::Meaning::no_data;
        return fail(not_there ? links::Way::broken : links::Way::unreachable, found.why);
    }
    Dialer::Target target{found.addresses, plan_.port};
    // The kernel takes them for this machine (F49).
    std::erase_if(target.addresses, [](const IpAddress& one) { return one.is_unspecified(); });
    if (target.addresses.empty()) {
        return fail(links::Way::broken, plan_.host + " has no address but 0.0.0.0 or ::");
    }
    target.source4 = IpAddress::parse(plan_.source4);
    target.source6 = IpAddress::parse(plan_.source6);
    dialer_ =
        std::make_unique<Dialer>(means_.loop, std::move(target), [this](Dialer::Outcome outcome) {
            if (!outcome) {
                const bool ours = outcome.error().blame == DialFailure::Blame::ours;
                return fail(ours ? links::Way::broken : links::Way::unreachable,
                            "connect: " + outcome.error().why);
            }
            arrived_.socket = std::move(outcome->socket);
            finish(std::move(arrived_));
        });
}

void Approach::fail(links::Way way, std::string why) {
    finish(std::unexpected(Failure{way, std::string(not_reached), std::move(why)}));
}

void Approach::finish(std::expected<Arrived, Failure> result) {
    const Done done = std::move(done_);
    done(std::move(result));
}

}  // namespace holdfast::relay
