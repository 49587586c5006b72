// What control asks of the room `users`: who is this uid? A question outlives the death of that
// room, and a failure of the user database: it is put again until it is answered or withdrawn.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "smtpd/links/users_client.h"
#include "smtpd/loop/channel.h"
#include "smtpd/loop/watch.h"

namespace holdfast::control {

class UsersLink {
  public:
    // `on_malformed` is told when the room broke the protocol, after its channel was closed.
    UsersLink(Loop& loop, std::function<void()> on_malformed);

    void attach(UniqueFd channel);

    using Callback = std::function<void(links::UserReply)>;
    // Calls back once, later: Lookup::found or Lookup::unknown. Returns the question's number.
    std::uint64_t ask(std::uint32_t uid, Callback callback);
    void withdraw(std::uint64_t question);

    // For the channel.
    void on(links::UserReply&& reply);
    void on_end(ChannelEnd how);

  private:
    struct Question {
        std::uint32_t uid = 0;
        Callback callback;
        bool failed = false;  // waits to be put again
    };

    void put(std::uint64_t number, const Question& question);
    void put_failed_again();

    Loop& loop_;
    std::function<void()> on_malformed_;
    std::optional<Channel<links::ToUsers, links::FromUsers>> channel_;
    std::unordered_map<std::uint64_t, Question> questions_;
    std::uint64_t last_number_ = 0;
    Timer again_;
};

}  // namespace holdfast::control
