// Routes for what is remembered of hosts: to see it, and to have it forgotten.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <utility>

#include "base/text.h"
#include "relay/admin/api.h"
#include "relay/admin/delivery_views.h"

namespace relay::admin {

/// At most HostMemory::most_entries.
Task<Response> Api::get_hosts(Request) {
  const auto entries = services_.host_memory.entries(Clock::now());
  auto work = [&entries] { return host_views(entries, Clock::now(), base::now()); };
  auto rows = co_await on(quick_, services_.loop, work);
  json::object body;
  body["rows"] = std::move(rows);
  co_return Response{200, std::move(body), nullptr};
}

Task<Response> Api::delete_hosts(Request) {
  json::object body;
  body["forgotten"] = services_.host_memory.entries(Clock::now()).size();
  services_.host_memory.clear();
  co_return Response{200, std::move(body), nullptr};
}

/// By name or address.
Task<Response> Api::delete_host(Request request) {
  const std::string& host = request.path.at(2);
  const std::size_t forgotten = services_.host_memory.forget(host);
  if (forgotten == 0) co_return problem(404, fmt::format("nothing is remembered of {}", base::printable(host)));
  json::object body;
  body["host"] = base::printable(host);
  body["forgotten"] = forgotten;
  co_return Response{200, std::move(body), nullptr};
}

}  // namespace relay::admin
