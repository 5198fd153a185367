// Accepting connections.
#include "relay/intake/listener.h"

#include <fmt/format.h>

#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/v6_only.hpp>

namespace relay::intake {
namespace {

using base::Kind;
using namespace asio::experimental::awaitable_operators;

constexpr int backlog = 1024;
constexpr std::chrono::milliseconds pause_without_descriptors(100);
constexpr std::chrono::seconds turn_away_time(5);

}  // namespace

base::Result<void> Listener::open(const conf::Config& config) {
  for (const conf::Listen& listen : config.listen) {
    const auto endpoint = to_endpoint(listen.address.address, listen.address.port);
    Door& door = doors_.emplace_back(listen, Acceptor(context_.services.loop));
    boost::system::error_code error;
    door.acceptor.open(endpoint.protocol(), error);
    if (!error) door.acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error && listen.address.address.is_v6()) door.acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) door.acceptor.bind(endpoint, error);
    if (!error) door.acceptor.listen(backlog, error);
    if (error) {
      return base::fail(Kind::invalid, fmt::format("cannot listen on {}: {}", base::to_string(listen.address), error.message()));
    }
  }
  return {};
}

void Listener::run() {
  for (Door& door : doors_) context_.services.tasks.spawn(accept_at(door));
}

void Listener::stop() {
  for (Door& door : doors_) {
    boost::system::error_code ignored;
    door.acceptor.close(ignored);
  }
  for (Session* session : sessions_) session->stop();
}

std::vector<base::Endpoint> Listener::addresses() const {
  std::vector<base::Endpoint> all;
  for (const Door& door : doors_) {
    boost::system::error_code error;
    const auto local = door.acceptor.local_endpoint(error);
    if (!error) all.push_back(base::Endpoint{to_ip_address(local.address()), local.port()});
  }
  return all;
}

Task<void> Listener::accept_at(Door& door) {
  Services& services = context_.services;
  while (door.acceptor.is_open()) {
    auto [error, socket] = co_await door.acceptor.async_accept(services.loop, as_result);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      // Out of descriptors, most likely: without a pause the loop would spin on the same connection.
      services.log.error("accept-failed").with("reason", error.message());
      Timer pause(services.loop, pause_without_descriptors);
      co_await pause.async_wait(as_result);
      continue;
    }
    const conf::Accept& limits = services.settings.get()->config.accept;
    boost::system::error_code ignored;
    const base::IpAddress peer = to_ip_address(socket.remote_endpoint(ignored).address());
    const auto known = clients_.find(peer);
    const std::size_t from_there = known == clients_.end() ? 0 : known->second;
    if (sessions_.size() >= limits.connections) {
      services.tasks.spawn(turn_away(std::move(socket), "too many connections"));
    } else if (from_there >= limits.connections_per_client) {
      services.tasks.spawn(turn_away(std::move(socket), "too many connections from your address"));
    } else {
      services.tasks.spawn(serve(std::move(socket), door.listen));
    }
  }
}

Task<void> Listener::serve(Socket socket, conf::Listen listen) {
  Session session(std::move(socket), listen, context_);
  const base::IpAddress peer = session.peer();
  const auto place = sessions_.insert(sessions_.end(), &session);
  Statistics& statistics = context_.services.statistics;
  ++clients_[peer];
  ++statistics.connections_in;
  ++statistics.connections_in_all;
  struct Leave {
    Listener* listener;
    std::list<Session*>::iterator place;
    base::IpAddress peer;
    ~Leave() {
      listener->sessions_.erase(place);
      --listener->context_.services.statistics.connections_in;
      const auto client = listener->clients_.find(peer);
      if (--client->second == 0) listener->clients_.erase(client);
    }
  };
  const Leave leave{this, place, peer};
  co_await session.run();
}

Task<void> Listener::turn_away(Socket socket, std::string why) {
  Services& services = context_.services;
  Connection connection(std::move(socket));
  const mail::Reply reply(421, mail::EnhancedStatus{4, 7, 0},
                          fmt::format("{} {}, try again later", services.settings.get()->config.hostname, why));
  ++services.statistics.refused;
  services.log.warning("refused").with("client", connection.peer().to_string()).with("reply", reply.to_string());
  const std::string text = reply.to_wire();
  Deadline deadline(services.loop);
  deadline.after(turn_away_time);
  co_await (connection.write(text) || deadline.expired());
  connection.close();
}

}  // namespace relay::intake
