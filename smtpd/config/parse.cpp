#include "smtpd/config/parse.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "smtpd/base/paths.h"
#include "smtpd/base/suggest.h"
#include "smtpd/config/hiding.h"
#include "smtpd/config/leaving.h"
#include "smtpd/config/lexer.h"
#include "smtpd/config/reading.h"
#include "smtpd/config/routes.h"
#include "smtpd/config/statements.h"
#include "smtpd/mail/ascii.h"

namespace holdfast::config {

namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::string_view default_name = "built-in default";

// Words that this language will have, and that people copy from elsewhere already.
constexpr std::array<std::string_view, 1> later_words{"dkim"};

using Rows = std::vector<const Statement*>;

Rows rows_that_begin_with(std::string_view word) {
    Rows rows;
    for (const Statement& row : statements()) {
        if (row.first_word() == word) rows.push_back(&row);
    }
    return rows;
}

std::vector<std::string_view> first_words() {
    std::vector<std::string_view> words;
    for (const Statement& row : statements()) words.push_back(row.first_word());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    return words;
}

std::vector<std::string_view> second_words(const Rows& rows) {
    std::vector<std::string_view> words;
    for (const Statement* row : rows) words.push_back(row->second_word());
    return words;
}

// "limit agents | message | recipients | sessions"
std::string syntax_of(const Rows& rows) {
    std::string syntax;
    for (const Statement* row : rows) {
        syntax.append(syntax.empty() ? row->first_word() : " |").append(" ");
        syntax += row->second_word();
    }
    return syntax;
}

std::string_view first_word(std::string_view line) {
    line = ascii::trimmed(line);
    return line.substr(0, line.find_first_of(" \t"));
}

std::string canonical(const Line& line) {
    std::string text;
    for (const Word& word : line.words) {
        const bool plain =
            !word.text.empty() && word.text.find_first_of(" \t\"#") == word.text.npos;
        if (!text.empty()) text += ' ';
        text += plain ? word.text : in_quotes(word.text);
    }
    return text;
}

class Parser {
  public:
    explicit Parser(std::string_view file) : file_(file) { settings_.file = file; }

    void add_line(std::uint32_t number, std::string_view text) {
        auto words = lex_line(text);
        Line line{file_, number, without_secrets(text.substr(0, max_line)), {}};
        if (!words) {
            settings_.garbled.emplace(first_word(text));
            return diagnostics_.add(error_at(line.place(), std::move(words.error())));
        }
        line.words = std::move(*words);
        if (!line.words.empty()) add_statement(line);
    }

    Checked<Settings> result() {
        check_listens();
        check_certs();
        check_tls();
        check_warning_age();
        diagnostics_.append(check_leaving(settings_));
        plan_ways();
        return {std::move(settings_), std::move(diagnostics_)};
    }

  private:
    void add_statement(const Line& line) {
        const Rows rows = rows_that_begin_with(line.words.front().text);
        if (rows.empty()) return report_unknown(line);
        if (rows.front()->is_single()) return read(line, *rows.front());
        const std::vector<std::string_view> words = second_words(rows);
        const std::string syntax = syntax_of(rows);
        const auto row = Reading(line, 1, syntax, diagnostics_).choice(words);
        if (row) return read(line, *rows[*row]);
        settings_.garbled.emplace(rows.front()->first_word());
    }

    void report_unknown(const Line& line) {
        // Looking for what was meant takes time.
        if (!diagnostics_.keeps(Severity::error)) return diagnostics_.add({});
        const Word& word = line.words.front();
        const std::vector<std::string_view> words = first_words();
        const bool is_later = std::ranges::find(later_words, word.text) != later_words.end();
        std::vector<std::string> notes;
        if (is_later) notes.emplace_back("not in this version");
        std::string meant = is_later ? "" : suggest(word.text, words);
        settings_.garbled.insert(meant);
        diagnostics_.add({.place = line.place(word),
                          .message = "unknown statement " + in_quotes(word.text),
                          .expected = alternatives(words),
                          .suggestion = std::move(meant),
                          .notes = std::move(notes)});
    }

    void read(const Line& line, const Statement& row) {
        const auto [first, is_first] =
            settings_.seen.try_emplace(row.name, line.place(line.words.front()));
        const bool counts = is_first || row.repeat == Repeat::often;
        if (!counts) {
            diagnostics_.error(
                line.place(line.words.front()), in_quotes(row.name) + " is said twice",
                "it is said first in " + first->second.text() + "; keep one of them");
        }
        if (counts) settings_.statements.push_back(canonical(line));
        Settings ignored;  // of a repetition, which is checked all the same
        Reading words(line, row.is_single() ? 1 : 2, row.syntax, diagnostics_);
        row.read(words, counts ? settings_ : ignored);
        words.finish();
    }

    // `listen none` beside an address: two lines that cannot both be meant.
    void check_listens() {
        const auto none = std::ranges::find_if(
            settings_.listens, [](const Listen& listen) { return listen.endpoints.empty(); });
        if (none == settings_.listens.end() || settings_.listens.size() == 1) return;
        const Listen& other =
            none == settings_.listens.begin() ? settings_.listens[1] : settings_.listens.front();
        diagnostics_.error(none->word.place, "\"listen none\" beside another listen statement",
                           "the other stands in " + other.word.place.text() + "; keep one of them");
    }

    // Two certificates for a host may serve side by side, with keys of different kinds: the same
    // files twice are a mistake.
    void check_certs() {
        const auto& certs = settings_.certs;
        for (auto later = certs.begin(); later != certs.end(); ++later) {
            const auto same = std::find_if(certs.begin(), later, [&](const Cert& earlier) {
                return earlier.host.value == later->host.value &&
                       earlier.chain.value == later->chain.value &&
                       earlier.key.value == later->key.value;
            });
            if (same == later) continue;
            diagnostics_.error(
                later->host.place,
                "this certificate of " + in_quotes(later->host.value) + " is named twice",
                "it is named first in " + same->host.place.text() + "; keep one of them");
        }
    }

    // A certificate that nobody is shown is not wrong, but hardly what is meant.
    void check_tls() {
        const auto tls = std::ranges::find_if(
            settings_.listens, [](const Listen& listen) { return !listen.tls.value.empty(); });
        const bool wanted = tls != settings_.listens.end();
        if (wanted && !settings_.seen.contains("cert")) {
            const std::string host = settings_.hostname ? settings_.hostname->value : "HOST";
            diagnostics_.error(
                tls->tls.place, in_quotes(tls->tls.value) + " without a certificate",
                "add a line such as: cert " + host + " /etc/letsencrypt/live/" + host);
        }
        if (!wanted && !settings_.certs.empty()) {
            diagnostics_.warn(settings_.certs.front().host.place,
                              "no listen statement uses a certificate",
                              "add starttls to one, such as: listen *:25 starttls");
        }
    }

    void check_warning_age() {
        const auto warn = settings_.seen.find("queue warn");
        const std::uint64_t expire = settings_.qmgr.expire_seconds;
        if (warn == settings_.seen.end() || settings_.qmgr.warn_seconds < expire) return;
        diagnostics_.warn(
            warn->second, "mail is returned before its sender would be warned",
            "\"queue expire\" is " + show_duration(expire) + ": choose a shorter time here");
    }

    void plan_ways() {
        auto routes = plan_routes(settings_);
        diagnostics_.append(std::move(routes.diagnostics));
        if (!diagnostics_.has_errors()) {
            diagnostics_.append(unused_relays(settings_, routes.value));
        }
        settings_.qmgr.routes = std::move(routes.value);
    }

    std::string file_;
    Settings settings_;
    Diagnostics diagnostics_;
};

}  // namespace

Checked<Settings> parse(std::string_view text, std::string_view file) {
    Parser parser(file);
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    for_each_line(
        text, [&](std::uint32_t number, std::string_view line) { parser.add_line(number, line); });
    return parser.result();
}

Checked<Settings> parse_default() {
    auto parsed = parse(std::string("listen ") + paths::default_listen + "\n", default_name);
    parsed.value.file.clear();
    return parsed;
}

}  // namespace holdfast::config
