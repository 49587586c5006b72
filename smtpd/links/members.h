// The members of a plain struct as a tuple of references, in the order of their declaration: the
// compiler counts and names them, so that nobody can forget one in a second list.
#pragma once

#include <array>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

namespace holdfast::links {

// A class that is not an aggregate lists its own, as `members` (base/message_id.h).
template <class T>
concept ListsMembers = requires { T::members; };

template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t size>
inline constexpr bool is_array<std::array<T, size>> = true;

template <class T>
concept Struct = ListsMembers<T> || (std::is_class_v<T> && std::is_aggregate_v<T> && !is_array<T>);

struct Anything {
    template <class T>
    operator T() const;  // never called
};

template <class T, std::size_t... indexes>
constexpr bool takes_initialisers(std::index_sequence<indexes...>) {
    return requires { T{(static_cast<void>(indexes), Anything())...}; };
}

template <class T, std::size_t count = 0>
constexpr std::size_t member_count() {
    if constexpr (takes_initialisers<T>(std::make_index_sequence<count + 1>())) {
        return member_count<T, count + 1>();
    } else {
        return count;
    }
}

// One branch for each number of members; another where a struct grows beyond them.
template <class T>
constexpr auto tie_members(T& value) {
    using Plain = std::remove_const_t<T>;
    if constexpr (ListsMembers<Plain>) {
        return std::apply([&](auto... member) { return std::tie(value.*member...); },
                          Plain::members);
    } else {
        constexpr std::size_t count = member_count<Plain>();
        static_assert(count <= 18, "more members than tie_members() knows");
        // clang-format off
        if constexpr (count == 0) { return std::tie(); }
        else if constexpr (count == 1) { auto& [a] = value; return std::tie(a); }
        else if constexpr (count == 2) { auto& [a, b] = value; return std::tie(a, b); }
        else if constexpr (count == 3) { auto& [a, b, c] = value; return std::tie(a, b, c); }
        else if constexpr (count == 4) { auto& [a, b, c, d] = value; return std::tie(a, b, c, d); }
        else if constexpr (count == 5) { auto& [a, b, c, d, e] = value;
            return std::tie(a, b, c, d, e); }
        else if constexpr (count == 6) { auto& [a, b, c, d, e, f] = value;
            return std::tie(a, b, c, d, e, f); }
        else if constexpr (count == 7) { auto& [a, b, c, d, e, f, g] = value;
            return std::tie(a, b, c, d, e, f, g); }
        else if constexpr (count == 8) { auto& [a, b, c, d, e, f, g, h] = value;
            return std::tie(a, b, c, d, e, f, g, h); }
        else if constexpr (count == 9) { auto& [a, b, c, d, e, f, g, h, i] = value;
            return std::tie(a, b, c, d, e, f, g, h, i); }
        else if constexpr (count == 10) { auto& [a, b, c, d, e, f, g, h, i, j] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j); }
        else if constexpr (count == 11) { auto& [a, b, c, d, e, f, g, h, i, j, k] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j, k); }
        else if constexpr (count == 12) { auto& [a, b, c, d, e, f, g, h, i, j, k, l] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j, k, l); }
        else if constexpr (count == 13) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m); }
        else if constexpr (count == 14) { auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n); }
        else if constexpr (count == 15) {
            auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o); }
        else if constexpr (count == 16) {
            auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p); }
        else if constexpr (count == 17) {
            auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q); }
        else if constexpr (count == 18) {
            auto& [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r] = value;
            return std::tie(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r); }
        // clang-format on
    }
}

}  // namespace holdfast::links
