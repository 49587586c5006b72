#include "smtpd/config/aliases.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "smtpd/config/alias_items.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

// Any will do: it completes a local name so that one parser judges both kinds.
constexpr std::string_view any_domain = "localhost";

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), ascii::lower);
    return text;
}

// A local name, written plainly or between quotation marks, without its quotes.
std::optional<std::string> local_name(const AliasItem& item) {
    if (item.text.empty() || item.text.contains('@')) return std::nullopt;
    for (const std::string& text : {item.text, item.raw}) {
        const auto address = Address::parse_with_origin(text, any_domain);
        if (address) return address->mailbox_name();
    }
    return std::nullopt;
}

// A target as qmgr takes it: an address as it stands, a local name without quotes.
std::optional<std::string> mail_target(AliasItem item) {
    // "\name" is sendmail's way to say: the mailbox, not the alias of that name.
    const bool is_mailbox = item.text.starts_with('\\');
    if (is_mailbox) {
        item.text.erase(0, 1);
        item.raw = item.text;
    }
    if (auto name = local_name(item)) return (is_mailbox ? "\\" : "") + *name;
    if (is_mailbox) return std::nullopt;
    for (const std::string& text : {item.text, item.raw}) {
        if (Address::parse(text)) return text;
    }
    return std::nullopt;
}

std::string_view unsupported_kind(std::string_view target) {
    if (target.starts_with('|')) return "a program";
    if (target.starts_with('/')) return "a file";
    if (ascii::equal(target.substr(0, 9), ":include:")) return ":include:";
    return {};
}

class AliasParser {
  public:
    explicit AliasParser(std::string_view file) : file_(file) {}

    void add_line(std::uint32_t number, std::string_view text) {
        if (text.ends_with('\r')) text.remove_suffix(1);
        line_ = {file_, number, 0, 0, std::string(text.substr(0, max_alias_line))};
        const std::string_view content = ascii::trimmed(text);
        if (content.empty() || content.front() == '#') return;
        if (text.size() > max_alias_line) return report({1, 0, "line is too long", "", {}});
        const bool goes_on = ascii::is_space(text.front());
        AliasItems items(text);
        if (goes_on) return add_continuation(items);
        finish_alias();
        begin_alias(items);
        add_targets(items);
    }

    Checked<links::AliasSnapshot> result() {
        finish_alias();
        links::AliasSnapshot table;
        for (auto& [name, alias] : aliases_) table.aliases.push_back(std::move(alias));
        return {std::move(table), std::move(diagnostics_)};
    }

  private:
    // The alias that the following lines may continue.
    struct Open {
        links::Alias alias;
        Place place;               // of its name
        std::size_t left_out = 0;  // targets of kinds that are not taken
        std::size_t refused = 0;   // targets that were errors
    };

    void report(Fault fault) { diagnostics_.add(error_at(line_, std::move(fault))); }

    Place place(std::uint32_t column, std::uint32_t length) const {
        return {line_.file, line_.line, column, length, line_.source};
    }

    void begin_alias(AliasItems& items) {
        open_.reset();
        skipping_ = true;  // what follows a name that is none is not reported again
        auto item = items.take_name();
        if (!item) return report(std::move(item.error()));
        auto name = local_name(*item);
        if (!name) {
            return report({item->column,
                           item->length,
                           in_quotes(item->text) + " is not a local name",
                           "the part of an address before the @",
                           {}});
        }
        skipping_ = false;
        open_ = Open{{lower_case(std::move(*name)), {}, line_.text()},
                     place(item->column, item->length)};
    }

    void add_continuation(AliasItems& items) {
        if (open_) return add_targets(items);
        if (!skipping_) {
            report({1,
                    0,
                    "a line that begins with a space continues no alias",
                    "NAME: TARGET, ...",
                    {}});
        }
        skipping_ = true;
    }

    void add_targets(AliasItems& items) {
        while (open_) {
            auto item = items.take_target();
            if (!item) {
                ++open_->refused;
                return report(std::move(item.error()));
            }
            if (!*item) return;
            add_target(**item);
        }
    }

    void add_target(const AliasItem& item) {
        const std::string_view kind = unsupported_kind(item.text);
        if (!kind.empty()) return leave_out(item, kind);
        auto target = mail_target(item);
        if (!target) return refuse(item);
        open_->alias.targets.push_back(std::move(*target));
    }

    void refuse(const AliasItem& item) {
        ++open_->refused;
        const bool spaced = item.raw.find_first_of(" \t") != std::string::npos;
        report({item.column,
                item.length,
                in_quotes(item.text) + " is not an address",
                spaced ? "a comma between two targets" : "a local name or NAME@DOMAIN",
                {}});
    }

    void warn(Place place, std::string message, std::string note) {
        diagnostics_.add({.severity = Severity::warning,
                          .place = std::move(place),
                          .message = std::move(message),
                          .notes = {std::move(note)}});
    }

    void leave_out(const AliasItem& item, std::string_view kind) {
        ++open_->left_out;
        warn(place(item.column, item.length),
             std::string(kind) + " as the target of an alias is not supported",
             "this target of " + in_quotes(open_->alias.name) + " is left out");
    }

    void finish_alias() {
        if (!open_) return;
        Open done = std::move(*open_);
        open_.reset();
        skipping_ = false;
        if (done.alias.targets.empty()) report_no_target(done);
        const auto earlier = aliases_.find(done.alias.name);
        if (earlier != aliases_.end()) {
            return warn(done.place, in_quotes(done.alias.name) + " is an alias already",
                        "the one in " + earlier->second.place + " counts; this one is left out");
        }
        std::string name = done.alias.name;
        aliases_.emplace(std::move(name), std::move(done.alias));
    }

    void report_no_target(const Open& done) {
        if (done.refused != 0) return;  // the reason has been reported
        if (done.left_out != 0) {
            return warn(done.place, in_quotes(done.alias.name) + " has no target left",
                        "mail to it is refused until it has one");
        }
        diagnostics_.add({.place = done.place,
                          .message = in_quotes(done.alias.name) + " has no target",
                          .expected = "NAME: TARGET, ..."});
    }

    std::string file_;
    Place line_;
    std::optional<Open> open_;
    bool skipping_ = false;
    std::map<std::string, links::Alias> aliases_;
    Diagnostics diagnostics_;
};

}  // namespace

Checked<links::AliasSnapshot> parse_aliases(std::string_view text, std::string_view file) {
    AliasParser parser(file);
    std::uint32_t number = 0;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        parser.add_line(++number, text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return parser.result();
}

}  // namespace holdfast::config
