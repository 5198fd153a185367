Task<void> good(std::string s) {
  auto job = [s] { return s.size(); };
  co_await on(workers, std::move(job));
}
