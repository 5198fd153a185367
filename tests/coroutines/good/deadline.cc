Task<void> good() { co_await (converse() || deadline_.expired()); }
