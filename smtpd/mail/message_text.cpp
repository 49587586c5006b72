#include "smtpd/mail/message_text.h"

namespace holdfast {

std::string MessageText::feed(std::string_view input) {
    std::string text;
    text.reserve(input.size() + 2);
    for (const char c : input) {
        if (ended_) break;
        if (c != '\0') take(c, text);
    }
    return text;
}

std::string MessageText::finish() {
    std::string text;
    if (!ended_ && !line_is_empty_) take_line_end(text);
    ended_ = true;
    return text;
}

void MessageText::take(char c, std::string& text) {
    if (c == '\n') {
        take_line_end(text);
        return;
    }
    if (c == '\r') {
        if (carriage_returns_ == max_carriage_returns) {
            release_held(text);
            line_is_empty_ = false;
        }
        ++carriage_returns_;
        return;
    }
    if (c == '.' && line_is_empty_ && carriage_returns_ == 0 && rule_ == LoneDot::ends_input) {
        dot_held_ = true;
        line_is_empty_ = false;
        return;
    }
    release_held(text);
    text.push_back(c);
    line_is_empty_ = false;
}

void MessageText::take_line_end(std::string& text) {
    if (dot_held_) {
        ended_ = true;
        return;
    }
    text.push_back('\n');
    line_is_empty_ = true;
    carriage_returns_ = 0;
}

// The line goes on: the dot was text, and the CRs stood inside the line.
void MessageText::release_held(std::string& text) {
    if (dot_held_) text.push_back('.');
    text.append(carriage_returns_, ' ');
    dot_held_ = false;
    carriage_returns_ = 0;
}

}  // namespace holdfast
