# SPDX-License-Identifier: Apache-2.0
# Third-party libraries as keel_dep::<name>, all from the distribution's packages. Those without a CMake
# config are found by pkg-config or by header and library.
set(KEEL_MISSING "")
include(keel_dep)

if(CMAKE_CROSSCOMPILING)
  # Built from the distribution's source packages by scripts/arm-gate; never the host's headers.
  set(KEEL_ARM_DEPS "${CMAKE_SOURCE_DIR}/build/arm-deps" CACHE PATH "libsodium and BearSSL for the target")
  foreach(name sodium bearssl)
    if(NOT EXISTS "${KEEL_ARM_DEPS}/lib/lib${name}.a")
      message(FATAL_ERROR "lib${name}.a is not in ${KEEL_ARM_DEPS}: run scripts/arm-gate first")
    endif()
    add_library(keel_dep::${name} INTERFACE IMPORTED GLOBAL)
    target_include_directories(keel_dep::${name} SYSTEM INTERFACE "${KEEL_ARM_DEPS}/include")
    target_link_libraries(keel_dep::${name} INTERFACE "${KEEL_ARM_DEPS}/lib/lib${name}.a")
  endforeach()
  return()
endif()

find_package(Threads REQUIRED)
keel_dep(sodium HEADER sodium.h LIBRARIES sodium PKGCONFIG libsodium)
keel_dep(bearssl HEADER bearssl.h LIBRARIES bearssl SUFFIXES bearssl)
keel_dep(openssl HEADER openssl/evp.h LIBRARIES ssl crypto PKGCONFIG openssl)
keel_dep(secp256k1 HEADER secp256k1.h LIBRARIES secp256k1 PKGCONFIG libsecp256k1)
keel_dep(leveldb HEADER leveldb/db.h LIBRARIES leveldb LINK Threads::Threads)
keel_dep(json HEADER nlohmann/json.hpp)
keel_dep(valijson HEADER valijson/validator.hpp)
# Asio's coroutine support in Boost 1.74 does not compile as C++23; nothing here uses it.
keel_dep(boost HEADER boost/beast.hpp DEFINES BOOST_ASIO_DISABLE_CO_AWAIT LINK Threads::Threads)
keel_dep(fmt HEADER fmt/format.h LIBRARIES fmt)
keel_dep(spdlog HEADER spdlog/spdlog.h LIBRARIES spdlog fmt DEFINES SPDLOG_COMPILED_LIB SPDLOG_FMT_EXTERNAL
         LINK Threads::Threads)
keel_dep(cli11 HEADER CLI/CLI.hpp)
keel_dep(mosquitto HEADER mosquitto.h LIBRARIES mosquitto PKGCONFIG libmosquitto)
keel_dep(mosquitto_plugin HEADER mosquitto_plugin.h)
keel_dep(zlib HEADER zlib.h LIBRARIES z PKGCONFIG zlib)
# Without TLS: what must be kept secret is in the envelopes.
keel_dep(coap HEADER coap3/coap.h LIBRARIES coap-3-notls PKGCONFIG libcoap-3-notls)
keel_dep(toml HEADER toml++/toml.h)
keel_dep(qrencode HEADER qrencode.h LIBRARIES qrencode)
keel_dep(png HEADER png.h LIBRARIES png)
if(KEEL_WITH_CPPREST)
  # Only the target that wraps it links this; that target is C++20 (clang rejects cpprest as C++23).
  keel_dep(cpprest HEADER cpprest/http_client.h LIBRARIES cpprest boost_system
           LINK keel_dep::openssl keel_dep::boost)
endif()
if(KEEL_BUILD_BENCH)
  keel_dep(benchmark HEADER benchmark/benchmark.h LIBRARIES benchmark LINK Threads::Threads)
endif()
if(KEEL_BUILD_TESTS)
  find_package(GTest QUIET)
  if(NOT GTest_FOUND)
    list(APPEND KEEL_MISSING "gtest")
  endif()
  include(GoogleTest)
endif()
if(KEEL_MISSING)
  list(JOIN KEEL_MISSING "\n  " text)
  message(FATAL_ERROR "These libraries are missing:\n  ${text}\nInstall them with scripts/setup "
    "(scripts/setup --for test for the tests), then run cmake again.")
endif()
