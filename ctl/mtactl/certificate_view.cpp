#include "ctl/mtactl/certificate_view.h"

#include "ctl/mtactl/display.h"
#include "smtpd/base/json.h"
#include "smtpd/base/quote.h"

namespace holdfast::mtactl {

namespace {

using links::CertificateStatus;

std::int64_t milliseconds(WallTime now) {
    return now.time_since_epoch().count();
}

bool soon(const CertificateStatus& one, WallTime now) {
    return links::expires_soon(one.not_before, one.not_after, milliseconds(now));
}

std::int64_t days(const CertificateStatus& one, WallTime now) {
    return links::days_left(one.not_after, milliseconds(now));
}

// "expires on 2026-12-24T00:00:00Z, in 33 days".
std::string end_text(const CertificateStatus& one, WallTime now) {
    const std::string at = time_text(one.not_after);
    if (one.not_after <= milliseconds(now)) return "has expired on " + at;
    const auto left = static_cast<std::uint64_t>(days(one, now));
    return "expires on " + at + ", in " + count_text(left, "day");
}

std::string names_text(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : " ") + harmless(name);
    return text.empty() ? "none" : text;
}

std::string change_text(const CertificateStatus& one) {
    if (one.fingerprint == one.fingerprint_before)
        return harmless(one.fingerprint) + " (unchanged)";
    const std::string before =
        one.fingerprint_before.empty() ? "none" : harmless(one.fingerprint_before);
    return harmless(one.fingerprint) + "\n  before       " + before;
}

std::string entry(const CertificateStatus& one, WallTime now) {
    std::string text = harmless(one.host) + "\n  file         " + harmless(one.file) +
                       "\n  fingerprint  " + change_text(one) + "\n  names        " +
                       names_text(one.names) + "\n  validity     " + end_text(one, now) + "\n";
    if (!one.warning.empty()) text += "  warning      " + harmless(one.warning) + "\n";
    return text;
}

}  // namespace

std::string certificates_text(const CertificateRows& certificates, WallTime now) {
    std::string text;
    for (const CertificateStatus& one : certificates) text += entry(one, now);
    return text;
}

std::string certificates_json(const CertificateRows& certificates, WallTime now) {
    std::vector<std::string> rows;
    for (const CertificateStatus& one : certificates) {
        JsonObject object;
        object.text("host", one.host);
        object.text("file", one.file);
        object.text("fingerprint", one.fingerprint);
        object.text("fingerprint_before", one.fingerprint_before);
        object.raw("names", json_strings(one.names));
        object.text("not_before", time_text(one.not_before));
        object.text("not_after", time_text(one.not_after));
        object.number("days_left", days(one, now));
        object.flag("expires_soon", soon(one, now));
        object.text("warning", one.warning);
        rows.push_back(object.json());
    }
    return json_array(rows);
}

std::string certificate_table(const CertificateRows& certificates, WallTime now) {
    using enum Table::Align;
    Table table({left, left, right, left});
    table.add({"CERTIFICATE", "EXPIRES", "DAYS", "FINGERPRINT"});
    for (const CertificateStatus& one : certificates) {
        table.add({harmless(one.host), time_text(one.not_after), std::to_string(days(one, now)),
                   harmless(one.fingerprint)});
    }
    return table.text();
}

std::vector<std::string> expiry_warnings(const CertificateRows& certificates, WallTime now) {
    std::vector<std::string> warnings;
    for (const CertificateStatus& one : certificates) {
        if (!soon(one, now)) continue;
        warnings.push_back("the certificate of " + harmless(one.host) + " (" + harmless(one.file) +
                           ") " + end_text(one, now) + ": renew it");
    }
    return warnings;
}

}  // namespace holdfast::mtactl
