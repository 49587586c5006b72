#include "smtpd/relay/names.h"

#include <utility>

#include "smtpd/links/snapshots.h"

namespace holdfast::relay {

void Names::find(const std::string& host, Done done) {
    waiting_.push_back({host, std::move(done)});
    if (reading_) return;
    reading_ = true;
    if (!read_ || loop_.now() - *read_ >= fresh) return read_files();
    loop_.after_turn(life_.guard([this] {
        reading_ = false;
        for (Wanted& wanted : std::exchange(waiting_, {})) look_up(std::move(wanted));
    }));
}

// A file that is not there says nothing, which is an answer too (resolver(3)).
void Names::read_files() {
    files_.read(links::resolv_conf_file,
                life_.guard([this](const Result<std::string>& resolv_conf) {
                    const std::string servers = resolv_conf.value_or(std::string());
                    files_.read(links::hosts_file,
                                life_.guard([this, servers](const Result<std::string>& hosts) {
                                    set_up(servers, hosts.value_or(std::string()));
                                }));
                }));
}

void Names::set_up(const std::string& resolv_conf, const std::string& hosts) {
    const dns::Resolver::Setup setup{resolv_conf, hosts};
    if (resolver_) {
        resolver_->set_up(setup);
    } else {
        resolver_.emplace(loop_, setup);
    }
    read_ = loop_.now();
    reading_ = false;
    for (Wanted& wanted : std::exchange(waiting_, {})) look_up(std::move(wanted));
}

void Names::look_up(Wanted wanted) {
    const auto place = lookups_.emplace(lookups_.end());
    *place = std::make_unique<dns::Lookup>(
        *resolver_, wanted.host,
        [this, place, done = std::move(wanted.done)](dns::HostAddresses found) {
            const auto tell = done;
            lookups_.erase(place);
            tell(std::move(found));
        });
}

}  // namespace holdfast::relay
