// smtpd.conf: any bytes end in settings and diagnostics whose places lie in the text, and the
// settings always make a plan.
#include <cstdint>
#include <cstdlib>
#include <string_view>

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
    const auto plan = make_plan(std::move(parts));
    require(!plan.smtpin.hostname.empty() && !plan.qmgr.origin.empty());
    require(plan.listeners.size() <= 64);
    return 0;
}
