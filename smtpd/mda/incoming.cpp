#include "smtpd/mda/incoming.h"

#include <algorithm>

#include "smtpd/mail/ascii.h"
#include "smtpd/mail/header.h"
#include "smtpd/mda/outcome.h"
#include "smtpd/mda/trace.h"

namespace holdfast::mda {

namespace {

// Each delivery and each hop adds its lines at the top: a loop shows well before this.
constexpr std::size_t searched_header = 64 * 1024;

}  // namespace

bool was_delivered_to(std::string_view message, std::string_view delivered_to) {
    const SplitMessage split = split_message(message.substr(0, searched_header));
    const std::string wanted = header_text(delivered_to);
    return !wanted.empty() && std::ranges::any_of(split.fields, [&](const HeaderField& field) {
        return field.named("Delivered-To") && ascii::equal(ascii::trimmed(field.value), wanted);
    });
}

Incoming::Incoming(const Mailbox& mailbox, const links::Deliver& order)
    : mailbox_(mailbox),
      parcel_{order, Content(std::visit([&](const auto& to) { return to.head(order); }, mailbox))},
      head_(parcel_.content.memory().size()),
      missing_(order.length) {
    if (std::holds_alternative<Mbox>(mailbox)) quoter_.emplace();
    if (const auto* closed = std::get_if<Closed>(&mailbox)) refusal_ = closed->why;
    if (missing_ == 0) finish();
}

bool Incoming::feed(std::string_view bytes) {
    if (bytes.size() > missing_) return false;
    missing_ -= bytes.size();
    if (refusal_) return true;
    keep(quoter_ ? quoter_->quote(bytes) : std::string(bytes));
    if (missing_ == 0) finish();
    return true;
}

void Incoming::keep(std::string_view bytes) {
    if (refusal_) return;
    Content& content = parcel_.content;
    if (const auto done = content.append(bytes); !done) return give_up(not_written(done.error()));
    if (!content.wants_file()) return;
    look_for_loop();
    if (refusal_) return;
    auto file = std::visit([&](const auto& to) { return to.spill_file(parcel_.order); }, mailbox_);
    if (!file) return give_up(retry_after(file.error()));
    const auto done = content.spill(std::move(*file));
    if (!done) give_up(not_written(done.error()));
}

Outcome Incoming::not_written(const Error& why) const {
    const std::string place = std::visit([](const auto& to) { return to.spill_place(); }, mailbox_);
    return retry_after(Error(why.code(), "write in", place));
}

void Incoming::finish() {
    if (quoter_) keep(quoter_->finish());
    look_for_loop();
}

// Of a message that is in a file by now the start has been looked at before it went there.
void Incoming::look_for_loop() {
    const std::string_view bytes = parcel_.content.memory();
    const std::string& user = parcel_.order.delivered_to;
    if (refusal_ || bytes.empty() || !was_delivered_to(bytes.substr(head_), user)) return;
    give_up(refused("5.4.6", "mail loop: this message has been delivered to " + header_text(user) +
                                 " before; look for a forward that leads back here"));
}

void Incoming::give_up(Outcome why) {
    discard();
    refusal_ = std::move(why);
}

void Incoming::discard() {
    if (parcel_.content.file() >= 0) {
        std::visit([&](const auto& to) { to.discard(parcel_.order); }, mailbox_);
    }
    parcel_.content = Content({});
}

}  // namespace holdfast::mda
