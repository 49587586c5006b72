// A room of smtpin with a real loop, a parent, a qmgr and clients around it, all in this process
// and in a network of its own.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtpd/smtpin/room.h"

namespace holdfast::smtpin {

// The far end of the channel to qmgr: raw packets, so that they can be counted.
class FakeQueue {
  public:
    explicit FakeQueue(UniqueFd socket) : socket_(std::move(socket)) {}

    // Takes what has come and answers it, unless told to be silent.
    void pump();
    void send(links::QmgrToSmtpin message);
    void send_raw(std::string_view frame);
    // For all that has come and was not credited.
    void give_credit();
    std::size_t uncredited() const { return uncredited_; }

    bool answers_questions = true;
    bool gives_credit = true;
    bool commits = true;

    std::size_t packets = 0;
    std::vector<std::string> asked;  // recipients
    std::vector<std::uint64_t> questions;
    std::vector<std::string> committed;  // bodies
    std::vector<std::uint64_t> ended;    // transactions
    std::size_t aborted = 0;
    std::size_t outstanding = 0;  // most body bytes that were uncredited at once
    bool closed = false;

  private:
    void take(links::SmtpinToQmgr&& message);

    UniqueFd socket_;
    std::size_t uncredited_ = 0;
    std::uint64_t transaction_ = 0;
    std::string body_;
};

class TestClient {
  public:
    explicit TestClient(std::uint16_t port);

    // Nothing waits: returns how much the socket took.
    std::size_t send(std::string_view bytes);
    // What has come so far.
    const std::string& received();
    bool at_end();
    // The last whole line, without its end.
    std::string last_line();
    // For somebody else to go on with.
    UniqueFd take_socket() { return std::move(socket_); }
    // Closes with a reset.
    void vanish();
    void close() { socket_.reset(); }

  private:
    void read();

    UniqueFd socket_;
    std::string received_;
    bool at_end_ = false;
};

class House {
  public:
    explicit House(links::SmtpinSnapshot snapshot = {"mx.example", 50'000'000, 100, 10, 5},
                   const Clock& clock = real_clock(), Room::Lease lease = {});

    ~House() { last_call(); }

    // Turns the loop until it holds; fails the test after some seconds.
    void until(const std::function<bool()>& holds);
    // Turns the loop for a time; returns how often.
    std::size_t turn_for(Duration time);

    // Another listener; returns its port.
    std::uint16_t listen(links::TlsMode tls);

    // A new qmgr, as after a crash.
    void replace_queue();
    void tell_room(links::ParentToSmtpin message) { parent_->send(std::move(message)); }
    // The parent dies without a word.
    void lose_parent() { parent_.reset(); }
    // A parent that came later is stopped.
    void last_call();

    // From the room.
    void on(links::Ready&&) { ready = true; }
    void on(links::Malformed&& message) { malformed.push_back(message.sender); }
    void on(links::Serving&&) { serving = true; }
    void on(links::LogLost&&) {}
    void on(links::NotAccepting&&) { accepting = false; }
    void on(links::CertificatesLoaded&& message) { loaded.push_back(std::move(message)); }
    void on(links::CertificatesInUse&& message) { in_use.push_back(message.set); }
    void on(links::CertificatesFree&& message) { free.push_back(message.set); }
    void on_end(ChannelEnd) {}

    // A client that has been greeted and is behind "354".
    std::unique_ptr<TestClient> client_in_body();

    Loop loop;
    std::uint16_t port = 0;
    UniqueFd listener;  // as the parent holds it
    std::unique_ptr<FakeQueue> queue;
    bool ready = false;
    bool serving = false;
    bool accepting = true;
    std::vector<links::Room> malformed;
    std::vector<links::CertificatesLoaded> loaded;
    std::vector<std::uint64_t> in_use;
    std::vector<std::uint64_t> free;

  private:
    std::optional<Channel<links::ParentToSmtpin, links::SmtpinToParent>> parent_;
    std::unique_ptr<Timer> tick_;
    std::string life_ = "/tmp/holdfast-life-XXXXXX";
    std::unique_ptr<Room> room_;
};

}  // namespace holdfast::smtpin
