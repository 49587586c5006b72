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

using Fields = std::span<const HeaderField>;

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

// Names somebody, even if we can't read whom: "<>", "," and a mere comment don't.
bool names_somebody(const HeaderField& field) {
    const AddressList list = parse_address_list(field.value, BareWords::unreadable);
    const auto says_something = [](const std::string& piece) {
        return std::ranges::any_of(piece, [](char c) {
            return ascii::is_alphanumeric(c) || static_cast<unsigned char>(c) > 0x7f;
        });
    };
    return !list.addresses.empty() || std::ranges::any_of(list.unreadable, says_something);
}

bool is_usable(const HeaderField& field) {
    if (field.named("From") || field.named("Resent-From")) return names_somebody(field);
    return !field.blank();
}

bool has_usable(Fields fields, std::string_view name) {
    return std::ranges::any_of(
        fields, [&](const HeaderField& field) { return field.named(name) && is_usable(field); });
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

class HeaderCompletion {
  public:
    HeaderCompletion(Fields fields, const Completion& facts) : fields_(fields), facts_(facts) {
        if (facts.work == HeaderWork::keep) return;
        const bool is_resent = std::ranges::any_of(fields, is_resent_field);
        for (const std::string_view name : required_fields) {
            require(std::string(name), name);
            if (is_resent) require(std::string(resent).append(name), name);
        }
    }

    std::string bytes() const {
        std::string out = received();
        for (const HeaderField& field : fields_) {
            if (!is_private_field(field) && !is_replaced(field)) append(out, field);
        }
        for (const Added& field : added_) {
            out.append(field.name).append(": ").append(field.value).push_back('\n');
        }
        out.push_back('\n');
        return out;
    }

  private:
    struct Added {
        std::string name;
        std::string value;
    };

    void require(std::string name, std::string_view kind) {
        if (has_usable(fields_, name)) return;
        added_.push_back({std::move(name), value_of(kind, facts_)});
    }

    bool is_replaced(const HeaderField& field) const {
        return std::ranges::any_of(added_,
                                   [&](const Added& added) { return field.named(added.name); });
    }

    // RFC 5321 section 4.4, with what tells the admin who it was.
    std::string received() const {
        return "Received: by " + facts_.hostname + " (Holdfast) with local id " + facts_.id.text() +
               "\n\t(uid " + std::to_string(facts_.uid) + "); " + rfc5322_date(facts_.now) + "\n";
    }

    void append(std::string& out, const HeaderField& field) const {
        if (facts_.work == HeaderWork::complete && is_address_field(field)) {
            append_qualified(out, field);
        } else {
            out.append(field.raw);
        }
        if (!out.ends_with('\n')) out.push_back('\n');
    }

    void append_qualified(std::string& out, const HeaderField& field) const {
        const auto value_begin = static_cast<std::size_t>(field.value.data() - field.raw.data());
        std::size_t done = 0;
        const AddressList list = parse_address_list(field.value, BareWords::unreadable);
        for (const ListedAddress& address : list.addresses) {
            if (address.has_domain) continue;
            const std::size_t end = value_begin + address.local_end;
            out.append(field.raw.substr(done, end - done)).append("@").append(facts_.origin);
            done = end;
        }
        out.append(field.raw.substr(done));
    }

    Fields fields_;
    const Completion& facts_;
    std::vector<Added> added_;
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
    const SplitMessage split = split_message(header);
    const Completion clean = harmless(facts);
    CompletedHeader completed;
    completed.bytes = HeaderCompletion(split.fields, clean).bytes().append(split.body);
    completed.hops = static_cast<std::size_t>(std::ranges::count_if(
        split.fields, [](const HeaderField& field) { return field.named("Received"); }));
    return completed;
}

std::optional<std::size_t> header_length(std::string_view message) {
    if (message.starts_with('\n')) return 1;
    const std::size_t end = message.find("\n\n");
    if (end == std::string_view::npos) return std::nullopt;
    return end + 2;
}

}  // namespace holdfast
