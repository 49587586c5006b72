#include "smtpd/probe/options.h"

#include <string_view>

namespace holdfast::probe {

std::optional<Options> parse_options(std::span<const char* const> arguments) {
    Options options;
    while (!arguments.empty()) {
        const std::string_view word = arguments.front();
        arguments = arguments.subspan(1);
        if (word == "--json") {
            options.form = Form::json;
        } else if (word == "check" && arguments.empty()) {
            options.task = Task::check;
        } else if (word == "-f" && !arguments.empty() && *arguments.front() != '\0') {
            options.file = arguments.front();
            arguments = arguments.subspan(1);
        } else {
            return std::nullopt;
        }
    }
    return options;
}

}  // namespace holdfast::probe
