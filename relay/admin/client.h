// The command line's side of the admin API: blocking requests over the unix socket.
#pragma once

#include <boost/json/value.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace relay::admin {

class Client {
 public:
  /// Kind::closed when nobody listens there: the daemon is not running; Kind::refused without the permission.
  static base::Result<Client> connect(const std::string& socket_path);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  base::Result<boost::json::value> get(const std::string& target);
  base::Result<boost::json::value> post(const std::string& target, const boost::json::value& body);
  /// DELETE
  base::Result<boost::json::value> remove(const std::string& target);
  /// The body of a response that is no JSON, piece by piece.
  base::Result<void> stream(const std::string& target, const std::function<void(std::string_view)>& sink);

 private:
  struct Wire;
  explicit Client(std::unique_ptr<Wire> wire);
  std::unique_ptr<Wire> wire_;
};

/// For a segment of a path or a value in a query string.
std::string percent_encoded(std::string_view text);
/// A path with a query string.
std::string target_of(std::string_view path, const std::vector<std::pair<std::string, std::string>>& parameters);

}  // namespace relay::admin
