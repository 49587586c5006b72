// smtpd.conf: any bytes end in settings and diagnostics whose places lie in the text, and the
// settings always make a plan, whose parts fit together where there is no error.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "smtpd/config/leaving.h"
#include "smtpd/config/listeners.h"
#include "smtpd/config/names.h"
#include "smtpd/config/parse.h"
#include "smtpd/config/plan.h"
#include "smtpd/config/render.h"

using namespace holdfast::config;

namespace {

void require(bool truth) {
    if (!truth) std::abort();
}

void check_places(const Diagnostics& diagnostics) {
    for (const Diagnostic& diagnostic : diagnostics.all()) {
        const Place& place = diagnostic.place;
        if (place.column == 0) continue;
        require(place.column + place.length <= place.source.size() + 2);
    }
}

// What is printed is text: no control byte but the line feed.
void check_text(std::string_view text) {
    for (const char c : text) require(c == '\n' || c < 0 || (c >= 0x20 && c != 0x7f));
}

// The rooms look these up without asking whether they are there.
void check_relays(const holdfast::links::Plan& plan) {
    const auto& relays = plan.relay.relays;
    require(relays.size() == plan.qmgr.relays.size() && relays.size() <= 100);
    require(relays.empty() == plan.relay.files.empty());
    for (const auto& relay : relays) {
        require(!relay.host.empty() && relay.port != 0);
        require(relay.ca_file < plan.relay.files.size());
        require(relay.user.empty() == (relay.secret_file == holdfast::links::no_file));
        require(relay.user.empty() || relay.secret_file < plan.relay.files.size());
        require(!relay.implicit_tls || relay.tls == holdfast::links::RelayTls::required);
    }
    for (const auto& route : plan.qmgr.routes) {
        require(!route.relays.empty());
        require(route.pattern.empty() == (route.by == holdfast::links::RouteBy::all));
        for (const std::uint32_t relay : route.relays) require(relay < relays.size());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto parsed = parse(text, "smtpd.conf");
    check_places(parsed.diagnostics);
    check_text(render(parsed.diagnostics));
    check_text(to_json(parsed.diagnostics));

    Parts parts;
    auto listeners = plan_listeners(parsed.value.listens);
    check_places(listeners.diagnostics);
    parts.listeners = std::move(listeners.value);
    parts.names = choose_names(parsed.value, {"host", "/etc/mailname", std::string(text)}).value;
    parts.settings = std::move(parsed.value);
    check_places(check_redirect(parts.settings, local_domains(parts.settings, parts.names)));
    const auto plan = make_plan(std::move(parts));
    if (!parsed.diagnostics.has_errors()) check_relays(plan);
    require(!plan.smtpin.hostname.empty() && !plan.qmgr.origin.empty());
    require(plan.listeners.size() <= 64);
    return 0;
}
