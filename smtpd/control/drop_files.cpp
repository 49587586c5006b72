#include "smtpd/control/drop_files.h"

#include "smtpd/base/log.h"

namespace holdfast::control {

// What still comes for a file that is settled finds nobody.
void DropFiles::on(DropMessage&& message) {
    if (const auto* first = std::get_if<links::DropBegin>(&message)) return begin(*first);
    if (auto* bytes = std::get_if<links::DropBytes>(&message)) {
        const auto found = files_.find(bytes->drop);
        if (found != files_.end()) found->second->on_bytes(std::move(bytes->bytes));
    } else if (const auto* end = std::get_if<links::DropEnd>(&message)) {
        const auto found = files_.find(end->drop);
        if (found != files_.end()) found->second->on_end();
    }
}

void DropFiles::begin(const links::DropBegin& message) {
    files_[message.drop] = std::make_unique<DropFile>(house_, message, events(message.drop));
}

DropFile::Events DropFiles::events(std::uint64_t drop) {
    DropFile::Events events;
    events.dealt_with = [this, drop](std::uint32_t bytes) {
        house_.qmgr.send(links::DropCredit{drop, bytes});
    };
    events.bad = [this, drop](const std::string& why) {
        log::warning("drop-file-bad", {{"reason", why}});
        house_.qmgr.send(links::DropBad{drop, why});
        remove(drop);
    };
    events.over = [this, drop] { remove(drop); };
    return events;
}

void DropFiles::remove(std::uint64_t drop) {
    const auto found = files_.find(drop);
    if (found == files_.end()) return;
    if (over_.empty()) house_.loop.after_turn([this] { over_.clear(); });
    over_.push_back(std::move(found->second));
    files_.erase(found);
}

void DropFiles::clear() {
    if (over_.empty()) house_.loop.after_turn([this] { over_.clear(); });
    for (auto& [drop, file] : files_) over_.push_back(std::move(file));
    files_.clear();
}

}  // namespace holdfast::control
