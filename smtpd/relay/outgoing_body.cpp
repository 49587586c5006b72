#include "smtpd/relay/outgoing_body.h"

namespace holdfast::relay {

MessageFacts OutgoingScan::finish() {
    analysis_.feed(rewriter_.finish());
    return analysis_.finish();
}

OutgoingBody::OutgoingBody(const links::RewritePlan& rewrite, const MessageFacts& facts,
                           OutgoingForm form)
    : rewriter_(rewrite), writer_(form.wire) {
    if (needs_conversion(facts, form.octets)) downgrade_.emplace(facts, form.octets);
}

std::string OutgoingBody::feed(std::string_view piece) {
    const std::string text = rewriter_.feed(piece);
    return writer_.feed(downgrade_ ? downgrade_->feed(text) : text);
}

std::string OutgoingBody::flush() {
    std::string text = rewriter_.finish();
    if (downgrade_) {
        text = downgrade_->feed(text);
        text += downgrade_->finish();
    }
    return writer_.feed(text);
}

}  // namespace holdfast::relay
