Task<void> bad(Thing s) {
  co_return co_await f(1, [s = std::move(s)]() mutable { s.go(); });
}
