Task<void> bad() { auto x = co_await f({.b = 5}); }
