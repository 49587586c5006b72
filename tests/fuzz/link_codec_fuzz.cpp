// Every link's decoder, strict and skipping: whatever decodes is encoded again, and must then
// decode to the same. The first byte chooses the link.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>

#include "smtpd/links/codec.h"
#include "smtpd/links/control_client.h"
#include "smtpd/links/control_qmgr.h"
#include "smtpd/links/parent_control.h"
#include "smtpd/links/parent_mda.h"
#include "smtpd/links/parent_qmgr.h"
#include "smtpd/links/parent_smtpin.h"
#include "smtpd/links/parent_users.h"
#include "smtpd/links/qmgr_mda.h"
#include "smtpd/links/smtpin_qmgr.h"
#include "smtpd/links/snapshots.h"
#include "smtpd/links/users_client.h"

namespace {

using namespace holdfast;
using namespace holdfast::links;

// All links, and the snapshots as if they were messages.
using Links = std::tuple<ClientToControl, ControlToClient, ControlToQmgr, QmgrToControl,
                         ParentToControl, ControlToParent, ParentToMda, MdaToParent, ParentToQmgr,
                         QmgrToParent, ParentToSmtpin, SmtpinToParent, ParentToUsers, UsersToParent,
                         QmgrToMda, MdaToQmgr, SmtpinToQmgr, QmgrToSmtpin, ToUsers, FromUsers,
                         std::variant<Plan, SmtpinSnapshot, ControlSnapshot, QmgrSnapshot,
                                      UsersSnapshot, MdaSnapshot, AliasSnapshot>>;

template <class Variant>
std::string encoded(const Variant& message) {
    Encoder encoder;
    encoder.put_frame(message);
    return encoder.bytes;
}

template <class Variant>
void try_link(std::string_view frame, Tail tail) {
    // Without descriptors: a message that claims one is malformed.
    Decoder decoder(frame, {}, tail);
    const auto message = decoder.take_frame<Variant>();
    if (!message) return;
    const std::string once = encoded(*message);
    if (tail == Tail::strict && once != frame) std::abort();
    Decoder again(once, {}, tail);
    const auto second = again.take_frame<Variant>();
    if (!second || encoded(*second) != once) std::abort();
}

template <std::size_t... indexes>
void try_chosen(std::size_t choice, std::string_view frame, std::index_sequence<indexes...>) {
    const auto attempt = [&]<std::size_t index>() {
        if (index != choice) return;
        try_link<std::tuple_element_t<index, Links>>(frame, Tail::strict);
        try_link<std::tuple_element_t<index, Links>>(frame, Tail::skip);
    };
    (attempt.template operator()<indexes>(), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view frame(reinterpret_cast<const char*>(data + 1), size - 1);
    constexpr std::size_t count = std::tuple_size_v<Links>;
    try_chosen(data[0] % count, frame, std::make_index_sequence<count>());
    return 0;
}
