// Alias files: any bytes end in a sorted table of addresses that the mail parser takes, and in
// diagnostics whose places lie in the text.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/config/alias_loops.h"
#include "smtpd/config/aliases.h"
#include "smtpd/config/render.h"
#include "smtpd/mail/address.h"

using namespace holdfast;
using namespace holdfast::config;

namespace {

void require(bool truth) {
    if (!truth) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static const std::vector<std::string> local{"box", "example.org"};
    const auto parsed = parse_aliases(text, "/etc/aliases", local, Elsewhere::refused);
    const auto& aliases = parsed.value.aliases;
    const Diagnostics loops = alias_loops(parsed.value, local);
    require(loops.all().size() <= Diagnostics::max_kept && !loops.has_errors());
    require(std::ranges::is_sorted(aliases, {}, &links::Alias::name));
    for (const links::Alias& alias : aliases) {
        require(!alias.name.empty() && alias.name.size() <= Address::max_local_part);
        for (const std::string& target : alias.targets) {
            require(!target.empty() && target != "\\");
            if (target.contains('@')) require(Address::parse(target).has_value());
        }
    }
    for (const Diagnostic& diagnostic : parsed.diagnostics.all()) {
        const Place& place = diagnostic.place;
        require(place.column + place.length <= place.source.size() + 2);
    }
    for (const char c : render(parsed.diagnostics)) {
        require(c == '\n' || c < 0 || (c >= 0x20 && c != 0x7f));
    }
    return 0;
}
