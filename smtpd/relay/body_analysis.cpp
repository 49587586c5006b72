#include "smtpd/relay/body_analysis.h"

#include <utility>

namespace holdfast::relay {

void BodyAnalysis::feed(std::string_view text) {
    while (const auto line = cutter_.next(text)) take(*line);
}

MessageFacts BodyAnalysis::finish() {
    if (const auto line = cutter_.finish()) take(*line);
    while (const auto event = reader_.finish()) note(*event, {});
    return std::move(facts_);
}

void BodyAnalysis::take(const LinePart& line) {
    while (true) {
        const MimeEvent event = reader_.take(line);
        note(event, line);
        if (event.takes_line()) return;
    }
}

void BodyAnalysis::note(const MimeEvent& event, const LinePart& line) {
    PartFacts& facts = facts_of(event.part);
    switch (event.kind) {
        case MimeEvent::Kind::passed:
            facts.large_eight_bit |= has_eight_bit(event.bytes);
            [[fallthrough]];
        case MimeEvent::Kind::header:
            facts.header_eight_bit |= has_eight_bit(line.bytes);
            facts.header_long_line |= line.of_long_line();
            break;
        case MimeEvent::Kind::header_end:
            note_head(facts);
            break;
        case MimeEvent::Kind::delimiter:
            facts.has_parts = true;
            break;
        case MimeEvent::Kind::text:
            note_text(event, line);
            break;
        case MimeEvent::Kind::field:
        case MimeEvent::Kind::blank_line:
            break;
    }
}

void BodyAnalysis::note_head(PartFacts& facts) const {
    const TransferEncoding encoding = reader_.head().encoding;
    facts.shape = reader_.shape();
    facts.declared_wide =
        encoding == TransferEncoding::eight_bit || encoding == TransferEncoding::binary;
}

void BodyAnalysis::note_text(const MimeEvent& event, const LinePart& line) {
    PartFacts& facts = facts_of(event.part);
    if (std::exchange(text_of_, event.part) != event.part) utf8_ = Utf8Check();
    facts.text_long_line |= line.of_long_line();
    if (!has_eight_bit(line.bytes) && facts.text_utf8) return;
    facts.text_eight_bit |= has_eight_bit(line.bytes);
    utf8_.feed(line.bytes);
    facts.text_utf8 = utf8_.holds();
}

PartFacts& BodyAnalysis::facts_of(std::size_t part) {
    if (facts_.parts.size() <= part) facts_.parts.resize(part + 1);
    return facts_.parts[part];
}

}  // namespace holdfast::relay
