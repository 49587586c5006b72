#include "smtpd/parent/agents.h"

#include <filesystem>
#include <fstream>

#include <fcntl.h>

#include "smtpd/loop/loop.h"
#include "tests/catch.h"

using namespace holdfast;

namespace {

std::string make_folder() {
    char name[] = "/tmp/holdfast-agents-XXXXXX";
    return mkdtemp(name);
}

// A house whose mda is a script: it lives until its parent lets go of its channel, or until a
// file is there.
struct Stage {
    std::string folder = make_folder();
    Loop loop;
    std::vector<std::uint64_t> spawned;
    std::vector<std::string> refused;
    std::vector<UniqueFd> channels;
    std::function<void(std::uint64_t)> on_spawned;
    std::vector<std::uint32_t> idle;
    Agents agents{loop, folder + "/agents", [this](std::uint32_t, auto reply) {
                      std::visit([this](auto& message) { this->take(message); }, reply);
                  }};

    explicit Stage(const std::string& script) {
        const std::string path = folder + "/mda";
        std::ofstream(path) << "#!/bin/sh\nFOLDER=" << folder << "\n" << script;
        std::filesystem::permissions(path, std::filesystem::perms::owner_all);
        agents.when_none([this](std::uint32_t generation) {
            idle.push_back(generation);
            if (!agents.any(1) && !agents.any(2)) loop.stop();
        });
    }
    // A script is opened once more by its interpreter: its descriptor has to survive the exec.
    Agents::Kit kit(std::uint32_t generation = 1) const {
        std::map<std::string, Image::Pinned, std::less<>> files;
        const std::string path = folder + "/mda";
        files.emplace("mda", Image::Pinned{path, UniqueFd(open(path.c_str(), O_RDONLY))});
        Outfit outfit;
        outfit.image = std::make_shared<const Image>(std::move(files));
        outfit.generation = generation;
        outfit.log = 2;
        return std::make_shared<const AgentKit>(outfit, duplicate(2));
    }
    void spawn(links::SpawnMda request) { agents.spawn(kit(), std::move(request)); }
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
    stage.spawn({7, "alice"});
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{7});
    REQUIRE(stage.agents.any(1));
    stage.loop.run();
    REQUIRE_FALSE(stage.agents.any(1));
}

TEST_CASE("a channel refuses from its birth the descriptors that it never carries") {
    Stage stage("exit 0\n");
    stage.spawn({7, "alice"});
    const auto without = make_channel(DescriptorsPass::no);
    const auto with = make_channel();
    refuse_descriptors(with->first.get());
    if (!refuses_descriptors(with->first.get())) return;  // Linux before 6.16
    CHECK(refuses_descriptors(stage.channels.at(0).get()));
    CHECK(refuses_descriptors(without->first.get()));
    CHECK(refuses_descriptors(without->second.get()));
    CHECK_FALSE(refuses_descriptors(with->second.get()));
}

TEST_CASE("another parent knows of an agent that it has not started, for as long as it lives") {
    Stage stage("read -r word <&3; exit 0\n");
    const Agents later(stage.loop, stage.folder + "/agents", {});
    CHECK_FALSE(later.strangers_live().value());
    stage.spawn({7, "alice"});
    CHECK(later.strangers_live().value());
    stage.agents.kill_all(1);
    stage.loop.run();
    CHECK_FALSE(later.strangers_live().value());
}

TEST_CASE("two agents of one user never live at the same time") {
    Stage stage("echo start $1 >> \"$FOLDER/log\"; exit 0\n");
    stage.spawn({1, "alice"});
    stage.spawn({2, "alice"});
    stage.spawn({3, "bob"});
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{1, 3});
    stage.loop.run();
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{1, 3, 2});
}

TEST_CASE("what is no login name is refused without starting anything") {
    Stage stage("exit 0\n");
    for (const char* name : {"", "-x", "a/b", "a b", "a\nb", "a:b"}) stage.spawn({1, name});
    stage.spawn({1, std::string(65, 'a')});
    REQUIRE(stage.refused.size() == 7);
    REQUIRE_FALSE(stage.agents.any(1));
}

TEST_CASE("requests of a dead qmgr are forgotten") {
    Stage stage("exit 0\n");
    stage.spawn({1, "alice"});
    stage.spawn({2, "alice"});
    stage.agents.forget_requests(1);
    stage.loop.run();
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{1});
}

TEST_CASE("an agent that qmgr has given up and its user has stopped is killed after a while") {
    Stage stage("kill -STOP $$; exit 0\n");
    stage.spawn({1, "alice"});
    stage.spawn({2, "alice"});
    stage.spawn({3, "alice"});
    stage.agents.abandon(1, {1});
    stage.agents.abandon(1, {2});
    stage.agents.abandon(1, {99});
    stage.on_spawned = [&](std::uint64_t request) {
        CHECK(request == 3);  // nobody gives this one up; the second never came to be
        stage.agents.kill_all(1);
    };
    const auto begun = real_clock().mono();
    stage.loop.run();
    CHECK(real_clock().mono() - begun >= Agents::end_limit);
    CHECK(stage.spawned == std::vector<std::uint64_t>{1, 3});
}

TEST_CASE("agents of one user don't meet across generations") {
    Stage stage("exit 0\n");
    stage.agents.spawn(stage.kit(1), {1, "alice"});
    stage.agents.spawn(stage.kit(2), {2, "alice"});
    REQUIRE(stage.spawned == std::vector<std::uint64_t>{1});
    CHECK(stage.agents.any(1));
    CHECK_FALSE(stage.agents.any(2));
    stage.loop.run();
    CHECK(stage.spawned == std::vector<std::uint64_t>{1, 2});
    CHECK(stage.idle == std::vector<std::uint32_t>{1, 2});
}

TEST_CASE("agents and those who wait for one are taken over by another program") {
    Stage stage("read -r word <&3; exit 0\n");
    stage.spawn({1, "alice"});
    stage.spawn({2, "alice"});
    Stage heir("exit 0\n");
    heir.agents.adopt(stage.agents.state(), [&](std::uint32_t) { return heir.kit(); });
    REQUIRE(heir.agents.any(1));
    CHECK(heir.agents.status().front().detail == "alice");
    heir.agents.kill_all(1);
    heir.loop.run();
    CHECK(heir.spawned == std::vector<std::uint64_t>{2});
}
