#include "tests/smtpd/smtpin/openings.h"

#include "tests/catch.h"

namespace holdfast::smtpin {

Policy large_policy() {
    Policy policy = test_policy();
    policy.max_message_bytes = 50'000'000;
    return policy;
}

void answer_all(Dialogue& dialogue) {
    for (const auto& frame : dialogue.take_frames()) {
        if (const auto* query = std::get_if<links::RecipientQuery>(&frame)) {
            dialogue.apply(
                dialogue.session().on(links::RecipientReply{query->query, {}}, dialogue.now()));
        }
        if (const auto* chunk = std::get_if<links::Chunk>(&frame)) {
            const auto bytes = static_cast<std::uint32_t>(chunk->bytes.size());
            dialogue.apply(
                dialogue.session().on(links::Credit{chunk->transaction, bytes}, dialogue.now()));
        }
        if (const auto* end = std::get_if<links::End>(&frame)) {
            dialogue.apply(
                dialogue.session().on(links::Committed{end->transaction}, dialogue.now()));
        }
    }
}

void open_body(Dialogue& dialogue) {
    dialogue.send(
        "EHLO c.example\r\nMAIL FROM:<a@c.example>\r\nRCPT TO:<b@mx.example>\r\nDATA\r\n");
    answer_all(dialogue);
    REQUIRE(dialogue.take_replies().back().starts_with("354 "));
}

}  // namespace holdfast::smtpin
