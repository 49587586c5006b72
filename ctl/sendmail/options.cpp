#include "ctl/sendmail/options.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ranges>

#include "smtpd/base/quote.h"
#include "smtpd/mail/address_list.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/mail/display_name.h"

namespace holdfast::sendmail {

namespace {

constexpr std::size_t max_envid = 100;  // RFC 3461 section 4.4

struct NamedMode {
    std::string_view name;
    Mode mode;
};

constexpr std::array programs{
    NamedMode{"mailq", Mode::print_queue}, NamedMode{"newaliases", Mode::aliases},
    NamedMode{"runq", Mode::flush},        NamedMode{"hoststat", Mode::nothing},
    NamedMode{"purgestat", Mode::nothing},
};
constexpr std::array<std::string_view, 3> foreign_programs{"smtpd", "rmail", "rsmtp"};

constexpr std::array modes{
    NamedMode{"m", Mode::submit},  NamedMode{"p", Mode::print_queue}, NamedMode{"i", Mode::aliases},
    NamedMode{"h", Mode::nothing}, NamedMode{"H", Mode::nothing},
};

// What an option does with its value. Returns what was expected where the value is wrong, and
// nothing where it is right.
using Expected = std::string_view;
using Apply = Expected (*)(Options& options, std::string_view value);

constexpr Expected right{};

Expected ignore(Options&, std::string_view) {
    return right;
}

// A flag.
template <auto member, auto value>
Expected set(Options& options, std::string_view) {
    options.*member = value;
    return right;
}

Expected take_submission_config(Options&, std::string_view value) {
    return value == "c" || value == "m" ? right : "c or m";
}

Expected take_body_type(Options& options, std::string_view value) {
    options.eight_bit = ascii::equal(value, "8BITMIME");
    return options.eight_bit || ascii::equal(value, "7BIT") ? right : "7BIT or 8BITMIME";
}

Expected take_mode(Options& options, std::string_view value) {
    const auto* const found = std::ranges::find(modes, value, &NamedMode::name);
    if (found == modes.end()) return "m, p or i (the daemon is started as smtpd(8))";
    options.mode = found->mode;
    return right;
}

Expected take_error_mode(Options&, std::string_view value) {
    constexpr std::string_view known = "empqw";
    return value.size() == 1 && known.contains(value) ? right : "e, m, p, q or w";
}

Expected take_full_name(Options& options, std::string_view value) {
    options.full_name = without_controls(value.substr(0, max_display_name));
    return right;
}

Expected take_sender(Options& options, std::string_view value) {
    options.sender = "";
    if (value.empty() || value == "<>") return right;
    const AddressList list = parse_address_list(value, BareWords::unreadable);
    const bool one = list.addresses.size() == 1 && list.unreadable.empty();
    if (!one || std::ranges::any_of(value, ascii::is_control)) return "one address";
    options.sender = list.addresses.front().text;
    return right;
}

Expected take_hops(Options& options, std::string_view value) {
    const auto [rest, error] = std::from_chars(value.begin(), value.end(), options.hops);
    return error == std::errc{} && rest == value.end() ? right : "a number";
}

Expected take_notify(Options& options, std::string_view value) {
    constexpr Expected expected = "never, or a list of success, failure, delay";
    options.notify = ascii::equal(value, "never") ? notify_never : 0;
    if (options.notify != 0) return right;
    for (const auto part : std::views::split(value, ',')) {
        const std::string_view word = ascii::trimmed(std::string_view(part.begin(), part.end()));
        const unsigned bit = ascii::equal(word, "success")   ? notify_success
                             : ascii::equal(word, "failure") ? notify_failure
                             : ascii::equal(word, "delay")   ? notify_delay
                                                             : 0;
        if (bit == 0) return expected;
        options.notify = static_cast<std::uint8_t>(options.notify | bit);
    }
    return options.notify != 0 ? right : expected;
}

// The letters behind -o are settings of a program that this one is not: all but -oi are accepted
// for the callers' sake, and none is applied.
Expected take_short_setting(Options& options, std::string_view value) {
    if (value == "i") options.lone_dot = LoneDot::is_text;
    return right;
}

// -oMa and its like, alone, are followed by a value (Exim's spelling): taken, or it would be mailed
// to.
bool is_exim_pair(std::string_view value) {
    static constexpr std::array<std::string_view, 11> names{"Ma", "Maa", "Mai", "Mas", "Mi", "Mr",
                                                            "Ms", "Mt",  "Mm",  "P",   "X"};
    return std::ranges::find(names, value) != names.end();
}

Expected take_queue_run(Options& options, std::string_view value) {
    const char first = value.empty() ? 'f' : value.front();
    if (ascii::is_digit(first) || first == 'p') {
        options.mode = Mode::nothing;  // an interval, for a daemon that this is not
        return right;
    }
    if (!std::string_view("fIRS").contains(first)) {
        return "nothing, f, an interval, or I, R or S with a value";
    }
    options.mode = Mode::flush;
    if (first != 'I') return right;
    std::string text(value.substr(1));
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    });
    const auto id = MessageId::parse(text);
    if (!id) return "behind I a message id, as mailq shows them";
    options.flushed.push_back(*id);
    return right;
}

Expected take_return(Options& options, std::string_view value) {
    options.ret = ascii::equal(value, "full") ? Return::full : Return::headers;
    return options.ret == Return::full || ascii::equal(value, "hdrs") ? right : "full or hdrs";
}

Expected take_envelope_id(Options& options, std::string_view value) {
    options.envid = value;
    const bool printable = std::ranges::all_of(value, ascii::is_printable);
    const bool good = !value.empty() && value.size() <= max_envid && printable;
    return good ? right : "1 to 100 printable characters";
}

// Postfix reads -XV as a request for other sender addresses: to ignore it would misdirect bounces.
Expected take_traffic_log(Options&, std::string_view value) {
    return value.starts_with('V') ? "no variable envelope return paths" : right;
}

enum class Value : std::uint8_t {
    none,
    needed,    // the rest of the word, or the next argument
    attached,  // the rest of the word, perhaps empty
};

struct Rule {
    char letter;
    Value value;
    Apply apply;
};

constexpr std::array rules{
    Rule{'A', Value::needed, take_submission_config},
    Rule{'B', Value::needed, take_body_type},
    Rule{'C', Value::needed, ignore},
    Rule{'D', Value::needed, ignore},
    Rule{'F', Value::needed, take_full_name},
    Rule{'G', Value::none, set<&Options::header_work, HeaderWork::keep>},
    Rule{'I', Value::none, set<&Options::mode, Mode::aliases>},
    Rule{'L', Value::needed, ignore},
    Rule{'M', Value::needed, ignore},
    Rule{'N', Value::needed, take_notify},
    Rule{'O', Value::needed, ignore},
    Rule{'R', Value::needed, take_return},
    Rule{'T', Value::none, ignore},
    Rule{'U', Value::none, ignore},
    Rule{'V', Value::needed, take_envelope_id},
    Rule{'X', Value::needed, take_traffic_log},
    Rule{'b', Value::needed, take_mode},
    Rule{'c', Value::none, ignore},
    Rule{'d', Value::attached, ignore},
    Rule{'e', Value::needed, take_error_mode},
    Rule{'f', Value::needed, take_sender},
    Rule{'h', Value::needed, take_hops},
    Rule{'i', Value::none, set<&Options::lone_dot, LoneDot::is_text>},
    Rule{'m', Value::none, ignore},
    Rule{'n', Value::none, ignore},
    Rule{'o', Value::needed, take_short_setting},
    Rule{'p', Value::needed, ignore},
    Rule{'q', Value::attached, take_queue_run},
    Rule{'r', Value::needed, take_sender},
    Rule{'s', Value::none, ignore},
    Rule{'t', Value::none, set<&Options::recipient_source, RecipientSource::header_too>},
    Rule{'v', Value::none, set<&Options::verbosity, Verbosity::names_id>},
    Rule{'x', Value::none, ignore},
};

std::string shown(std::string_view bytes) {
    constexpr std::size_t enough = 100;
    const bool cut = bytes.size() > enough;
    return '"' + escaped(bytes.substr(0, enough)) + (cut ? "...\"" : "\"");
}

std::unexpected<Failure> usage(std::string text) {
    return fails(EX_USAGE, std::move(text));
}

std::unexpected<Failure> unknown_option(std::string_view option) {
    return usage(shown(option) + ": unknown option; see sendmail(8)");
}

class Parser {
  public:
    explicit Parser(std::span<const std::string_view> arguments) : arguments_(arguments) {}

    Attempt<Options> parse() {
        if (const auto taken = take_program_name(next()); !taken) {
            return std::unexpected(taken.error());
        }
        while (!arguments_.empty()) {
            const auto taken = take_argument(next());
            if (!taken) return std::unexpected(taken.error());
            if (options_.mode == Mode::help || options_.mode == Mode::version) return options_;
        }
        const bool takes_operands = options_.mode == Mode::submit ||
                                    options_.mode == Mode::nothing ||
                                    options_.mode == Mode::aliases;
        if (!takes_operands && !options_.operands.empty()) {
            return usage(shown(options_.operands.front()) + ": this mode takes no operands");
        }
        return std::move(options_);
    }

  private:
    // The empty word where there is none.
    std::string_view next() {
        if (arguments_.empty()) return {};
        const std::string_view word = arguments_.front();
        arguments_ = arguments_.subspan(1);
        return word;
    }

    Attempt<void> take_program_name(std::string_view path) {
        const std::string_view name = path.substr(path.rfind('/') + 1);
        if (std::ranges::find(foreign_programs, name) != foreign_programs.end()) {
            return usage(std::string(name) + ": this program does not work under that name");
        }
        const auto* const found = std::ranges::find(programs, name, &NamedMode::name);
        if (found != programs.end()) options_.mode = found->mode;
        return {};
    }

    Attempt<void> take_argument(std::string_view argument) {
        const bool dashed = argument.size() > 1 && argument.front() == '-';
        if (options_ended_ || !dashed) {
            options_.operands.emplace_back(argument);
        } else if (!options_.operands.empty()) {
            return usage(shown(argument) +
                         ": options stand before the recipients; an address that begins with a "
                         "dash stands behind \"--\"");
        } else if (argument == "--") {
            options_ended_ = true;
        } else if (argument == "--help") {
            options_.mode = Mode::help;
        } else if (argument == "--version") {
            options_.mode = Mode::version;
        } else if (argument.starts_with("--")) {
            return unknown_option(argument);
        } else {
            return take_letters(argument.substr(1));
        }
        return {};
    }

    // A cluster: flags, and perhaps one option with a value behind them.
    Attempt<void> take_letters(std::string_view letters) {
        while (!letters.empty()) {
            const std::string option{'-', letters.front()};
            const auto* const rule = std::ranges::find(rules, letters.front(), &Rule::letter);
            if (rule == rules.end()) return unknown_option(option);
            letters.remove_prefix(1);
            if (rule->value == Value::none) {
                rule->apply(options_, {});
                continue;
            }
            if (rule->value == Value::needed && letters.empty()) {
                if (arguments_.empty()) return usage(option + ": the value is missing");
                letters = next();
            }
            if (const Expected expected = rule->apply(options_, letters); expected != right) {
                return usage(option + " " + shown(letters) + ": expected " + std::string(expected));
            }
            if (rule->letter == 'o' && is_exim_pair(letters)) {
                if (arguments_.empty()) {
                    return usage("-o" + std::string(letters) + ": the value is missing");
                }
                next();
            }
            return {};
        }
        return {};
    }

    std::span<const std::string_view> arguments_;
    bool options_ended_ = false;  // by "--": what follows may begin with a dash
    Options options_;
};

}  // namespace

std::string_view own_name(std::span<const std::string_view> arguments) {
    const std::string_view path = arguments.empty() ? std::string_view() : arguments.front();
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const auto* const found = std::ranges::find(programs, name, &NamedMode::name);
    return found == programs.end() ? "sendmail" : found->name;
}

Attempt<Options> parse_options(std::span<const std::string_view> arguments) {
    return Parser(arguments).parse();
}

}  // namespace holdfast::sendmail
