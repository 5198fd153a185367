Task<void> bad(std::string text) { auto x = co_await f(name) + co_await g(k(Reply{250, text})); }
