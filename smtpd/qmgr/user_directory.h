// What the users room knows, asked once and remembered for a short while. While that room is away
// questions wait for its successor, up to a deadline.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "smtpd/links/users_client.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/watch.h"
#include "smtpd/qmgr/router.h"

namespace holdfast::qmgr {

// Answers of the last seconds; when there are too many, all are forgotten.
class UserCache {
  public:
    static constexpr std::size_t max_answers = 8192;
    static constexpr Duration found_for = std::chrono::seconds(30);
    static constexpr Duration unknown_for = std::chrono::seconds(3);

    const UserAnswer* find(std::string_view name, MonoTime now) const;
    void store(std::string_view name, UserAnswer answer, MonoTime now);

  private:
    struct Item {
        UserAnswer answer;
        MonoTime until;
    };
    std::map<std::string, Item, std::less<>> items_;
};

class UserDirectory {
  public:
    // How long an answer is waited for, the users room's restart included.
    static constexpr Duration patience = std::chrono::seconds(10);

    // `on_malformed` is called when the users room broke the protocol (its channel is closed).
    UserDirectory(Loop& loop, std::function<void()> on_malformed);

    void connect(UniqueFd channel);

    using Attempt = std::function<Route(const KnownUser&)>;
    using Done = std::function<void(Route)>;
    // Calls `attempt`, asks what it wants to know, and calls it again, until it has no questions;
    // then `done` once, perhaps before this returns. `alive` guards both: where it has expired,
    // neither is called any more.
    void route(Attempt attempt, Done done, std::weak_ptr<const void> alive);

    // Of the channel.
    void on(links::UserReply&& reply);
    void on_end(ChannelEnd how);

  private:
    using Answered = std::function<void(const UserAnswer&)>;
    struct Question {
        std::string name;
        MonoTime deadline;
        std::vector<Answered> waiting;
    };
    struct Search;

    void advance(const std::shared_ptr<Search>& search);
    void ask(const std::string& name, Answered answered);
    void send(std::uint64_t request, const std::string& name);
    void answer(std::uint64_t request, const UserAnswer& answer);
    void give_up_late_ones();

    Loop& loop_;
    std::function<void()> on_malformed_;
    std::unique_ptr<Channel<links::ToUsers, links::FromUsers>> channel_;
    UserCache cache_;
    std::map<std::uint64_t, Question> questions_;              // by request, so by deadline too
    std::unordered_map<std::string, std::uint64_t> requests_;  // by name
    std::uint64_t last_request_ = 0;
    Timer deadline_;
};

}  // namespace holdfast::qmgr
