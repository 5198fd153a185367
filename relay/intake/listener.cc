// Accepting connections.
#include "relay/intake/listener.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/ip/v6_only.hpp>

#include "mail/proxy_header.h"
#include "relay/intake/trusted_names.h"

namespace relay::intake {
namespace {

using base::Kind;
using namespace asio::experimental::awaitable_operators;

constexpr int backlog = 1024;
constexpr std::chrono::milliseconds pause_without_descriptors(100);
constexpr std::chrono::seconds turn_away_time(5);

constexpr std::chrono::seconds proxy_header_time(5);

/// Takes no octet behind the header: that one may belong to a TLS handshake.
Task<base::Result<void>> read_header(Socket& socket, mail::ProxyHeader& header) {
  std::array<char, 512> piece;
  while (!header.done()) {
    co_await socket.async_wait(Socket::wait_read, as_result);
    boost::system::error_code error;
    const std::size_t there = socket.receive(asio::buffer(piece), Socket::message_peek, error);
    if (error == asio::error::would_block) continue;
    if (error) co_return base::fail(Kind::closed, "closed before the end of the PROXY header");
    const auto used = header.consume(std::string_view(piece.data(), there));
    if (!used) co_return std::unexpected(used.error());
    socket.receive(asio::buffer(piece.data(), *used), 0, error);
  }
  co_return base::Result<void>();
}

std::string_view words_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::enter: break;
    case Verdict::full: return "too many connections";
    case Verdict::crowded: return "too many connections from your address";
    case Verdict::hasty: return "too many new connections from your address";
  }
  return "welcome";
}

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
    receive(std::move(socket), door.listen);
  }
}

void Listener::receive(Socket socket, const conf::Listen& listen) {
  boost::system::error_code ignored;
  const auto endpoint = to_tcp(socket.remote_endpoint(ignored));
  const base::IpAddress peer = endpoint ? to_ip_address(endpoint->address()) : base::IpAddress();
  const bool proxied = std::ranges::any_of(listen.proxy, [&](const base::Cidr& network) { return network.contains(peer); });
  if (!proxied) return admit(std::move(socket), peer, listen);
  context_.services.tasks.spawn(receive_proxied(std::move(socket), listen));
}

Task<void> Listener::receive_proxied(Socket socket, conf::Listen listen) {
  boost::system::error_code ignored;
  const auto endpoint = to_tcp(socket.remote_endpoint(ignored));
  const base::IpAddress proxy = endpoint ? to_ip_address(endpoint->address()) : base::IpAddress();
  socket.non_blocking(true, ignored);
  mail::ProxyHeader header;
  Deadline deadline(context_.services.loop);
  deadline.after(proxy_header_time);
  const auto read = co_await (read_header(socket, header) || deadline.expired());
  std::string wrong = "no PROXY header came in time";
  if (const auto* result = std::get_if<0>(&read)) wrong = *result ? std::string() : result->error().words;
  if (wrong.empty()) {
    const base::IpAddress client = header.proxied() ? header.proxied()->client.address : proxy;
    admit(std::move(socket), client, listen);
    co_return;
  }
  context_.services.log.warning("refused").with("client", proxy.to_string()).with("reply", wrong);
  socket.close(ignored);
}

void Listener::admit(Socket socket, const base::IpAddress& client, const conf::Listen& listen) {
  const conf::Config& config = context_.services.settings.get()->config;
  const Verdict verdict =
      gate_.ask(client, identity_of(config, context_.names.addresses(), client).trust, config.accept, Clock::now());
  if (verdict == Verdict::enter) {
    context_.services.tasks.spawn(serve(std::move(socket), client, listen));
  } else {
    context_.services.tasks.spawn(turn_away(std::move(socket), client, listen.tls, verdict));
  }
}

Task<void> Listener::serve(Socket socket, base::IpAddress client, conf::Listen listen) {
  Session session(std::move(socket), client, listen, context_, gate_);
  const auto place = sessions_.insert(sessions_.end(), &session);
  Statistics& statistics = context_.services.statistics;
  ++statistics.connections_in;
  ++statistics.connections_in_all;
  struct Leave {
    Listener* listener;
    std::list<Session*>::iterator place;
    ~Leave() {
      listener->sessions_.erase(place);
      --listener->context_.services.statistics.connections_in;
    }
  };
  const Leave leave{this, place};
  co_await session.run();
}

Task<void> Listener::turn_away(Socket socket, base::IpAddress client, conf::ListenTls tls, Verdict verdict) {
  Services& services = context_.services;
  Connection connection(std::move(socket));
  const std::string words = fmt::format("{} {}, try again later", services.settings.get()->config.hostname, words_of(verdict));
  const mail::Reply reply(421, mail::EnhancedStatus{4, 7, 0}, words);
  ++services.statistics.refused;
  tell(verdict, client, reply);
  if (tls != conf::ListenTls::implicit) {  // a handshake is not worth it, and without one nothing can be said there
    const std::string text = reply.to_wire();
    Deadline deadline(services.loop);
    deadline.after(turn_away_time);
    co_await (connection.write(text) || deadline.expired());
  }
  connection.close();
}

void Listener::tell(Verdict verdict, const base::IpAddress& client, const mail::Reply& reply) {
  Refusals& refusals = refusals_.at(static_cast<std::size_t>(verdict));
  if (std::exchange(refusals.counting, true)) {
    ++refusals.untold;
    return;
  }
  context_.services.log.warning("refused").with("client", client.to_string()).with("reply", reply.to_string());
  context_.services.tasks.spawn(sum_up(verdict, reply));
}

Task<void> Listener::sum_up(Verdict verdict, mail::Reply reply) {
  Timer minute(context_.services.loop, context_.limits.minute);
  co_await minute.async_wait(as_result);
  const Refusals refusals = std::exchange(refusals_.at(static_cast<std::size_t>(verdict)), {});
  if (refusals.untold == 0) co_return;
  context_.services.log.warning("refused").with("connections", refusals.untold).with("reply", reply.to_string());
}

}  // namespace relay::intake
