#include "smtpd/mail/command.h"

#include <algorithm>
#include <array>

#include "smtpd/mail/ascii.h"

namespace holdfast {

namespace {

struct VerbName {
    std::string_view name;
    Verb verb;
};

constexpr std::array verb_names{
    VerbName{"MAIL", Verb::mail},         VerbName{"RCPT", Verb::rcpt},
    VerbName{"DATA", Verb::data},         VerbName{"QUIT", Verb::quit},
    VerbName{"EHLO", Verb::ehlo},         VerbName{"HELO", Verb::helo},
    VerbName{"RSET", Verb::rset},         VerbName{"NOOP", Verb::noop},
    VerbName{"VRFY", Verb::vrfy},         VerbName{"HELP", Verb::help},
    VerbName{"STARTTLS", Verb::starttls}, VerbName{"AUTH", Verb::not_offered},
    VerbName{"BDAT", Verb::not_offered},  VerbName{"EXPN", Verb::not_offered},
    VerbName{"ETRN", Verb::not_offered},  VerbName{"TURN", Verb::not_offered},
    VerbName{"SEND", Verb::not_offered},  VerbName{"SOML", Verb::not_offered},
    VerbName{"SAML", Verb::not_offered},  VerbName{"GET", Verb::foreign},
    VerbName{"POST", Verb::foreign},      VerbName{"PUT", Verb::foreign},
    VerbName{"HEAD", Verb::foreign},      VerbName{"OPTIONS", Verb::foreign},
    VerbName{"CONNECT", Verb::foreign},
};

bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

std::string_view without_leading_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    return text;
}

std::string_view without_blanks(std::string_view text) {
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return without_leading_blanks(text);
}

// The length of "<...>" at the front, 0 where there is none. A ">" inside a quoted string is not
// the end.
std::size_t bracketed_length(std::string_view text) {
    if (text.empty() || text.front() != '<') return 0;
    bool quoted = false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (text[i] == '\\' && quoted) {
            ++i;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (text[i] == '>' && !quoted) {
            return i + 1;
        }
    }
    return 0;
}

// "@one,@two:user@three" is "user@three" (RFC 5321 section 4.1.1.3: accepted and ignored).
// Nothing where the route is none.
std::optional<std::string_view> without_route(std::string_view path) {
    if (path.empty() || path.front() != '@') return path;
    const std::size_t colon = path.find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const std::string_view route = path.substr(0, colon);
    const bool well_formed = std::ranges::all_of(route, [](char c) {
        return ascii::is_alphanumeric(c) ||
               std::string_view("@,.-_").find(c) != std::string_view::npos;
    });
    const std::string_view mailbox = path.substr(colon + 1);
    if (!well_formed || mailbox.empty()) return std::nullopt;
    return mailbox;
}

bool is_keyword(std::string_view text) {
    return !text.empty() && ascii::is_alphanumeric(text.front()) &&
           std::ranges::all_of(text, [](char c) { return ascii::is_alphanumeric(c) || c == '-'; });
}

// esmtp-value: printable, neither space nor "=".
bool is_value(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) {
        return ascii::is_printable(c) && c != ' ' && c != '=';
    });
}

std::optional<Parameter> parse_parameter(std::string_view word) {
    const std::size_t equals = word.find('=');
    Parameter parameter{word.substr(0, equals), {}};
    if (!is_keyword(parameter.keyword)) return std::nullopt;
    if (equals == std::string_view::npos) return parameter;
    parameter.value = word.substr(equals + 1);
    if (!is_value(parameter.value)) return std::nullopt;
    return parameter;
}

std::optional<std::vector<Parameter>> parse_parameters(std::string_view text) {
    std::vector<Parameter> parameters;
    if (!text.empty() && text.front() != ' ') return std::nullopt;
    while (!(text = without_leading_blanks(text)).empty()) {
        const std::string_view word = text.substr(0, text.find_first_of(" \t"));
        text.remove_prefix(word.size());
        const auto parameter = parse_parameter(word);
        if (!parameter) return std::nullopt;
        const bool repeated = std::ranges::any_of(parameters, [&](const Parameter& other) {
            return ascii::equal(other.keyword, parameter->keyword);
        });
        if (repeated) return std::nullopt;
        parameters.push_back(*parameter);
    }
    return parameters;
}

}  // namespace

Command parse_command(std::string_view line) {
    const std::string_view word = line.substr(0, line.find_first_of(" \t"));
    const auto* const found = std::ranges::find_if(
        verb_names, [&](const VerbName& known) { return ascii::equal(known.name, word); });
    if (found == verb_names.end()) return {};
    return {found->verb, without_blanks(line.substr(word.size()))};
}

std::optional<PathArgument> parse_path_argument(std::string_view argument, std::string_view word) {
    if (argument.size() <= word.size() || argument[word.size()] != ':') return std::nullopt;
    if (!ascii::equal(argument.substr(0, word.size()), word)) return std::nullopt;
    argument = without_leading_blanks(argument.substr(word.size() + 1));
    const std::size_t length = bracketed_length(argument);
    if (length == 0) return std::nullopt;
    const auto path = without_route(argument.substr(1, length - 2));
    auto parameters = parse_parameters(argument.substr(length));
    if (!path || !parameters) return std::nullopt;
    return PathArgument{*path, std::move(*parameters)};
}

bool is_helo_name(std::string_view text) {
    if (text.empty() || text.size() > 255) return false;
    const bool literal = text.size() > 2 && text.front() == '[' && text.back() == ']';
    if (literal) text = text.substr(1, text.size() - 2);
    return std::ranges::all_of(text, [&](char c) {
        return ascii::is_alphanumeric(c) || c == '.' || c == '-' || (literal ? c == ':' : c == '_');
    });
}

}  // namespace holdfast
