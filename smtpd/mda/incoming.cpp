#include "smtpd/mda/incoming.h"

#include "smtpd/mda/outcome.h"
#include "smtpd/mda/trace.h"

namespace holdfast::mda {

namespace {

// Closed has neither a head nor a file.
std::string head_for(const Mailbox& mailbox, const links::Deliver& order) {
    if (const auto* mbox = std::get_if<Mbox>(&mailbox)) return mbox->head(order);
    if (const auto* maildir = std::get_if<Maildir>(&mailbox)) return maildir->head(order);
    return {};
}

Result<UniqueFd> spill_file_in(const Mailbox& mailbox, const links::Deliver& order) {
    if (const auto* mbox = std::get_if<Mbox>(&mailbox)) return mbox->spill_file(order);
    if (const auto* maildir = std::get_if<Maildir>(&mailbox)) return maildir->spill_file(order);
    return plain_error("no mailbox");
}

}  // namespace

Incoming::Incoming(const Mailbox& mailbox, const links::Deliver& order)
    : mailbox_(mailbox),
      parcel_{order, Content(head_for(mailbox, order))},
      loop_(order.delivered_to),
      missing_(order.length) {
    if (std::holds_alternative<Mbox>(mailbox)) quoter_.emplace();
    if (const auto* closed = std::get_if<Closed>(&mailbox)) refusal_ = closed->why;
    if (missing_ == 0 && quoter_) keep(quoter_->finish());
}

bool Incoming::feed(std::string_view bytes) {
    if (bytes.size() > missing_) return false;
    missing_ -= bytes.size();
    if (refusal_) return true;
    loop_.feed(bytes);
    if (loop_.found()) {
        give_up(refused("5.4.6", "mail loop: this message has been delivered to " +
                                     header_text(parcel_.order.delivered_to) +
                                     " before; look for a forward that leads back here"));
        return true;
    }
    keep(quoter_ ? quoter_->quote(bytes) : std::string(bytes));
    if (missing_ == 0 && quoter_) keep(quoter_->finish());
    return true;
}

void Incoming::keep(std::string_view bytes) {
    if (refusal_) return;
    Content& content = parcel_.content;
    if (const auto done = content.append(bytes); !done) return give_up(retry_after(done.error()));
    if (!content.wants_file()) return;
    auto file = spill_file_in(mailbox_, parcel_.order);
    if (!file) return give_up(retry_after(file.error()));
    if (const auto done = content.spill(std::move(*file)); !done) {
        give_up(retry_after(done.error()));
    }
}

void Incoming::give_up(Outcome why) {
    discard();
    refusal_ = std::move(why);
}

void Incoming::discard() {
    const auto* maildir = std::get_if<Maildir>(&mailbox_);
    if (maildir != nullptr && parcel_.content.file() >= 0) maildir->discard(parcel_.order);
    parcel_.content = Content({});
}

}  // namespace holdfast::mda
