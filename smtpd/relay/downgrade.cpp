#include "smtpd/relay/downgrade.h"

#include <utility>

#include "smtpd/mail/header.h"
#include "smtpd/relay/header_encoding.h"
#include "smtpd/relay/part_plan.h"

namespace holdfast::relay {

namespace {

constexpr std::string_view encoding_field = "Content-Transfer-Encoding";

bool is_encoding_field(std::string_view bytes) {
    const auto field = take_field(bytes);
    return field && field->named(encoding_field);
}

}  // namespace

Downgrade::Downgrade(MessageFacts facts, Octets octets)
    : facts_(std::move(facts)), octets_(octets) {}

std::string Downgrade::feed(std::string_view text) {
    std::string out;
    while (const auto line = cutter_.next(text)) out += take(*line);
    return out;
}

std::string Downgrade::finish() {
    std::string out;
    if (const auto line = cutter_.finish()) out += take(*line);
    while (const auto event = reader_.finish()) out += carried_out(*event, {});
    return out + folder_.finish() + end_text(Behind::nothing);
}

std::string Downgrade::take(const LinePart& line) {
    std::string out;
    while (true) {
        const MimeEvent event = reader_.take(line);
        out += carried_out(event, line);
        if (event.takes_line()) return out;
    }
}

std::string Downgrade::carried_out(const MimeEvent& event, const LinePart& line) {
    switch (event.kind) {
        case MimeEvent::Kind::header:
            return {};
        case MimeEvent::Kind::passed:
            return folder_.feed(event.bytes);
        case MimeEvent::Kind::field:
            return field(event);
        case MimeEvent::Kind::header_end:
            return end_header(event);
        case MimeEvent::Kind::blank_line:
            return std::string(line.bytes);
        case MimeEvent::Kind::delimiter:
            return end_text(Behind::delimiter).append(line.bytes);
        case MimeEvent::Kind::text:
            break;
    }
    if (!std::exchange(in_text_, true)) {
        encoder_ = TransferEncoder(plan_for(facts_of(event.part), octets_).form);
    }
    return encoder_.feed(line.bytes);
}

std::string Downgrade::field(const MimeEvent& event) {
    const std::string_view label = plan_for(facts_of(event.part), octets_).label;
    if (!label.empty() && is_encoding_field(event.bytes)) {
        if (std::exchange(encoding_named_, true)) return {};
        return std::string(encoding_field).append(": ").append(label).append("\n");
    }
    const bool encode = encodes_fields(facts_, event.part, octets_);
    return folder_.feed(encode ? ascii_field(event.bytes) : event.bytes);
}

// What the part's own header lacks, and the blank line that it lacks, where what follows changes:
// new text could look like another field.
std::string Downgrade::end_header(const MimeEvent& event) {
    const PartPlan plan = plan_for(facts_of(event.part), octets_);
    const PartHead& head = reader_.head();
    std::string out;
    const bool named = std::exchange(encoding_named_, false);
    if (!plan.label.empty()) {
        if (head.of_message && !head.has_mime_version) out += "MIME-Version: 1.0\n";
        if (!plan.charset.empty() && !head.has_type) {
            out.append("Content-Type: text/plain; charset=").append(plan.charset).append("\n");
        }
        if (!named) out.append(encoding_field).append(": ").append(plan.label).append("\n");
    }
    // An attached message is the next part.
    const std::size_t next = event.part + (reader_.shape() == Shape::message ? 1 : 0);
    const bool changes = plan_for(facts_of(next), octets_).form != TransferForm::as_it_is;
    if (changes && event.text_follows) out.push_back('\n');
    return out;
}

std::string Downgrade::end_text(Behind behind) {
    return std::exchange(in_text_, false) ? encoder_.finish(behind) : std::string();
}

const PartFacts& Downgrade::facts_of(std::size_t part) const {
    static constexpr PartFacts unknown;
    return part < facts_.parts.size() ? facts_.parts[part] : unknown;
}

}  // namespace holdfast::relay
