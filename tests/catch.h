// Catch2 by one name: Debian 12 has version 2, Debian 13 and Ubuntu 24.04 have version 3.
#pragma once

#ifdef MAILFERRY_CATCH2_V2
#include <catch2/catch.hpp>
#else
#include <catch2/catch_all.hpp>
#endif
