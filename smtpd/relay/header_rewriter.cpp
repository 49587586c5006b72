#include "smtpd/relay/header_rewriter.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "smtpd/mail/address_list.h"
#include "smtpd/mail/ascii.h"
#include "smtpd/mail/header.h"
#include "smtpd/relay/mailbox_name.h"

namespace holdfast::relay {

namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 2> author_fields{"From", "Resent-From"};
constexpr std::array<std::string_view, 2> sender_fields{"Sender", "Resent-Sender"};
constexpr std::array<std::string_view, 8> masked_fields{
    "From",          "Sender",          "Reply-To",          "Resent-From",
    "Resent-Sender", "Resent-Reply-To", "Return-Receipt-To", "Disposition-Notification-To"};

bool is_one_of(const HeaderField& field, Names names) {
    return std::ranges::any_of(names, [&](std::string_view name) { return field.named(name); });
}

bool is_local(const links::RewritePlan& plan, std::string_view domain) {
    return std::ranges::find(plan.local_domains, ascii::lower_case(domain)) !=
           plan.local_domains.end();
}

// The value of an address field with the domain in place of this machine's.
std::string masqueraded(const links::RewritePlan& plan, std::string_view value) {
    std::string text;
    std::size_t done = 0;
    for (const ListedAddress& address :
         parse_address_list(value, BareWords::unreadable).addresses) {
        const std::size_t length = address.domain_end - address.domain_begin;
        if (!is_local(plan, value.substr(address.domain_begin, length))) continue;
        text.append(value.substr(done, address.domain_begin - done)).append(plan.masquerade);
        done = address.domain_end;
    }
    return text.append(value.substr(done));
}

}  // namespace

std::string rewrite_sender(const links::RewritePlan& plan, std::string_view sender) {
    if (sender.empty()) return {};
    if (!plan.from.empty()) return plan.from;
    const std::size_t at = sender.rfind('@');
    const bool masked = !plan.masquerade.empty() && at != std::string_view::npos &&
                        is_local(plan, sender.substr(at + 1));
    if (!masked) return std::string(sender);
    return std::string(sender.substr(0, at + 1)) + plan.masquerade;
}

HeaderRewriter::HeaderRewriter(const links::RewritePlan& plan)
    : plan_(plan), in_header_(!plan.from.empty() || !plan.masquerade.empty()) {}

std::string HeaderRewriter::feed(std::string_view text) {
    std::string out;
    while (in_header_) {
        const auto part = cutter_.next(text);
        if (!part) return out;
        out.append(take(*part));
    }
    return out.append(text);
}

std::string HeaderRewriter::finish() {
    std::string out;
    if (!in_header_) return out;
    if (const auto part = cutter_.finish()) out.append(take(*part));
    if (in_header_) out.append(rewritten(fields_.finish()));
    return out;
}

std::string HeaderRewriter::take(const LinePart& part) {
    std::string out;
    while (true) {
        FieldCollector::Event event = fields_.take(part);
        switch (event.kind) {
            case FieldCollector::Kind::kept:
                return out;
            case FieldCollector::Kind::passed:
                return out + event.bytes;
            case FieldCollector::Kind::field:
                out.append(rewritten(std::move(event.bytes)));
                break;
            case FieldCollector::Kind::ended:
                in_header_ = false;
                // With no field before it, a line could be taken for a mbox line.
                if (dropped_ && part.bytes != "\n") out.push_back('\n');
                return out.append(part.bytes);
        }
    }
}

std::string HeaderRewriter::rewritten(std::string bytes) {
    std::string_view rest = bytes;
    const auto field = take_field(rest);
    if (!field) return bytes;
    const std::size_t front = static_cast<std::size_t>(field->value.data() - bytes.data());
    const std::size_t length = field->value.size();
    if (!plan_.from.empty()) {
        const bool again = field->named("From") && std::exchange(from_seen_, true);
        if (again || is_one_of(*field, sender_fields)) {
            dropped_ = true;
            return {};
        }
        if (is_one_of(*field, author_fields)) {
            return bytes.replace(front, length, with_address(field->value, plan_.from));
        }
    }
    if (plan_.masquerade.empty() || !is_one_of(*field, masked_fields)) return bytes;
    return bytes.replace(front, length, masqueraded(plan_, field->value));
}

}  // namespace holdfast::relay
