// What mtactl can be told to do: the command line as values.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "smtpd/base/message_id.h"

namespace holdfast::mtactl {

enum class Form : std::uint8_t { text, json };

enum class Haste : std::uint8_t { when_finished, now };

struct StatusCommand {};
struct CheckCommand {
    std::string file;  // empty: where smtpd looks
};
struct ListCommand {};
struct ShowCommand {
    MessageId id;
};
struct RemoveCommand {
    std::vector<MessageId> ids;
};
struct FlushCommand {
    std::vector<MessageId> ids;  // none: all
};
struct AliasesCommand {};
struct StopCommand {
    Haste haste = Haste::when_finished;
};

using Command = std::variant<StatusCommand, CheckCommand, ListCommand, ShowCommand, RemoveCommand,
                             FlushCommand, AliasesCommand, StopCommand>;

struct Invocation {
    Form form = Form::text;
    Command command;
};

}  // namespace holdfast::mtactl
