#include "smtpd/qmgr/intake.h"

#include "smtpd/base/log.h"
#include "smtpd/base/packet.h"

namespace holdfast::qmgr {

namespace {

const links::Refusal choose_a_new_id{450, "4.7.0",
                                     "the id of this submission cannot be used; choose a new id"};
const links::Refusal too_large{552, "5.3.4", "the message is larger than this system takes"};
const links::Refusal too_many_recipients{550, "5.5.3", "too many recipients for one message"};
const links::Refusal too_much_at_once{452, "4.3.1", "too much mail at once; try again later"};
const links::Refusal no_recipients{554, "5.5.1", "no recipients"};

// The body for the agents, right after the commit; nothing where there is no room for it.
std::shared_ptr<const queue::Slice> keep_body(Reception& reception, std::string bytes) {
    const std::size_t size = bytes.size();
    if (size == 0 || *reception.kept + size > Intake::max_kept) return nullptr;
    *reception.kept += size;
    auto slice = std::make_unique<queue::Slice>(reception.house.spool.store().fs(), UniqueFd(),
                                                std::uint64_t{0}, size);
    slice->keep(std::move(bytes));
    const auto release = [kept = reception.kept, size](const queue::Slice* gone) {
        *kept -= size;
        const std::unique_ptr<const queue::Slice> freed(gone);
    };
    return {slice.release(), release};
}

}  // namespace

// While `writing`, the draft belongs to a thread of the pool.
struct Intake::Transfer {
    std::uint64_t number = 0;
    Submitter submitter = Submitter::stranger;
    std::uint64_t drop = 0;
    Envelope envelope;
    std::vector<queue::LogEntry> verdicts;
    std::optional<queue::Draft> draft;
    std::string unwritten;  // behind what is being written
    std::uint64_t received = 0;
    std::uint64_t outstanding = 0;  // received and not credited
    std::size_t recipients = 0;     // of the envelope, while they count in recipients_open_
    bool writing = false;
    bool ended = false;
    bool dropped = false;
};

Intake::Intake(Reception& reception, Submitter submitter, std::function<void(Answer)> send)
    : reception_(reception),
      house_(reception.house),
      submitter_(submitter),
      send_(std::move(send)) {}

Intake::~Intake() {
    while (!transfers_.empty()) drop(transfers_.extract(transfers_.begin()).mapped());
}

Intake::Handle Intake::find(std::uint64_t transaction) const {
    const auto at = transfers_.find(transaction);
    return at == transfers_.end() ? nullptr : at->second;
}

// --- The envelope --------------------------------------------------------------------------------

std::optional<Breach> Intake::on(links::Begin&& begin) {
    if (transfers_.contains(begin.transaction)) return Breach{"a transaction begun twice"};
    Submitter submitter = submitter_;
    bool offered = true;
    if (begin.drop != 0) {
        if (submitter_ == Submitter::stranger) return Breach{"a file of drop/ from a stranger"};
        const auto owner = reception_.pickup ? reception_.pickup->owner(begin.drop) : std::nullopt;
        offered = owner.has_value();
        if (offered && *owner != begin.envelope.uid) {
            return Breach{"a file of drop/ under another name"};
        }
        submitter = Submitter::dropper;
    }
    // A file of drop/ that was given up meanwhile will be offered again.
    if (!offered || transfers_.size() >= max_open) {
        send_(links::Rejected{begin.transaction, too_much_at_once});
        return std::nullopt;
    }
    if (auto breach = breach_in(begin.envelope, submitter)) return breach;
    const bool known = reception_.deliveries.index().find(begin.envelope.id) != nullptr;
    if (known && submitter == Submitter::stranger) return Breach{"an id used twice"};

    auto transfer = std::make_shared<Transfer>();
    transfer->number = begin.transaction;
    transfer->submitter = submitter;
    transfer->drop = begin.drop;
    const auto refused = refusal(begin, submitter);
    transfer->envelope = std::move(begin.envelope);
    transfers_.emplace(transfer->number, transfer);
    if (refused) reject(transfer, *refused);
    return std::nullopt;
}

std::optional<links::Refusal> Intake::refusal(const links::Begin& begin,
                                              Submitter submitter) const {
    if (submitter == Submitter::user && !id_in_window(begin.envelope.id, house_.spool.wall())) {
        return choose_a_new_id;
    }
    return house_.health.refusal();
}

std::optional<Breach> Intake::on(links::Recipients&& recipients) {
    const Handle transfer = find(recipients.transaction);
    if (!transfer) return std::nullopt;
    if (transfer->draft || transfer->ended) return Breach{"recipients behind the body"};
    const links::Refusal& verdict = recipients.refusal;
    if (verdict.code != 0 && transfer->submitter == Submitter::stranger) {
        return Breach{"a verdict on recipients"};
    }
    auto& all = transfer->envelope.recipients;
    for (Recipient& recipient : recipients.recipients) {
        const auto check = verdict.code != 0 ? RecipientCheck{breach_in_parameters(recipient), {}}
                                             : check_recipient(recipient, transfer->envelope.sender,
                                                               house_.router, transfer->submitter);
        if (check.breach) return check.breach;
        if (check.refusal) {
            reject(transfer, *check.refusal);
            return std::nullopt;
        }
        all.push_back(std::move(recipient));
        if (verdict.code != 0) judge(*transfer, verdict);
    }
    recipients_open_ += all.size() - std::exchange(transfer->recipients, all.size());
    if (all.size() > max_recipients) {
        reject(transfer, too_many_recipients);
    } else if (recipients_open_ > max_recipients_open) {
        reject(transfer, too_much_at_once);
    }
    return std::nullopt;
}

// Of its last recipient.
void Intake::judge(Transfer& transfer, const links::Refusal& verdict) const {
    const auto recipient = static_cast<std::uint32_t>(transfer.envelope.recipients.size() - 1);
    const Outcome outcome{Verdict::refused, verdict.enhanced, verdict.text, {}};
    transfer.verdicts.push_back({house_.spool.wall().time_since_epoch().count(),
                                 queue::Attempted{recipient, {}, cleaned(outcome)}});
}

// --- The body ------------------------------------------------------------------------------------

// The envelope is complete: the draft takes it.
std::optional<Breach> Intake::start_body(const Handle& transfer) {
    if (transfer->draft) return std::nullopt;
    if (transfer->envelope.recipients.empty()) {
        if (transfer->submitter == Submitter::stranger) return Breach{"a body without recipients"};
        reject(transfer, no_recipients);
        return std::nullopt;
    }
    transfer->envelope.admitted =
        admission_time(transfer->envelope.id, transfer->submitter, house_.spool.wall())
            .time_since_epoch()
            .count();
    auto draft = house_.spool.store().draft(transfer->envelope, transfer->verdicts);
    if (!draft) {
        reject(transfer, too_many_recipients);
        return std::nullopt;
    }
    transfer->draft.emplace(std::move(*draft));
    return std::nullopt;
}

std::optional<Breach> Intake::on(links::Chunk&& chunk) {
    const Handle transfer = find(chunk.transaction);
    if (!transfer) return std::nullopt;
    transfer->received += chunk.bytes.size();
    transfer->outstanding += chunk.bytes.size();
    if (transfer->ended || chunk.bytes.size() > max_chunk ||
        transfer->outstanding > links::window) {
        return Breach{"more of a body than was allowed"};
    }
    if (auto breach = start_body(transfer)) return breach;
    if (transfer->dropped) return std::nullopt;
    if (transfer->received > reception_.max_message_bytes + header_allowance) {
        reject(transfer, too_large);
    } else if (outstanding() > max_outstanding) {
        reject(transfer, too_much_at_once);
    } else {
        append(transfer, chunk.bytes);
    }
    return std::nullopt;
}

std::uint64_t Intake::outstanding() const {
    std::uint64_t sum = 0;
    for (const auto& [number, transfer] : transfers_) sum += transfer->outstanding;
    return sum;
}

void Intake::append(const Handle& transfer, const std::string& bytes) {
    if (transfer->writing || !transfer->draft->stays_in_memory(bytes.size())) {
        transfer->unwritten += bytes;
        return write_next(transfer);
    }
    const auto done = transfer->draft->append(bytes);
    if (!done) reject(transfer, not_stored(*transfer, done.error()));
}

// One write of a message at a time; what comes meanwhile goes with the next.
void Intake::write_next(const Handle& transfer) {
    if (transfer->writing || transfer->dropped) return;
    if (transfer->unwritten.empty()) {
        if (transfer->ended) commit(transfer);
        return;
    }
    transfer->writing = true;
    house_.spool.run(
        [transfer, bytes = std::exchange(transfer->unwritten, {})](queue::Store&) {
            return transfer->draft->append(bytes);
        },
        // Everything that came until now, some of it perhaps in the memory of the draft.
        [this, transfer, size = transfer->outstanding, &spool = house_.spool,
         token = life_.token()](const Status& status) {
            transfer->writing = false;
            if (transfer->dropped) return spool.discard(std::move(*transfer->draft));
            if (!token.expired()) written(transfer, size, status);
        });
}

void Intake::written(const Handle& transfer, std::uint64_t bytes, const Status& status) {
    if (!status) return reject(transfer, not_stored(*transfer, status.error()));
    transfer->outstanding -= bytes;
    send_(links::Credit{transfer->number, static_cast<std::uint32_t>(bytes)});
    write_next(transfer);
}

std::optional<Breach> Intake::on(links::End&& end) {
    const Handle transfer = find(end.transaction);
    if (!transfer) return std::nullopt;
    if (transfer->ended || end.length != transfer->received) {
        return Breach{"a body of another length"};
    }
    if (auto breach = start_body(transfer)) return breach;
    if (transfer->dropped) return std::nullopt;
    transfer->ended = true;
    write_next(transfer);
    return std::nullopt;
}

// What is being committed cannot be taken back: it stands.
std::optional<Breach> Intake::on(links::Abort&& abort) {
    const Handle transfer = find(abort.transaction);
    if (!transfer) return std::nullopt;
    if (transfer->drop != 0) reception_.pickup->ended(transfer->drop, too_much_at_once);
    drop(transfer);
    return std::nullopt;
}

// --- The commit ----------------------------------------------------------------------------------

void Intake::commit(const Handle& transfer) {
    queue::Draft draft = std::move(*transfer->draft);
    transfer->draft.reset();
    std::string body = draft.in_memory() ? draft.bytes() : std::string();
    // Should this intake be gone when the commit ends, the message is accepted all the same.
    house_.spool.commit(std::move(draft),
                        [this, transfer, token = life_.token(), &reception = reception_,
                         body = std::move(body)](const queue::Commit& commit) mutable {
                            admit(reception, *transfer, commit, std::move(body));
                            if (!token.expired()) committed(transfer, commit);
                        });
}

void Intake::admit(Reception& reception, Transfer& transfer, const queue::Commit& commit,
                   std::string body) {
    const bool stored =
        commit.kind == queue::CommitKind::accepted || commit.kind == queue::CommitKind::unknown;
    if (!stored) return;
    if (commit.kind == queue::CommitKind::accepted) reception.house.health.committed();
    const Envelope& envelope = transfer.envelope;
    const std::string from =
        envelope.source == Source::local ? "uid " + std::to_string(envelope.uid) : envelope.client;
    log::info("accepted", {{"msg", envelope.id},
                           {"client", from},
                           log::Field::unless_empty("helo", envelope.helo),
                           {"from", envelope.sender.empty() ? "<>" : envelope.sender},
                           {"size", transfer.received},
                           {"recipients", envelope.recipients.size()}});
    queue::Message message{std::move(transfer.envelope), commit.body, {}, commit.log};
    message.state.recipients.resize(message.envelope.recipients.size());
    for (const queue::LogEntry& entry : std::exchange(transfer.verdicts, {})) {
        queue::apply(message.state, entry);
    }
    reception.deliveries.admitted({std::move(message), keep_body(reception, std::move(body))});
}

void Intake::committed(const Handle& transfer, const queue::Commit& commit) {
    if (transfer->dropped) return;
    switch (commit.kind) {
        case queue::CommitKind::accepted:
            return accept(transfer);
        case queue::CommitKind::repeated:
            // A stranger's message has an id of its own; two of them are no repetition.
            if (transfer->submitter == Submitter::stranger) {
                return reject(transfer, choose_a_new_id);
            }
            log::info("submission-repeated",
                      {{"msg", transfer->envelope.id}, {"uid", transfer->envelope.uid}});
            return accept(transfer);
        case queue::CommitKind::taken:
            return reject(transfer, choose_a_new_id);
        case queue::CommitKind::failed:
            return reject(transfer, not_stored(*transfer, *commit.error));
        case queue::CommitKind::unknown:
            return reject(transfer, house_.health.lost_trust(*commit.error));
    }
}

// A full or failed disk has had its line in the log already; one a message would fill it too.
links::Refusal Intake::not_stored(const Transfer& transfer, const Error& error) {
    links::Refusal answer = house_.health.failed(error);
    if (!house_.health.refusal()) {
        log::error("not-stored", {{"msg", transfer.envelope.id}, {"reason", error}});
    }
    return answer;
}

void Intake::accept(const Handle& transfer) {
    send_(links::Committed{transfer->number});
    if (transfer->drop != 0) reception_.pickup->ended(transfer->drop, {});
    drop(transfer);
}

void Intake::reject(const Handle& transfer, const links::Refusal& refusal) {
    send_(links::Rejected{transfer->number, refusal});
    if (transfer->drop != 0) reception_.pickup->ended(transfer->drop, refusal);
    drop(transfer);
}

// Forgets the transfer, whose handle is not the one in the list; what still comes for it is
// ignored.
void Intake::drop(const Handle& transfer) {
    transfers_.erase(transfer->number);
    if (std::exchange(transfer->dropped, true)) return;
    recipients_open_ -= std::exchange(transfer->recipients, 0);
    transfer->unwritten = std::string();
    if (transfer->draft && !transfer->writing) house_.spool.discard(std::move(*transfer->draft));
}

}  // namespace holdfast::qmgr
