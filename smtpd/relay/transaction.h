// A message for recipients that go over one connection, and what came of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "queue/envelope.h"
#include "smtpd/links/qmgr_relay.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/relay/extensions.h"
#include "smtpd/relay/wire_writer.h"

namespace holdfast::relay {

struct Transaction {
    std::string sender;  // as the server is to see it; empty is the null sender
    std::vector<Recipient> recipients;
    std::uint64_t size = 0;  // as RFC 1870 counts it, or near that; 0: not known
    bool eight_bit = false;  // as in links::Send, the rest as well
    bool utf8 = false;
    bool require_tls = false;
    Return ret = Return::unspecified;
    std::string envid;  // decoded
};

// Recipients in one go: RFC 5321 section 4.5.3.1.8 has every server take so many.
inline constexpr std::size_t max_round = 100;

// Whether a certificate has shown that the server is the one that was meant.
enum class Trust : std::uint8_t { unverified, verified };

// What is known of the server that a transaction is for.
struct Server {
    Extensions extensions;
    links::RelayProtocol protocol = links::RelayProtocol::smtp;
    Trust trust = Trust::unverified;
    std::string place;  // Outcome::place
};

// The body as the server takes it.
struct BodyForm {
    WireForm form = WireForm::dotted;
    bool eight_bit = false;  // bytes above 0x7f may go as they are
};

struct Transacted {
    std::vector<links::SentRecipient> recipients;  // one for each of Transaction, in its order
    links::Way way = links::Way::usable;
    std::string why;         // where it is not usable: one line
    bool uncertain = false;  // the connection ended between the end of the message and the reply
};

// Why a connection is of no more use.
struct Failure {
    links::Way way = links::Way::unreachable;
    std::string enhanced;  // of recipients that wait: "4.4.2"
    std::string why;       // one line, fit to be printed
};

}  // namespace holdfast::relay
