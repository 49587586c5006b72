#include "smtpd/qmgr/feed.h"

#include <algorithm>

#include "smtpd/base/packet.h"
#include "smtpd/links/transfer.h"

namespace holdfast::qmgr {

void Feed::start(std::shared_ptr<const queue::Slice> bytes) {
    bytes_ = std::move(bytes);
    offset_ = 0;
    pump();
}

void Feed::taken(std::uint64_t bytes) {
    outstanding_ -= std::min(outstanding_, bytes);
    pump();
}

void Feed::pump() {
    while (bytes_ && !reading_) {
        const std::uint64_t rest = bytes_->length() - offset_;
        if (rest == 0) return last(std::string());
        const auto size = static_cast<std::size_t>(
            std::min({rest, std::uint64_t{max_chunk}, links::window - outstanding_}));
        if (size == 0) return;
        if (bytes_->kept()) {
            if (!gave(bytes_->read(offset_, size))) return;
            continue;
        }
        reading_ = true;
        spool_.run([bytes = bytes_, offset = offset_,
                    size](queue::Store&) { return bytes->read(offset, size); },
                   life_.guard([this](Result<std::string> piece) {
                       reading_ = false;
                       if (gave(std::move(piece))) pump();
                   }));
    }
}

// False where there was none.
bool Feed::gave(Result<std::string> piece) {
    if (!piece) {
        last(std::move(piece));
        return false;
    }
    offset_ += piece->size();
    outstanding_ += piece->size();
    give_(std::move(piece));
    return true;
}

void Feed::last(Result<std::string> piece) {
    bytes_.reset();
    const auto give = give_;
    give(std::move(piece));
}

}  // namespace holdfast::qmgr
