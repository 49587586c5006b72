#include "tests/queue/samples.h"

#include <cstdio>

#include "tests/catch.h"

namespace holdfast::queue {

MessageId sample_id(unsigned number) {
    std::array<char, MessageId::text_length + 1> text{};
    std::snprintf(text.data(), text.size(), "01KAQ%021u", number);
    return MessageId::parse(text.data()).value();
}

Envelope sample_envelope(unsigned number, std::size_t recipients) {
    Envelope envelope;
    envelope.id = sample_id(number);
    envelope.admitted = sample_time.time_since_epoch().count();
    envelope.client = "[192.0.2.1]:4711";
    envelope.helo = "client.example";
    envelope.sender = "a@example.org";
    for (std::size_t i = 0; i < recipients; ++i) {
        envelope.recipients.push_back({"r" + std::to_string(i) + "@example.net", "", 12});
    }
    return envelope;
}

Envelope local_envelope(unsigned number, std::uint32_t uid) {
    Envelope envelope = sample_envelope(number);
    envelope.source = Source::local;
    envelope.uid = uid;
    envelope.client.clear();
    envelope.helo.clear();
    return envelope;
}

std::unique_ptr<Store> open_store(FakeFileSystem& fs) {
    auto store = Store::open(fs, fs.open_root());
    if (!store) FAIL(store.error().text());
    return std::move(*store);
}

Result<Publication> publish(Store& store, const Envelope& envelope, std::string_view body) {
    auto draft = store.draft(envelope);
    if (!draft) return draft.error().pass();
    if (const auto appended = draft->append(body); !appended) return appended.error().pass();
    return draft->publish(sample_time);
}

Publication accept(Store& store, const Envelope& envelope, std::string_view body) {
    const auto published = publish(store, envelope, body);
    if (!published) FAIL(published.error().text());
    REQUIRE(store.sync_queue());
    return *published;
}

std::vector<MessageId> queued(Store& store) {
    std::vector<MessageId> ids;
    auto scan = store.scan();
    REQUIRE(scan);
    for (;;) {
        const auto batch = scan->next();
        REQUIRE(batch);
        ids.insert(ids.end(), batch->ids.begin(), batch->ids.end());
        if (batch->last) return ids;
    }
}

std::string body_of(Store& store, const MessageId& id, const BodyPlace& place) {
    const auto body = store.open_body(id, place);
    if (!body) return "";
    const auto bytes = body->read(0, static_cast<std::size_t>(body->length()));
    return bytes.value_or("");
}

LogEntry attempted(std::uint32_t recipient, Verdict verdict, std::string target) {
    const Outcome outcome{verdict, "2.0.0", "a reply", "maildir"};
    return {sample_time.time_since_epoch().count(),
            Attempted{recipient, std::move(target), outcome}};
}

}  // namespace holdfast::queue
