// What mtactl can be told to do: the command line as values. Each command talks to the daemon,
// prints, and returns the exit status.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "smtpd/base/message_id.h"
#include "smtpd/links/parent_control.h"

namespace holdfast::mtactl {

enum class Form : std::uint8_t { text, json };

enum class Haste : std::uint8_t { when_finished, now };

// Of `mtactl status` alone: a certificate is about to expire, or has expired.
inline constexpr int exit_expires_soon = 1;

// Where things are; fixed when the program is built (base/paths.h), another place in tests.
struct Site {
    std::string control_socket;
    std::string probe;
};

struct StatusCommand {
    int run(const Site& site, Form form) const;
};
struct CheckCommand {
    std::string file;  // empty: where smtpd looks
    int run(const Site& site, Form form) const;
};
struct ListCommand {
    int run(const Site& site, Form form) const;
};
struct ShowCommand {
    MessageId id;
    int run(const Site& site, Form form) const;
};
struct RemoveCommand {
    std::vector<MessageId> ids;
    int run(const Site& site, Form form) const;
};
struct FlushCommand {
    std::vector<MessageId> ids;  // none: all
    int run(const Site& site, Form form) const;
};
struct AliasesCommand {
    int run(const Site& site, Form form) const;
};
// reload, restart: each returns when it is done, and done well or not at all.
struct OrderCommand {
    links::Order order = links::Order::reload;
    Haste haste = Haste::when_finished;
    int run(const Site& site, Form form) const;
};
struct ReloadCertsCommand {
    int run(const Site& site, Form form) const;
};
struct StopCommand {
    Haste haste = Haste::when_finished;
    int run(const Site& site, Form form) const;
};

using Command =
    std::variant<StatusCommand, CheckCommand, ListCommand, ShowCommand, RemoveCommand, FlushCommand,
                 AliasesCommand, OrderCommand, ReloadCertsCommand, StopCommand>;

struct Invocation {
    Form form = Form::text;
    Command command;

    int run(const Site& site) const {
        return std::visit([&](const auto& chosen) { return chosen.run(site, form); }, command);
    }
};

}  // namespace holdfast::mtactl
