# The layers as includes (docs/architecture.md): base ← mail ← {dkim, dns, queue, conf} ← relay, and each third-party library in its one place.
# Run by CTest and by hand: cmake -P tests/layers.cmake
cmake_minimum_required(VERSION 3.25)
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH root)
set(folders base mail dkim dns queue conf relay)

# What a folder may include of ours.
set(base_sees base)
set(mail_sees base mail)
foreach(middle dkim dns queue conf)
  set(${middle}_sees base mail ${middle})
endforeach()
set(relay_sees ${folders})

# Header of a library → the paths (regular expressions) that may include it. relay/main.cc asks each for its version.
set(libraries "boost/" "openssl/" "sqlite3" "ares" "toml" "CLI/" "spdlog/" "zlib" "crypt" "idn2")
set(places "relay/" "dkim/crypto\\.cc|relay/(tls|tls_sessions|tickets|connection|main|hashes)\\.cc" "queue/sqlite_[a-z]*\\.cc|relay/main\\.cc"
  "dns/cares_resolver\\.cc|relay/main\\.cc" "conf/[a-z_]*\\.cc" "relay/main\\.cc" "relay/log\\.cc" "queue/content_file\\.cc" "relay/intake/users\\.cc"
  "base/idn\\.cc")

set(faults 0)
function(fault text)
  message(NOTICE "${text}")
  math(EXPR count "${faults} + 1")
  set(faults ${count} PARENT_SCOPE)
endfunction()

# Only the first rule that matches a header counts.
macro(check_library file header)
  foreach(library place IN ZIP_LISTS libraries places)
    if("${header}" MATCHES "^${library}")
      if(NOT "${file}" MATCHES "^(${place})")
        fault("${file}: <${header}> belongs in ${place}")
      endif()
      break()
    endif()
  endforeach()
endmacro()

foreach(folder IN LISTS folders)
  file(GLOB_RECURSE files RELATIVE ${root} "${root}/${folder}/*.cc" "${root}/${folder}/*.h")
  foreach(file IN LISTS files)
    file(STRINGS "${root}/${file}" lines REGEX "^#include [<\"]")
    foreach(line IN LISTS lines)
      string(REGEX REPLACE "^#include [<\"]([^>\"]*)[>\"].*" "\\1" header "${line}")
      if(line MATCHES "^#include \"")
        string(REGEX MATCH "^[a-z]+" target "${header}")
        if(NOT target IN_LIST ${folder}_sees)
          fault("${file}: ${folder}/ must not include \"${header}\"")
        endif()
      else()
        check_library("${file}" "${header}")
      endif()
    endforeach()
  endforeach()
endforeach()

if(faults GREATER 0)
  message(FATAL_ERROR "${faults} includes against the layers")
endif()
