// What a process that came before has left to the house, and what is kept for one that comes after:
// by the service manager, or on record.
#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/paths.h"
#include "smtpd/parent/house.h"
#include "smtpd/parent/orphans.h"

namespace holdfast {

void House::use_kept_sockets() {
    for (InheritedFd& kept : facts_.kept) {
        if (use_kept(kept)) continue;
        log::warning("kept-descriptor-unknown", {{"name", kept.name}});
        manager_.forget(kept.name);
    }
    facts_.kept.clear();
}

bool House::use_kept(InheritedFd& kept) {
    const auto text = text_of_fd_name(kept.name);
    if (!text) return false;
    if (run_.use_kept(*text, duplicate(kept.fd.get()))) {
        kept_control_ = kept.name;
        return true;
    }
    auto listener = recognise_listener(*text, std::move(kept.fd));
    if (!listener) return false;
    listeners_.push_back(std::move(*listener));
    return true;
}

// Those that listen, for a process that may follow this one.
void House::have_listeners_kept(const std::vector<BoundListener>& before) {
    for (const BoundListener& one : before) {
        const bool stays = std::ranges::any_of(listeners_, [&one](const BoundListener& other) {
            return other.plan.text == one.plan.text;
        });
        if (!stays) manager_.forget(fd_name(one.plan.text));
    }
    for (const BoundListener& one : listeners_) {
        manager_.store(fd_name(one.plan.text), one.socket.get());
    }
}

void House::have_control_kept() {
    const std::string name = fd_name(run_.control_text());
    if (!kept_control_.empty() && kept_control_ != name) manager_.forget(kept_control_);
    kept_control_ = name;
    manager_.store(name, run_.control_socket());
}

// The listeners of a parent that was killed, where nobody has kept them for us.
void House::find_orphans_of_another() {
    Orphans found = find_orphans(paths::listeners_record);
    orphans_ = std::move(found.rooms);
    if (!listeners_.empty() || found.listeners.empty()) return;
    listeners_ = std::move(found.listeners);
    log::info("listeners-taken-over", {{"count", listeners_.size()}});
}

void House::have_listeners_found() {
    const auto recorded = record_listeners(paths::listeners_record, listeners_);
    if (!recorded) log::warning("listeners-unrecorded", {{"reason", recorded.error()}});
}

void House::control_republished() {
    if (!generations_.empty()) serving().use_control_socket(run_.control_socket());
    if (newcomer_) newcomer_->use_control_socket(run_.control_socket());
    have_control_kept();
}

}  // namespace holdfast
