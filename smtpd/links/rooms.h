// The rooms of the house by name. A new room is one enumerator, one row in parent/rooms.cpp and
// one folder.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "smtpd/links/codec.h"

namespace holdfast::links {

enum class Room : std::uint8_t { parent, smtpin, control, qmgr, users, mda, probe, signer, relay };

template <>
inline constexpr unsigned enum_limit<Room> = 9;

constexpr std::string_view room_name(Room room) {
    constexpr std::array<std::string_view, 9> names{"parent", "smtpin", "control", "qmgr", "users",
                                                    "mda",    "probe",  "signer",  "relay"};
    return names.at(static_cast<std::size_t>(room));
}

}  // namespace holdfast::links
