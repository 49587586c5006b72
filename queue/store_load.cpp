// Reading messages back, and finding out that they are damaged.
#include <algorithm>

#include "queue/store.h"
#include "smtpd/base/crc32c.h"
#include "smtpd/base/log.h"

namespace holdfast::queue {

namespace {

constexpr std::size_t first_read = 16 * 1024;  // most messages, whole
constexpr std::size_t read_size = 64 * 1024;

// Reads a file by offset; its first bytes are read once and kept.
class Reader {
  public:
    Reader(FileSystem& fs, int fd) : fs_(fs), fd_(fd) {}

    // Up to `size` bytes; fewer only at the end of the file.
    std::expected<std::string, LoadFailure> read(std::uint64_t offset, std::uint64_t size) {
        if (!head_) {
            auto head = read_file(0, first_read);
            if (!head) return head;
            head_ = std::move(*head);
        }
        const bool whole_file = head_->size() < first_read;
        if (!whole_file && offset + size > head_->size()) return read_file(offset, size);
        return offset < head_->size() ? head_->substr(offset, size) : std::string();
    }

  private:
    std::expected<std::string, LoadFailure> read_file(std::uint64_t offset, std::uint64_t size) {
        std::string bytes(size, '\0');
        const auto got = fs_.read_at(fd_, bytes, offset);
        if (!got) return std::unexpected(LoadFailure{LoadFault::failed, got.error()});
        bytes.resize(*got);
        return bytes;
    }

    FileSystem& fs_;
    int fd_;
    std::optional<std::string> head_;
};

std::unexpected<LoadFailure> flawed(Flaw flaw, std::string_view where) {
    const LoadFault fault = flaw == Flaw::newer ? LoadFault::newer : LoadFault::damaged;
    return std::unexpected(LoadFailure{fault, Error(0, where)});
}

// Everything but the log; the cursor's seed is there.
std::expected<Message, LoadFailure> read_head(Reader& reader, const MessageId& id) {
    const auto first = reader.read(0, first_line_length);
    if (!first) return std::unexpected(first.error());
    const auto line = parse_first_line(*first);
    if (!line) return flawed(Flaw::damaged, "first line");
    const auto bytes = reader.read(0, line->body.offset);
    if (!bytes) return std::unexpected(bytes.error());
    auto envelope = parse_envelope(*line, *bytes);
    if (!envelope) return flawed(envelope.error(), "envelope");
    if (envelope->id != id) return flawed(Flaw::damaged, "id, which is not the file's name");
    return Message{std::move(*envelope), line->body, {}, {line->crc, 1, 0}};
}

std::expected<Message, LoadFailure> with_log(Reader& reader, Message message) {
    std::uint64_t at = message.body.offset + message.body.length;
    const auto mark = reader.read(at, end_mark.size());
    if (!mark) return std::unexpected(mark.error());
    if (*mark != end_mark) return flawed(Flaw::damaged, "end of the body");
    at += end_mark.size();
    LogReader log(message.envelope.recipients.size(), message.log.seed);
    for (bool more = true; more;) {
        const auto piece = reader.read(at, read_size);
        if (!piece) return std::unexpected(piece.error());
        log.add(*piece);
        at += piece->size();
        more = piece->size() == read_size;
    }
    auto summary = std::move(log).finish();
    if (!summary) return flawed(summary.error(), "log");
    message.state = std::move(summary->state);
    message.log = summary->cursor;
    return message;
}

// The sum of the body, and its bytes where they are few enough to keep.
struct Summed {
    std::uint32_t crc = 0;
    std::string bytes;
};

Result<Summed> sum(const Slice& body) {
    Summed result;
    for (std::uint64_t at = 0; at < body.length(); at += read_size) {
        auto piece = body.read(at, read_size);
        if (!piece) return piece.error().pass();
        result.crc = crc32c(*piece, result.crc);
        if (body.length() <= read_size) result.bytes = std::move(*piece);
    }
    return result;
}

LoadFault fault_of(const Error& error) {
    return error.code() == ENOENT ? LoadFault::gone : LoadFault::failed;
}

}  // namespace

std::expected<Message, LoadFailure> Store::load(const MessageId& id, WallTime now) {
    auto message = read_message(id, Part::whole);
    if (!message || message->envelope.source != Source::local) return message;
    const auto seen = seen_->contains({message->envelope.uid, id}, now);
    if (!seen) return std::unexpected(LoadFailure{LoadFault::failed, seen.error()});
    if (*seen) {
        return std::unexpected(
            LoadFailure{LoadFault::finished, Error(0, "delivered before", "queue/" + id.text())});
    }
    return message;
}

std::expected<Message, LoadFailure> Store::read_message(const MessageId& id, Part part) {
    const auto file = fs_.open(folder(Folder::queue), message_name(id), Open::read);
    if (!file) return std::unexpected(LoadFailure{fault_of(file.error()), file.error()});
    Reader reader(fs_, file->get());
    auto message = read_head(reader, id);
    if (message && part == Part::whole) message = with_log(reader, std::move(*message));
    if (!message) return std::unexpected(explained(id, message.error()));
    return message;
}

LoadFailure Store::explained(const MessageId& id, const LoadFailure& failure) {
    const std::string path = "queue/" + message_name(id);
    if (failure.fault == LoadFault::damaged) return damaged(id, failure.error.text());
    const std::string doing = failure.fault == LoadFault::newer
                                  ? "a later version of Holdfast wrote " + path
                                  : "read " + path;
    return {failure.fault, failure.error.in(doing).error()};
}

// A person must look at it: nothing in it can be believed. Told here, for whoever came upon it may
// have been after something else.
LoadFailure Store::damaged(const MessageId& id, std::string_view what) {
    const std::string found = "queue/" + id.text() + " is damaged (" + std::string(what) + ")";
    const auto name = quarantine(id);
    Error error =
        name ? Error(0, found + ", now quarantine/" + *name) : name.error().in(found).error();
    log::error("message-damaged", {{"msg", id}, {"reason", error}});
    return {LoadFault::damaged, std::move(error)};
}

std::expected<Slice, LoadFailure> Store::open_body(const MessageId& id, const BodyPlace& place) {
    auto file = fs_.open(folder(Folder::queue), message_name(id), Open::read);
    if (!file) return std::unexpected(LoadFailure{fault_of(file.error()), file.error()});
    Slice body(fs_, std::move(*file), place.offset, place.length);
    auto summed = sum(body);
    if (!summed && summed.error().code() != 0) {
        return std::unexpected(LoadFailure{LoadFault::failed, summed.error()});
    }
    if (!summed || summed->crc != place.crc) return std::unexpected(damaged(id, "body"));
    if (place.length <= read_size) body.keep(std::move(summed->bytes));
    return body;
}

Result<Slice> Store::open_text(const MessageId& id) {
    auto file = fs_.open(folder(Folder::queue), message_name(id), Open::read);
    if (!file) return file.error().in("show queue/" + message_name(id));
    const auto info = fs_.info(file->get());
    if (!info) return info.error().in("show queue/" + message_name(id));
    return Slice(fs_, std::move(*file), 0, info->size);
}

}  // namespace holdfast::queue
