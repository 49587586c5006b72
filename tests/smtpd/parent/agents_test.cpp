#include "smtpd/parent/agents.h"

#include <csignal>
#include <filesystem>
#include <fstream>

#include "smtpd/base/descriptors.h"
#include "smtpd/loop/loop.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

// A house whose mda is a script: it lives until its parent lets go of its channel, or until a
// file is there.
struct Stage {
    std::string folder;
    Loop loop;
    std::vector<std::uint64_t> spawned;
    std::vector<std::string> refused;
    std::vector<UniqueFd> channels;
    std::function<void(std::uint64_t)> on_spawned;
    Agents agents{loop, [this](auto reply) {
                      std::visit([this](auto& message) { this->take(message); }, reply);
                  }};

    explicit Stage(const std::string& script) {
        char name[] = "/tmp/holdfast-agents-XXXXXX";
        folder = mkdtemp(name);
        std::ofstream(folder + "/mda") << "#!/bin/sh\n" << script;
        std::filesystem::permissions(folder + "/mda", std::filesystem::perms::owner_all);
        Outfit outfit;
        outfit.libexec = folder;
        outfit.log = 2;
        agents.configure(outfit, duplicate(2));
        agents.when_empty([this] { loop.stop(); });
    }
    ~Stage() { std::filesystem::remove_all(folder); }

    void take(links::MdaSpawned& message) {
        spawned.push_back(message.request);
        channels.push_back(std::move(message.channel));
        if (on_spawned) on_spawned(message.request);
    }
    void take(links::MdaRefused& message) { refused.push_back(message.why); }
};

}  // namespace

TEST_CASE("an agent is spawned for a name and its end is noticed") {
    Stage stage("exit 0\n");
    stage.agents.spawn({7, "alice"});
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{7});
    REQUIRE_FALSE(stage.agents.empty());
    stage.loop.run();
    REQUIRE(stage.agents.empty());
}

TEST_CASE("a channel refuses from its birth the descriptors that it never carries") {
    Stage stage("exit 0\n");
    stage.agents.spawn({7, "alice"});
    const auto without = make_channel(DescriptorsPass::no);
    const auto with = make_channel();
    refuse_descriptors(with->first.get());
    if (!refuses_descriptors(with->first.get())) return;  // Linux before 6.16
    CHECK(refuses_descriptors(stage.channels.at(0).get()));
    CHECK(refuses_descriptors(without->first.get()));
    CHECK(refuses_descriptors(without->second.get()));
    CHECK_FALSE(refuses_descriptors(with->second.get()));
}

TEST_CASE("two agents of one user never live at the same time") {
    Stage stage("echo start $1 >> \"$(dirname $0)/log\"; exit 0\n");
    stage.agents.spawn({1, "alice"});
    stage.agents.spawn({2, "alice"});
    stage.agents.spawn({3, "bob"});
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{1, 3});
    stage.loop.run();
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{1, 3, 2});
}

TEST_CASE("what is no login name is refused without starting anything") {
    Stage stage("exit 0\n");
    for (const char* name : {"", "-x", "a/b", "a b", "a\nb", "a:b"}) stage.agents.spawn({1, name});
    stage.agents.spawn({1, std::string(65, 'a')});
    REQUIRE(stage.refused.size() == 7);
    REQUIRE(stage.agents.empty());
}

TEST_CASE("requests of a dead qmgr are forgotten") {
    Stage stage("exit 0\n");
    stage.agents.spawn({1, "alice"});
    stage.agents.spawn({2, "alice"});
    stage.agents.forget_requests();
    stage.loop.run();
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{1});
}

TEST_CASE("an agent that qmgr has given up and its user has stopped is killed after a while") {
    Stage stage("kill -STOP $$; exit 0\n");
    stage.agents.spawn({1, "alice"});
    stage.agents.spawn({2, "alice"});
    stage.agents.spawn({3, "alice"});
    stage.agents.abandon({1});
    stage.agents.abandon({2});
    stage.agents.abandon({99});
    stage.on_spawned = [&](std::uint64_t request) {
        CHECK(request == 3);  // nobody gives this one up; the second never came to be
        stage.agents.kill_all(SIGKILL);
    };
    const auto begun = real_clock().mono();
    stage.loop.run();
    CHECK(real_clock().mono() - begun >= Agents::end_limit);
    CHECK(stage.spawned == std::vector<std::uint64_t>{1, 3});
}
