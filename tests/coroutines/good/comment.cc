Task<void> good() {
  // never co_await f({a, b})
  for (;;) {
    co_await f(name);
  }
}
