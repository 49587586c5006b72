// Turns the structs of a link into frames and back. A struct lists its members once:
//
//     struct Chunk {
//         std::uint64_t transaction = 0;
//         std::string bytes;
//         static constexpr auto members = std::tuple(&Chunk::transaction, &Chunk::bytes);
//     };
//
// A frame is the index of the struct in the link's variant (2 bytes) and its members: integers and
// enums little endian, strings, vectors and structs with a 4-byte length or count in front,
// descriptors beside the bytes in order. Decoding never reads past the frame, allocates no more
// than the frame's own size times a constant, and takes nothing for granted. Enums are checked
// against `enum_limit<E>`.
//
// Members may only be appended. A link that crosses versions (parent to room) is decoded with
// Tail::skip: unknown members at the end are ignored, missing ones keep their defaults. Links
// between rooms of one generation use Tail::strict.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "smtpd/base/unique_fd.h"

namespace holdfast::links {

enum class Tail : std::uint8_t { strict, skip };

template <class T>
concept Struct = requires { std::tuple_size<std::remove_cvref_t<decltype(T::members)>>::value; };

// The number of enumerators of E, which must count from 0. Specialised beside each enum.
template <class E>
inline constexpr unsigned enum_limit = 0;

class Encoder {
  public:
    std::string bytes;
    std::vector<int> fds;  // borrowed from the value until it has been sent

    template <class Variant>
    void put_frame(const Variant& message) {
        put_number(static_cast<std::uint16_t>(message.index()));
        std::visit([this](const auto& value) { this->put_members(value); }, message);
    }

    template <class T>
    void put(const T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            put_number(static_cast<std::uint8_t>(value));
        } else if constexpr (std::is_enum_v<T>) {
            put_number(static_cast<std::underlying_type_t<T>>(value));
        } else if constexpr (std::integral<T>) {
            put_number(value);
        } else if constexpr (std::is_same_v<T, UniqueFd>) {
            // A descriptor that is not there is a fact too.
            put(static_cast<bool>(value));
            if (value) fds.push_back(value.get());
        } else if constexpr (Struct<T>) {
            put_struct(value);
        } else {
            put_container(value);
        }
    }

  private:
    template <class T>
    void put_number(T value) {
        using Unsigned = std::make_unsigned_t<T>;
        auto rest = static_cast<std::uint64_t>(static_cast<Unsigned>(value));
        for (std::size_t i = 0; i < sizeof(T); ++i, rest >>= 8) {
            bytes.push_back(static_cast<char>(rest & 0xff));
        }
    }

    template <class T>
    void put_members(const T& value) {
        std::apply([&](auto... member) { (put(value.*member), ...); }, T::members);
    }

    template <class T>
    void put_struct(const T& value) {
        const std::size_t at = bytes.size();
        put_number(std::uint32_t{0});
        put_members(value);
        auto length = static_cast<std::uint32_t>(bytes.size() - at - 4);
        for (std::size_t i = 0; i < 4; ++i, length >>= 8) {
            bytes[at + i] = static_cast<char>(length & 0xff);
        }
    }

    void put_container(const std::string& value) {
        put_number(static_cast<std::uint32_t>(value.size()));
        bytes.append(value);
    }
    template <std::size_t size>
    void put_container(const std::array<std::uint8_t, size>& value) {
        for (const std::uint8_t byte : value) put_number(byte);
    }
    template <class T>
    void put_container(const std::vector<T>& value) {
        put_number(static_cast<std::uint32_t>(value.size()));
        for (const T& element : value) put(element);
    }
};

class Decoder {
  public:
    // `fds` are taken in the order in which the encoder met them.
    Decoder(std::string_view frame, std::span<UniqueFd> fds, Tail tail)
        : rest_(frame), fds_(fds), tail_(tail) {}

    // Nothing where the frame is malformed or holds a struct that this version does not know.
    template <class Variant>
    std::optional<Variant> take_frame() {
        const auto index = take_number<std::uint16_t>();
        if (!index) return std::nullopt;
        return take_alternative<Variant>(*index,
                                         std::make_index_sequence<std::variant_size_v<Variant>>());
    }

    std::size_t fds_taken() const { return fds_taken_; }

    template <class T>
    std::optional<T> take_whole() {
        T value{};
        if (!take_members(value)) return std::nullopt;
        return value;
    }

  private:
    template <class Variant, std::size_t... indexes>
    std::optional<Variant> take_alternative(std::size_t index, std::index_sequence<indexes...>) {
        std::optional<Variant> result;
        const auto attempt = [&]<std::size_t candidate>() {
            if (candidate != index) return;
            using Alternative = std::variant_alternative_t<candidate, Variant>;
            if (auto value = take_whole<Alternative>()) result.emplace(std::move(*value));
        };
        (attempt.template operator()<indexes>(), ...);
        return result;
    }

    // Fills the members of a struct from all that is left.
    template <class T>
    bool take_members(T& value) {
        const bool whole = std::apply(
            [&](auto... member) { return (take_member(value.*member) && ...); }, T::members);
        return whole && (rest_.empty() || tail_ == Tail::skip);
    }

    template <class T>
    bool take_member(T& member) {
        if (rest_.empty() && tail_ == Tail::skip) return true;  // keeps its default
        auto value = take<T>();
        if (!value) return false;
        member = std::move(*value);
        return true;
    }

    template <class T>
    std::optional<T> take() {
        if constexpr (std::is_same_v<T, bool>) {
            const auto number = take_number<std::uint8_t>();
            if (!number || *number > 1) return std::nullopt;
            return *number == 1;
        } else if constexpr (std::is_enum_v<T>) {
            static_assert(enum_limit<T> > 0, "specialise enum_limit beside the enum");
            const auto number = take_number<std::underlying_type_t<T>>();
            if (!number || *number >= enum_limit<T>) return std::nullopt;
            return static_cast<T>(*number);
        } else if constexpr (std::integral<T>) {
            return take_number<T>();
        } else if constexpr (std::is_same_v<T, UniqueFd>) {
            return take_fd();
        } else if constexpr (std::is_same_v<T, std::string>) {
            return take_string();
        } else if constexpr (Struct<T>) {
            return take_struct<T>();
        } else {
            return take_sequence(std::type_identity<T>());
        }
    }

    template <class T>
    std::optional<T> take_number() {
        if (rest_.size() < sizeof(T)) return std::nullopt;
        std::uint64_t value = 0;
        for (std::size_t i = sizeof(T); i-- > 0;) {
            value = value << 8 | static_cast<unsigned char>(rest_[i]);
        }
        rest_.remove_prefix(sizeof(T));
        return static_cast<T>(value);
    }

    std::optional<std::string_view> take_bytes(std::size_t count) {
        if (rest_.size() < count) return std::nullopt;
        const std::string_view bytes = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return bytes;
    }

    std::optional<std::string> take_string() {
        const auto length = take_number<std::uint32_t>();
        if (!length) return std::nullopt;
        const auto bytes = take_bytes(*length);
        if (!bytes) return std::nullopt;
        return std::string(*bytes);
    }

    std::optional<UniqueFd> take_fd() {
        const auto present = take<bool>();
        if (!present) return std::nullopt;
        if (!*present) return UniqueFd();
        if (fds_taken_ >= fds_.size()) return std::nullopt;
        return std::move(fds_[fds_taken_++]);
    }

    template <class T>
    std::optional<T> take_struct() {
        const auto length = take_number<std::uint32_t>();
        if (!length) return std::nullopt;
        const auto bytes = take_bytes(*length);
        if (!bytes) return std::nullopt;
        Decoder inner(*bytes, fds_.subspan(fds_taken_), tail_);
        auto value = inner.take_whole<T>();
        fds_taken_ += inner.fds_taken_;
        return value;
    }

    template <std::size_t size>
    std::optional<std::array<std::uint8_t, size>> take_sequence(
        std::type_identity<std::array<std::uint8_t, size>>) {
        const auto bytes = take_bytes(size);
        if (!bytes) return std::nullopt;
        std::array<std::uint8_t, size> value{};
        for (std::size_t i = 0; i < size; ++i) value[i] = static_cast<std::uint8_t>((*bytes)[i]);
        return value;
    }

    template <class T>
    std::optional<std::vector<T>> take_sequence(std::type_identity<std::vector<T>>) {
        const auto count = take_number<std::uint32_t>();
        // Each element takes a byte at the least: a huge count in a small frame costs nothing.
        if (!count || *count > rest_.size()) return std::nullopt;
        std::vector<T> value;
        for (std::uint32_t i = 0; i < *count; ++i) {
            auto element = take<T>();
            if (!element) return std::nullopt;
            value.push_back(std::move(*element));
        }
        return value;
    }

    std::string_view rest_;
    std::span<UniqueFd> fds_;
    std::size_t fds_taken_ = 0;
    Tail tail_;
};

// One struct alone, as in a snapshot.
template <Struct T>
std::string encode_struct(const T& value) {
    Encoder encoder;
    encoder.put(value);
    return std::move(encoder.bytes);
}

template <Struct T>
std::optional<T> decode_struct(std::string_view bytes, Tail tail = Tail::strict) {
    if (bytes.size() < 4) return std::nullopt;
    Decoder decoder(bytes.substr(4), {}, tail);
    return decoder.take_whole<T>();
}

}  // namespace holdfast::links
