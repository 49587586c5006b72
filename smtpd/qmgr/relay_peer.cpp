#include "smtpd/qmgr/relay_peer.h"

#include <algorithm>

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"
#include "smtpd/qmgr/agent.h"

namespace holdfast::qmgr {

RelayPeer::RelayPeer(Loop& loop, Spool& spool, UniqueFd channel, Callbacks callbacks)
    : loop_(loop),
      spool_(spool),
      callbacks_(std::move(callbacks)),
      channel_(loop, std::move(channel), *this) {}

RelayPeer::Sending* RelayPeer::find(std::uint64_t number) {
    const auto at = jobs_.find(number);
    return at == jobs_.end() ? nullptr : &at->second;
}

void RelayPeer::send(RelayJob job) {
    const std::uint64_t number = ++last_job_;
    job.send.job = number;
    job.send.length = job.place.length;
    Sending& sending = jobs_[number];
    sending.job = std::move(job);
    if (sending.job.body) {
        sending.body = sending.job.body;
        return channel_.send(sending.job.send);
    }
    open_body(spool_, sending.job.send.id, sending.job.place,
              life_.guard([this, number](std::expected<Body, queue::LoadFailure> body) {
                  opened(number, std::move(body));
              }));
}

// Nothing is said to relay before the body has been read and found whole.
void RelayPeer::opened(std::uint64_t number, std::expected<Body, queue::LoadFailure> body) {
    Sending* const sending = find(number);
    if (sending == nullptr) return;
    if (body) {
        sending->body = std::move(*body);
        return channel_.send(sending->job.send);
    }
    const auto& [fault, error] = body.error();
    if (fault == queue::LoadFault::gone) {
        log::error("message-lost", {{"msg", sending->job.send.id}, {"reason", error}});
    }
    const bool lost = fault != queue::LoadFault::failed;
    finish(number, {End::Kind::unread,
                    {},
                    {lost ? JobEnd::lost : JobEnd::reported, {retry_with(error.text())}}});
}

void RelayPeer::on(links::Pull&& pull) {
    Sending* const sending = find(pull.job);
    if (sending == nullptr) return fail(Breach{"a pull for a job that it does not have"});
    const std::uint64_t length = sending->job.place.length;
    const bool fits = pull.length > 0 && pull.length <= links::relay_window &&
                      pull.offset <= length && pull.length <= length - pull.offset;
    if (sending->pulling || !sending->body || !fits) return fail(Breach{"a pull of other bytes"});
    if (sending->withdrawn) return;
    sending->pulling = true;
    give(pull.job, pull.offset, pull.offset + pull.length);
}

void RelayPeer::give(std::uint64_t number, std::uint64_t offset, std::uint64_t end) {
    Sending* const sending = find(number);
    if (sending == nullptr) return;
    if (offset == end) {
        sending->pulling = false;
        return;
    }
    const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(end - offset, max_chunk));
    read_body(spool_, sending->body, offset, size,
              life_.guard([this, number, offset, end](Result<std::string> piece) {
                  if (!piece) return withdraw(number);
                  const std::uint64_t next = offset + piece->size();
                  channel_.send(links::BodyBytes{number, offset, std::move(*piece)});
                  give(number, next, end);
              }));
}

// The disk failed in the middle of it.
void RelayPeer::withdraw(std::uint64_t number) {
    Sending* const sending = find(number);
    if (sending == nullptr || std::exchange(sending->withdrawn, true)) return;
    channel_.send(links::Withdraw{number});
}

void RelayPeer::on(links::FinalDot&& dot) {
    Sending* const sending = find(dot.job);
    if (sending == nullptr) return fail(Breach{"the end of a job that it does not have"});
    sending->dot = true;
}

void RelayPeer::on(links::Sent&& sent) {
    Sending* const sending = find(sent.job);
    const bool fits =
        sending != nullptr && sent.recipients.size() == sending->job.send.recipients.size();
    if (!fits) return fail(Breach{"a verdict on a job that it does not have"});
    // Success before the end of the message could have left is no success.
    const bool early = !sending->dot && std::ranges::any_of(sent.recipients, [](const auto& one) {
        return one.outcome.verdict == Verdict::delivered;
    });
    if (early) return fail(Breach{"a success without the message"});
    for (auto& one : sent.recipients) one.outcome = cleaned(std::move(one.outcome));
    sent.why = cleaned({Verdict::retry, {}, std::move(sent.why), {}}).text;
    finish(sent.job, {End::Kind::sent, std::move(sent), {}});
}

void RelayPeer::finish(std::uint64_t number, End end) {
    RelayJob job = std::move(jobs_.extract(number).mapped().job);
    callbacks_.on_job_end(std::move(job), std::move(end));
}

void RelayPeer::fail(std::optional<Breach> breach) {
    if (std::exchange(ended_, true)) return;
    for (auto& [number, sending] : std::exchange(jobs_, {})) {
        const auto kind = sending.dot ? End::Kind::in_doubt : End::Kind::cut;
        callbacks_.on_job_end(std::move(sending.job), {kind, {}, {}});
    }
    callbacks_.on_end(std::move(breach));
}

}  // namespace holdfast::qmgr
