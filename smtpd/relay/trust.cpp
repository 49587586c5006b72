#include "smtpd/relay/trust.h"

#include <utility>

#include "smtpd/links/snapshots.h"

namespace holdfast::relay {

void TrustStore::get(std::uint32_t file, Done done) {
    const auto kept = kept_.find(file);
    if (kept != kept_.end() && loop_.now() - kept->second.made < fresh) {
        return done(kept->second.context);
    }
    if (file == links::no_file) return done(make(file, std::string()));
    files_.read(
        file, life_.guard([this, file, done = std::move(done)](const Result<std::string>& trusted) {
            done(make(file, trusted));
        }));
}

Result<tls::ClientContext> TrustStore::make(std::uint32_t file,
                                            const Result<std::string>& trusted) {
    if (!trusted) return trusted.error().pass();
    auto context = tls::ClientContext::make(library_, *trusted);
    if (!context) return context.error().in("trusted certificates");
    kept_.insert_or_assign(file, Kept{*context, loop_.now()});
    return context;
}

}  // namespace holdfast::relay
