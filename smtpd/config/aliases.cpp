#include "smtpd/config/aliases.h"

#include <algorithm>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "smtpd/config/lexer.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::size_t max_alias_line = std::size_t{64} * 1024;  // bytes

constexpr std::string_view form = "NAME: TARGET, ...";

// Any will do: it completes a local name so that one parser judges both kinds.
constexpr std::string_view any_domain = "localhost";

// Where the string that is quoted at `begin` ends, behind its mark; the end of the text where
// nothing closes it.
std::size_t quoted_end(std::string_view text, std::size_t begin) {
    for (std::size_t i = begin + 1; i < text.size(); ++i) {
        if (text[i] == '"') return i + 1;
        if (text[i] == '\\') ++i;
    }
    return std::string_view::npos;
}

std::string without_quotes(std::string_view raw) {
    if (!raw.starts_with('"') || quoted_end(raw, 0) != raw.size()) return std::string(raw);
    std::string text;
    for (std::size_t i = 1; i + 1 < raw.size(); ++i) {
        // `"\root"` keeps its backslash: only quotes and backslashes are protected by one.
        if (raw[i] == '\\' && (raw[i + 1] == '"' || raw[i + 1] == '\\')) ++i;
        text.push_back(raw[i]);
    }
    return text;
}

// A name or a target.
struct Item {
    std::string text;  // without the quotation marks where they enclose all of it
    std::string raw;   // as it stands in the line
    std::uint32_t column = 1;
    std::uint32_t length = 0;
};

// Cuts a line into items, quotes and comments minded.
class Items {
  public:
    explicit Items(std::string_view line) : line_(line) {}

    // Whether a target follows; empty ones between commas are passed over.
    bool more() {
        while (at_ < line_.size() && (ascii::is_space(line_[at_]) || line_[at_] == ',')) ++at_;
        return at_ < line_.size() && line_[at_] != '#';
    }

    // What stands before `stop`, which is taken too, or before the end of the line or a comment.
    std::expected<Item, Fault> take_until(char stop) {
        const std::size_t begin = at_;
        for (; at_ < line_.size() && line_[at_] != stop; ++at_) {
            const char c = line_[at_];
            if (c == '#' && at_ > 0 && ascii::is_space(line_[at_ - 1])) break;
            if (c != '\t' && ascii::is_control(c)) {
                return std::unexpected(fault_at(at_, 1, "control byte", "printable text"));
            }
            if (c != '"') continue;
            const std::size_t end = quoted_end(line_, at_);
            if (end == std::string_view::npos) return std::unexpected(never_closed(line_, at_));
            at_ = end - 1;
        }
        const std::string_view raw = ascii::trimmed(line_.substr(begin, at_ - begin));
        stopped_ = line_.substr(at_).starts_with(stop);
        if (stopped_) ++at_;
        return Item{without_quotes(raw), std::string(raw), static_cast<std::uint32_t>(begin + 1),
                    static_cast<std::uint32_t>(raw.size())};
    }

    // Whether the last item had its `stop`.
    bool stopped() const { return stopped_; }

  private:
    std::string_view line_;
    std::size_t at_ = 0;
    bool stopped_ = false;
};

// A local name, written plainly or between quotation marks, without its quotes.
std::optional<std::string> local_name(const Item& item) {
    if (item.text.empty() || item.text.contains('@')) return std::nullopt;
    for (const std::string& text : {item.text, item.raw}) {
        const auto address = Address::parse_with_origin(text, any_domain);
        if (address) return address->mailbox_name();
    }
    return std::nullopt;
}

// A target as qmgr takes it: an address as it stands, a local name without quotes.
std::optional<std::string> mail_target(Item item) {
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

// What the following lines may continue. Without a name: its first line was no alias, and what
// follows is not reported again.
struct Entry {
    links::Alias alias;
    Place place;            // of its name
    bool left_out = false;  // a target of a kind that is not taken
    bool refused = false;   // a target that was an error
};

class AliasParser {
  public:
    AliasParser(std::string_view file, std::span<const std::string> local_domains,
                Elsewhere elsewhere)
        : file_(file), local_domains_(local_domains), elsewhere_(elsewhere) {}

    void add_line(std::uint32_t number, std::string_view text) {
        const std::string_view content = ascii::trimmed(text);
        if (content.empty() || content.front() == '#') return;
        line_ = {file_, number, 0, 0, std::string(text.substr(0, max_alias_line))};
        if (text.size() > max_alias_line) return report({1, 0, "line is too long", ""});
        Items items(text);
        if (!ascii::is_space(text.front())) {
            begin_entry(items);
        } else if (!entry_) {
            report({1, 0, "a line that begins with a space continues no alias", std::string(form)});
            entry_.emplace();
        }
        if (!entry_->alias.name.empty()) add_targets(items);
    }

    Checked<links::AliasSnapshot> result() {
        finish_entry();
        links::AliasSnapshot table;
        for (auto& [name, alias] : aliases_) table.aliases.push_back(std::move(alias));
        return {std::move(table), std::move(diagnostics_)};
    }

  private:
    void report(Fault fault) { diagnostics_.add(error_at(line_, std::move(fault))); }

    // Many in one long line would each copy that line: only those that are kept do.
    void warn(const Item& item, std::string message, std::string note) {
        const bool kept = diagnostics_.keeps(Severity::warning);
        diagnostics_.warn(kept ? place(item) : Place(), std::move(message), std::move(note));
    }

    Place place(const Item& item) const {
        return {line_.file, line_.line, item.column, item.length, line_.source};
    }

    void begin_entry(Items& items) {
        finish_entry();
        entry_.emplace();
        const auto item = items.take_until(':');
        if (!item) return report(item.error());
        if (!items.stopped()) {
            return report({item->column + item->length, 0, "no colon after the name of an alias",
                           std::string(form)});
        }
        const auto name = local_name(*item);
        if (!name) {
            return report({item->column, item->length,
                           in_quotes(item->text) + " is not a local name",
                           "the part of an address before the @"});
        }
        entry_->alias = {ascii::lower_case(*name), {}, line_.text()};
        entry_->place = place(*item);
    }

    void add_targets(Items& items) {
        while (items.more()) {
            const auto item = items.take_until(',');
            if (!item) {
                entry_->refused = true;
                return report(item.error());
            }
            add_target(*item);
        }
    }

    void add_target(const Item& item) {
        if (const std::string_view kind = unsupported_kind(item.text); !kind.empty()) {
            entry_->left_out = true;
            warn(item, std::string(kind) + " as the target of an alias is not supported",
                 "this target of " + in_quotes(entry_->alias.name) + " is left out");
        } else if (auto target = mail_target(item)) {
            if (elsewhere_ == Elsewhere::refused && is_elsewhere(*target)) {
                warn(item, in_quotes(*target) + " is not on this machine",
                     "mail to it is refused: smtpd.conf has no relay");
            }
            entry_->alias.targets.push_back(std::move(*target));
        } else {
            entry_->refused = true;
            const bool spaced = item.raw.find_first_of(" \t") != std::string::npos;
            report({item.column, item.length, in_quotes(item.text) + " is not an address",
                    spaced ? "a comma between two targets" : "a local name or NAME@DOMAIN"});
        }
    }

    bool is_elsewhere(const std::string& target) const {
        const auto address = Address::parse(target);
        if (!address) return false;  // a local name
        return !std::ranges::binary_search(local_domains_, ascii::lower_case(address->domain()));
    }

    void finish_entry() {
        if (!entry_ || entry_->alias.name.empty()) return;
        Entry done = std::move(*entry_);
        const std::string name = done.alias.name;
        if (done.alias.targets.empty()) report_no_target(done);
        const auto [at, is_new] = aliases_.try_emplace(name, std::move(done.alias));
        if (!is_new) {
            diagnostics_.warn(done.place, in_quotes(name) + " is an alias already",
                              "the one in " + at->second.place + " counts; this one is left out");
        }
    }

    void report_no_target(const Entry& done) {
        if (done.refused) return;  // the reason has been reported
        const std::string name = in_quotes(done.alias.name);
        if (done.left_out) {
            diagnostics_.warn(
                done.place, name + " has no target left",
                "mail to it waits until it has one, and comes back when it is too old");
        } else {
            diagnostics_.add({.place = done.place,
                              .message = name + " has no target",
                              .expected = std::string(form)});
        }
    }

    std::string file_;
    std::span<const std::string> local_domains_;
    Elsewhere elsewhere_;
    Place line_;
    std::optional<Entry> entry_;
    std::map<std::string, links::Alias> aliases_;
    Diagnostics diagnostics_;
};

}  // namespace

Checked<links::AliasSnapshot> parse_aliases(std::string_view text, std::string_view file,
                                            std::span<const std::string> local_domains,
                                            Elsewhere elsewhere) {
    AliasParser parser(file, local_domains, elsewhere);
    for_each_line(
        text, [&](std::uint32_t number, std::string_view line) { parser.add_line(number, line); });
    return parser.result();
}

}  // namespace holdfast::config
