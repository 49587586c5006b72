// Does to a submission what `control` does, with the library's own parts, and prints what would
// go into the queue: "key value" lines, an empty line, the message. The file holds packets as in
// drop/.
//
//     complete_file FILE UID USER FULL-NAME ORIGIN
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "smtpd/base/packet.h"
#include "smtpd/base/quote.h"
#include "smtpd/links/control_client.h"
#include "smtpd/mail/address.h"
#include "smtpd/mail/completion.h"

namespace {

using namespace holdfast;

struct Received {
    links::Submit submit;
    std::vector<std::string> recipients;
    std::string text;
    bool ended = false;
};

[[noreturn]] void give_up(const char* why) {
    std::fprintf(stderr, "complete_file: %s\n", why);
    std::exit(1);
}

void take(Received& received, links::ClientToControl&& message) {
    if (auto* submit = std::get_if<links::Submit>(&message)) {
        received.submit = std::move(*submit);
    } else if (auto* some = std::get_if<links::SubmitRecipients>(&message)) {
        std::ranges::move(some->recipients, std::back_inserter(received.recipients));
    } else if (auto* bytes = std::get_if<links::SubmitBytes>(&message)) {
        if (bytes->bytes.size() > max_chunk) give_up("a chunk is too large");
        received.text += bytes->bytes;
    } else if (std::get_if<links::SubmitEnd>(&message) != nullptr) {
        received.ended = true;
    } else {
        give_up("not a submission");
    }
}

Received decode(std::string_view file) {
    Received received;
    while (!file.empty()) {
        auto packet = take_frame(file);
        if (!packet || packet->size() > max_packet) give_up("bad packet");
        while (!packet->empty()) {
            const auto frame = take_frame(*packet);
            if (!frame) give_up("bad frame");
            links::Decoder decoder(*frame, {}, links::Tail::skip);
            auto message = decoder.take_frame<links::ClientToControl>();
            if (!message || received.ended) give_up("bad message");
            take(received, std::move(*message));
        }
    }
    if (!received.ended) give_up("no end");
    if (received.text.size() != received.submit.length) give_up("wrong length");
    return received;
}

Completion facts(char** argv, const Received& received) {
    Completion facts;
    facts.work = received.submit.complete_header ? HeaderWork::complete : HeaderWork::keep;
    facts.uid = static_cast<std::uint32_t>(std::atol(argv[2]));
    facts.user = argv[3];
    facts.full_name = argv[4];
    facts.origin = argv[5];
    facts.hostname = argv[5];
    facts.given_name = received.submit.full_name;
    facts.id = received.submit.id;
    facts.now = real_clock().wall();
    const std::string& sender = received.submit.sender;
    const auto address = received.submit.sender_given
                             ? Address::parse_with_origin(sender, facts.origin)
                             : login_address(facts.user, facts.uid, facts.origin);
    if (!address && !(received.submit.sender_given && sender.empty())) give_up("bad sender");
    if (address) facts.sender = address->text();
    return facts;
}

void print_recipients(const Received& received, const std::string& origin) {
    for (const std::string& recipient : received.recipients) {
        const auto address = Address::parse_with_origin(recipient, origin);
        if (!address) give_up("bad recipient");
        std::cout << "recipient " << percent_encoded(address->text()) << '\n';
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 6) give_up("usage: FILE UID USER FULL-NAME ORIGIN");
    std::ifstream file(argv[1], std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    const Received received = decode(bytes);
    const Completion known = facts(argv, received);
    std::cout << "id " << received.submit.id.text() << '\n';
    std::cout << "sender " << percent_encoded(known.sender) << '\n';
    std::cout << "notify " << int{received.submit.notify} << '\n';
    std::cout << "return " << static_cast<int>(received.submit.ret) << '\n';
    std::cout << "envid " << percent_encoded(received.submit.envid) << '\n';
    std::cout << "eight_bit " << received.submit.eight_bit << '\n';
    std::cout << "hops " << received.submit.hops << '\n';
    for (const std::string& piece : received.submit.unreadable) {
        std::cout << "unreadable " << percent_encoded(piece) << '\n';
    }
    print_recipients(received, known.origin);
    const std::size_t header = header_length(received.text).value_or(received.text.size());
    std::cout << '\n'
              << complete_header(std::string_view(received.text).substr(0, header), known).bytes
              << received.text.substr(header);
}
