// A message from the queue as the bytes that one server gets. It is read twice:
//
//     OutgoingScan scan(rewrite);              // once for each message, whatever server follows
//     scan.feed(piece) ...; facts = scan.finish();
//     if (obstacle(facts, octets)) ...         // refuse it: this server cannot have it
//     OutgoingBody body(rewrite, facts, {wire, octets});   // once for each transaction
//     send(body.feed(piece)) ...; send(body.flush());
//     send(body.finish());                     // behind FinalDot
//
// Whether a line is too long for SMTP shows in no envelope: there is no message that needs no scan.
// Pieces may be of any size and need not be the same in both readings. What is held back is
// bounded: a header field (64 KiB) while there is a header, a line, a chunk of BDAT.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "smtpd/links/snapshots.h"
#include "smtpd/relay/body_analysis.h"
#include "smtpd/relay/downgrade.h"
#include "smtpd/relay/header_rewriter.h"
#include "smtpd/relay/message_facts.h"
#include "smtpd/relay/wire_writer.h"

namespace holdfast::relay {

class OutgoingScan {
  public:
    // `rewrite` outlives it.
    explicit OutgoingScan(const links::RewritePlan& rewrite) : rewriter_(rewrite) {}

    void feed(std::string_view piece) { analysis_.feed(rewriter_.feed(piece)); }
    MessageFacts finish();

  private:
    HeaderRewriter rewriter_;
    BodyAnalysis analysis_;
};

// What a server takes, and how.
struct OutgoingForm {
    WireForm wire = WireForm::dotted;
    Octets octets = Octets::seven_bit;
};

class OutgoingBody {
  public:
    // `rewrite` is that of the scan, and outlives it. `facts` hold no obstacle() for the server.
    OutgoingBody(const links::RewritePlan& rewrite, const MessageFacts& facts, OutgoingForm form);

    // Bytes that can be sent now; often none.
    std::string feed(std::string_view piece);

    // All that can be sent before the end of the message: to be called when every piece has been
    // fed, once.
    std::string flush();

    // The end of the message (WireWriter::finish()), behind flush().
    std::string finish() { return writer_.finish(); }

    // BDAT commands given out so far: so many replies are due.
    std::uint64_t chunks() const { return writer_.chunks(); }

  private:
    HeaderRewriter rewriter_;
    std::optional<Downgrade> downgrade_;  // where something has to change
    WireWriter writer_;
};

}  // namespace holdfast::relay
