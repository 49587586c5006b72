#include "smtpd/mda/mbox_search.h"

#include <algorithm>
#include <vector>

#include "smtpd/base/read.h"

namespace holdfast::mda {

namespace {

constexpr std::size_t block = 256 * 1024;
constexpr std::string_view separator = "\nFrom ";
// Of a "From " line, and of what names a message behind it. Each of their lines has less than 1,000
// bytes.
constexpr std::size_t max_line = 1000;
constexpr std::size_t max_mark = 4000;

struct Wanted {
    const Parcel* parcel;
    std::string mark;
};

std::size_t first_line_length(std::string_view bytes) {
    return std::min(bytes.find('\n'), bytes.size() - 1) + 1;
}

Result<std::string> mark_of(const Parcel& parcel) {
    const auto start = parcel.content.read(0);
    if (!start) return start.error().in("search mailbox");
    const std::string_view text = std::string_view(*start).substr(first_line_length(*start));
    const std::string id = parcel.order.id.text();
    const std::size_t end = std::min(text.find(id), max_mark);
    return std::string(text.substr(0, end + id.size()));
}

struct Found {
    const Parcel* parcel;
    std::uint64_t begin;  // of its "From " line
    std::uint64_t text;   // behind that line
};

class Search {
  public:
    Search(int fd, std::uint64_t size, std::vector<Wanted> wanted)
        : fd_(fd), size_(size), wanted_(std::move(wanted)) {}

    Result<std::vector<Found>> run() {
        for (std::uint64_t end = size_; end > 0 && !wanted_.empty();) {
            const std::uint64_t begin = end > block ? end - block : 0;
            // The start of a message may lie across the border.
            const std::uint64_t stop = std::min(size_, end + 2 * (max_line + max_mark));
            const auto bytes = read_at(fd_, begin, stop - begin);
            if (!bytes) return bytes.error().in("search mailbox");
            search_block(*bytes, begin);
            end = begin;
        }
        return std::move(found_);
    }

  private:
    void search_block(std::string_view bytes, std::uint64_t offset) {
        for (std::size_t at = bytes.rfind(separator); at != std::string_view::npos;) {
            look_at(bytes.substr(at + 1), offset + at + 1);
            at = at == 0 ? std::string_view::npos : bytes.rfind(separator, at - 1);
        }
        if (offset == 0 && bytes.starts_with(separator.substr(1))) look_at(bytes, 0);
    }

    // The message that begins here.
    void look_at(std::string_view bytes, std::uint64_t offset) {
        const std::size_t line = first_line_length(bytes);
        std::erase_if(wanted_, [&](const Wanted& one) {
            const bool here = bytes.substr(line).starts_with(one.mark);
            if (here) found_.push_back({one.parcel, offset, offset + line});
            return here;
        });
    }

    int fd_;
    std::uint64_t size_;
    std::vector<Wanted> wanted_;
    std::vector<Found> found_;
};

// How many bytes of `content` from `from` on stand in the file at `at`.
Result<std::uint64_t> common_length(int fd, std::uint64_t at, const Content& content,
                                    std::uint64_t from) {
    for (std::uint64_t same = 0;;) {
        const auto ours = content.read(from + same);
        if (!ours) return ours.error().in("compare with mailbox");
        const auto theirs = read_at(fd, at + same, ours->size());
        if (!theirs) return theirs.error().in("compare with mailbox");
        const auto stop = std::ranges::mismatch(*ours, *theirs).in1;
        same += static_cast<std::uint64_t>(stop - ours->begin());
        if (stop != ours->end() || ours->empty()) return same;
    }
}

// The first byte from `at` on that is neither a line end nor zero.
Result<std::uint64_t> end_of_blank(int fd, std::uint64_t at) {
    for (;;) {
        const auto bytes = read_at(fd, at, block);
        if (!bytes) return bytes.error().in("search mailbox");
        const std::size_t length =
            std::min(bytes->find_first_not_of(std::string_view("\n\0", 2)), bytes->size());
        at += length;
        if (length < block) return at;
    }
}

enum class Copy : std::uint8_t { whole, torn_tail, torn };

// What it means that the file goes on at `at` with other bytes than the message has there.
Result<Copy> judge_end(int fd, std::uint64_t size, std::uint64_t at) {
    const auto next = end_of_blank(fd, at);
    if (!next) return next.error().pass();
    if (*next >= size) return Copy::torn_tail;
    // The line that is missing may have begun like a "From " line, so that starts a bit earlier.
    const auto around = read_at(fd, *next - separator.size(), 2 * separator.size() - 1);
    if (!around) return around.error().in("search mailbox");
    const bool zeros = *next > at && (*around)[separator.size() - 1] == '\0';
    const bool message = around->find(separator) != std::string_view::npos;
    return zeros || message ? Copy::torn : Copy::whole;
}

Result<Copy> judge(int fd, std::uint64_t size, const Found& found) {
    const Content& content = found.parcel->content;
    const auto start = content.read(0);
    if (!start) return start.error().in("compare with mailbox");
    const std::uint64_t from = first_line_length(*start);
    const auto same = common_length(fd, found.text, content, from);
    if (!same) return same.error().pass();
    // Some programs leave out the blank line at the end.
    if (from + *same + 1 >= content.size()) return Copy::whole;
    return judge_end(fd, size, found.text + *same);
}

}  // namespace

Result<EarlierCopies> find_copies(int fd, std::uint64_t size, std::span<const Parcel> batch) {
    std::vector<Wanted> wanted;
    for (const Parcel& parcel : batch) {
        if (!parcel.order.repeated) continue;
        auto mark = mark_of(parcel);
        if (!mark) return mark.error().pass();
        wanted.push_back({&parcel, std::move(*mark)});
    }
    const auto found = Search(fd, size, std::move(wanted)).run();
    if (!found) return found.error().pass();
    EarlierCopies copies;
    for (const Found& one : *found) {
        const auto copy = judge(fd, size, one);
        if (!copy) return copy.error().pass();
        if (*copy == Copy::whole) copies.whole.insert(one.parcel);
        if (*copy == Copy::torn_tail) copies.torn_at = one.begin;
    }
    return copies;
}

}  // namespace holdfast::mda
