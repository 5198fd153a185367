Task<void> bad(std::string text) { co_await f(g(1, h(2)), std::move(x), Error{2, text}); }
