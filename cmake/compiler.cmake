# Warnings, sanitizers and hardening, as one interface target that every target of ours links.
add_library(mailferry_options INTERFACE)
target_include_directories(mailferry_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(mailferry_options INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual)
target_compile_definitions(mailferry_options INTERFACE _GNU_SOURCE)

if(MAILFERRY_SANITIZE)
  target_compile_options(mailferry_options INTERFACE
    -fsanitize=${MAILFERRY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(mailferry_options INTERFACE -fsanitize=${MAILFERRY_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # GCC 12 sees uninitialised and null values in sanitized code that are not there.
    target_compile_options(mailferry_options INTERFACE -Wno-maybe-uninitialized -Wno-null-dereference -Wno-tsan)
  endif()
endif()

if(MAILFERRY_FUZZ)
  target_compile_options(mailferry_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 warns of overlaps inside std::string at -O2 that cannot be (its bug 105329).
  target_compile_options(mailferry_options INTERFACE -Wno-restrict)
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT MAILFERRY_SANITIZE)
  target_compile_options(mailferry_options INTERFACE -fstack-protector-strong -fstack-clash-protection -fPIE)
  target_compile_definitions(mailferry_options INTERFACE _FORTIFY_SOURCE=2 _GLIBCXX_ASSERTIONS)
  target_link_options(mailferry_options INTERFACE -pie -Wl,-z,relro -Wl,-z,now)
endif()

find_program(MAILFERRY_CCACHE ccache)
if(MAILFERRY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${MAILFERRY_CCACHE})
endif()

# mailferry_library(name SOURCES ... LINKS ... PRIVATE_LINKS ...): one library a folder.
function(mailferry_library name)
  cmake_parse_arguments(PARSE_ARGV 1 LIBRARY "" "" "SOURCES;LINKS;PRIVATE_LINKS")
  add_library(mailferry_${name} STATIC ${LIBRARY_SOURCES})
  target_link_libraries(mailferry_${name} PUBLIC mailferry_options ${LIBRARY_LINKS} PRIVATE ${LIBRARY_PRIVATE_LINKS})
endfunction()
