// Messages and small acts that every test of the queue needs.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "queue/store.h"
#include "tests/queue/fake_fs.h"

namespace holdfast::queue {

inline constexpr WallTime sample_time{std::chrono::milliseconds(1'800'000'000'000)};

// Always the same id for a number.
MessageId sample_id(unsigned number);

// From a@example.org to as many recipients r0@example.net, r1...
Envelope sample_envelope(unsigned number, std::size_t recipients = 1);
Envelope local_envelope(unsigned number, std::uint32_t uid = 1000);

inline std::string sample_body(unsigned number) {
    return "Subject: message " + std::to_string(number) + "\n\nHello.\n";
}

// Opens a store; the test fails where that is impossible.
std::unique_ptr<Store> open_store(FakeFileSystem& fs);

// Publishes without syncing queue/.
Result<Publication> publish(Store& store, const Envelope& envelope, std::string_view body);

// Publishes and syncs: accepted. The test fails where that is impossible.
Publication accept(Store& store, const Envelope& envelope, std::string_view body);

// All of queue/.
std::vector<MessageId> queued(Store& store);

// The whole body, or nothing.
std::string body_of(Store& store, const MessageId& id, const BodyPlace& place);

LogEntry attempted(std::uint32_t recipient, Verdict verdict, std::string target = {});

}  // namespace holdfast::queue
