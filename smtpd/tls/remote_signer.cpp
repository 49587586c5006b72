#include "smtpd/tls/remote_signer.h"

#include <algorithm>
#include <utility>

#include <fcntl.h>
#include <poll.h>

#include "smtpd/base/packet.h"
#include "smtpd/base/panic.h"

namespace holdfast::tls {

namespace {

constexpr Duration no_time = Duration::zero();

int milliseconds(Duration left) {
    const auto count = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    return static_cast<int>(std::clamp<long long>(count, 0, 60'000));
}

}  // namespace

void RemoteSigner::replace(UniqueFd channel) {
    channel_ = std::move(channel);
    answered_ = asked_;
    failed_ = false;
    if (channel_ && fcntl(channel_.get(), F_SETFL, O_NONBLOCK) != 0) {
        panic("remote signer: fcntl failed");
    }
}

bool RemoteSigner::take_failed() {
    return std::exchange(failed_, false);
}

bool RemoteSigner::present() const {
    if (!channel_) return false;
    pollfd state{channel_.get(), 0, 0};
    return ::poll(&state, 1, 0) == 0;
}

Result<std::string> RemoteSigner::sign(const SignRequest& request) {
    if (!channel_) return plain_error("the signer is not there");
    if (const auto sent = send(request); !sent) return sent.error().pass();
    const Waiting how = wait_until(real_clock().mono() + patience_);
    if (how != Waiting::answered) return failure(how);
    if (answer_.signature.empty()) {
        return plain_error("the signer refuses: " + answer_.refusal);
    }
    return std::move(answer_.signature);
}

// At most one question is under way, so the socket has room for it.
Status RemoteSigner::send(const SignRequest& request) {
    links::Encoder encoder;
    encoder.put_frame(links::SmtpinToSigner(
        links::Sign{asked_ + 1, request.key, request.scheme, std::string(request.text)}));
    if (encoder.bytes.size() + frame_header > max_packet) {
        return plain_error("a text too long for the signer");
    }
    std::string packet;
    append_frame(packet, encoder.bytes);
    if (const auto sent = send_packet(channel_.get(), packet); !sent) {
        channel_.reset();
        return sent.error().in("ask the signer");
    }
    ++asked_;
    return {};
}

RemoteSigner::Waiting RemoteSigner::wait_until(MonoTime deadline) {
    while (answered_ != asked_) {
        pollfd ready{channel_.get(), POLLIN, 0};
        const Duration left = std::max(deadline - real_clock().mono(), no_time);
        const int count = ::poll(&ready, 1, milliseconds(left));
        if (count < 0 && errno != EINTR) return Waiting::gone;
        if (count == 0 && left <= no_time) return Waiting::late;
        if (count <= 0) continue;
        if (const Waiting how = take_packet(); how != Waiting::answered) return how;
    }
    return Waiting::answered;
}

RemoteSigner::Waiting RemoteSigner::take_packet() {
    const auto packet = receive_packet(channel_.get());
    if (!packet && packet.error().code() == EAGAIN) return Waiting::answered;
    if (!packet && packet.error().code() == EMSGSIZE) return Waiting::malformed;
    if (!packet || packet->bytes.empty()) return Waiting::gone;
    return packet->fds.empty() ? take_frames(packet->bytes) : Waiting::malformed;
}

// An answer to nothing that was asked breaks the rules.
RemoteSigner::Waiting RemoteSigner::take_frames(std::string_view packet) {
    while (!packet.empty()) {
        const auto frame = take_frame(packet);
        if (!frame) return Waiting::malformed;
        links::Decoder decoder(*frame, {}, links::Tail::strict);
        auto message = decoder.take_frame<links::SignerToSmtpin>();
        if (!message) return Waiting::malformed;
        answer_ = std::get<links::Signed>(std::move(*message));
        if (answered_ == asked_ || answer_.request != asked_) return Waiting::malformed;
        answered_ = asked_;
    }
    return Waiting::answered;
}

std::unexpected<Error> RemoteSigner::failure(Waiting how) {
    switch (how) {
        case Waiting::answered:
            panic("remote signer: an answer is no failure");
        case Waiting::late:
            channel_.reset();
            failed_ = true;
            return plain_error("the signer did not answer within " + short_duration(patience_));
        case Waiting::gone:
            channel_.reset();
            return plain_error("the signer has gone");
        case Waiting::malformed:
            channel_.reset();
            failed_ = true;
            return plain_error("the signer broke the rules of its link");
    }
    panic("remote signer: unknown outcome");
}

}  // namespace holdfast::tls
