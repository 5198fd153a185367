// Accepting programs of this machine.
#include "relay/intake/submission.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/experimental/awaitable_operators.hpp>

#include "base/file.h"

namespace relay::intake {
namespace {

using base::Kind;
using base::Result;
using namespace asio::experimental::awaitable_operators;

constexpr int backlog = 64;
constexpr std::chrono::milliseconds pause_without_descriptors(100);
constexpr std::chrono::seconds turn_away_time(5);

conf::Listen plain_door() {
  conf::Listen listen;
  listen.tls = conf::ListenTls::none;
  return listen;
}

/// The folder of the socket; one that is made here can be entered by everybody.
Result<void> make_folder(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos || slash == 0) return {};
  const std::string folder = path.substr(0, slash);
  if (::access(folder.c_str(), F_OK) == 0) return {};
  if (auto made = base::make_directories(folder); !made) return made;
  if (::chmod(folder.c_str(), 0755) == 0) return {};
  return std::unexpected(base::system_error(Kind::invalid, "cannot set the mode of " + folder, errno));
}

}  // namespace

Result<void> Submission::open(const std::string& path) {
  if (path.empty()) return {};
  if (auto made = make_folder(path); !made) return made;
  if (auto bound = bind(path); !bound) return bound;
  path_ = path;
  if (::chmod(path.c_str(), 0666) == 0) return {};
  return std::unexpected(base::system_error(Kind::invalid, "cannot set the mode of " + path, errno));
}

Result<void> Submission::bind(const std::string& path) {
  boost::system::error_code error;
  const Protocol::endpoint endpoint(path);
  asio::basic_stream_socket<Protocol, Executor> other(context_.services.loop);
  other.connect(endpoint, error);
  if (!error) return base::fail(Kind::invalid, fmt::format("admin.submit: another program listens on {}", path));
  ::unlink(path.c_str());  // of a run that died
  error.clear();
  acceptor_.open(endpoint.protocol(), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(backlog, error);
  if (error) return base::fail(Kind::invalid, fmt::format("cannot listen on admin.submit {}: {}", path, error.message()));
  return {};
}

void Submission::run() {
  if (acceptor_.is_open()) context_.services.tasks.spawn(accept());
}

void Submission::stop() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
  if (!path_.empty()) ::unlink(path_.c_str());
  path_.clear();
  for (Session* session : sessions_) session->stop();
}

Task<void> Submission::accept() {
  Services& services = context_.services;
  while (acceptor_.is_open()) {
    auto [error, socket] = co_await acceptor_.async_accept(services.loop, as_result);
    if (error == asio::error::operation_aborted) co_return;
    if (error) {
      services.log.error("accept-failed").with("reason", error.message());
      Timer pause(services.loop, pause_without_descriptors);
      co_await pause.async_wait(as_result);
      continue;
    }
    receive(std::move(socket));
  }
}

void Submission::receive(Socket socket) {
  const std::uint32_t user = local_user(socket).value_or(0);
  const auto known = users_.find(user);
  const std::size_t of_user = known == users_.end() ? 0 : known->second;
  if (sessions_.size() < most_sessions && of_user < most_sessions_of_user) {
    context_.services.tasks.spawn(serve(std::move(socket), user));
  } else {
    context_.services.tasks.spawn(turn_away(std::move(socket)));
  }
}

Task<void> Submission::serve(Socket socket, std::uint32_t user) {
  const conf::Listen door = plain_door();
  const base::IpAddress nowhere;
  Session session(std::move(socket), nowhere, door, context_, gate_);
  const auto place = sessions_.insert(sessions_.end(), &session);
  ++users_[user];
  ++context_.services.statistics.connections_in;
  ++context_.services.statistics.connections_in_all;
  struct Leave {
    Submission* submission;
    std::list<Session*>::iterator place;
    std::uint32_t user;
    ~Leave() {
      submission->sessions_.erase(place);
      --submission->context_.services.statistics.connections_in;
      const auto known = submission->users_.find(user);
      if (--known->second == 0) submission->users_.erase(known);
    }
  };
  const Leave leave{this, place, user};
  co_await session.run();
}

Task<void> Submission::turn_away(Socket socket) {
  Services& services = context_.services;
  const std::string client = fmt::format("{}{}", mail::Client::user_mark, local_user(socket).value_or(0));
  Connection connection(std::move(socket));
  const mail::Reply reply(421, mail::EnhancedStatus{4, 7, 0},
                          fmt::format("{} too many connections, try again later", services.settings.get()->config.hostname));
  ++services.statistics.refused;
  services.log.warning("refused").with("client", client).with("reply", reply.to_string());
  const std::string text = reply.to_wire();
  Deadline deadline(services.loop);
  deadline.after(turn_away_time);
  co_await (connection.write(text) || deadline.expired());
  connection.close();
}

}  // namespace relay::intake
