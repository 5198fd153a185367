Task<void> bad() {
  if (auto done = co_await f({a, b}); !done) co_return;
}
