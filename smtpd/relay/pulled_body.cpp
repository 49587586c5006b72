#include "smtpd/relay/pulled_body.h"

#include <algorithm>
#include <utility>

namespace holdfast::relay {

void PulledBody::rewind() {
    offset_ = 0;
}

// One pull at a time: after a rewind the one before has to come to its end first.
std::string PulledBody::next() {
    if (offset_ < kept_.size()) {
        std::string bytes = kept_.substr(static_cast<std::size_t>(offset_), piece);
        offset_ += bytes.size();
        return bytes;
    }
    if (at_end() || asked_up_to_ != 0) return {};
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(length_ - offset_, piece));
    asked_up_to_ = offset_ + size;
    ask_(links::Pull{job_, offset_, size});
    return {};
}

std::string PulledBody::take(links::BodyBytes&& bytes) {
    if (bytes.offset + bytes.bytes.size() >= asked_up_to_) asked_up_to_ = 0;
    if (bytes.offset != offset_) return {};
    offset_ += bytes.bytes.size();
    if (length_ <= small && kept_.size() == bytes.offset) kept_ += bytes.bytes;
    return std::move(bytes.bytes);
}

}  // namespace holdfast::relay
