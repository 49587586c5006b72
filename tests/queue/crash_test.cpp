// The house's promise about the queue, tried at every file system call: a little qmgr accepts,
// delivers, records and removes; the machine dies at call number n; what the disk kept, in several
// variants, is opened again, and what was promised must hold.
#include <atomic>
#include <functional>
#include <future>
#include <map>
#include <mutex>
#include <set>

#include "queue/disk_pool.h"
#include "tests/catch.h"
#include "tests/queue/samples.h"

namespace holdfast::queue {

namespace {

using Death = FakeFileSystem::Death;

// What the world outside the spool saw. It survives every crash.
struct World {
    struct Mail {
        Envelope envelope;
        std::string body;
        bool acknowledged = false;                  // to the submitter, as accepted or as a repeat
        unsigned acceptances = 0;                   // times that it was taken in as a new message
        std::map<std::string, unsigned> delivered;  // by recipient
        std::set<std::string> recorded;             // recipients whose success is durably recorded
    };
    std::map<unsigned, Mail> mails;
    std::vector<std::string> broken;  // promises
};

// As much of qmgr as it takes to use the queue as it should be used.
class LittleQmgr {
  public:
    LittleQmgr(World& world, FakeFileSystem& fs, unsigned threads) : world_(world), fs_(fs) {
        auto store = Store::open(fs, fs.open_root());
        if (!store) return;
        store_ = std::move(*store);
        pool_ = std::move(*DiskPool::start(*store_, threads, std::chrono::milliseconds::zero()));
    }

    bool up() const { return store_ && !fs_.dead(); }

    std::future<Commit> submit(unsigned number, const Envelope& envelope, const std::string& body) {
        World::Mail& mail = world_.mails[number];
        mail.envelope = envelope;
        mail.body = body;
        auto promise = std::make_shared<std::promise<Commit>>();
        auto draft = up() ? store_->draft(envelope) : Result<Draft>(plain_error("down"));
        const std::string_view view = body;
        // In pieces, as from a socket.
        for (std::size_t at = 0; draft && at < view.size(); at += 30'000) {
            if (!draft->append(view.substr(at, 30'000))) draft = plain_error("disk");
        }
        if (!draft) {
            promise->set_value(Commit{});
            return promise->get_future();
        }
        pool_->commit(std::move(*draft), sample_time,
                      [promise](Commit commit) { promise->set_value(std::move(commit)); });
        return promise->get_future();
    }

    Commit accept(unsigned number, const Envelope& envelope, const std::string& body) {
        return answered(number, submit(number, envelope, body).get());
    }

    Commit answered(unsigned number, Commit commit) {
        World::Mail& mail = world_.mails[number];
        if (commit.kind == CommitKind::accepted) ++mail.acceptances;
        if (commit.kind == CommitKind::accepted || commit.kind == CommitKind::repeated) {
            mail.acknowledged = true;
        }
        return commit;
    }

    // Delivers to one recipient of a message, and records that where others are pending.
    LogCursor deliver(unsigned number, std::uint32_t recipient, LogCursor at,
                      Durability durability) {
        World::Mail& mail = world_.mails[number];
        const std::string& address = mail.envelope.recipients[recipient].address;
        if (!up()) return at;
        ++mail.delivered[address];
        const std::array entries{attempted(recipient, Verdict::delivered)};
        const auto cursor = store_->record(mail.envelope.id, at, entries, durability);
        if (!cursor) return at;
        if (durability == Durability::synced) mail.recorded.insert(address);
        return *cursor;
    }

    // An attempt that came to nothing: worth no sync.
    LogCursor defer(unsigned number, std::uint32_t recipient, LogCursor at) {
        if (!up()) return at;
        const std::array entries{attempted(recipient, Verdict::retry)};
        const MessageId id = world_.mails[number].envelope.id;
        return store_->record(id, at, entries, Durability::lazy).value_or(at);
    }

    void remove(unsigned number) {
        if (!up()) return;
        World::Mail& mail = world_.mails[number];
        auto removed = std::make_shared<std::promise<bool>>();
        pool_->remove({mail.envelope.id, mail.envelope.source, mail.envelope.uid, sample_time},
                      [removed](const Status& status) { removed->set_value(status.has_value()); });
        if (!removed->get_future().get()) return;
        for (const Recipient& recipient : mail.envelope.recipients) {
            mail.recorded.insert(recipient.address);
        }
    }

    // After a restart: delivers what is pending, and forgets what is settled.
    void run_queue() {
        auto scan = up() ? store_->scan() : Result<Scan>(plain_error("down"));
        while (scan) {
            const auto batch = scan->next();
            if (!batch || batch->last) return;
            if (!batch->strangers.empty()) world_.broken.push_back("a stranger in queue/");
            for (const MessageId& id : batch->ids) run_message(id);
        }
    }

    Store& store() { return *store_; }
    void trouble(const std::string& what) { world_.broken.push_back(what); }

  private:
    unsigned number_of(const MessageId& id) {
        for (const auto& [number, mail] : world_.mails) {
            if (mail.envelope.id == id) return number;
        }
        trouble("a message that nobody sent");
        return 0;
    }

    void run_message(const MessageId& id) {
        const unsigned number = number_of(id);
        const auto message = store_->load(id, sample_time);
        if (!message) {
            if (message.error().fault == LoadFault::finished) return remove(number);
            if (!fs_.dead()) trouble("cannot load: " + message.error().error.text());
            return;
        }
        World::Mail& mail = world_.mails[number];
        if (message->envelope != mail.envelope) return trouble("a wrong envelope");
        if (body_of(*store_, id, message->body) != mail.body && !fs_.dead()) {
            return trouble("a wrong body");
        }
        LogCursor cursor = message->log;
        for (std::uint32_t i = 0; i < message->state.recipients.size(); ++i) {
            if (message->state.recipients[i].settled()) continue;
            if (mail.recorded.contains(mail.envelope.recipients[i].address)) {
                trouble("a recipient that was recorded as delivered is pending again");
            }
            cursor = deliver(number, i, cursor, Durability::synced);
        }
        remove(number);
    }

    World& world_;
    FakeFileSystem& fs_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<DiskPool> pool_;  // ends before the store
};

Envelope local(unsigned number) {
    Envelope envelope = sample_envelope(number, 2);
    envelope.source = Source::local;
    envelope.uid = 1000;
    return envelope;
}

// A day in the life of a queue; ends where the machine does.
void live(World& world, FakeFileSystem& fs) {
    LittleQmgr qmgr(world, fs, 1);
    if (!qmgr.up()) return;
    const Commit one = qmgr.accept(1, sample_envelope(1), "one\n");
    const Commit two = qmgr.accept(2, sample_envelope(2, 2), "two\n");
    qmgr.accept(3, sample_envelope(3), std::string(70'000, '3'));
    const Commit four = qmgr.accept(4, local(4), "four\n");
    if (auto given_up = qmgr.store().draft(sample_envelope(5)); given_up) {
        (void)given_up->append(std::string(70'000, '5'));
    }
    if (two.kind == CommitKind::accepted) {
        const LogCursor cursor = qmgr.defer(2, 0, two.log);
        qmgr.deliver(2, 1, cursor, Durability::synced);
    }
    if (one.kind == CommitKind::accepted) {
        qmgr.deliver(1, 0, one.log, Durability::lazy);
        qmgr.remove(1);
    }
    if (four.kind == CommitKind::accepted) {
        const LogCursor cursor = qmgr.deliver(4, 0, four.log, Durability::synced);
        qmgr.deliver(4, 1, cursor, Durability::lazy);
        qmgr.remove(4);
    }
    qmgr.accept(4, local(4), "four\n");
    qmgr.accept(6, local(6), "six\n");
    if (qmgr.up()) (void)qmgr.store().reap(fs.now + std::chrono::hours(2));
}

// The clients that heard nothing ask again; then the queue is run.
void recover(World& world, FakeFileSystem& fs) {
    LittleQmgr qmgr(world, fs, 1);
    qmgr.run_queue();
    for (const unsigned number : {4U, 6U}) {
        if (!qmgr.up() || !world.mails.contains(number)) continue;
        if (world.mails[number].envelope.source != Source::local) continue;
        const Commit again = qmgr.accept(number, local(number), world.mails[number].body);
        if (again.kind == CommitKind::accepted) qmgr.run_queue();
    }
}

void judge(const World& world, const FakeFileSystem& fs) {
    for (const std::string& broken : world.broken) FAIL_CHECK(broken);
    for (const auto& [number, mail] : world.mails) {
        INFO("message " << number);
        CHECK(mail.acceptances <= 1);
        for (const Recipient& recipient : mail.envelope.recipients) {
            const auto found = mail.delivered.find(recipient.address);
            const unsigned times = found == mail.delivered.end() ? 0 : found->second;
            if (mail.acknowledged) CHECK(times >= 1);
        }
    }
    CHECK(fs.find("queue")->entries.empty());
    CHECK(fs.find("quarantine")->entries.empty());
}

// A delivery whose record a crash took is made again: once for each crash, and never where the
// record was said to be durable, which run_message() sees to.
void judge_counts(const World& world, unsigned crashes) {
    for (const auto& [number, mail] : world.mails) {
        for (const auto& [address, times] : mail.delivered) {
            INFO("message " << number << " to " << address);
            CHECK(times <= 1 + crashes);
        }
    }
}

struct Variant {
    Survive survive;
    unsigned seed;
};

std::vector<Variant> variants(unsigned seeds) {
    std::vector<Variant> all{{Survive::nothing, 0}, {Survive::everything, 0}};
    for (unsigned seed = 1; seed <= seeds; ++seed) all.push_back({Survive::some, seed});
    return all;
}

unsigned calls_of_a_life(bool no_rename_flag) {
    FakeFileSystem fs;
    fs.no_rename_flag = no_rename_flag;
    World world;
    live(world, fs);
    return fs.calls();
}

}  // namespace

TEST_CASE("without a crash everything is delivered once") {
    FakeFileSystem fs;
    World world;
    live(world, fs);
    recover(world, fs);
    judge(world, fs);
    judge_counts(world, 0);
    CHECK(world.mails.size() == 5);
}

TEST_CASE("a crash at any call loses nothing accepted and doubles nothing recorded") {
    const bool no_rename_flag = GENERATE(false, true);
    const Death death = GENERATE(Death::before, Death::after);
    const unsigned calls = calls_of_a_life(no_rename_flag);
    REQUIRE(calls > 60);
    for (unsigned call = 1; call <= calls; ++call) {
        for (const auto& [survive, seed] : variants(5)) {
            INFO("call " << call << " survive " << static_cast<int>(survive) << " seed " << seed);
            FakeFileSystem fs;
            fs.no_rename_flag = no_rename_flag;
            fs.die_at(call, death);
            World world;
            live(world, fs);
            const auto next = fs.crash(survive, seed);
            recover(world, *next);
            judge(world, *next);
            judge_counts(world, 1);
        }
    }
}

TEST_CASE("a second crash during recovery changes nothing of that") {
    const unsigned calls = calls_of_a_life(false);
    for (unsigned call = 5; call <= calls; call += 6) {
        for (unsigned second = 1; second < 200; ++second) {
            INFO("call " << call << " then " << second);
            FakeFileSystem fs;
            fs.die_at(call, Death::after);
            World world;
            live(world, fs);
            const auto next = fs.crash(Survive::some, call + second);
            next->die_at(second, Death::before);
            recover(world, *next);
            if (!next->dead()) break;
            const auto last = next->crash(second % 2 == 0 ? Survive::nothing : Survive::some, call);
            recover(world, *last);
            judge(world, *last);
            judge_counts(world, 2);
        }
    }
}

TEST_CASE("a crash while eight threads commit loses nothing that was accepted") {
    for (unsigned call = 20; call < 140; call += 2) {
        INFO("call " << call);
        FakeFileSystem fs;
        fs.die_at(call, call % 4 == 0 ? Death::before : Death::after);
        World world;
        {
            LittleQmgr qmgr(world, fs, 8);
            std::vector<std::future<Commit>> commits;
            for (unsigned i = 0; i < 24; ++i) {
                commits.push_back(qmgr.submit(i, sample_envelope(i, 2), "Hello.\n"));
            }
            for (unsigned i = 0; i < 24; ++i) qmgr.answered(i, commits[i].get());
        }
        const auto next = fs.crash(call % 3 == 0 ? Survive::nothing : Survive::some, call);
        recover(world, *next);
        judge(world, *next);
        judge_counts(world, 0);
    }
}

}  // namespace holdfast::queue
