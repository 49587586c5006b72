// Turns the structs of a link into frames and back. A struct is plain data, and its members are
// what goes over the link, in the order of their declaration:
//
//     struct Chunk {
//         std::uint64_t transaction = 0;
//         std::string bytes;
//     };
//
// A frame is the index of the struct in the link's variant (2 bytes) and its members: integers and
// enums little endian, strings, vectors and structs with a 4-byte length or count in front,
// descriptors beside the bytes, in order and by their places, from 1 on (2 bytes; 0: there is
// none). Decoding never reads past the frame, allocates no more than the frame's own size times a
// constant, and takes nothing for granted. Enums are checked against `enum_limit<E>`.
//
// Members may only be appended. A link that crosses versions (parent to room) is decoded with
// Tail::skip: unknown members at the end are ignored, with the descriptors among them, and missing
// ones keep their defaults. Links between rooms of one generation use Tail::strict.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "smtpd/base/unique_fd.h"
#include "smtpd/links/members.h"

namespace holdfast::links {

enum class Tail : std::uint8_t { strict, skip };

// The number of enumerators of E, which must count from 0. Specialised beside each enum.
template <class E>
inline constexpr unsigned enum_limit = 0;

class Encoder {
  public:
    std::string bytes;
    std::vector<int> fds;  // borrowed from the value until it has been sent

    template <class Variant>
    void put_frame(const Variant& message) {
        put(static_cast<std::uint16_t>(message.index()));
        std::visit([&](const auto& value) { put_members(value); }, message);
    }

    template <class T>
    void put(const T& value) {
        if constexpr (std::is_enum_v<T>) {
            put(static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (std::integral<T>) {
            put_number(static_cast<std::uint64_t>(value), sizeof value);
        } else if constexpr (std::is_same_v<T, UniqueFd>) {
            // A descriptor that is not there is a fact too.
            if (value) fds.push_back(value.get());
            put(static_cast<std::uint16_t>(value ? fds.size() : 0));
        } else if constexpr (Struct<T>) {
            const std::size_t begin = bytes.size();
            put_members(value);
            Encoder length;
            length.put(static_cast<std::uint32_t>(bytes.size() - begin));
            bytes.insert(begin, length.bytes);
        } else {
            if constexpr (!is_array<T>) put(static_cast<std::uint32_t>(value.size()));
            if constexpr (std::is_same_v<T, std::string>) {
                bytes.append(value);
            } else {
                for (const auto& element : value) put(element);
            }
        }
    }

  private:
    void put_number(std::uint64_t value, std::size_t size) {
        for (; size > 0; --size, value >>= 8) bytes.push_back(static_cast<char>(value & 0xff));
    }

    template <class T>
    void put_members(const T& value) {
        std::apply([&](const auto&... member) { (put(member), ...); }, tie_members(value));
    }
};

// Once something is malformed, whatever is taken is a default and good() is false.
class Decoder {
  public:
    // `fds` as the encoder has met them.
    Decoder(std::string_view frame, std::span<UniqueFd> fds, Tail tail)
        : rest_(frame), fds_(fds), tail_(tail) {}

    // Nothing where the frame is malformed or holds a struct that this version does not know.
    template <class Variant>
    std::optional<Variant> take_frame() {
        const auto index = take<std::uint16_t>();
        return take_alternative<Variant>(index,
                                         std::make_index_sequence<std::variant_size_v<Variant>>());
    }

    // A struct that is all of the frame.
    template <class T>
    std::optional<T> take_whole() {
        auto value = take_members<T>();
        if (!good_) return std::nullopt;
        return value;
    }

    // Whether `frame` is well begun, and of a kind that only a later version of the link has.
    template <class Variant>
    static bool is_of_later_kind(std::string_view frame) {
        Decoder decoder(frame, {}, Tail::skip);
        const auto index = decoder.take<std::uint16_t>();
        return decoder.good_ && index >= std::variant_size_v<Variant>;
    }

  private:
    template <class Variant, std::size_t... indexes>
    std::optional<Variant> take_alternative(std::size_t index, std::index_sequence<indexes...>) {
        std::optional<Variant> result;
        const auto attempt = [&]<std::size_t candidate>() {
            if (candidate != index || !good_) return;
            using Alternative = std::variant_alternative_t<candidate, Variant>;
            if (auto value = take_whole<Alternative>()) result.emplace(std::move(*value));
        };
        (attempt.template operator()<indexes>(), ...);
        return result;
    }

    template <class T>
    T take_members() {
        T value{};
        std::apply([&](auto&... member) { (take_member(member), ...); }, tie_members(value));
        if (!rest_.empty() && tail_ == Tail::strict) good_ = false;
        return value;
    }

    template <class T>
    void take_member(T& member) {
        const bool missing = rest_.empty() && tail_ == Tail::skip;
        if (!missing) member = take<T>();
    }

    template <class T>
    T take() {
        if constexpr (std::is_same_v<T, bool>) {
            return take_below(2) == 1;
        } else if constexpr (std::is_enum_v<T>) {
            static_assert(enum_limit<T> > 0, "specialise enum_limit beside the enum");
            static_assert(sizeof(T) == 1, "enums are bytes");
            return static_cast<T>(take_below(enum_limit<T>));
        } else if constexpr (std::integral<T>) {
            return take_number<T>();
        } else if constexpr (std::is_same_v<T, UniqueFd>) {
            return take_fd();
        } else if constexpr (std::is_same_v<T, std::string>) {
            return std::string(take_bytes(take<std::uint32_t>()));
        } else if constexpr (Struct<T>) {
            return take_struct<T>();
        } else if constexpr (is_array<T>) {
            T value{};
            for (auto& element : value) element = take<typename T::value_type>();
            return value;
        } else {
            return take_vector<T>();
        }
    }

    std::string_view take_bytes(std::size_t count) {
        good_ = good_ && count <= rest_.size();
        if (!good_) return {};
        const std::string_view bytes = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return bytes;
    }

    template <class T>
    T take_number() {
        std::uint64_t value = 0;
        unsigned shift = 0;
        for (const char byte : take_bytes(sizeof(T))) {
            value |= std::uint64_t{static_cast<unsigned char>(byte)} << shift;
            shift += 8;
        }
        return static_cast<T>(value);
    }

    std::uint8_t take_below(unsigned limit) {
        const auto number = take_number<std::uint8_t>();
        if (number >= limit) good_ = false;
        return good_ ? number : std::uint8_t{0};
    }

    // Places only grow, so that none is taken twice; those in between were skipped.
    UniqueFd take_fd() {
        const auto place = take<std::uint16_t>();
        if (place == 0) return {};
        good_ = good_ && place > last_place_ && place <= fds_.size();
        if (!good_) return {};
        last_place_ = place;
        return std::move(fds_[place - 1U]);
    }

    template <class T>
    T take_struct() {
        Decoder inner(take_bytes(take<std::uint32_t>()), fds_, tail_);
        inner.last_place_ = last_place_;
        T value = inner.take_members<T>();
        last_place_ = inner.last_place_;
        good_ = good_ && inner.good_;
        return value;
    }

    template <class T>
    T take_vector() {
        const auto count = take<std::uint32_t>();
        // Each element takes a byte at the least: a huge count in a small frame costs nothing.
        if (count > rest_.size()) good_ = false;
        T value;
        for (std::uint32_t i = 0; i < count && good_; ++i) {
            value.push_back(take<typename T::value_type>());
        }
        return value;
    }

    std::string_view rest_;
    std::span<UniqueFd> fds_;
    std::size_t last_place_ = 0;  // of a descriptor that was taken
    Tail tail_;
    bool good_ = true;
};

// Whether a value of T, or of any alternative where T is a variant, can bring descriptors.
template <class T>
constexpr bool holds_descriptors() {
    using Plain = std::remove_cvref_t<T>;
    if constexpr (std::is_same_v<Plain, UniqueFd>) {
        return true;
    } else if constexpr (requires { std::variant_size<Plain>::value; }) {
        return []<std::size_t... indexes>(std::index_sequence<indexes...>) {
            return (holds_descriptors<std::variant_alternative_t<indexes, Plain>>() || ...);
        }(std::make_index_sequence<std::variant_size_v<Plain>>());
    } else if constexpr (Struct<Plain>) {
        using Members = decltype(tie_members(std::declval<Plain&>()));
        return []<std::size_t... indexes>(std::index_sequence<indexes...>) {
            return (holds_descriptors<std::tuple_element_t<indexes, Members>>() || ...);
        }(std::make_index_sequence<std::tuple_size_v<Members>>());
    } else if constexpr (requires { typename Plain::value_type; }) {
        return holds_descriptors<typename Plain::value_type>();
    } else {
        return false;
    }
}

// One struct alone, as in a snapshot.
template <Struct T>
std::string encode_struct(const T& value) {
    static_assert(!holds_descriptors<T>(), "bytes alone cannot carry descriptors");
    Encoder encoder;
    encoder.put(value);
    return std::move(encoder.bytes);
}

template <Struct T>
std::optional<T> decode_struct(std::string_view bytes, Tail tail = Tail::strict,
                               std::span<UniqueFd> fds = {}) {
    if (bytes.size() < 4) return std::nullopt;
    Decoder decoder(bytes.substr(4), fds, tail);
    return decoder.take_whole<T>();
}

}  // namespace holdfast::links
