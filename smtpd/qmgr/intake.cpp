#include "smtpd/qmgr/intake.h"

#include <deque>

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

}  // namespace

std::shared_ptr<const std::string> BodyMemory::keep(std::string bytes) {
    const std::size_t size = bytes.size();
    if (*kept_ + size > max_kept) return nullptr;
    *kept_ += size;
    auto owned = std::make_unique<const std::string>(std::move(bytes));
    const auto release = [kept = kept_, size](const std::string* gone) {
        *kept -= size;
        const std::unique_ptr<const std::string> freed(gone);
    };
    return {owned.release(), release};
}

// While `writing`, the draft belongs to a thread of the pool.
struct Intake::Transfer {
    std::uint64_t number = 0;
    Submitter submitter = Submitter::stranger;
    std::uint64_t drop = 0;
    Envelope envelope;
    std::vector<queue::LogEntry> verdicts;
    std::optional<queue::Draft> draft;
    std::string copy;       // the body so far, while it is small
    std::string unwritten;  // behind what is being written
    std::uint64_t received = 0;
    std::uint64_t outstanding = 0;  // received and not credited
    bool writing = false;
    bool ended = false;
    bool dropped = false;

    std::size_t in_memory() const { return copy.size() + unwritten.size(); }
};

Intake::Intake(Reception& house, Submitter submitter, Callbacks callbacks)
    : house_(house), submitter_(submitter), callbacks_(std::move(callbacks)) {}

Intake::~Intake() {
    while (!transfers_.empty()) drop(transfers_.begin()->second);
}

Intake::Handle Intake::find(std::uint64_t transaction) const {
    const auto at = transfers_.find(transaction);
    return at == transfers_.end() ? nullptr : at->second;
}

// --- The envelope --------------------------------------------------------------------------------

std::optional<Breach> Intake::on(links::Begin&& begin) {
    if (transfers_.contains(begin.transaction)) return Breach{"a transaction begun twice"};
    if (transfers_.size() >= max_open) {
        callbacks_.rejected({begin.transaction, too_much_at_once});
        return std::nullopt;
    }
    Submitter submitter = submitter_;
    if (begin.drop != 0) {
        const auto owner = callbacks_.drop_owner ? callbacks_.drop_owner(begin.drop) : std::nullopt;
        if (!owner) {  // given up meanwhile: it will be offered again
            callbacks_.rejected({begin.transaction, too_much_at_once});
            return std::nullopt;
        }
        if (*owner != begin.envelope.uid) return Breach{"a file of drop/ under another name"};
        submitter = Submitter::dropper;
    }
    if (auto breach = breach_in(begin.envelope, submitter)) return breach;
    const bool known = house_.deliveries.index().find(begin.envelope.id) != nullptr;
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
        const auto check = verdict.code != 0
                               ? RecipientCheck{breach_in_parameters(recipient), {}}
                               : check_recipient(recipient, house_.router, transfer->submitter);
        if (check.breach) return check.breach;
        if (check.refusal) {
            reject(transfer, *check.refusal);
            return std::nullopt;
        }
        if (verdict.code != 0) {
            const Outcome outcome{Verdict::refused, verdict.enhanced, verdict.text, {}};
            transfer->verdicts.push_back(
                {house_.spool.wall().time_since_epoch().count(),
                 queue::Attempted{static_cast<std::uint32_t>(all.size()), {}, cleaned(outcome)}});
        }
        all.push_back(std::move(recipient));
    }
    if (all.size() > max_recipients) reject(transfer, too_many_recipients);
    return std::nullopt;
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
    transfer->envelope.admitted = house_.spool.wall().time_since_epoch().count();
    auto draft = house_.spool.store().draft(transfer->envelope);
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
    if (transfer->received > house_.max_message_bytes + header_allowance) {
        reject(transfer, too_large);
    } else if (!house_.memory.has_room(chunk.bytes.size())) {
        reject(transfer, too_much_at_once);
    } else {
        append(transfer, std::move(chunk.bytes));
    }
    return std::nullopt;
}

void Intake::append(const Handle& transfer, std::string bytes) {
    house_.memory.take(bytes.size());
    const bool small = !transfer->writing && transfer->unwritten.empty() &&
                       transfer->draft->stays_in_memory(bytes.size());
    if (small) {
        transfer->copy += bytes;
        const auto done = transfer->draft->append(bytes);
        if (!done) reject(transfer, not_stored(*transfer, done.error()));
        return;
    }
    transfer->unwritten += bytes;
    write_next(transfer);
}

// One write of a message at a time; what comes meanwhile goes with the next.
void Intake::write_next(const Handle& transfer) {
    if (transfer->writing || transfer->dropped) return;
    if (transfer->unwritten.empty()) {
        if (transfer->ended) commit(transfer);
        return;
    }
    transfer->writing = true;
    house_.memory.give_back(transfer->copy.size());
    const std::size_t begun = transfer->copy.size() + transfer->unwritten.size();
    const std::size_t size = transfer->unwritten.size();
    transfer->copy = std::string();
    auto bytes = std::make_shared<std::string>(std::exchange(transfer->unwritten, {}));
    house_.spool.run([transfer, bytes](queue::Store&) { return transfer->draft->append(*bytes); },
                     [this, transfer, begun, size, memory = &house_.memory, spool = &house_.spool,
                      alive = std::weak_ptr(alive_)](const Status& status) {
                         memory->give_back(size);
                         transfer->writing = false;
                         if (transfer->dropped) return spool->discard(std::move(*transfer->draft));
                         if (!alive.expired()) written(transfer, begun, status);
                     });
}

void Intake::written(const Handle& transfer, std::size_t bytes, const Status& status) {
    if (!status) return reject(transfer, not_stored(*transfer, status.error()));
    transfer->outstanding -= bytes;
    callbacks_.credit({transfer->number, static_cast<std::uint32_t>(bytes)});
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
    if (transfer->drop != 0 && callbacks_.drop_ended) {
        callbacks_.drop_ended(transfer->drop, too_much_at_once);
    }
    drop(transfer);
    return std::nullopt;
}

// --- The commit ----------------------------------------------------------------------------------

void Intake::commit(const Handle& transfer) {
    queue::Draft draft = std::move(*transfer->draft);
    transfer->draft.reset();
    // Should this intake be gone when the commit ends, the message is accepted all the same.
    house_.spool.commit(std::move(draft), [this, transfer, alive = std::weak_ptr(alive_),
                                           &house = house_](const queue::Commit& commit) {
        admit(house, *transfer, commit);
        if (!alive.expired()) committed(transfer, commit);
    });
}

void Intake::admit(Reception& house, Transfer& transfer, const queue::Commit& commit) {
    const bool stored =
        commit.kind == queue::CommitKind::accepted || commit.kind == queue::CommitKind::unknown;
    if (!stored) return;
    if (commit.kind == queue::CommitKind::accepted) house.health.committed();
    const Envelope& envelope = transfer.envelope;
    const std::string from =
        envelope.source == Source::local ? "uid " + std::to_string(envelope.uid) : envelope.client;
    log::info("accepted", {{"msg", envelope.id},
                           {"client", from},
                           {"helo", envelope.helo},
                           {"from", envelope.sender},
                           {"size", transfer.received},
                           {"recipients", envelope.recipients.size()}});
    house.memory.give_back(transfer.copy.size());
    std::string copy = std::exchange(transfer.copy, {});
    auto bytes = copy.size() == transfer.received ? house.memory.keep(std::move(copy)) : nullptr;
    queue::Message message{std::move(transfer.envelope), commit.body, {}, commit.log};
    message.state.recipients.resize(message.envelope.recipients.size());
    house.deliveries.admitted(std::move(message), std::move(bytes), std::move(transfer.verdicts));
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
    callbacks_.committed({transfer->number});
    if (transfer->drop != 0) callbacks_.drop_ended(transfer->drop, {});
    drop(transfer);
}

void Intake::reject(const Handle& transfer, const links::Refusal& refusal) {
    callbacks_.rejected({transfer->number, refusal});
    if (transfer->drop != 0) callbacks_.drop_ended(transfer->drop, refusal);
    drop(transfer);
}

// Forgets the transfer; what still comes for it is ignored.
void Intake::drop(const Handle& transfer) {
    const Handle kept = transfer;
    transfers_.erase(kept->number);
    if (std::exchange(kept->dropped, true)) return;
    house_.memory.give_back(kept->in_memory());
    kept->copy = std::string();
    kept->unwritten = std::string();
    if (kept->draft && !kept->writing) house_.spool.discard(std::move(*kept->draft));
}

}  // namespace holdfast::qmgr
