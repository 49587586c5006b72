#include "smtpd/mda/mbox_search.h"

#include <algorithm>
#include <array>
#include <utility>

#include "smtpd/mda/trace.h"

namespace holdfast::mda {

namespace {

constexpr std::size_t block = 256 * 1024;
// Our lines in front of a message and its "From " line: four of at most 1,400 bytes.
constexpr std::size_t max_head = 6 * 1024;
constexpr std::size_t max_tag = 40;

// A piece of the file, and where it begins.
struct Piece {
    std::string_view bytes;
    std::uint64_t offset = 0;
};

// The tag behind the mark that begins at `at`; empty where the text is no tag.
std::string_view tag_at(std::string_view bytes, std::size_t at) {
    const std::string_view rest = bytes.substr(at + tag_mark.size(), max_tag + 1);
    const std::size_t end = rest.find(';');
    return end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
}

// Goes up over one line that begins with `field` and ends at `end`; its start, or nothing.
std::optional<std::size_t> line_above(std::string_view bytes, std::size_t end,
                                      std::string_view field) {
    if (end == 0 || bytes[end - 1] != '\n') return std::nullopt;
    const std::size_t before = end < 2 ? std::string_view::npos : bytes.rfind('\n', end - 2);
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    if (!bytes.substr(start, end - start).starts_with(field)) return std::nullopt;
    return start;
}

// Where the message begins whose Received line of ours holds the mark at `at`; nothing where
// these aren't the lines of trace_lines() behind a "From " line.
std::optional<std::uint64_t> message_start(Piece head, std::size_t at) {
    const std::size_t before = head.bytes.rfind('\n', at);
    if (before == std::string_view::npos) return std::nullopt;
    if (!head.bytes.substr(before + 1).starts_with(received_field)) return std::nullopt;
    std::optional<std::size_t> start = before + 1;
    for (const std::string_view field :
         {delivered_to_field, return_path_field, std::string_view("From ")}) {
        start = line_above(head.bytes, *start, field);
        if (!start) return std::nullopt;
    }
    // A piece may begin in the middle of a line.
    const bool at_line_start = *start > 0 || head.offset == 0;
    if (!at_line_start) return std::nullopt;
    return head.offset + *start;
}

class Search {
  public:
    Search(int fd, std::uint64_t size, std::set<std::string> tags)
        : fd_(fd), size_(size), wanted_(std::move(tags)) {}

    Result<std::map<std::string, std::uint64_t>> run() {
        for (std::uint64_t end = size_; end > 0 && !wanted_.empty();) {
            const std::uint64_t begin = end > block ? end - block : 0;
            // A mark or tag may lie across the border.
            const std::uint64_t stop = std::min(size_, end + tag_mark.size() + max_tag + 1);
            const auto bytes = read_at(fd_, begin, stop - begin, buffer_);
            if (!bytes) return bytes.error().in("search mailbox");
            if (const auto done = search_piece({*bytes, begin}); !done) return done.error().pass();
            end = begin;
        }
        return std::move(found_);
    }

  private:
    Status search_piece(Piece piece) {
        std::size_t at = piece.bytes.rfind(tag_mark);
        for (; at != std::string_view::npos; at = piece.bytes.rfind(tag_mark, at - 1)) {
            const std::string tag(tag_at(piece.bytes, at));
            if (wanted_.contains(tag)) {
                if (const auto done = check(tag, piece.offset + at); !done) return done;
            }
            if (at == 0) break;
        }
        return {};
    }

    Status check(const std::string& tag, std::uint64_t mark) {
        const std::uint64_t begin = mark > max_head ? mark - max_head : 0;
        std::string buffer;
        const auto head = read_at(fd_, begin, mark - begin + tag_mark.size(), buffer);
        if (!head) return head.error().in("search mailbox");
        const auto start = message_start({*head, begin}, mark - begin);
        if (start && wanted_.erase(tag) > 0) found_.emplace(tag, *start);
        return {};
    }

    int fd_;
    std::uint64_t size_;
    std::set<std::string> wanted_;
    std::map<std::string, std::uint64_t> found_;
    std::string buffer_;
};

// Two byte sequences side by side: `count` bytes of the file from `at`, of the content from `from`.
struct Comparison {
    std::uint64_t at = 0;
    std::uint64_t from = 0;
    std::uint64_t count = 0;
};

// How many bytes are the same from the start.
Result<std::uint64_t> common_length(int fd, const Content& content, const Comparison& what) {
    std::string here;
    std::string there;
    std::uint64_t same = 0;
    while (same < what.count) {
        const auto ours = content.read(what.from + same, there);
        if (!ours) return ours.error().in("compare with mailbox");
        const std::size_t length = std::min<std::uint64_t>(ours->size(), what.count - same);
        const auto theirs = read_at(fd, what.at + same, length, here);
        if (!theirs) return theirs.error().in("compare with mailbox");
        const auto stop = std::ranges::mismatch(ours->substr(0, length), *theirs);
        const auto matched = static_cast<std::size_t>(stop.in2 - theirs->begin());
        same += matched;
        if (matched < length || length == 0) break;
    }
    return same;
}

Result<bool> all_zero(int fd, std::uint64_t from, std::uint64_t end) {
    std::string buffer;
    while (from < end) {
        const auto bytes = read_at(fd, from, std::min<std::uint64_t>(block, end - from), buffer);
        if (!bytes) return bytes.error().in("search mailbox");
        if (bytes->empty() || bytes->find_first_not_of('\0') != std::string_view::npos) {
            return false;
        }
        from += bytes->size();
    }
    return true;
}

// The first byte behind the header; nothing where it is not near the start.
std::optional<std::uint64_t> body_start(std::string_view bytes) {
    const std::size_t at = bytes.find("\n\n");
    if (at == std::string_view::npos) return std::nullopt;
    return at + 2;
}

// Mail programs add and change header lines ("Status: RO"); the body is the message.
Result<bool> same_body(int fd, std::uint64_t size, std::uint64_t at, const Content& content) {
    std::string here;
    std::string there;
    const auto file_head = read_at(fd, at, block, here);
    if (!file_head) return file_head.error().in("compare with mailbox");
    const auto our_head = content.read(0, there);
    if (!our_head) return our_head.error().in("compare with mailbox");
    const auto file_body = body_start(*file_head);
    const auto our_body = body_start(*our_head);
    if (!file_body || !our_body) return false;
    // Without the blank line at the end, which some leave out.
    const std::uint64_t count = content.size() - *our_body - (content.size() > *our_body ? 1 : 0);
    if (size - at - *file_body < count) return false;
    const auto same = common_length(fd, content, {at + *file_body, *our_body, count});
    if (!same) return same.error().pass();
    return *same == count;
}

}  // namespace

Result<std::map<std::string, std::uint64_t>> find_deliveries(int fd, std::uint64_t size,
                                                             std::set<std::string> tags) {
    return Search(fd, size, std::move(tags)).run();
}

Result<Copy> judge_copy(int fd, std::uint64_t size, std::uint64_t at, const Content& content) {
    const std::uint64_t there = size - at;
    const auto same = common_length(fd, content, {at, 0, std::min(there, content.size())});
    if (!same) return same.error().pass();
    if (*same == content.size()) return Copy::whole;
    if (there <= content.size()) {
        const auto torn = all_zero(fd, at + *same, size);
        if (!torn) return torn.error().pass();
        if (*torn) return Copy::torn;
    }
    const auto body = same_body(fd, size, at, content);
    if (!body) return body.error().pass();
    return *body ? Copy::whole : Copy::other;
}

Result<std::optional<std::uint64_t>> find_torn_head(int fd, std::uint64_t size,
                                                    const Content& content) {
    std::string there;
    const auto ours = content.read(0, there);
    if (!ours) return ours.error().in("compare with mailbox");
    const std::string_view head =
        ours->substr(0, std::min<std::uint64_t>(max_head, content.size() - 1));
    std::string buffer;
    const std::uint64_t begin = size > block ? size - block : 0;
    const auto read = read_at(fd, begin, size - begin, buffer);
    if (!read) return read.error().in("search mailbox");
    const std::size_t zeros = read->size() - (read->find_last_not_of('\0') + 1);
    const std::string_view tail = read->substr(0, read->size() - zeros);
    for (std::size_t length = std::min(head.size(), tail.size()); length > 0; --length) {
        const std::size_t at = tail.size() - length;
        const bool line_start = at == 0 ? begin == 0 : tail[at - 1] == '\n';
        if (line_start && tail.substr(at) == head.substr(0, length)) return begin + at;
    }
    return std::nullopt;
}

}  // namespace holdfast::mda
