#include "smtpd/control/drop_file.h"

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"
#include "smtpd/control/house.h"

namespace holdfast::control {

// The file was acknowledged when it was left here: what cannot become a message is kept for a
// person to see. Where qmgr decided, it knows what to do with the file.
DropFile::DropFile(House& house, const links::DropBegin& begin)
    : house_(house),
      drop_(begin.drop),
      intake_(house, begin.uid, begin.drop,
              {[this](const Outcome& outcome) {
                   const bool here =
                       outcome.fate == Fate::refused || outcome.fate == Fate::violated;
                   if (here) return bad(outcome.answer.text);
                   end();
               },
               [this] { parse(); }}) {}

void DropFile::on(links::DropBytes&& message) {
    if (over_) return;
    bytes_.append(message.bytes);
    parse();
}

void DropFile::on(links::DropEnd&&) {
    ended_ = true;
    parse();
}

// Called again from within, when the intake moves: the outer call goes on.
void DropFile::parse() {
    if (parsing_) return;
    parsing_ = true;
    while (!over_ && intake_.wants_input() && take_packet()) {
    }
    parsing_ = false;
    if (!over_) give_credit();
    if (over_ || !ended_ || !intake_.wants_input()) return;
    if (!bytes_.empty()) return bad("the file ends inside a packet");
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

// For many small packets at once.
void DropFile::give_credit() {
    if (used_ == 0) return;
    bytes_.erase(0, used_);
    house_.send_to_qmgr(links::DropCredit{drop_, static_cast<std::uint32_t>(used_)});
    used_ = 0;
}

bool DropFile::take_message(std::string_view frame) {
    links::Decoder decoder(frame, {}, links::Tail::skip);
    auto message = decoder.take_frame<links::ClientToControl>();
    if (!message) return false;
    return std::visit(
        [this](auto&& part) {
            const bool submits = requires { intake_.on(std::move(part)); };
            if constexpr (requires { intake_.on(std::move(part)); }) intake_.on(std::move(part));
            return submits;
        },
        std::move(*message));
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
