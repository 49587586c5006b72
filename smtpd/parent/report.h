// How something that an administrator asked for has ended.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <sysexits.h>

#include "smtpd/base/error.h"
#include "smtpd/links/certificate_status.h"

namespace holdfast {

struct Report {
    std::uint8_t status = EX_OK;  // of sysexits
    std::string reason;           // one line; empty where all is well, or `complaints` say it all
    std::string complaints;       // of the probe: whole lines, warnings too
    std::vector<std::string> changes = {};                    // what is different now, a line each
    std::vector<links::CertificateStatus> certificates = {};  // after they were read again

    bool good() const { return status == EX_OK; }
    // The reason, else the first complaint: for the log.
    std::string summary() const {
        return !reason.empty() ? reason : complaints.substr(0, complaints.find('\n'));
    }
};

inline Report failed(std::uint8_t status, const Error& error) {
    return {status, error.text(), {}};
}

}  // namespace holdfast
