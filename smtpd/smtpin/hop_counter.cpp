#include "smtpd/smtpin/hop_counter.h"

#include <algorithm>

#include "smtpd/mail/ascii.h"

namespace holdfast::smtpin {

namespace {

constexpr std::string_view name = "received";

}  // namespace

void HopCounter::feed(std::string_view text) {
    while (!text.empty() && at_ != At::body) {
        // Most of a header is the rest of some line.
        if (at_ == At::rest) text.remove_prefix(std::min(text.find('\n'), text.size()));
        if (text.empty()) return;
        step(text.front());
        text.remove_prefix(1);
    }
}

void HopCounter::step(char c) {
    if (c == '\n') {
        const bool empty_line = at_ == At::name && matched_ == 0;
        at_ = empty_line ? At::body : At::name;
        matched_ = 0;
    } else if (at_ == At::name) {
        step_name(c);
    } else if (at_ == At::blank && !ascii::is_space(c)) {
        // RFC 5322 section 4.5.8 allows white space before the colon.
        if (c == ':') ++hops_;
        at_ = At::rest;
    }
}

void HopCounter::step_name(char c) {
    if (matched_ == name.size()) {
        at_ = At::blank;
        step(c);
    } else if (ascii::lower(c) == name[matched_]) {
        ++matched_;
    } else {
        at_ = At::rest;
    }
}

}  // namespace holdfast::smtpin
