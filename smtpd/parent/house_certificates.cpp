// Certificates that are read again while a generation serves, and the keys of session tickets.
#include "smtpd/base/log.h"
#include "smtpd/parent/house.h"

namespace holdfast {

void House::reload_certificates() {
    serving().certificates().load([this](const Report& report) { certificates_reloaded(report); });
}

void House::certificates_reloaded(Report report) {
    if (report.good()) certificates_loaded();
    finish_work(std::move(report));
}

void House::certificates_loaded() {
    if (!serving().certificates().any()) return certificates_timer_.cancel();
    log::info("certificates-loaded", {{"generation", serving().number()},
                                      {"certificates", serving().certificates().status().size()}});
    look_at_certificates();
}

// When they are loaded, and once a day.
void House::look_at_certificates() {
    if (generations_.empty()) return;  // the house is at its end
    const std::int64_t now = loop_.clock().wall().time_since_epoch().count();
    for (const links::CertificateStatus& one : serving().certificates().status()) {
        if (!links::expires_soon(one.not_before, one.not_after, now)) continue;
        log::warning("certificate-expires",
                     {{"host", one.host},
                      {"file", one.file},
                      {"at", rfc3339_time(WallTime(std::chrono::milliseconds(one.not_after)))},
                      {"days", links::days_left(one.not_after, now)}});
    }
    certificates_timer_.set(between_looks_at_certificates);
}

void House::renew_ticket_keys() {
    ticket_keys_.renew(loop_.now());
    spread_ticket_keys();
}

// Whoever took over smtpin has them.
void House::replace_ticket_keys() {
    ticket_keys_ = TicketKeys(loop_.now());
    spread_ticket_keys();
}

void House::spread_ticket_keys() {
    ticket_timer_.set(ticket_keys_.time_left(loop_.now()));
    for (const auto& generation : generations_) generation->use_ticket_keys(ticket_keys_.keys());
    if (newcomer_) newcomer_->use_ticket_keys(ticket_keys_.keys());
}

}  // namespace holdfast
