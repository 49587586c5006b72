#include "smtpd/relay/line_cutter.h"

#include <utility>

namespace holdfast::relay {

namespace {

std::string_view take(std::string_view& text, std::size_t length) {
    const std::string_view front = text.substr(0, length);
    text.remove_prefix(front.size());
    return front;
}

}  // namespace

std::optional<LinePart> LineCutter::next(std::string_view& text) {
    if (std::exchange(held_is_out_, false)) held_.clear();
    if (text.empty()) return std::nullopt;
    if (!inside_) return begin_of_line(text);
    const std::size_t end = text.find('\n');
    inside_ = end == std::string_view::npos;
    return LinePart{take(text, inside_ ? text.size() : end + 1), false, !inside_};
}

std::optional<LinePart> LineCutter::finish() {
    if (std::exchange(held_is_out_, false)) held_.clear();
    if (std::exchange(inside_, false)) return LinePart{{}, false, true};
    if (held_.empty()) return std::nullopt;
    held_is_out_ = true;
    return LinePart{held_, true, true};
}

std::optional<LinePart> LineCutter::begin_of_line(std::string_view& text) {
    const std::size_t room = max_line + 1 - held_.size();
    const std::size_t end = text.substr(0, room).find('\n');
    const bool complete = end != std::string_view::npos;
    const std::string_view bytes = take(text, complete ? end + 1 : room);
    if (!complete && bytes.size() < room) {
        held_.append(bytes);
        return std::nullopt;
    }
    inside_ = !complete;
    if (held_.empty()) return LinePart{bytes, true, complete};
    held_.append(bytes);
    held_is_out_ = true;
    return LinePart{held_, true, complete};
}

}  // namespace holdfast::relay
