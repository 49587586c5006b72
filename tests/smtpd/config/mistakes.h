// Errors are part of the product: a mistake in smtpd.conf, and what is said about it, word for
// word.
#pragma once

#include <span>
#include <string_view>

#include "smtpd/config/parse.h"
#include "smtpd/config/render.h"
#include "tests/catch.h"

namespace holdfast::config {

struct Mistake {
    std::string_view text;
    std::string_view said;
};

inline void check_said(std::span<const Mistake> mistakes) {
    for (const Mistake& mistake : mistakes) {
        INFO(mistake.text);
        CHECK(render(parse(mistake.text, "c").diagnostics) == mistake.said);
    }
}

}  // namespace holdfast::config
