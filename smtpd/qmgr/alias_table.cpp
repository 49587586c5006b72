#include "smtpd/qmgr/alias_table.h"

#include <algorithm>

#include "smtpd/mail/ascii.h"

namespace holdfast::qmgr {

std::string lower_case(std::string_view text) {
    std::string result(text);
    std::ranges::transform(result, result.begin(), ascii::lower);
    return result;
}

// Sorted again: a snapshot in another order must not hide an alias.
AliasTable::AliasTable(links::AliasSnapshot snapshot) : aliases_(std::move(snapshot.aliases)) {
    std::ranges::sort(aliases_, {}, &links::Alias::name);
}

const links::Alias* AliasTable::find(std::string_view name) const {
    const std::string key = lower_case(name);
    const auto at = std::ranges::lower_bound(aliases_, key, {}, &links::Alias::name);
    if (at == aliases_.end() || at->name != key) return nullptr;
    return &*at;
}

}  // namespace holdfast::qmgr
