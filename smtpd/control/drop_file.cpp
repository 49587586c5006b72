#include "smtpd/control/drop_file.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"
#include "smtpd/control/house.h"

namespace holdfast::control {

namespace {

constexpr std::size_t piece_size = 64 * 1024;

}  // namespace

// The file was acknowledged when it was left here: what cannot become a message is kept for a
// person to see. Where qmgr decided, it knows what to do with the file.
DropFile::DropFile(House& house, links::DropBegin begin)
    : house_(house),
      drop_(begin.drop),
      file_(std::move(begin.file)),
      unread_(begin.length),
      next_piece_(house.loop(), [this] { read_piece(); }),
      intake_(house, begin.uid, begin.drop,
              {[this](const Outcome& outcome) {
                   const bool here =
                       outcome.fate == Fate::refused || outcome.fate == Fate::violated;
                   if (here) return bad(outcome.answer.text);
                   end();
               },
               [this] { parse(); }}) {
    parse();
}

void DropFile::read_piece() {
    bytes_.erase(0, std::exchange(used_, 0));
    const std::size_t before = bytes_.size();
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(unread_, piece_size));
    bytes_.resize(before + wanted);
    const ssize_t got = ::read(file_.get(), bytes_.data() + before, wanted);
    if (got < 0) return bad(errno_error("read the file").error().text());
    bytes_.resize(before + static_cast<std::size_t>(got));
    // Where its owner has cut it short, the rest is not there.
    unread_ = got == 0 ? 0 : unread_ - static_cast<std::uint64_t>(got);
    parse();
}

// Called again from within, when the intake moves: the outer call goes on. The next piece waits for
// the next turn of the loop, so that a file of gigabytes keeps nobody waiting.
void DropFile::parse() {
    if (parsing_) return;
    parsing_ = true;
    while (!over_ && intake_.wants_input() && take_packet()) {
    }
    parsing_ = false;
    if (over_ || !intake_.wants_input()) return;
    if (unread_ > 0) return next_piece_.set(Duration::zero());
    if (used_ < bytes_.size()) return bad("the file ends inside a packet");
    if (!intake_.busy()) return bad("the file holds no submission");
    if (!intake_.handed_over()) bad("the file ends inside its submission");
}

bool DropFile::take_packet() {
    const std::string_view all = std::string_view(bytes_).substr(used_);
    std::string_view rest = all;
    auto packet = take_frame(rest);
    if (!packet) {
        if (all.size() > frame_header + max_packet) bad("a packet above the limit");
        return false;
    }
    const std::size_t used = all.size() - rest.size();
    if (packet->empty()) bad("an empty packet");
    while (!packet->empty() && !over_) {
        const auto frame = take_frame(*packet);
        if (!frame || !take_message(*frame)) bad("not the packets of a submission");
    }
    if (over_) return false;
    used_ += used;
    return true;
}

bool DropFile::take_message(std::string_view frame) {
    links::Decoder decoder(frame, {}, links::Tail::skip);
    auto message = decoder.take_frame<links::ClientToControl>();
    if (!message) return false;
    return std::visit(
        [this](auto& part) {
            const bool submits = requires { intake_.on(std::move(part)); };
            if constexpr (requires { intake_.on(std::move(part)); }) intake_.on(std::move(part));
            return submits;
        },
        *message);
}

void DropFile::bad(const std::string& why) {
    if (over_) return;
    log::warning_limited("drop-file-bad", {{"reason", why}});
    house_.send_to_qmgr(links::DropBad{drop_, why});
    end();
}

void DropFile::end() {
    over_ = true;
    house_.drop_is_over();
}

}  // namespace holdfast::control
