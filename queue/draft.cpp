#include "queue/draft.h"

#include <utility>

#include "queue/layout.h"
#include "queue/store.h"
#include "smtpd/base/crc32c.h"

namespace holdfast::queue {

Draft::Draft(Store& store, const Envelope& envelope, std::string text)
    : store_(&store),
      id_(envelope.id),
      source_(envelope.source),
      uid_(envelope.uid),
      envelope_(std::move(text)) {
    body_.offset = first_line_length + envelope_.size();
}

Draft::~Draft() {
    abandon();
}

// An unlink that fails leaves a file that Store::reap finds.
void Draft::abandon() {
    if (!file_) return;
    (void)store_->fs().remove(store_->folder(Folder::tmp), name_);
    file_.reset();
}

bool Draft::stays_in_memory(std::size_t more) const {
    return in_memory() && bytes_.size() + more <= memory_limit;
}

Status Draft::append(std::string_view bytes) {
    if (bytes.size() > max_body - body_.length) return std::unexpected(Error(EFBIG, "message"));
    const bool in_memory = stays_in_memory(bytes.size());
    body_.length += bytes.size();
    body_.crc = crc32c(bytes, body_.crc);
    if (in_memory) {
        bytes_.append(bytes);
        return {};
    }
    if (!file_) {
        if (const auto spilled = spill(); !spilled) return spilled;
    }
    return store_->fs().write(file_.get(), {bytes});
}

Status Draft::create_file() {
    name_ = store_->new_draft_name(id_);
    auto file = store_->fs().open(store_->folder(Folder::tmp), name_, Open::create);
    if (!file) return file.error().in("write message in tmp/");
    file_ = std::move(*file);
    return {};
}

// From memory into a file whose first line is not yet true. The lock tells reap(), in whatever
// generation of qmgr, that a slow sender is still at it.
Status Draft::spill() {
    if (const auto created = create_file(); !created) return created;
    if (const auto locked = store_->fs().lock(file_.get()); !locked) return locked;
    const std::string blank(first_line_length - 1, ' ');
    const auto written =
        store_->fs().write(file_.get(), {blank, "\n", envelope_, std::exchange(bytes_, {})});
    return written ? written : written.error().in("write tmp/" + name_);
}

// The file is synced before anybody can find it, so all of its lines are known to be on disk.
Result<std::string> Draft::end_of(const EncodedFirstLine& line) {
    seed_ = line.crc;
    std::string end(end_mark);
    std::uint32_t sequence = 0;
    for (const LogEntry& entry : verdicts_) {
        const std::string text = encode_log_line({++sequence, 0, entry}, seed_);
        if (text.size() > max_log_line) return std::unexpected(Error(EMSGSIZE, "log line"));
        end += text;
    }
    return end;
}

Status Draft::write_whole() {
    const auto line = encode_first_line(envelope_, body_);
    const auto end = end_of(line);
    if (!end) return end.error().pass();
    if (const auto created = create_file(); !created) return created;
    return store_->fs().write(file_.get(), {line.text, envelope_, bytes_, *end});
}

Status Draft::write_rest() {
    const auto line = encode_first_line(envelope_, body_);
    const auto end = end_of(line);
    if (!end) return end.error().pass();
    if (const auto written = store_->fs().write(file_.get(), {*end}); !written) return written;
    return store_->fs().write_at(file_.get(), line.text, 0);
}

Result<Publication> Draft::publish(WallTime now) {
    auto published = try_publish(now);
    // Also makes room on a full disk before anybody is told about it.
    if (!published || published->kind != Published::fresh) abandon();
    return published;
}

Result<Publication> Draft::try_publish(WallTime now) {
    if (source_ == Source::local) {
        const auto seen = store_->seen().contains({uid_, id_}, now);
        if (!seen) return seen.error().pass();
        if (*seen) return Publication{Published::repeated, {}, {}};
    }
    const auto written = file_ ? write_rest() : write_whole();
    if (!written) return written.error().in("write message " + id_.text());
    // Never called a second time for this file: after a failure the kernel has dropped the pages
    // and calls them clean.
    const auto synced = store_->fs().sync(file_.get());
    if (!synced) return synced.error().in("sync message " + id_.text());
    return move_into_queue(now);
}

Result<Publication> Draft::move_into_queue(WallTime now) {
    const auto moved = move_new(store_->fs(), store_->folder(Folder::tmp), name_,
                                store_->folder(Folder::queue), message_name(id_));
    if (!moved && moved.error().code() == EEXIST) return explain_collision();
    if (!moved) return moved.error().in("publish message " + id_.text());
    file_.reset();
    const auto kind = recheck_seen(now);
    if (!kind) return kind.error().pass();
    const auto lines = static_cast<std::uint32_t>(verdicts_.size());
    return Publication{*kind, LogCursor{seed_, lines + 1, lines}, body_};
}

// The first submission may have been finished and unlinked since we asked seen/: its line there is
// older than its unlinking, which is older than our rename.
Result<Published> Draft::recheck_seen(WallTime now) {
    if (source_ != Source::local) return Published::fresh;
    const auto seen = store_->seen().contains({uid_, id_}, now);
    if (seen && !*seen) return Published::fresh;
    const auto removed = store_->remove(id_);
    // Where it cannot be removed, load() tells a finished one by its line in seen/.
    if (seen) return Published::repeated;
    if (removed) return seen.error().pass();
    return Published::fresh;  // in queue/ it is, and somebody must deliver it
}

Result<Publication> Draft::explain_collision() {
    const auto other = store_->read_message(id_, Store::Part::envelope);
    if (other) {
        const bool same = other->envelope.source == source_ && other->envelope.uid == uid_;
        return Publication{same ? Published::repeated : Published::taken, {}, {}};
    }
    if (other.error().fault == LoadFault::newer) return Publication{Published::taken, {}, {}};
    // Settled or put aside a moment ago: whoever asks again finds out which.
    return std::unexpected(Error(EAGAIN, "publish message", id_.text()));
}

}  // namespace holdfast::queue
