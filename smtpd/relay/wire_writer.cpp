#include "smtpd/relay/wire_writer.h"

#include <algorithm>
#include <utility>

namespace holdfast::relay {

namespace {

bool is_forbidden(char c) {
    return c == '\r' || c == '\0';
}

}  // namespace

std::string WireWriter::feed(std::string_view text) {
    std::string out = std::exchange(pending_, {});
    out.reserve(out.size() + text.size() + text.size() / 32);
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        if (form_ == WireForm::dotted && !line_open_ && line.starts_with('.')) out.push_back('.');
        const auto begin = static_cast<std::ptrdiff_t>(out.size());
        out.append(line);
        std::replace_if(out.begin() + begin, out.end(), is_forbidden, ' ');
        line_open_ = end == std::string_view::npos;
        if (!line_open_) out.append("\r\n");
        text.remove_prefix(line_open_ ? line.size() : line.size() + 1);
    }
    if (form_ == WireForm::dotted) return out;
    pending_ = std::move(out);
    return full_chunks();
}

std::string WireWriter::finish() {
    const std::string_view line_end = std::exchange(line_open_, false) ? "\r\n" : "";
    if (form_ == WireForm::dotted) return std::string(line_end) + ".\r\n";
    pending_.append(line_end);
    return chunk(pending_.size(), " LAST");
}

std::string WireWriter::full_chunks() {
    std::string out;
    while (pending_.size() > max_chunk) {
        // A server that looks for line ends chunk by chunk would see half of one.
        out += chunk(pending_[max_chunk - 1] == '\r' ? max_chunk - 1 : max_chunk, "");
    }
    return out;
}

std::string WireWriter::chunk(std::size_t length, std::string_view last) {
    std::string out = "BDAT " + std::to_string(length);
    out.append(last).append("\r\n").append(pending_, 0, length);
    pending_.erase(0, length);
    ++chunks_;
    return out;
}

}  // namespace holdfast::relay
