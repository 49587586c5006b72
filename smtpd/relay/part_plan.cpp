#include "smtpd/relay/part_plan.h"

namespace holdfast::relay {

namespace {

std::string_view charset_of_text(const PartFacts& part) {
    if (!part.text_eight_bit) return "us-ascii";
    return part.text_utf8 ? "utf-8" : "unknown-8bit";
}

// Composite types may say 7bit, 8bit and binary only (RFC 2045 section 6.4).
PartPlan plan_for_composite(const PartFacts& part, Octets octets) {
    PartPlan plan;
    if (part.declared_wide && octets == Octets::seven_bit) plan.label = "7bit";
    if (!encodes_text(part, octets)) return plan;
    plan.form = TransferForm::quoted_printable;
    if (!part.has_parts) plan.label = "quoted-printable";  // it is a text that has the wrong type
    return plan;
}

}  // namespace

PartPlan plan_for(const PartFacts& part, Octets octets) {
    if (part.shape == Shape::multipart || part.shape == Shape::message) {
        return plan_for_composite(part, octets);
    }
    if (!encodes_text(part, octets)) return {};
    switch (part.shape) {
        case Shape::text:
            return {TransferForm::quoted_printable, "quoted-printable", charset_of_text(part)};
        case Shape::data:
            return {TransferForm::base64, "base64", {}};
        case Shape::quoted_printable:
            return {TransferForm::quoted_printable_again, {}, {}};
        case Shape::base64:
            return {TransferForm::base64_again, {}, {}};
        case Shape::unread:
        case Shape::multipart:
        case Shape::message:
        case Shape::sealed:
            break;
    }
    return {};
}

}  // namespace holdfast::relay
