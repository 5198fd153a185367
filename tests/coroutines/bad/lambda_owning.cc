Task<void> bad(std::string s) {
  co_await on(workers, [s] { return s.size(); });
}
