// parent <-> smtpin.
#pragma once

#include <string>
#include <vector>

#include "smtpd/links/parent_room.h"

namespace holdfast::links {

// --- certificates ---
//
// Sets of certificates are numbered by the parent, upwards from 1 within a generation of rooms;
// their keys lie in signer under the same number (parent_signer.h). smtpin builds a set when it is
// told of it, and shows it to clients when it is told to: nothing is given up before all of it has
// been checked.

struct CertificateFile {
    std::string host;           // whom the configuration wants it for
    std::string name;           // for messages: the path
    std::uint32_t key = 0;      // number of its key in the set
    std::string public_key;     // what signer says of that key: SubjectPublicKeyInfo, DER
    UniqueFd chain;             // read from its beginning
    std::string key_name = {};  // for messages: the path of its key
};

// `more`: another LoadCertificates of the same set follows.
struct LoadCertificates {
    std::uint64_t set = 0;
    std::vector<CertificateFile> certificates;
    bool more = false;
};

// What a certificate says, or what is wrong with it.
struct LoadedCertificate {
    std::string host;
    std::string name;
    std::vector<std::string> names;  // DNS names that it is for
    std::string fingerprint;         // SHA-256, 64 hexadecimal digits
    std::int64_t not_before = 0;     // wall clock, milliseconds since 1970
    std::int64_t not_after = 0;      // likewise
    std::string warning;             // it can serve, but: "is not for mail.example.org"
    std::string error;               // empty: it can serve
};

// What came of a whole set, in its order; in several messages where `more` follow. With an error
// among them the set is gone.
struct CertificatesLoaded {
    std::uint64_t set = 0;
    std::vector<LoadedCertificate> certificates;
    bool more = false;
};

// Of CertificatesLoaded, with as many names and as long texts as smtpin says.
inline constexpr std::size_t max_facts_in_message = 4;

// Handshakes that begin from now on use this set. Answered by CertificatesInUse; passed over where
// the set has not been loaded, or was refused: a smtpin that has been started again is told to load
// the set and to use it in one go.
struct UseCertificates {
    std::uint64_t set = 0;
};
struct CertificatesInUse {
    std::uint64_t set = 0;
};

// No handshake uses the set any more, nor will: its keys can be forgotten.
struct CertificatesFree {
    std::uint64_t set = 0;
};

// The keys of session tickets, 80 random bytes each: the first seals, all open. They outlive
// certificates, generations and programs, so that clients resume.
struct TicketKeys {
    std::vector<std::string> keys;
};

using ParentToSmtpin = std::variant<Start, Peer, Listener, Go, Drain, NewLog, LoadCertificates,
                                    UseCertificates, TicketKeys>;
using SmtpinToParent = std::variant<Ready, Malformed, LogLost, Serving, CertificatesLoaded,
                                    CertificatesInUse, CertificatesFree, NotAccepting>;

}  // namespace holdfast::links
