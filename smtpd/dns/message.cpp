#include "smtpd/dns/message.h"

#include <algorithm>

namespace holdfast::dns {

namespace {

constexpr unsigned class_internet = 1;
constexpr unsigned pointer_bits = 0xc0;  // of the length of a label (section 4.1.4)

// Takes numbers and bytes off a packet. Once it ran short, everything is empty and 0.
class Cursor {
  public:
    explicit Cursor(std::string_view bytes) : rest_(bytes) {}

    std::string_view take(std::size_t count) {
        if (count > rest_.size()) {
            short_ = true;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }

    unsigned take_number(std::size_t bytes) {
        unsigned number = 0;
        for (const char c : take(bytes)) number = number << 8 | static_cast<unsigned char>(c);
        return number;
    }

    // Ends at the root label or at the first pointer.
    void skip_name() {
        while (!short_) {
            const unsigned length = take_number(1);
            if (length >= pointer_bits) {
                take(1);
                return;
            }
            if (length == 0) return;
            take(length);
        }
    }

    bool ran_short() const { return short_; }

  private:
    std::string_view rest_;
    bool short_ = false;
};

bool has_right_length(RecordType type, std::size_t length) {
    switch (type) {
        case RecordType::a:
            return length == 4;
        case RecordType::aaaa:
            return length == 16;
    }
    return false;
}

// One record of the answer section; false where it is malformed.
bool take_record(Cursor& cursor, RecordType wanted, Message& message) {
    cursor.skip_name();
    const unsigned type = cursor.take_number(2);
    const unsigned record_class = cursor.take_number(2);
    cursor.take(4);  // time to live
    const std::string_view rdata = cursor.take(cursor.take_number(2));
    if (cursor.ran_short()) return false;
    if (type != static_cast<unsigned>(wanted) || record_class != class_internet) return true;
    if (!has_right_length(wanted, rdata.size())) return false;
    if (message.records.size() < max_records) message.records.emplace_back(rdata);
    return true;
}

}  // namespace

std::optional<Message> parse_message(std::string_view packet, RecordType type) {
    Cursor cursor(packet);
    cursor.take(2);  // id
    const unsigned flags = cursor.take_number(2);
    const unsigned questions = cursor.take_number(2);
    const unsigned answers = cursor.take_number(2);
    cursor.take(4);  // authority and additional
    Message message;
    message.rcode = static_cast<int>(flags & 0xf);
    message.truncated = (flags & 0x0200) != 0;
    for (unsigned i = 0; i < questions && !cursor.ran_short(); ++i) {
        cursor.skip_name();
        cursor.take(4);  // type and class
    }
    if (cursor.ran_short()) return std::nullopt;
    for (unsigned i = 0; i < answers; ++i) {
        if (!take_record(cursor, type, message)) return std::nullopt;
    }
    return message;
}

}  // namespace holdfast::dns
