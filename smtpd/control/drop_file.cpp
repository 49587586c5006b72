#include "smtpd/control/drop_file.h"

#include "smtpd/base/packet.h"

namespace holdfast::control {

namespace {

std::size_t length_in_front(std::string_view bytes) {
    std::size_t length = 0;
    for (std::size_t i = frame_header; i-- > 0;) {
        length = length << 8 | static_cast<unsigned char>(bytes[i]);
    }
    return length;
}

}  // namespace

DropFile::DropFile(House& house, const links::DropBegin& begin, Events events)
    : events_(std::move(events)), intake_(house, begin.uid, begin.drop, intake_events()) {}

Intake::Events DropFile::intake_events() {
    Intake::Events events;
    // The file was acknowledged when it was left here: what cannot become a message is kept for a
    // person to see. Where qmgr decided, it knows what to do with the file.
    events.answered = [this](Decider decider, const links::Answer& answer) {
        if (decider == Decider::control) return bad(answer.text);
        done_ = true;
        events_.over();
    };
    events.violated = [this](const std::string& what) { bad(what); };
    events.lost = [this] { done_ = true; };
    events.moved = [this] { parse(); };
    return events;
}

void DropFile::on_bytes(std::string bytes) {
    if (done_) return;
    bytes_.append(bytes);
    parse();
}

void DropFile::on_end() {
    ended_ = true;
    parse();
}

// Called again from within, when the intake moves: the outer call goes on.
void DropFile::parse() {
    if (parsing_) return;
    parsing_ = true;
    while (!done_ && intake_.wants_input() && take_packet()) {
    }
    parsing_ = false;
    if (!done_ && ended_ && !bytes_.empty() && intake_.wants_input()) {
        bad("the file ends inside a packet");
    }
    if (!done_ && ended_ && bytes_.empty() && !intake_.handed_over() && intake_.wants_input()) {
        bad(submitted_ ? "the file ends inside its submission" : "the file holds no submission");
    }
}

bool DropFile::take_packet() {
    if (bytes_.size() < frame_header) return false;
    if (length_in_front(bytes_) > max_packet) {
        bad("a packet above the limit");
        return false;
    }
    std::string_view rest = bytes_;
    auto packet = take_frame(rest);
    if (!packet) return false;
    const std::size_t used = bytes_.size() - rest.size();
    while (!packet->empty() && !done_) {
        const auto frame = take_frame(*packet);
        if (!frame || !take_message(*frame)) {
            bad("not the packets of a submission");
            return false;
        }
    }
    if (done_) return false;
    bytes_.erase(0, used);
    events_.dealt_with(static_cast<std::uint32_t>(used));
    return true;
}

bool DropFile::take_message(std::string_view frame) {
    links::Decoder decoder(frame, {}, links::Tail::skip);
    auto message = decoder.take_frame<links::ClientToControl>();
    if (!message) return false;
    if (auto* submit = std::get_if<links::Submit>(&*message)) {
        if (submitted_) return false;
        submitted_ = true;
        intake_.on(std::move(*submit));
    } else if (auto* recipients = std::get_if<links::SubmitRecipients>(&*message)) {
        intake_.on(std::move(*recipients));
    } else if (auto* bytes = std::get_if<links::SubmitBytes>(&*message)) {
        intake_.on(std::move(*bytes));
    } else if (auto* end = std::get_if<links::SubmitEnd>(&*message)) {
        intake_.on(std::move(*end));
    } else {
        return false;
    }
    return true;
}

void DropFile::bad(const std::string& why) {
    if (done_) return;
    done_ = true;
    events_.bad(why);
}

}  // namespace holdfast::control
