#include "ctl/sendmail/submission.h"

#include <string>
#include <vector>

#include "smtpd/base/packet.h"
#include "tests/catch.h"

using namespace holdfast;
using namespace holdfast::sendmail;

namespace {

using Texts = std::vector<std::string>;

Options with_t() {
    Options options;
    options.recipient_source = RecipientSource::header_too;
    return options;
}

Attempt<Submission> composed(const Options& options, const Texts& operands, std::string text) {
    auto recipients = operand_recipients(operands);
    REQUIRE(recipients);
    return compose(options, std::move(*recipients), std::move(text));
}

// What a reader of the packets gets.
struct Read {
    Texts recipients;
    std::string text;
    std::size_t packets = 0;
    bool ended = false;
};

Read read_back(const Submission& submission) {
    Read read;
    for_each_packet(submission, [&](std::string_view packet, More more) {
        CHECK(packet.size() <= max_packet);
        ++read.packets;
        for (std::string_view rest = packet; !rest.empty();) {
            const auto frame = take_frame(rest);
            REQUIRE(frame);
            links::Decoder decoder(*frame, {}, links::Tail::strict);
            auto message = decoder.take_frame<links::ClientToControl>();
            REQUIRE(message);
            CHECK_FALSE(read.ended);
            if (auto* some = std::get_if<links::SubmitRecipients>(&*message)) {
                for (auto& recipient : some->recipients) read.recipients.push_back(recipient);
            } else if (auto* bytes = std::get_if<links::SubmitBytes>(&*message)) {
                CHECK(bytes->bytes.size() <= max_chunk);
                read.text += bytes->bytes;
            } else if (std::get_if<links::SubmitEnd>(&*message) != nullptr) {
                read.ended = true;
                CHECK(more == More::no);
            }
        }
        return true;
    });
    return read;
}

}  // namespace

TEST_CASE("with -t the header's recipients follow the operands, in their order") {
    const auto submission = composed(with_t(), {"c@x,b", "a@X"}, "To: a@x, d\nCc: B@x\n\n");
    REQUIRE(submission);
    CHECK(submission->recipients == Texts{"c@x", "b", "a@X", "a@x", "d", "B@x"});
}

TEST_CASE("without -t the header names nobody") {
    CHECK(composed({}, {"a@x"}, "To: b@x\n\n")->recipients == Texts{"a@x"});
    CHECK(composed({}, {}, "To: b@x\n\n").error().status == EX_USAGE);
}

TEST_CASE("nobody to send to is a usage error, nobody readable a data error") {
    CHECK(composed(with_t(), {}, "Subject: x\n\n").error().status == EX_USAGE);
    CHECK(composed(with_t(), {}, "To: g:;\nCc:\n\n").error().status == EX_USAGE);
    const auto unreadable = composed(with_t(), {}, "To: <broken\x1b\n\n");
    CHECK(unreadable.error().status == EX_DATAERR);
    CHECK(unreadable.error().text.find("<broken\\x1B") != std::string::npos);
}

TEST_CASE("good recipients are served and the unreadable ones handed on") {
    const auto submission = composed(with_t(), {}, "To: a@x, <broken, John Smith\n\n");
    CHECK(submission->recipients == Texts{"a@x"});
    CHECK(submission->submit.unreadable == Texts{"<broken", "John Smith"});
}

TEST_CASE("operands are all readable or none is taken") {
    for (const char* bad : {"a@b@c", "|/bin/cat", "/tmp/x", ":include:/etc/passwd", "a@x\nb@y",
                            "a\tb", "\x7f", "<>", "\"a", "caf\xc3\xa9@x"}) {
        INFO(bad);
        const auto recipients = operand_recipients(Texts{"good@x", bad});
        REQUIRE_FALSE(recipients);
        CHECK(recipients.error().status == EX_DATAERR);
    }
    CHECK(operand_recipients(Texts{"", " "})->empty());
}

TEST_CASE("private fields go and the body stays, byte for byte") {
    const auto text = [](std::string message) {
        return composed({}, {"a@x"}, std::move(message))->text;
    };
    CHECK(text("From x\nA: b\nBcc: c\n d\n\nBcc: body\n") == "A: b\n\nBcc: body\n");
    CHECK(text("no header\n") == "\nno header\n");
    CHECK(text("A: b\nno field\n\nc\n") == "A: b\n\nno field\n\nc\n");
    CHECK(text("") == "\n");
    CHECK(text("A: b\n") == "A: b\n\n");
}

TEST_CASE("packets carry everything once, within their limits, and the same again") {
    for (const std::size_t size : {std::size_t{0}, max_chunk - 2, max_chunk - 1, max_packet,
                                   3 * max_chunk, std::size_t{1'000'000}}) {
        Texts operands;
        for (std::size_t i = 0; i < size / 50; ++i) operands.push_back(std::to_string(i) + "@x");
        operands.emplace_back("last@x");
        const auto submission = composed({}, operands, "\n" + std::string(size, 'b'));
        REQUIRE(submission);
        CHECK(submission->submit.length == size + 1);
        const Read read = read_back(*submission);
        CHECK(read.recipients == operands);
        CHECK(read.text == submission->text);
        CHECK(read.ended);
        CHECK(read_back(*submission).packets == read.packets);
    }
}
