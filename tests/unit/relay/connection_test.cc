// What a Connection promises of its waits.
#include "relay/connection.h"

#include <sys/socket.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <chrono>
#include <exception>
#include <optional>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "relay/await.h"
#include "tests/catch.h"

namespace {

namespace asio = boost::asio;

/// Two ends; the near one belongs to a loop.
struct Pair {
  relay::Socket near;
  base::Fd far;
};

Pair make_pair_on(asio::io_context& loop) {
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
  const asio::generic::stream_protocol protocol(AF_UNIX, 0);
  return {relay::Socket(loop.get_executor(), protocol, ends[0]), base::Fd(ends[1])};
}

void say(const base::Fd& end, std::string_view octets) {
  REQUIRE(::send(end.get(), octets.data(), octets.size(), 0) == static_cast<ssize_t>(octets.size()));
}

}  // namespace

TEST_CASE("a connection is readable once octets are there, whatever came for the socket whose place in the reactor it has") {
  asio::io_context loop(1);
  Pair first = make_pair_on(loop);
  Pair second = make_pair_on(loop);
  std::optional<Pair> third;
  std::optional<relay::Connection> connection;
  bool is_readable = false;

  // Both events come in one turn of the loop. The first one's handler closes the second socket and opens the third.
  std::array<char, 8> buffer{};
  first.near.async_read_some(asio::buffer(buffer), [&](const boost::system::error_code&, std::size_t) {
    second.near.close();
    third.emplace(make_pair_on(loop));
    connection.emplace(std::move(third->near));
    asio::co_spawn(loop, connection->readable(), [&](const std::exception_ptr&) { is_readable = true; });
  });
  say(first.far, "a");
  say(second.far, "b");
  loop.run_for(std::chrono::milliseconds(100));
  REQUIRE(connection);
  CHECK_FALSE(is_readable);

  say(third->far, "c");
  loop.restart();
  loop.run_for(std::chrono::seconds(20));
  CHECK(is_readable);
}
