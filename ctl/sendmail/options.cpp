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

using Step = Attempt<void>;

constexpr std::size_t max_envid = 100;  // RFC 3461 section 4.4

std::string shown(std::string_view bytes) {
    constexpr std::size_t enough = 100;
    const bool cut = bytes.size() > enough;
    return '"' + escaped(bytes.substr(0, enough)) + (cut ? "...\"" : "\"");
}

std::unexpected<Failure> usage(std::string text) {
    return fails(Exit::usage, std::move(text));
}

std::unexpected<Failure> bad_value(std::string_view option, std::string_view value,
                                   std::string_view expected) {
    return usage(std::string(option) + " " + shown(value) + ": expected " + std::string(expected));
}

bool holds_control(std::string_view text) {
    return std::ranges::any_of(text, ascii::is_control);
}

std::string_view base_name(std::string_view path) {
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

// -oMa and its like, alone, are followed by a value (Exim's spelling): taken, or it would be mailed
// to.
bool is_exim_pair(std::string_view value) {
    static constexpr std::array<std::string_view, 11> names{"Ma", "Maa", "Mai", "Mas", "Mi", "Mr",
                                                            "Ms", "Mt",  "Mm",  "P",   "X"};
    return std::ranges::find(names, value) != names.end();
}

class Parser {
  public:
    explicit Parser(std::span<const std::string_view> arguments) : arguments_(arguments) {}

    Attempt<Options> parse();

  private:
    enum class Value : std::uint8_t {
        none,
        needed,    // the rest of the word, or the next argument
        attached,  // the rest of the word, perhaps empty
    };
    struct Rule {
        char letter;
        Value value;
        Step (Parser::*apply)(std::string_view);
    };
    static const Rule* find_rule(char letter);

    Step take_program_name(std::string_view name);
    Step take_argument(std::string_view argument);
    Step take_long(std::string_view argument);
    Step take_cluster(std::string_view letters);
    Step take_operand(std::string_view argument);
    Step check_operands() const;
    bool at_end() const { return next_ == arguments_.size(); }

    Step ignore(std::string_view) { return {}; }
    Step take_submission_config(std::string_view value);
    Step take_body_type(std::string_view value);
    Step take_mode(std::string_view value);
    Step take_error_mode(std::string_view value);
    Step take_full_name(std::string_view value);
    Step take_sender(std::string_view value);
    Step take_gateway(std::string_view);
    Step take_hops(std::string_view value);
    Step take_aliases(std::string_view);
    Step take_ignore_dots(std::string_view);
    Step take_notify(std::string_view value);
    Step take_short_setting(std::string_view value);
    Step take_queue_run(std::string_view value);
    Step take_return(std::string_view value);
    Step take_header_recipients(std::string_view);
    Step take_envelope_id(std::string_view value);
    Step take_verbose(std::string_view);
    Step take_traffic_log(std::string_view value);

    std::span<const std::string_view> arguments_;
    std::size_t next_ = 0;
    bool options_ended_ = false;  // by "--": what follows may begin with a dash
    Options options_;
};

const Parser::Rule* Parser::find_rule(char letter) {
    static constexpr std::array rules{
        Rule{'A', Value::needed, &Parser::take_submission_config},
        Rule{'B', Value::needed, &Parser::take_body_type},
        Rule{'C', Value::needed, &Parser::ignore},
        Rule{'D', Value::needed, &Parser::ignore},
        Rule{'F', Value::needed, &Parser::take_full_name},
        Rule{'G', Value::none, &Parser::take_gateway},
        Rule{'I', Value::none, &Parser::take_aliases},
        Rule{'L', Value::needed, &Parser::ignore},
        Rule{'M', Value::needed, &Parser::ignore},
        Rule{'N', Value::needed, &Parser::take_notify},
        Rule{'O', Value::needed, &Parser::ignore},
        Rule{'R', Value::needed, &Parser::take_return},
        Rule{'T', Value::none, &Parser::ignore},
        Rule{'U', Value::none, &Parser::ignore},
        Rule{'V', Value::needed, &Parser::take_envelope_id},
        Rule{'X', Value::needed, &Parser::take_traffic_log},
        Rule{'b', Value::needed, &Parser::take_mode},
        Rule{'c', Value::none, &Parser::ignore},
        Rule{'d', Value::attached, &Parser::ignore},
        Rule{'e', Value::needed, &Parser::take_error_mode},
        Rule{'f', Value::needed, &Parser::take_sender},
        Rule{'h', Value::needed, &Parser::take_hops},
        Rule{'i', Value::none, &Parser::take_ignore_dots},
        Rule{'m', Value::none, &Parser::ignore},
        Rule{'n', Value::none, &Parser::ignore},
        Rule{'o', Value::needed, &Parser::take_short_setting},
        Rule{'p', Value::needed, &Parser::ignore},
        Rule{'q', Value::attached, &Parser::take_queue_run},
        Rule{'r', Value::needed, &Parser::take_sender},
        Rule{'s', Value::none, &Parser::ignore},
        Rule{'t', Value::none, &Parser::take_header_recipients},
        Rule{'v', Value::none, &Parser::take_verbose},
        Rule{'x', Value::none, &Parser::ignore},
    };
    const auto found = std::ranges::find(rules, letter, &Rule::letter);
    return found == rules.end() ? nullptr : &*found;
}

Attempt<Options> Parser::parse() {
    if (!at_end()) {
        if (Step step = take_program_name(base_name(arguments_[next_++])); !step) {
            return std::unexpected(step.error());
        }
    }
    while (!at_end()) {
        if (Step step = take_argument(arguments_[next_++]); !step) {
            return std::unexpected(step.error());
        }
        if (options_.mode == Mode::help || options_.mode == Mode::version) return options_;
    }
    if (Step step = check_operands(); !step) return std::unexpected(step.error());
    return std::move(options_);
}

Step Parser::take_program_name(std::string_view name) {
    if (name == "mailq") options_.mode = Mode::print_queue;
    if (name == "newaliases") options_.mode = Mode::aliases;
    if (name == "runq") options_.mode = Mode::flush;
    if (name == "hoststat" || name == "purgestat") options_.mode = Mode::nothing;
    if (name == "smtpd" || name == "rmail" || name == "rsmtp") {
        return usage(std::string(name) + ": this program does not work under that name");
    }
    return {};
}

Step Parser::take_argument(std::string_view argument) {
    const bool dashed = argument.size() > 1 && argument.front() == '-';
    if (options_ended_ || !dashed) return take_operand(argument);
    if (!options_.operands.empty()) {
        return usage(shown(argument) +
                     ": options stand before the recipients; an address that "
                     "begins with a dash stands behind \"--\"");
    }
    if (argument == "--") {
        options_ended_ = true;
        return {};
    }
    if (argument.starts_with("--")) return take_long(argument);
    return take_cluster(argument.substr(1));
}

Step Parser::take_long(std::string_view argument) {
    if (argument == "--help") {
        options_.mode = Mode::help;
    } else if (argument == "--version") {
        options_.mode = Mode::version;
    } else {
        return usage(shown(argument) + ": unknown option; see sendmail(8)");
    }
    return {};
}

Step Parser::take_cluster(std::string_view letters) {
    while (!letters.empty()) {
        const std::string option{'-', letters.front()};
        const Rule* rule = find_rule(letters.front());
        if (rule == nullptr) return usage(shown(option) + ": unknown option; see sendmail(8)");
        letters.remove_prefix(1);
        if (rule->value == Value::none) {
            if (Step step = (this->*rule->apply)({}); !step) return step;
            continue;
        }
        if (rule->value == Value::needed && letters.empty()) {
            if (at_end()) return usage(option + ": the value is missing");
            letters = arguments_[next_++];
        }
        return (this->*rule->apply)(letters);
    }
    return {};
}

Step Parser::take_operand(std::string_view argument) {
    options_.operands.emplace_back(argument);
    return {};
}

Step Parser::check_operands() const {
    if (options_.mode == Mode::submit || options_.operands.empty()) return {};
    if (options_.mode == Mode::nothing || options_.mode == Mode::aliases) return {};
    return usage(shown(options_.operands.front()) + ": this mode takes no operands");
}

Step Parser::take_submission_config(std::string_view value) {
    if (value == "c" || value == "m") return {};
    return bad_value("-A", value, "c or m");
}

Step Parser::take_body_type(std::string_view value) {
    const bool eight_bit = ascii::equal(value, "8BITMIME");
    if (!eight_bit && !ascii::equal(value, "7BIT")) {
        return bad_value("-B", value, "7BIT or 8BITMIME");
    }
    options_.eight_bit = eight_bit;
    return {};
}

Step Parser::take_mode(std::string_view value) {
    const char letter = value.size() == 1 ? value.front() : '\0';
    switch (letter) {
        case 'm':
            options_.mode = Mode::submit;
            return {};
        case 'p':
            options_.mode = Mode::print_queue;
            return {};
        case 'i':
            options_.mode = Mode::aliases;
            return {};
        case 'h':
        case 'H':
            options_.mode = Mode::nothing;
            return {};
        case 'd':
        case 'D':
        case 'l':
            return usage("-b" + std::string(value) + ": the daemon is started as smtpd(8)");
        case 's':
        case 'v':
            return usage("-b" + std::string(value) + ": not supported");
        default:
            return bad_value("-b", value, "m, p or i");
    }
}

Step Parser::take_error_mode(std::string_view value) {
    const bool known = value.size() == 1 &&
                       std::string_view("empqw").find(value.front()) != std::string_view::npos;
    if (!known) return bad_value("-e", value, "e, m, p, q or w");
    return {};
}

Step Parser::take_full_name(std::string_view value) {
    options_.full_name = without_controls(value.substr(0, max_display_name));
    return {};
}

Step Parser::take_sender(std::string_view value) {
    if (value.empty() || value == "<>") {
        options_.sender = "";
        return {};
    }
    const AddressList list = parse_address_list(value, BareWords::unreadable);
    const bool one = list.addresses.size() == 1 && list.unreadable.empty();
    if (!one || holds_control(value)) return bad_value("-f", value, "one address");
    options_.sender = list.addresses.front().text;
    return {};
}

Step Parser::take_gateway(std::string_view) {
    options_.header_work = HeaderWork::keep;
    return {};
}

Step Parser::take_hops(std::string_view value) {
    std::uint32_t hops = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), hops);
    if (error != std::errc{} || end != value.data() + value.size()) {
        return bad_value("-h", value, "a number");
    }
    options_.hops = hops;
    return {};
}

Step Parser::take_aliases(std::string_view) {
    options_.mode = Mode::aliases;
    return {};
}

Step Parser::take_ignore_dots(std::string_view) {
    options_.lone_dot = LoneDot::is_text;
    return {};
}

Step Parser::take_notify(std::string_view value) {
    if (ascii::equal(value, "never")) {
        options_.notify = notify_never;
        return {};
    }
    std::uint8_t notify = 0;
    for (const auto part : std::views::split(value, ',')) {
        const std::string_view word = ascii::trimmed(std::string_view(part.begin(), part.end()));
        unsigned bit = 0;
        if (ascii::equal(word, "success")) bit = notify_success;
        if (ascii::equal(word, "failure")) bit = notify_failure;
        if (ascii::equal(word, "delay")) bit = notify_delay;
        if (bit == 0) return bad_value("-N", value, "never, or a list of success, failure, delay");
        notify = static_cast<std::uint8_t>(notify | bit);
    }
    if (notify == 0) return bad_value("-N", value, "a list that is not empty");
    options_.notify = notify;
    return {};
}

// The letters behind -o are settings of a program that this one is not: all but -oi are accepted
// for the callers' sake, and none is applied.
Step Parser::take_short_setting(std::string_view value) {
    if (value == "i") options_.lone_dot = LoneDot::is_text;
    if (is_exim_pair(value)) {
        if (at_end()) return usage("-o" + std::string(value) + ": the value is missing");
        ++next_;
    }
    return {};
}

Step Parser::take_queue_run(std::string_view value) {
    const char first = value.empty() ? 'f' : value.front();
    if (ascii::is_digit(first) || first == 'p') {
        options_.mode = Mode::nothing;  // an interval, for a daemon that this is not
        return {};
    }
    if (std::string_view("fIRS").find(first) == std::string_view::npos) {
        return bad_value("-q", value, "nothing, f, an interval, or I, R or S with a value");
    }
    options_.mode = Mode::flush;
    if (first != 'I') return {};
    if (const auto id = MessageId::parse(value.substr(1))) options_.flushed.push_back(*id);
    return {};
}

Step Parser::take_return(std::string_view value) {
    if (ascii::equal(value, "full")) {
        options_.ret = Return::full;
    } else if (ascii::equal(value, "hdrs")) {
        options_.ret = Return::headers;
    } else {
        return bad_value("-R", value, "full or hdrs");
    }
    return {};
}

Step Parser::take_header_recipients(std::string_view) {
    options_.recipient_source = RecipientSource::header_too;
    return {};
}

Step Parser::take_envelope_id(std::string_view value) {
    const bool printable = std::ranges::all_of(value, ascii::is_printable);
    if (value.empty() || value.size() > max_envid || !printable) {
        return bad_value("-V", value, "1 to 100 printable characters");
    }
    options_.envid = value;
    return {};
}

Step Parser::take_verbose(std::string_view) {
    options_.verbosity = Verbosity::names_id;
    return {};
}

Step Parser::take_traffic_log(std::string_view value) {
    // Postfix reads -XV as a request for other sender addresses: to ignore it would misdirect
    // bounces.
    if (value.starts_with('V')) return usage("-XV: variable envelope return paths are not made");
    return {};
}

}  // namespace

Attempt<Options> parse_options(std::span<const std::string_view> arguments) {
    return Parser(arguments).parse();
}

}  // namespace holdfast::sendmail
