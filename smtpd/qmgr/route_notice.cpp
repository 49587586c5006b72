#include "smtpd/qmgr/route_notice.h"

#include "smtpd/base/quote.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::qmgr {

std::string render_route_notice(const RouteNotice& notice) {
    const std::string relays = escaped(notice.relays);
    std::string text = "From: Mail Delivery System <MAILER-DAEMON@" + notice.origin + ">\n";
    text += "To: postmaster@" + notice.origin + "\n";
    text += "Subject: Mail through " + relays + " is held back\n";
    text += "Date: " + rfc5322_date(notice.now) + "\n";
    text += "Message-ID: <" + notice.id.text() + "@" + notice.hostname + ">\n";
    text += "Auto-Submitted: auto-generated\n\n";  // RFC 3834
    text += "This is the mail system of " + notice.hostname + ".\n\n";
    text += "Mail cannot be sent through " + relays + " because of something that has to be\n";
    text += "mended on this machine:\n\n    " + escaped(notice.why) + "\n\n";
    text += "It is configured in " + escaped(notice.places) + ".\n\n";
    text += "The mail is kept, and nothing is returned to its senders however long it takes.\n";
    text += "It is tried again from time to time, at once by \"mtactl queue flush\" and after\n";
    text += "\"mtactl reload\", and all of it is sent when that succeeds. This is the only mail\n";
    text += "about it; \"mtactl status\" shows how it stands.\n";
    return text;
}

Envelope route_notice_envelope(const RouteNotice& notice) {
    Envelope envelope;
    envelope.id = notice.id;
    envelope.admitted = notice.now.time_since_epoch().count();
    envelope.source = Source::queue;
    const std::string postmaster = "postmaster@" + notice.origin;
    envelope.recipients.push_back({postmaster, {}, notify_never});
    envelope.recipients.push_back({"root@" + notice.origin, {}, notify_never});
    return envelope;
}

std::vector<queue::LogEntry> route_notice_verdicts(const RouteNotice& notice) {
    return {{notice.now.time_since_epoch().count(), queue::Expanded{1, {"root"}}}};
}

}  // namespace holdfast::qmgr
