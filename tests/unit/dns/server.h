// A tiny DNS server on loopback, UDP and TCP on one port, whose answers are a function of the question.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "base/net.h"

namespace dns_test {

enum class Transport : std::uint8_t { udp, tcp };

class Server {
 public:
  /// Messages to send back, none for silence. Runs on the server's thread.
  using Handler = std::function<std::vector<std::string>(const std::string& question, Transport transport)>;

  /// `address` is 127.0.0.1 or ::1; endpoint() has port 0 when there is no such address here.
  explicit Server(Handler handler, const std::string& address = "127.0.0.1");
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  const base::Endpoint& endpoint() const { return endpoint_; }
  int udp_questions() const { return udp_questions_; }
  int tcp_questions() const { return tcp_questions_; }

 private:
  bool bind_both(const std::string& address);
  void run();
  void serve_udp();
  void serve_tcp();

  Handler handler_;
  base::Endpoint endpoint_;
  base::Fd udp_;
  base::Fd tcp_;
  base::Fd stop_;
  std::atomic<int> udp_questions_ = 0;
  std::atomic<int> tcp_questions_ = 0;
  std::thread thread_;
};

}  // namespace dns_test
