#include "tests/smtpd/qmgr/house.h"

#include <algorithm>
#include <filesystem>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "smtpd/base/log.h"
#include "smtpd/links/snapshot_file.h"

namespace holdfast::qmgr {

std::pair<UniqueFd, UniqueFd> socket_pair() {
    std::array<int, 2> fds{};
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds.data()) == 0);
    return {UniqueFd(fds[0]), UniqueFd(fds[1])};
}

Logged::Logged() : file_(memfd_create("log", MFD_CLOEXEC)) {
    log::open(UniqueFd(dup(file_.get())), log::Form::stream, "qmgr");
}

Logged::~Logged() {
    log::open(UniqueFd(dup(STDERR_FILENO)), log::Form::stream, "test");
}

std::size_t Logged::lines(const std::string& part) const {
    std::string text(static_cast<std::size_t>(lseek(file_.get(), 0, SEEK_END)), '\0');
    REQUIRE(pread(file_.get(), text.data(), text.size(), 0) >= 0);
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; ++count) {
        at = text.find(part, at + 1);
    }
    return count;
}

void House::on(links::Settled&& message) {
    settled.insert(settled.end(), message.ids.begin(), message.ids.end());
    if (heir_ != nullptr) heir_->parent->send(std::move(message));
}

// --- The agents ----------------------------------------------------------------------------------

FakeAgent::FakeAgent(House& house, std::string name, UniqueFd fd)
    : user(std::move(name)), house_(house) {
    channel = std::make_unique<Channel<links::MdaToQmgr, links::QmgrToMda>>(house.loop,
                                                                            std::move(fd), *this);
}

void FakeAgent::on(links::Deliver&& deliver) {
    const std::uint64_t job = deliver.job;
    const bool empty = deliver.length == 0;
    jobs[job] = {std::move(deliver), user, {}};
    if (empty) finish(job);
}

void FakeAgent::on(links::Bytes&& bytes) {
    Delivered& job = jobs.at(bytes.job);
    job.body += bytes.bytes;
    channel->send(links::BytesTaken{bytes.bytes.size()});
    REQUIRE(job.body.size() <= job.deliver.length);
    if (job.body.size() == job.deliver.length) finish(bytes.job);
}

void FakeAgent::finish(std::uint64_t job) {
    const Delivered& whole = jobs.at(job);
    const auto outcome = house_.verdict ? house_.verdict(*this, whole) : written;
    if (!outcome) return;
    if (outcome->verdict == Verdict::delivered) house_.delivered.push_back(whole);
    report(job, *outcome);
}

// --- Relay ---------------------------------------------------------------------------------------

void FakeRelay::on(links::Send&& send) {
    ++attempts;
    const std::uint64_t job = send.job;
    jobs[job] = {std::move(send), {}};
    pull(job);
}

void FakeRelay::pull(std::uint64_t number) {
    const Job& job = jobs.at(number);
    const std::uint64_t rest = job.send.length - job.body.size();
    if (rest == 0) return whole(number);
    const auto size = static_cast<std::uint32_t>(std::min<std::uint64_t>(rest, 100'000));
    channel->send(links::Pull{number, job.body.size(), size});
}

void FakeRelay::on(links::BodyBytes&& bytes) {
    Job& job = jobs.at(bytes.job);
    REQUIRE(bytes.offset == job.body.size());
    job.body += bytes.bytes;
    const bool asked_for = job.body.size() == job.send.length || job.body.size() % 100'000 == 0;
    if (asked_for) pull(bytes.job);
}

void FakeRelay::whole(std::uint64_t number) {
    if (house_.relay_verdict) return house_.relay_verdict(*this, number);
    answer(number, {Verdict::delivered, "2.0.0", "250 ok", "mx.example.com"});
}

void FakeRelay::answer(std::uint64_t number, const Outcome& outcome) {
    Job job = std::move(jobs.extract(number).mapped());
    links::Sent verdict{number, {}, links::Way::usable, {}, false};
    verdict.recipients.resize(job.send.recipients.size(), {outcome, false});
    channel->send(links::FinalDot{number});
    channel->send(std::move(verdict));
    if (outcome.verdict == Verdict::delivered) sent.push_back(std::move(job));
}

void FakeRelay::answer(std::uint64_t number, links::Way way, const std::string& why) {
    const Job job = std::move(jobs.extract(number).mapped());
    links::Sent verdict{number, {}, way, why, false};
    verdict.recipients.resize(job.send.recipients.size(), {retry_with(why), false});
    channel->send(std::move(verdict));
}

void House::have_relay(std::uint32_t connections) {
    snapshot.relays = {{"provider", "smtpd.conf:3", "smtps://smtp.example.com:465", connections}};
    snapshot.routes = {{links::RouteBy::all, links::RouteMatch::domain, {}, {0}, "smtpd.conf:3"}};
}

void House::meet_relay() {
    auto [ours, theirs] = socket_pair();
    relay = std::make_unique<FakeRelay>(*this);
    relay->channel = std::make_unique<Channel<links::RelayToQmgr, links::QmgrToRelay>>(
        loop, std::move(ours), *relay);
    parent->send(links::Peer{links::Room::relay, std::move(theirs)});
}

void FakeUsers::on(links::NameQuery&& query) {
    ++queries;
    if (silent) return;
    links::UserReply reply;
    reply.request = query.request;
    reply.name = query.name;
    reply.lookup = names.contains(query.name) ? links::Lookup::found : links::Lookup::unknown;
    channel->send(reply);
}

void FakeControl::on(links::DropBegin&& message) {
    DropSeen& seen = drops[message.drop];
    seen.uid = message.uid;
    seen.bytes.resize(message.length);
    const ssize_t got = read(message.file.get(), seen.bytes.data(), seen.bytes.size());
    REQUIRE(got == static_cast<ssize_t>(seen.bytes.size()));
}

// --- The house -----------------------------------------------------------------------------------

House::House(queue::FileSystem* fs, UniqueFd fake_root)
    : fs_(fs != nullptr ? fs : &queue::real_file_system()), fake_root_(std::move(fake_root)) {
    snapshot.hostname = snapshot.origin = "box.example.net";
    snapshot.local_domains = {"box.example.net", "localhost"};
    std::string path = (std::filesystem::temp_directory_path() / "holdfast-qmgr.XXXXXX").string();
    REQUIRE(mkdtemp(path.data()) != nullptr);
    spool = path;
}

House::House(House& older)
    : spool(older.spool),
      snapshot(older.snapshot),
      schedules(false),
      older_(&older),
      fs_(&queue::real_file_system()) {
    older.heir_ = this;
}

House::~House() {
    room.reset();
    if (older_ != nullptr) {
        older_->heir_ = nullptr;
        return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(spool, ignored);
}

void House::begin() {
    auto [ours, theirs] = socket_pair();
    parent = std::make_unique<Channel<links::ParentToQmgr, links::QmgrToParent>>(
        loop, std::move(ours), *this);
    UniqueFd folder(fake_root_ ? fcntl(fake_root_.get(), F_DUPFD_CLOEXEC, 0)
                               : queue::open_spool(spool.c_str())->release());
    auto opened = Spool::open(loop, *fs_, std::move(fake_root_ ? fake_root_ : folder), 4);
    if (!opened) FAIL(opened.error().text());
    Room::Setup setup{std::move(theirs), Instance::system, snapshot, std::move(*opened), {}, {}};
    if (fs_ == &queue::real_file_system()) {
        setup.folder = spool;
        auto drop = queue::Drop::open(setup.spool->store(), getegid());
        if (!drop) FAIL(drop.error().text());
        setup.drop = DropPickup::Setup{std::move(*drop), spool + "/drop"};
    }
    room = std::make_unique<Room>(loop, std::move(setup));
    meet_users();
    meet_smtpin();
    meet_control();
    if (!snapshot.relays.empty()) meet_relay();
    if (!aliases_.aliases.empty()) alias({}, {});
    go();
    until([this] { return ready; });
}

void House::go() {
    parent->send(links::Go());
    if (schedules) parent->send(links::Schedule());
}

void House::take_over() {
    older_->parent->send(links::Release());
    until([this] { return !older_->released.empty() && !older_->released.back().more; });
    parent->send(links::Schedule{older_->in_hand(), false});
    until([this] {
        settle();
        return control.counts->trouble.empty();
    });
    settle();
}

std::vector<MessageId> House::in_hand() const {
    std::vector<MessageId> ids;
    for (const auto& part : released) {
        ids.insert(ids.end(), part.in_hand.begin(), part.in_hand.end());
    }
    std::erase_if(ids, [this](const MessageId& id) {
        return std::ranges::find(settled, id) != settled.end();
    });
    return ids;
}

void House::start() {
    begin();
    // Until it schedules, and has looked at what was there.
    until([this] {
        settle();
        return control.counts->trouble.empty();
    });
    settle();
}

void House::kill_room() {
    room.reset();
    agents.clear();
    ready = false;
}

void House::meet_smtpin() {
    auto [ours, theirs] = socket_pair();
    smtpin.channel = std::make_unique<Channel<links::SmtpinToQmgr, links::QmgrToSmtpin>>(
        loop, std::move(ours), smtpin);
    smtpin.ended = false;
    parent->send(links::Peer{links::Room::smtpin, std::move(theirs)});
}

void House::meet_control() {
    auto [ours, theirs] = socket_pair();
    control.channel = std::make_unique<Channel<links::ControlToQmgr, links::QmgrToControl>>(
        loop, std::move(ours), control);
    control.ended = false;
    parent->send(links::Peer{links::Room::control, std::move(theirs)});
}

void House::meet_users() {
    auto [ours, theirs] = socket_pair();
    users.channel =
        std::make_unique<Channel<links::FromUsers, links::ToUsers>>(loop, std::move(ours), users);
    parent->send(links::Peer{links::Room::users, std::move(theirs)});
}

void House::until(const std::function<bool()>& condition) {
    const MonoTime end = real_clock().mono() + std::chrono::seconds(60);
    House* other = older_ != nullptr ? older_ : heir_;
    while (!condition()) {
        if (real_clock().mono() > end) FAIL("it did not happen within a minute");
        turn(std::chrono::milliseconds(other != nullptr ? 2 : 20));
        if (other != nullptr) other->turn(std::chrono::milliseconds(2));
    }
}

void House::turn(Duration at_most) {
    Timer beat(loop, [] {});
    beat.set(at_most);
    loop.turn();
}

// A question that goes through the pool is answered behind everything that was asked before it.
void House::settle() {
    for (int i = 0; i < 3; ++i) {
        control.counts.reset();
        control.channel->send(links::CountsQuery{1});
        until([this] { return control.counts.has_value(); });
    }
}

void House::on(links::SpawnMda&& message) {
    spawns.push_back(message);
    if (hold_agents) return;
    if (refuse_agents) return parent->send(links::MdaRefused{message.request, "too many"});
    auto [ours, theirs] = socket_pair();
    agents.push_back(std::make_unique<FakeAgent>(*this, message.user, std::move(ours)));
    parent->send(links::MdaSpawned{message.request, std::move(theirs)});
}

Envelope House::smtp_envelope() const {
    Envelope envelope;
    envelope.id = new_id();
    envelope.client = "[192.0.2.1]:4711";
    envelope.sender = "someone@example.org";
    return envelope;
}

Envelope House::local_envelope() const {
    Envelope envelope;
    envelope.id = new_id();
    envelope.source = Source::local;
    envelope.uid = 1000;
    envelope.sender = "alice@box.example.net";
    return envelope;
}

namespace {

template <class Sender>
void send_message(Sender& channel, std::uint64_t number, const Envelope& envelope,
                  const std::pair<std::vector<std::string>, std::string>& content) {
    channel.send(links::Begin{number, envelope, 0});
    links::Recipients recipients{number, {}, {}};
    for (const auto& address : content.first) {
        recipients.recipients.push_back({address, {}, notify_default});
    }
    channel.send(recipients);
    for (std::size_t at = 0; at < content.second.size(); at += max_chunk) {
        channel.send(links::Chunk{number, content.second.substr(at, max_chunk)});
    }
    channel.send(links::End{number, content.second.size()});
}

}  // namespace

std::uint64_t House::send_smtp(const std::vector<std::string>& recipients,
                               const std::string& body) {
    send_message(*smtpin.channel, ++last_transaction_, smtp_envelope(), {recipients, body});
    return last_transaction_;
}

std::uint64_t House::send_local(const std::vector<std::string>& recipients,
                                std::optional<MessageId> id, const std::string& body) {
    Envelope envelope = local_envelope();
    if (id) envelope.id = *id;
    send_message(*control.channel, ++last_transaction_, envelope, {recipients, body});
    return last_transaction_;
}

std::vector<std::string> House::files(const std::string& folder) const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(spool + "/" + folder)) {
        names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
}

std::vector<Delivered> House::mailbox(const std::string& user) const {
    std::vector<Delivered> result;
    std::ranges::copy_if(delivered, std::back_inserter(result),
                         [&](const Delivered& one) { return one.user == user; });
    return result;
}

void House::flush() {
    control.channel->send(links::FlushQuery{99, {}, std::move(socket_pair().first)});
}

void House::alias(const std::string& name, const std::vector<std::string>& targets) {
    if (!name.empty()) aliases_.aliases.push_back({name, targets, "/etc/aliases:1"});
    std::ranges::sort(aliases_.aliases, {}, &links::Alias::name);
    auto sealed = links::seal_struct("aliases", aliases_);
    REQUIRE(sealed);
    parent->send(links::NewAliases{std::move(*sealed)});
}

}  // namespace holdfast::qmgr
