#include "smtpd/mail/completion.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "smtpd/mail/address_list.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/mail/display_name.h"
#include "smtpd/mail/header.h"

namespace holdfast {

namespace {

constexpr std::array<std::string_view, 10> address_fields{
    "From",        "Sender",        "Reply-To",        "To",        "Cc",
    "Resent-From", "Resent-Sender", "Resent-Reply-To", "Resent-To", "Resent-Cc"};

// Fields that every message must have, and every resent one once more with "Resent-" in front.
// Present but empty, they are as good as missing.
constexpr std::array<std::string_view, 3> required_fields{"From", "Date", "Message-ID"};

constexpr std::string_view resent = "Resent-";

// A submission that waited in drop/ keeps the time at which it was written. An id that claims a
// time that can't be is given the present one.
constexpr auto longest_wait = std::chrono::days(30);

bool is_address_field(const HeaderField& field) {
    return std::ranges::any_of(address_fields,
                               [&](std::string_view name) { return field.named(name); });
}

bool is_resent_field(const HeaderField& field) {
    return ascii::equal(field.name.substr(0, resent.size()), resent);
}

// How many more addresses of a header are read.
class Reading {
  public:
    // Nothing where the field is too much.
    std::optional<AddressList> read(const HeaderField& field) {
        const auto separates = [](char c) { return c == ',' || c == ';'; };
        if (field.value.size() > max_address_field) return std::nullopt;
        const auto most =
            static_cast<std::size_t>(std::ranges::count_if(field.value, separates)) + 1;
        if (most > left_) return std::nullopt;
        left_ -= most;
        return parse_address_list(field.value, BareWords::unreadable);
    }

  private:
    std::size_t left_ = max_header_addresses;
};

// Names somebody, even if we can't read whom: "<>", "," and a mere comment don't.
bool names_somebody(const HeaderField& field, Reading& reading) {
    const auto list = reading.read(field);
    if (!list) return true;
    const auto says_something = [](const std::string& piece) {
        return std::ranges::any_of(piece, [](char c) {
            return ascii::is_alphanumeric(c) || static_cast<unsigned char>(c) > 0x7f;
        });
    };
    return !list->addresses.empty() || std::ranges::any_of(list->unreadable, says_something);
}

bool is_usable(const HeaderField& field, Reading& reading) {
    if (field.named("From") || field.named("Resent-From")) return names_somebody(field, reading);
    return !field.blank();
}

WallTime submitted_at(const Completion& facts) {
    const WallTime claimed = facts.id.time();
    return claimed <= facts.now && claimed >= facts.now - longest_wait ? claimed : facts.now;
}

bool sender_is_login(const Completion& facts) {
    const auto login = login_address(facts.user, facts.uid, facts.origin);
    const auto sender = Address::parse(facts.sender);
    return login && sender && sender->same_as(*login);
}

// A full name belongs to the login: it never lends credit to another address (-f).
std::string from_value(const Completion& facts) {
    const std::string address =
        facts.sender.empty() ? "MAILER-DAEMON@" + facts.origin : facts.sender;
    std::string name = display_name(facts.given_name);
    if (name.empty() && sender_is_login(facts)) name = display_name(facts.full_name);
    return name.empty() ? address : name + " <" + address + ">";
}

std::string value_of(std::string_view required, const Completion& facts) {
    if (required == "From") return from_value(facts);
    if (required == "Date") return rfc5322_date(submitted_at(facts));
    return "<" + facts.id.text() + "@" + facts.hostname + ">";
}

// A field that every message must have, or every resent one, under its full name.
struct Required {
    std::string name;
    std::string_view kind;
    bool there = false;
};

// Reads the header twice, keeping nothing of it: it may have as many fields as fit into it.
class HeaderCompletion {
  public:
    HeaderCompletion(std::string_view header, const Completion& facts)
        : header_(header), facts_(facts) {
        skip_mbox_lines(header_);
        if (facts.work == HeaderWork::complete) find_missing();
    }

    CompletedHeader complete() const {
        CompletedHeader completed;
        completed.bytes = received();
        std::string_view rest = header_;
        Reading reading;
        while (const auto field = take_field(rest)) {
            if (field->named("Received")) ++completed.hops;
            if (is_private_field(*field) || is_replaced(*field)) continue;
            append(completed.bytes, *field, reading);
        }
        for (const Required& field : missing_) {
            completed.bytes.append(field.name).append(": ").append(value_of(field.kind, facts_));
            completed.bytes.push_back('\n');
        }
        completed.bytes.push_back('\n');
        if (rest.starts_with('\n')) rest.remove_prefix(1);
        completed.bytes.append(rest);
        return completed;
    }

  private:
    void find_missing() {
        std::vector<Required> required;
        for (const std::string_view kind : required_fields) {
            required.push_back({std::string(kind), kind});
            required.push_back({std::string(resent).append(kind), kind});
        }
        bool is_resent = false;
        std::string_view rest = header_;
        Reading reading;
        while (const auto field = take_field(rest)) {
            is_resent = is_resent || is_resent_field(*field);
            for (Required& one : required) {
                if (!one.there && field->named(one.name)) one.there = is_usable(*field, reading);
            }
        }
        for (Required& one : required) {
            const bool wanted = is_resent || one.name == one.kind;
            if (wanted && !one.there) missing_.push_back(std::move(one));
        }
    }

    bool is_replaced(const HeaderField& field) const {
        return std::ranges::any_of(
            missing_, [&](const Required& missing) { return field.named(missing.name); });
    }

    // RFC 5321 section 4.4, with what tells the admin who it was.
    std::string received() const {
        return "Received: by " + facts_.hostname + " (Holdfast) with local id " + facts_.id.text() +
               "\n\t(uid " + std::to_string(facts_.uid) + "); " + rfc5322_date(facts_.now) + "\n";
    }

    void append(std::string& out, const HeaderField& field, Reading& reading) const {
        const bool qualify = facts_.work == HeaderWork::complete && is_address_field(field);
        const auto list = qualify ? reading.read(field) : std::nullopt;
        if (list) {
            append_qualified(out, field, *list);
        } else {
            out.append(field.raw);
        }
        if (!out.ends_with('\n')) out.push_back('\n');
    }

    void append_qualified(std::string& out, const HeaderField& field,
                          const AddressList& list) const {
        const auto value_begin = static_cast<std::size_t>(field.value.data() - field.raw.data());
        std::size_t done = 0;
        for (const ListedAddress& address : list.addresses) {
            if (address.has_domain) continue;
            const std::size_t end = value_begin + address.local_end;
            out.append(field.raw.substr(done, end - done)).append("@").append(facts_.origin);
            done = end;
        }
        out.append(field.raw.substr(done));
    }

    std::string_view header_;
    const Completion& facts_;
    std::vector<Required> missing_;
};

Completion harmless(const Completion& facts) {
    Completion clean = facts;
    clean.sender = without_controls(facts.sender);
    clean.origin = without_controls(facts.origin);
    clean.hostname = without_controls(facts.hostname);
    return clean;
}

}  // namespace

std::optional<Address> login_address(std::string_view user, std::uint32_t uid,
                                     std::string_view origin) {
    const auto of = [&](std::string_view local_part) {
        return Address::parse(std::string(local_part).append("@").append(origin));
    };
    if (user.empty()) return of("uid-" + std::to_string(uid));
    if (auto plain = of(user); plain && plain->local_part() == user) return plain;
    if (auto quoted = of(quoted_string(user))) return quoted;
    return of("uid-" + std::to_string(uid));
}

CompletedHeader complete_header(std::string_view header, const Completion& facts) {
    const Completion clean = harmless(facts);
    return HeaderCompletion(header, clean).complete();
}

std::optional<std::size_t> header_length(std::string_view message) {
    if (message.starts_with('\n')) return 1;
    const std::size_t end = message.find("\n\n");
    if (end == std::string_view::npos) return std::nullopt;
    return end + 2;
}

bool header_ends_within(std::string_view begin) {
    skip_mbox_lines(begin);
    while (take_field(begin)) {
    }
    // A line that is not whole may yet become a field, unless it is longer than any name.
    constexpr std::size_t longest_name = 1000;
    return begin.find('\n') != std::string_view::npos || begin.size() > longest_name;
}

}  // namespace holdfast
