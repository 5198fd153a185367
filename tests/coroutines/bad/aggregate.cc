Task<void> bad(std::string text) { co_await f(Error{2, text}); }
