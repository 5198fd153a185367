Task<void> bad(std::string text) { co_await f({2, text}); }
