// Certificates as text and as JSON. Pure.
#pragma once

#include <string>
#include <vector>

#include "smtpd/base/clock.h"
#include "smtpd/links/certificate_status.h"

namespace holdfast::mtactl {

using CertificateRows = std::vector<links::CertificateStatus>;

// After they were read again: what each is now, and what it was.
std::string certificates_text(const CertificateRows& certificates, WallTime now);
std::string certificates_json(const CertificateRows& certificates, WallTime now);

// For an overview, a line each.
std::string certificate_table(const CertificateRows& certificates, WallTime now);

// Those that somebody has to look after, a line each for standard error.
std::vector<std::string> expiry_warnings(const CertificateRows& certificates, WallTime now);

}  // namespace holdfast::mtactl
