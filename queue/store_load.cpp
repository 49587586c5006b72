// Reading messages back, and finding out that they are damaged.
#include <algorithm>

#include "queue/store.h"
#include "smtpd/base/crc32c.h"

namespace holdfast::queue {

namespace {

constexpr std::size_t first_read = 16 * 1024;  // most messages, whole
constexpr std::size_t read_size = 64 * 1024;

// Reads a file by offset; its first bytes are read once and kept.
class Reader {
  public:
    Reader(FileSystem& fs, int fd) : fs_(fs), fd_(fd) {}

    // Up to `size` bytes; fewer only at the end of the file.
    Result<std::string> read(std::uint64_t offset, std::size_t size) {
        if (!started_) {
            auto head = read_file(0, first_read);
            if (!head) return head;
            head_ = std::move(*head);
            started_ = true;
        }
        const bool whole_file = head_.size() < first_read;
        if (whole_file || offset + size <= head_.size()) {
            return offset < head_.size() ? head_.substr(static_cast<std::size_t>(offset), size)
                                         : std::string();
        }
        return read_file(offset, size);
    }

  private:
    Result<std::string> read_file(std::uint64_t offset, std::size_t size) {
        std::string bytes(size, '\0');
        const auto got = fs_.read_at(fd_, bytes, offset);
        if (!got) return got.error().pass();
        bytes.resize(*got);
        return bytes;
    }

    FileSystem& fs_;
    int fd_;
    std::string head_;
    bool started_ = false;
};

Trouble flawed(Flaw flaw, std::string_view where) {
    return {flaw, Error(0, where)};
}

template <class T>
using Read = std::expected<T, Trouble>;

struct Head {
    FirstLine line;
    Envelope envelope;
};

Read<Head> read_head(Reader& reader) {
    const auto first = reader.read(0, first_line_length);
    if (!first) return std::unexpected(Trouble{{}, first.error()});
    const auto line = parse_first_line(*first);
    if (!line) return std::unexpected(flawed(Flaw::damaged, "first line"));
    const auto bytes = reader.read(0, static_cast<std::size_t>(line->body.offset));
    if (!bytes) return std::unexpected(Trouble{{}, bytes.error()});
    auto envelope = parse_envelope(*line, *bytes);
    if (!envelope) return std::unexpected(flawed(envelope.error(), "envelope"));
    return Head{*line, std::move(*envelope)};
}

Read<LogReader::Summary> read_log(Reader& reader, const Head& head) {
    std::uint64_t at = head.line.body.offset + head.line.body.length;
    const auto mark = reader.read(at, end_mark.size());
    if (!mark) return std::unexpected(Trouble{{}, mark.error()});
    if (*mark != end_mark) return std::unexpected(flawed(Flaw::damaged, "end of the body"));
    at += end_mark.size();
    LogReader log(head.envelope.recipients.size(), head.line.crc);
    for (;;) {
        const auto piece = reader.read(at, read_size);
        if (!piece) return std::unexpected(Trouble{{}, piece.error()});
        log.add(*piece);
        at += piece->size();
        if (piece->size() < read_size) break;
    }
    auto summary = std::move(log).finish();
    if (!summary) return std::unexpected(flawed(summary.error(), "log"));
    return std::move(*summary);
}

Read<Message> read_whole(Reader& reader, const MessageId& id) {
    auto head = read_head(reader);
    if (!head) return std::unexpected(head.error());
    if (head->envelope.id != id) {
        return std::unexpected(flawed(Flaw::damaged, "id, which is not the file's name"));
    }
    auto log = read_log(reader, *head);
    if (!log) return std::unexpected(log.error());
    return Message{std::move(head->envelope), head->line.body, std::move(log->state), log->cursor};
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
    auto message = read_message(id);
    if (!message || message->envelope.source != Source::local) return message;
    const auto seen = seen_->contains({message->envelope.uid, id}, now);
    if (!seen) return std::unexpected(LoadFailure{LoadFault::failed, seen.error()});
    if (*seen) {
        return std::unexpected(
            LoadFailure{LoadFault::finished, Error(0, "delivered before", "queue/" + id.text())});
    }
    return message;
}

std::expected<Message, LoadFailure> Store::read_message(const MessageId& id) {
    const auto file = fs_.open(folder(Folder::queue), message_name(id), Open::read);
    if (!file) return std::unexpected(LoadFailure{fault_of(file.error()), file.error()});
    Reader reader(fs_, file->get());
    auto message = read_whole(reader, id);
    if (!message) return std::unexpected(failure(id, message.error()));
    return std::move(*message);
}

std::expected<Store::Owner, LoadFailure> Store::owner_of(const MessageId& id) {
    const auto file = fs_.open(folder(Folder::queue), message_name(id), Open::read);
    if (!file) return std::unexpected(LoadFailure{fault_of(file.error()), file.error()});
    Reader reader(fs_, file->get());
    const auto head = read_head(reader);
    if (!head) return std::unexpected(failure(id, head.error()));
    return Owner{head->envelope.source, head->envelope.uid};
}

LoadFailure Store::failure(const MessageId& id, const Trouble& trouble) {
    const std::string path = "queue/" + message_name(id);
    if (!trouble.flaw) return {LoadFault::failed, trouble.error.in("read " + path).error()};
    if (*trouble.flaw == Flaw::damaged) return damaged(id, trouble.error.text());
    return {LoadFault::newer,
            trouble.error.in("a later version of Holdfast wrote " + path).error()};
}

// A person must look at it: nothing in it can be believed.
LoadFailure Store::damaged(const MessageId& id, std::string_view what) {
    const std::string found = "queue/" + id.text() + " is damaged (" + std::string(what) + ")";
    const auto name = quarantine(id);
    if (!name) return {LoadFault::damaged, name.error().in(found).error()};
    return {LoadFault::damaged, Error(0, found + ", now quarantine/" + *name)};
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
