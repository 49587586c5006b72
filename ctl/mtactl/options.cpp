#include "ctl/mtactl/options.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <sstream>

#include <CLI/CLI.hpp>
#include <sysexits.h>

#include "smtpd/base/paths.h"
#include "smtpd/base/quote.h"
#include "smtpd/base/suggest.h"

namespace holdfast::mtactl {

namespace {

// What the words of the command line are read into.
struct Words {
    bool json = false;
    bool now = false;
    std::string file;
    std::string id;
    std::vector<std::string> ids;
};

using Selected = std::function<Command()>;

std::optional<MessageId> parse_id(std::string text) {
    std::ranges::transform(text, text.begin(), [](unsigned char c) {
        return static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    });
    return MessageId::parse(text);
}

// CLI11 calls it on each word; the text is what it says where the word is none.
std::string check_id(const std::string& text) {
    if (parse_id(text)) return {};
    return "\"" + text +
           "\" is no message id (26 characters, as \"mtactl queue list\" "
           "shows them)";
}

std::vector<MessageId> parse_ids(const std::vector<std::string>& texts) {
    std::vector<MessageId> ids;
    for (const std::string& text : texts) {
        if (const auto id = parse_id(text)) ids.push_back(*id);
    }
    return ids;
}

// `command` is how far the command line was understood: its help is the one to read.
Notice usage_notice(std::string_view what, std::string_view command) {
    return {EX_USAGE, "mtactl: " + harmless(what) + " (see " + std::string(command) + " --help)\n"};
}

// Of what CLI11 says in several lines, the first.
std::string_view first_line(std::string_view text) {
    return text.substr(0, text.find('\n'));
}

class CommandLine {
  public:
    CommandLine();
    std::expected<Invocation, Notice> parse(std::span<const char* const> arguments);

  private:
    CLI::App& add(CLI::App& parent, const std::string& name, const std::string& help,
                  Selected selected);
    void add_queue();
    void add_order(const std::string& name, links::Order order, const std::string& help);
    Notice wrong(std::span<const char* const> arguments, std::string_view complaint);

    CLI::App app_{"Asks the mail system Holdfast what it does, and tells it what to do.", "mtactl"};
    Words words_;
    std::optional<Command> command_;
};

CommandLine::CommandLine() {
    app_.set_version_flag("-V,--version", std::string("mtactl (Holdfast) ") + paths::version,
                          "Print the version and exit");
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.add_flag("--json", words_.json, "Output for programs, after any command");
    app_.require_subcommand(1);
    app_.footer("The manual is mtactl(8).");
    add(app_, "status", "Show the daemon, its rooms, the queue in numbers",
        [] { return StatusCommand{}; });
    auto& check = add(app_, "check", "Read the configuration and name what is wrong with it",
                      [this] { return CheckCommand{words_.file}; });
    check.add_option("FILE", words_.file, "Another file than smtpd.conf in its place");
    add_queue();
    add(app_, "aliases", "Read the alias files again", [] { return AliasesCommand{}; });
    add_order("reload", links::Order::reload, "Read the configuration again and serve by it");
    add(app_, "reload-certs", "Read certificates and keys again, and show them from now on",
        [] { return ReloadCertsCommand{}; });
    add_order("restart", links::Order::restart, "Change to the programs that are installed now");
    auto& stop = add(app_, "stop", "End the daemon, and wait until it has ended", [this] {
        return StopCommand{words_.now ? Haste::now : Haste::when_finished};
    });
    stop.add_flag("--now", words_.now, "Cut off open sessions");
}

void CommandLine::add_order(const std::string& name, links::Order order, const std::string& help) {
    auto& command = add(app_, name, help, [this, order] {
        return OrderCommand{order, words_.now ? Haste::now : Haste::when_finished};
    });
    command.add_flag("--now", words_.now,
                     "Where too many generations live, cut the oldest one's sessions off");
}

void CommandLine::add_queue() {
    CLI::App& queue = *app_.add_subcommand("queue", "Look at the queue, and change it");
    queue.require_subcommand(1);
    add(queue, "list", "List all messages", [] { return ListCommand{}; });
    auto& show = add(queue, "show", "Print a message: envelope, content, log",
                     [this] { return ShowCommand{parse_id(words_.id).value_or(MessageId())}; });
    show.add_option("ID", words_.id, "The message")->required()->check(check_id);
    auto& remove = add(queue, "remove", "Forget messages; nobody is told",
                       [this] { return RemoveCommand{parse_ids(words_.ids)}; });
    remove.add_option("ID", words_.ids, "The messages")->required()->check(check_id);
    auto& flush = add(queue, "flush", "Try again now, without waiting",
                      [this] { return FlushCommand{parse_ids(words_.ids)}; });
    flush.add_option("ID", words_.ids, "These messages only")->check(check_id);
}

CLI::App& CommandLine::add(CLI::App& parent, const std::string& name, const std::string& help,
                           Selected selected) {
    CLI::App& command = *parent.add_subcommand(name, help);
    command.add_flag("--json", words_.json, "Output for programs");
    command.callback([this, select = std::move(selected)] { command_ = select(); });
    return command;
}

std::expected<Invocation, Notice> CommandLine::parse(std::span<const char* const> arguments) {
    // CLI11 takes the words from the back of a vector.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
        app_.parse(std::move(reversed));
    } catch (const CLI::ParseError& error) {
        std::ostringstream text;
        if (app_.exit(error, text, text) == 0) return std::unexpected(Notice{EX_OK, text.str()});
        return std::unexpected(wrong(arguments, error.what()));
    }
    if (!command_) return std::unexpected(wrong(arguments, "a command is missing"));
    // Filled in place: of a variant that is moved, GCC 12 wrongly says that it is not initialised.
    std::expected<Invocation, Notice> invocation;
    invocation->form = words_.json ? Form::json : Form::text;
    invocation->command = *command_;
    return invocation;
}

std::string unknown_command(std::string_view word, CLI::App& parent) {
    std::vector<std::string> names;
    for (const CLI::App* command : parent.get_subcommands({})) names.push_back(command->get_name());
    const std::vector<std::string_view> known(names.begin(), names.end());
    const std::string meant = suggest(word, known);
    return "unknown command \"" + std::string(word) + "\": " +
           (meant.empty() ? "it is one of " + alternatives(known)
                          : "did you mean \"" + meant + "\"?");
}

// CLI11 only says that a command is missing, also where one is mistyped.
Notice CommandLine::wrong(std::span<const char* const> arguments, std::string_view complaint) {
    CLI::App* command = &app_;
    std::string understood = "mtactl";
    for (const std::string_view word : arguments) {
        if (word.starts_with('-')) continue;
        if (command->get_subcommands({}).empty()) break;  // what follows is not a command
        const auto below = command->get_subcommands({});
        const auto next = std::ranges::find(below, word, &CLI::App::get_name);
        if (next == below.end()) return usage_notice(unknown_command(word, *command), understood);
        command = *next;
        understood.append(" ").append(word);
    }
    return usage_notice(first_line(complaint), understood);
}

}  // namespace

std::expected<Invocation, Notice> parse_options(std::span<const char* const> arguments) {
    return CommandLine().parse(arguments);
}

}  // namespace holdfast::mtactl
