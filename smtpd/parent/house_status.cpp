// What the house says of itself.
#include <algorithm>
#include <iterator>

#include <unistd.h>

#include "smtpd/base/paths.h"
#include "smtpd/parent/house.h"

namespace holdfast {

namespace {

// A reply is a packet, and not all of it is for these.
constexpr std::size_t max_certificate_bytes = 40'000;

void add_certificates(links::StatusReply& reply, std::vector<links::CertificateStatus> all) {
    std::size_t bytes = 0;
    for (links::CertificateStatus& one : all) {
        one.names.clear();
        bytes += links::encode_struct(one).size();
    }
    if (bytes > max_certificate_bytes) {
        std::ranges::stable_sort(all, {}, &links::CertificateStatus::not_after);
    }
    while (bytes > max_certificate_bytes) {
        bytes -= links::encode_struct(all.back()).size();
        all.pop_back();
        ++reply.certificates_left_out;
    }
    reply.certificates = std::move(all);
}

}  // namespace

// For `systemctl status`.
std::string House::status_line() const {
    std::string line = "generation " + std::to_string(generations_.back()->number()) +
                       " serves on " + std::to_string(listeners_.size()) + " listeners";
    if (!last_change_.empty()) line += "; last change: " + last_change_;
    return line;
}

void House::on(Generation& from, links::StatusQuery&& query) {
    from.room(links::Room::control).send(status(query.request));
}

links::StatusReply House::status(std::uint64_t request) const {
    // Control answers as soon as it goes, and at the first start nobody serves by then.
    const bool starting = generations_.empty();
    const Generation& newest = starting ? *newcomer_ : *generations_.back();
    links::StatusReply reply;
    reply.request = request;
    reply.version = paths::version;
    reply.generation = newest.number();
    reply.uptime_seconds = whole_seconds(loop_.now() - started_);
    reply.config = newest.config();
    reply.config_loaded = newest.config_loaded().time_since_epoch().count();
    reply.privileged = facts_.outfit.privileged;
    links::RoomStatus self;
    self.room = links::room_name(links::Room::parent);
    self.pid = getpid();
    self.uid = geteuid();
    self.generation = reply.generation;
    self.uptime_seconds = reply.uptime_seconds;
    reply.rooms.push_back(std::move(self));
    if (starting) std::ranges::copy(newest.status(), std::back_inserter(reply.rooms));
    for (const auto& generation : generations_) {
        if (generation.get() != &newest) reply.draining.push_back(generation->number());
        for (auto& room : generation->status()) reply.rooms.push_back(std::move(room));
    }
    for (auto& agent : agents_.status()) reply.rooms.push_back(std::move(agent));
    for (const BoundListener& listener : listeners_) reply.listeners.push_back(listener.plan.text);
    add_certificates(reply, newest.certificates().status());
    reply.last_change = last_change_;
    reply.last_change_at = last_change_at_.time_since_epoch().count();
    return reply;
}

}  // namespace holdfast
