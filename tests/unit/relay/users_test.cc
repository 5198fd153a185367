// The users' file, and the passwords and verifiers in it.
#include "relay/intake/users.h"
#include "relay/hashes.h"

#include <fmt/format.h>

#include "base/text.h"
#include "tests/catch.h"
#include "tests/unit/relay/users.h"

using relay::intake::Users;
using namespace world;

namespace {

Users users() { return Users::parse(users_text(), "users").value(); }

std::string complaint(const std::string& text) {
  const auto users = Users::parse(text, "/etc/mailferry/users");
  return users ? "none" : users.error().words;
}

}  // namespace

TEST_CASE("a password fits its hash and nothing else") {
  CHECK(users().is_password("alice", "open sesame"));
  CHECK(users().is_password("bob", "correct horse"));
  CHECK(users().is_password("user", "pencil"));
  CHECK_FALSE(users().is_password("alice", "open sesam"));
  CHECK_FALSE(users().is_password("alice", ""));
  CHECK_FALSE(users().is_password("Alice", "open sesame"));
  CHECK_FALSE(users().is_password("bob", "open sesame"));
  CHECK_FALSE(users().is_password("user", "Pencil"));
  CHECK_FALSE(users().is_password("nobody", "open sesame"));  // takes the first user's time and never passes
  CHECK_FALSE(users().is_password("alice", std::string("open sesame\0x", 13)));
  CHECK_FALSE(users().is_password("alice", std::string(600, 'x')));
}

TEST_CASE("SCRAM is offered where somebody has a verifier") {
  CHECK(users().mechanisms() == std::vector<std::string>{"PLAIN", "LOGIN", "SCRAM-SHA-256"});
  const auto plain = Users::parse(fmt::format("alice:{}\n", sha512_hash), "users");
  CHECK(plain->mechanisms() == std::vector<std::string>{"PLAIN", "LOGIN"});
}

TEST_CASE("a name that is not there has a verifier that is the same each time") {
  const auto made_up = users().verifier("nobody");
  CHECK(made_up.salt == users().verifier("nobody").salt);
  CHECK(made_up.salt != users().verifier("nobody2").salt);
  CHECK(made_up.salt.size() == users().verifier("user").salt.size());
  CHECK(made_up.iterations == users().verifier("user").iterations);
  CHECK(users().verifier("alice").salt == users().verifier("alice").salt);  // a hash alone is no verifier
}

TEST_CASE("a name may have a hash and a verifier") {
  const auto both = Users::parse(fmt::format("# ours\n\nalice:{}\r\n alice:{}", sha512_hash, verifier), "users");
  REQUIRE(both);
  CHECK(both->is_password("alice", "open sesame"));
  CHECK_FALSE(both->is_password("alice", "pencil"));
}

TEST_CASE("a mistake in the users' file is told with its line and the cure") {
  CHECK(complaint("") == "/etc/mailferry/users: no user: write lines name:hash");
  CHECK(complaint("# x\nalice") == "/etc/mailferry/users:2: write name:hash");
  CHECK(complaint(":x").find(":1: a name has 1 to 255 octets") != std::string::npos);
  CHECK(complaint("alice:open sesame").find("users:1: the hash is none of yescrypt") != std::string::npos);
  CHECK(complaint("alice:$1$saltsalt$qjXMvbEw8oaL.CzflDtaK/").find("mkpasswd -m yescrypt") != std::string::npos);
  CHECK(complaint("alice:$6$saltsalt$").find("not whole") != std::string::npos);
  CHECK(complaint(fmt::format("a:{}\na:{}", sha512_hash, sha512_hash)).find("users:2: a has a hash already") !=
        std::string::npos);
  CHECK(complaint(fmt::format("a:{}\na:{}", verifier, verifier)).find("users:2: a has a verifier already") != std::string::npos);
  for (const std::string bad : {"SCRAM-SHA-256", "SCRAM-SHA-256$4096", "SCRAM-SHA-256$4095:c2FsdA==$AAAA:AAAA",
                                "SCRAM-SHA-256$4096:c2FsdA==$AAAA:AAAA", "SCRAM-SHA-1$4096:c2FsdA==$AAAA:AAAA"}) {
    CHECK(complaint("a:" + bad).find("users:1: ") != std::string::npos);
  }
}

TEST_CASE("HMAC-SHA-256 is that of RFC 4231") {
  CHECK(base::hex(relay::hmac_sha256("Jefe", "what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(base::hex(relay::hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}
