// What a client hears of each kind of error of ours.
#include "relay/intake/replies.h"

#include "tests/catch.h"

namespace {

using base::Kind;

struct Row {
  Kind kind;
  const char* reply;
};

/// Every row; the words of the error are "cause".
constexpr Row table[] = {
    {Kind::invalid, "554 5.6.0 the message is malformed: cause"},
    {Kind::unsupported, "554 5.6.1 not supported: cause"},
    {Kind::refused, "550 5.7.1 cause"},
    {Kind::temporary, "451 4.3.0 try again later"},
    {Kind::timeout, "421 4.4.2 timed out"},
    {Kind::closed, "421 4.4.2 connection lost"},
    {Kind::tls, "454 4.7.0 TLS is not available now"},
    {Kind::storage, "452 4.3.0 the queue is closed to writing, try again later"},
    {Kind::damaged, "451 4.3.0 the message did not reach the disk whole, try again later"},
    {Kind::full, "452 4.3.1 not enough room on the disk, try again later"},
    {Kind::cancelled, "421 4.3.2 shutting down, try again later"},
};

}  // namespace

TEST_CASE("each kind of error has its reply") {
  for (const Row& row : table) {
    INFO(base::to_string(row.kind));
    CHECK(relay::intake::reply_for(base::Error(row.kind, "cause")).to_string() == row.reply);
  }
}

TEST_CASE("what is wrong here and now is never a refusal for good") {
  for (const Kind kind :
       {Kind::temporary, Kind::timeout, Kind::closed, Kind::tls, Kind::storage, Kind::damaged, Kind::full, Kind::cancelled}) {
    INFO(base::to_string(kind));
    const mail::Reply reply = relay::intake::reply_for(base::Error(kind, "cause"));
    CHECK(reply.is_transient());
    CHECK(reply.status->category == 4);
    CHECK(reply.to_string().find("cause") == std::string::npos);  // inner words stay in our log
  }
}
