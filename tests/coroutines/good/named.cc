Task<void> good(std::string text) {
  Error e{2, text};
  co_await f(std::move(e));
}
