#include "smtpd/dns/resolver.h"

#include <utility>

#include "smtpd/dns/trust_anchors.h"

namespace holdfast::dns {

Resolver::Resolver(Loop& loop, const Setup& setup) : loop_(loop) {
    set_up(setup);
}

void Resolver::set_up(const Setup& setup) {
    hosts_ = HostsFile::parse(setup.hosts);
    Source source{parse_resolv_conf(setup.resolv_conf), parse_trust_anchors(setup.trust_anchors),
                  setup.port, setup.patience};
    if (servers_ != nullptr && source == source_) return;
    source_ = std::move(source);
    servers_ = servers_from(loop_, source_);
}

std::shared_ptr<const NameServers> Resolver::servers_from(Loop& loop, const Source& source) {
    auto servers = std::make_shared<NameServers>();
    servers->patience = source.patience;
    for (const std::string& address : source.conf.name_servers) {
        servers->list.push_back(std::make_unique<NameServer>(
            loop,
            NameServer::Setup{address, source.port, source.conf.transport, source.trust_anchors}));
    }
    return servers;
}

}  // namespace holdfast::dns
