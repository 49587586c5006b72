#include "smtpd/smtpin/trace.h"

namespace holdfast::smtpin {

std::string received_field(const Trace& trace) {
    std::string field = "Received: from " + trace.helo + " (" + trace.client + ")\n\tby " +
                        trace.hostname + " (Holdfast) with " + trace.protocol + " id " +
                        trace.id.text();
    if (!trace.recipient.empty()) field += "\n\tfor <" + trace.recipient + ">";
    return field + ";\n\t" + rfc5322_date(trace.time) + "\n";
}

}  // namespace holdfast::smtpin
