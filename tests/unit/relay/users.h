// A users' file for tests: alice (sha512, "open sesame"), bob (yescrypt, "correct horse"), user (SCRAM, "pencil" of RFC 7677).
#pragma once

#include <string>

namespace world {

inline const std::string sha512_hash =
    "$6$rounds=1000$saltsalt$/IiX/CoEcxCZ9SksEXnbjfCT1LGvD4z5OpJkaFYl/T37OAwuKZ8I8BixDhruhPLkw6lS7dw/6wQWgQnGo7lLg/";
inline const std::string yescrypt_hash = "$y$j75$k2XAnEHBqQ1Ct2aMXFKNa/$E9XAySfP6N2THWdzNKesSVmhpcmhNusa8y5TMfT668.";
inline const std::string verifier =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

inline std::string users_text() { return "alice:" + sha512_hash + "\nbob:" + yescrypt_hash + "\nuser:" + verifier + "\n"; }

}  // namespace world
