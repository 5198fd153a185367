// The admin API: one table of routes for the command line, and later for the web console. The routes know nothing of HTTP.
#pragma once

#include <boost/asio/strand.hpp>
#include <boost/json/value.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "relay/admin/reading.h"
#include "relay/admin/server.h"
#include "relay/delivery/actions.h"
#include "relay/delivery/dispatcher.h"
#include "relay/services.h"

namespace relay::admin {

/// On the loop alone; its readers work on strands of the workers: what reads much of the queue does not hold up the rest.
class Api {
 public:
  struct Readers {
    std::unique_ptr<queue::Reader> listing;
    std::unique_ptr<queue::Reader> quick;  ///< for what needs a few rows
  };
  Api(Services& services, delivery::Dispatcher& dispatcher, delivery::Actions& actions, Readers readers,
      std::function<Task<json::object>()> status);
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;

  Task<Response> answer(Request request);

 private:
  using Strand = asio::strand<asio::thread_pool::executor_type>;
  struct Route;
  static const std::vector<Route>& routes();

  Task<Response> get_status(Request request);
  Task<Response> get_queue(Request request);
  Task<Response> get_count(Request request);
  Task<Response> get_summary(Request request);
  Task<Response> get_pauses(Request request);
  Task<Response> post_pause(Request request);
  Task<Response> delete_pause(Request request);
  Task<Response> get_actions(Request request);
  Task<Response> post_action(Request request);
  Task<Response> get_action(Request request);
  Task<Response> get_message(Request request);
  Task<Response> get_content(Request request);
  Task<Response> get_reasons(Request request);
  Task<Response> get_hosts(Request request);
  Task<Response> delete_hosts(Request request);
  Task<Response> delete_host(Request request);

  ActiveKeys active() const;
  Task<base::Result<json::array>> pauses();

  Services& services_;
  delivery::Dispatcher& dispatcher_;
  delivery::Actions& actions_;
  Readers readers_;
  Strand listing_;
  Strand quick_;
  std::function<Task<json::object>()> status_;
};

}  // namespace relay::admin
