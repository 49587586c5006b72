// parent <-> signer: private keys go in as open files, and nothing but public keys comes out.
#pragma once

#include <vector>

#include "smtpd/links/parent_room.h"

namespace holdfast::links {

// Signer sees the chain as well, before smtpin does: whoever can replace that file must not show
// any file of root's to smtpin.
struct KeyFile {
    std::uint32_t number = 0;  // within its set
    std::string name;          // for messages: the path
    UniqueFd file;             // read from its beginning
    std::string chain_name;
    UniqueFd chain;
};

// Adds keys to a set; a key of the same number is replaced. Nothing is taken from earlier
// sets: their keys go on signing until they are forgotten.
struct LoadKeys {
    std::uint64_t set = 0;
    std::vector<KeyFile> keys;
};

struct ForgetKeys {
    std::uint64_t set = 0;
};

struct LoadedKey {
    std::uint32_t number = 0;
    std::string public_key;  // SubjectPublicKeyInfo, DER; empty where the key was refused
    std::string error;       // why it was
};

// What came of each key of one LoadKeys, in its order. A refused key changes nothing.
struct KeysLoaded {
    std::uint64_t set = 0;
    std::vector<LoadedKey> keys;
};

using ParentToSigner = std::variant<Start, Peer, Go, Drain, NewLog, LoadKeys, ForgetKeys>;
using SignerToParent = std::variant<Ready, Malformed, LogLost, Serving, KeysLoaded>;

}  // namespace holdfast::links
