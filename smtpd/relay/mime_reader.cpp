#include "smtpd/relay/mime_reader.h"

#include <utility>

#include "smtpd/mail/ascii.h"
#include "smtpd/mail/header.h"

namespace holdfast::relay {

namespace {

using Kind = MimeEvent::Kind;

enum class Delimiter : std::uint8_t { none, part, closing };

// RFC 2046 section 5.1.1: white space may follow. A longer line that begins like a delimiter is
// none: of nested boundaries one may be the beginning of the other.
Delimiter delimiter_of(std::string_view line, std::string_view boundary) {
    line.remove_prefix(2);
    if (!line.starts_with(boundary)) return Delimiter::none;
    line.remove_prefix(boundary.size());
    const bool closing = line.starts_with("--");
    if (closing) line.remove_prefix(2);
    if (!ascii::trimmed(line).empty()) return Delimiter::none;
    return closing ? Delimiter::closing : Delimiter::part;
}

}  // namespace

MimeEvent MimeReader::take(const LinePart& line) {
    if (auto found = delimiter(line)) return std::move(*found);
    if (at_ == At::header_end) {
        MimeEvent blank = event(Kind::blank_line);
        enter_body();
        if (line.bytes == "\n") return blank;
        if (auto found = delimiter(line)) return std::move(*found);  // of the part itself
    }
    return at_ == At::header ? take_header(line) : event(Kind::text);
}

std::optional<MimeEvent> MimeReader::finish() {
    if (at_ != At::header) return std::nullopt;
    return cut_header();
}

MimeEvent MimeReader::event(Kind kind, std::string bytes) const {
    return {.kind = kind, .part = part_, .bytes = std::move(bytes)};
}

// A delimiter ends whatever goes on inside its multipart.
std::optional<MimeEvent> MimeReader::delimiter(const LinePart& line) {
    if (!line.whole() || !line.bytes.starts_with("--")) return std::nullopt;
    for (std::size_t level = open_.size(); level-- > 0;) {
        const Delimiter found = delimiter_of(line.bytes, open_[level].boundary);
        if (found == Delimiter::none) continue;
        if (at_ == At::header) return cut_header();
        part_ = open_[level].part;
        MimeEvent result = event(Kind::delimiter);
        digest_ = open_[level].digest;
        open_.erase(open_.begin() + static_cast<std::ptrdiff_t>(level) +
                        (found == Delimiter::closing ? 0 : 1),
                    open_.end());
        at_ = At::text;
        if (found == Delimiter::part) begin_part(HeaderOf::part);
        return result;
    }
    return std::nullopt;
}

MimeEvent MimeReader::take_header(const LinePart& line) {
    FieldCollector::Event found = fields_.take(line);
    switch (found.kind) {
        case FieldCollector::Kind::kept:
            return event(Kind::header);
        case FieldCollector::Kind::passed:
            return event(Kind::passed, std::move(found.bytes));
        case FieldCollector::Kind::field:
            return take_field(std::move(found.bytes));
        case FieldCollector::Kind::ended:
            break;
    }
    MimeEvent end = end_header();
    end.text_follows = line.bytes != "\n";
    return end;
}

// Of a field that is given twice the first counts.
MimeEvent MimeReader::take_field(std::string bytes) {
    std::string_view rest = bytes;
    const auto field = holdfast::take_field(rest);
    if (field && field->named("MIME-Version")) head_.has_mime_version = true;
    if (field && field->named("Content-Type") && !std::exchange(head_.has_type, true)) {
        head_.type = parse_content_type(field->value);
    }
    if (field && field->named("Content-Transfer-Encoding") &&
        !std::exchange(head_.has_encoding, true)) {
        head_.encoding = parse_transfer_encoding(field->value);
    }
    return event(Kind::field, std::move(bytes));
}

// The header ends where none of its lines says so.
MimeEvent MimeReader::cut_header() {
    std::string field = fields_.finish();
    return field.empty() ? end_header() : take_field(std::move(field));
}

MimeEvent MimeReader::end_header() {
    shape_ = shape_of_part();
    at_ = At::header_end;
    return event(Kind::header_end);
}

void MimeReader::enter_body() {
    at_ = At::text;
    if (shape_ == Shape::multipart) {
        open_.push_back({head_.type.boundary, part_, head_.type.subtype == "digest"});
    } else if (shape_ == Shape::message) {
        begin_part(HeaderOf::message);
    }
}

void MimeReader::begin_part(HeaderOf whose) {
    part_ = count_;
    if (count_ == max_parts) return;
    ++count_;
    at_ = At::header;
    fields_ = FieldCollector(whose);
    head_ = {.of_message = whose == HeaderOf::message};
}

Shape MimeReader::shape_of_part() const {
    const auto& [type, subtype, boundary] = head_.type;
    const auto is = [&](std::string_view name) { return type + "/" + subtype == name; };
    if (is("multipart/signed") || is("multipart/encrypted") || is("message/partial") ||
        is("message/external-body")) {
        return Shape::sealed;
    }
    if (head_.encoding == TransferEncoding::quoted_printable) return Shape::quoted_printable;
    if (head_.encoding == TransferEncoding::base64) return Shape::base64;
    if (type == "multipart" && !boundary.empty()) {
        return open_.size() < max_nesting ? Shape::multipart : Shape::unread;
    }
    const bool of_digest = digest_ && !head_.has_type && !head_.of_message;
    if (is("message/rfc822") || of_digest) return Shape::message;
    const bool readable = type.empty() || type == "text" || type == "multipart" ||
                          (type == "message" && subtype != "global");
    return readable && head_.encoding != TransferEncoding::binary ? Shape::text : Shape::data;
}

}  // namespace holdfast::relay
