// What a client does: one thing after another, and what it expects.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace holdfast::hammer {

// Kinds of clients: who comes and goes, who sends message after message, who stays; under TLS, or
// at the control socket.
enum class Kind : std::uint8_t { knock, mail, held, tls_knock, tls_held, control };
inline constexpr std::array<std::string_view, 6> kind_names{"knocks",     "mail",     "held",
                                                            "tls_knocks", "tls_held", "control"};

// Bytes to be sent after a pause, and the code of the reply to them; 0: none is expected.
struct Step {
    std::string bytes;
    int code = 0;
    double pause = 0;           // seconds before
    bool starts_tls = false;    // after the reply
    bool ends_message = false;  // the reply says that the message is accepted
};

enum class Security : std::uint8_t { plain, starttls };

std::vector<Step> knock(Security security);
std::vector<Step> mail(const std::string& to, const std::string& name);
// A pause in each state: before and after EHLO, in a command, in an envelope, in a body, between
// transactions.
std::vector<Step> held(Security security, const std::string& to, const std::string& name,
                       double pause);

}  // namespace holdfast::hammer
