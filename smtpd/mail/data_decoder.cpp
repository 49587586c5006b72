#include "smtpd/mail/data_decoder.h"

namespace holdfast {

std::size_t DataDecoder::feed(std::string_view input) {
    std::size_t used = 0;
    while (used < input.size() && stage_ == Stage::body) used += step(input.substr(used));
    return used;
}

std::size_t DataDecoder::step(std::string_view input) {
    switch (at_) {
        case At::line_start:
            at_ = input.front() == '.' ? At::dot : At::text;
            return at_ == At::dot ? 1 : 0;
        case At::dot:
            return take_dot(input);
        case At::dot_cr:
            if (input.front() != '\n') return fail();
            stage_ = Stage::end;
            return 1;
        case At::text:
            return take_text(input);
        case At::text_cr:
            return take_newline(input.front());
    }
    return fail();
}

// The dot that begins a line is dropped, unless the line is nothing else.
std::size_t DataDecoder::take_dot(std::string_view input) {
    at_ = input.front() == '\r' ? At::dot_cr : At::text;
    return at_ == At::dot_cr ? 1 : 0;
}

// The rest of a line as far as it is here, with its end.
std::size_t DataDecoder::take_text(std::string_view input) {
    const std::size_t newline = input.find('\n');
    const std::string_view line = input.substr(0, newline);
    const std::size_t cr = line.find('\r');
    if (cr == std::string_view::npos) {
        if (newline != std::string_view::npos) return fail();
        append(line);
        return line.size();
    }
    if (cr + 1 != line.size()) return fail();
    append(line.substr(0, cr));
    at_ = At::text_cr;
    if (newline == std::string_view::npos) return line.size();
    return line.size() + take_newline('\n');
}

std::size_t DataDecoder::take_newline(char c) {
    if (c != '\n') return fail();
    body_.push_back('\n');
    wire_size_ += 2;
    at_ = At::line_start;
    return 1;
}

std::size_t DataDecoder::fail() {
    stage_ = Stage::bare_line_end;
    return 0;
}

void DataDecoder::append(std::string_view text) {
    body_.append(text);
    wire_size_ += text.size();
    if (text.find('\0') != std::string_view::npos) has_nul_ = true;
}

}  // namespace holdfast
