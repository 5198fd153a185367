Task<void> good() { auto x = co_await f(list[i], g(other[0])); }
