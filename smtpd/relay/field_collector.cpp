#include "smtpd/relay/field_collector.h"

#include "smtpd/mail/header.h"

namespace holdfast::relay {

namespace {

bool is_mbox_line(std::string_view line) {
    return line.starts_with("From ") || line.starts_with(">From ");
}

bool is_field(std::string_view line) {
    line = line.substr(0, FieldCollector::max_name);
    return take_field(line).has_value();
}

bool continues_a_field(std::string_view line) {
    return line.starts_with(' ') || line.starts_with('\t');
}

}  // namespace

FieldCollector::Event FieldCollector::take(const LinePart& part) {
    if (!part.begins) return add(part);
    const bool in_field = at_ == At::field || at_ == At::large_field;
    if (in_field && continues_a_field(part.bytes)) return add(part);
    if (!field_.empty()) return {Kind::field, std::exchange(field_, {})};
    if (!begin_line(part)) return {Kind::ended, {}};
    return add(part);
}

bool FieldCollector::begin_line(const LinePart& part) {
    const bool before_fields = at_ == At::start || at_ == At::mbox_line;
    // A long one could not be folded.
    if (whose_ == HeaderOf::message && before_fields && part.whole() && is_mbox_line(part.bytes)) {
        at_ = At::mbox_line;
        return true;
    }
    if (!is_field(part.bytes)) return false;
    at_ = At::field;
    return true;
}

FieldCollector::Event FieldCollector::add(const LinePart& part) {
    if (at_ != At::field) return {Kind::passed, std::string(part.bytes)};
    field_.append(part.bytes);
    if (field_.size() <= max_field) return {};
    at_ = At::large_field;
    return {Kind::passed, std::exchange(field_, {})};
}

}  // namespace holdfast::relay
