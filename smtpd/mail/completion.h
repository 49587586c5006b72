// What a local submission's header lacks, added by `control`, which knows the user and the host.
// Everything else in the header goes out byte for byte. Pure and total: any bytes are a header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "smtpd/base/clock.h"
#include "smtpd/base/message_id.h"
#include "smtpd/mail/address.h"

namespace holdfast {

enum class HeaderWork : std::uint8_t {
    complete,  // add what is missing, give bare names a domain
    keep,      // -G, a gateway: only trace and removals
};

// The facts that a header is completed with. None of them is trusted to be free of control bytes.
struct Completion {
    HeaderWork work = HeaderWork::complete;
    std::uint32_t uid = 0;   // who submitted it
    std::string user;        // login name of that uid; empty where it has none
    std::string full_name;   // of the login (GECOS); goes with the login's own address only
    std::string given_name;  // -F; empty: not given
    std::string sender;      // the envelope's, with its domain; empty is the null sender
    std::string origin;      // the domain of bare names
    std::string hostname;    // who says "Received: by"
    MessageId id;            // its time is the Date, within reason
    WallTime now;
};

// The address of a login, which is the sender where no -f was given: user@origin, quoted where the
// name needs it; uid-1001@origin where it has no name or one that fits into no address. Nothing
// where `origin` is no domain.
std::optional<Address> login_address(std::string_view user, std::uint32_t uid,
                                     std::string_view origin);

struct CompletedHeader {
    // Received, the fields that stay, the fields that were added, a blank line. Where the input
    // held a line that is no field, that line and what followed it come after the blank line.
    std::string bytes;
    // Received fields that were there before: with Submit::hops, the message's age in hops.
    std::size_t hops = 0;
};

// What is read in a header, so that its size bounds the time and the memory that it takes: an
// address field of more bytes, or behind so many addresses of the same header, goes out byte for
// byte, and a From of that kind counts as one that names somebody.
inline constexpr std::size_t max_address_field = std::size_t{256} * 1024;
inline constexpr std::size_t max_header_addresses = 20'000;

// `header` is everything up to and including the first blank line, or the whole message where it
// has none. Bcc, Resent-Bcc, Return-Path, Content-Length and leading "From " lines are taken out
// (the client has done so already, if it is ours).
CompletedHeader complete_header(std::string_view header, const Completion& facts);

// Bytes of `message` up to and including the blank line that ends its header; nothing where no
// blank line has come yet. LF line ends.
std::optional<std::size_t> header_length(std::string_view message);

// Whether the header is known to end within `begin`, the start of a message, though no blank line
// has come: at a line that is no field. complete_header() takes such a start for the header.
bool header_ends_within(std::string_view begin);

}  // namespace holdfast
