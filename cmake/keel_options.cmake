# SPDX-License-Identifier: Apache-2.0
# Compiler settings of every target of ours. Applied per target (keel_target_flags), never globally,
# so that nothing leaks into third-party checks.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
endif()
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_C_FLAGS_DEBUG "-O1 -g1")
set(CMAKE_CXX_FLAGS_RELEASE "-O2")  # assertions stay on: they are cheap and guard keys
set(CMAKE_C_FLAGS_RELEASE "-O2")

# ccache: paths below the checkout are hashed relative to it, so that a fresh clone elsewhere hits.
find_program(KEEL_CCACHE ccache)
if(KEEL_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${CMAKE_SOURCE_DIR}"
      CCACHE_NOHASHDIR=1 "${KEEL_CCACHE}")
  set(CMAKE_C_COMPILER_LAUNCHER "${CMAKE_CXX_COMPILER_LAUNCHER}")
endif()

# One link at a time; one Beast-sized compilation at a time under sanitizers (2 GB each).
set_property(GLOBAL PROPERTY JOB_POOLS link=1 beast=1)
set(CMAKE_JOB_POOL_LINK link)

include(CheckPIESupported)
check_pie_supported()

string(REPLACE "," ";" keel_sanitizers "${KEEL_SANITIZE}")

# keel_target_flags(<target> [EMBEDDED]): warnings, hardening, sanitizers.
function(keel_target_flags target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "EMBEDDED" "" "")
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wno-missing-field-initializers
    $<$<COMPILE_LANGUAGE:CXX>:-Wconversion>
    $<$<BOOL:${KEEL_WERROR}>:-Werror>)
  if(arg_EMBEDDED)
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-exceptions -fno-rtti>)
  endif()
  if(CMAKE_CROSSCOMPILING)
    return()
  endif()
  target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  target_compile_options(${target} PRIVATE -fstack-protector-strong)
  target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now,-z,noexecstack)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT keel_sanitizers)
    target_compile_definitions(${target} PRIVATE _FORTIFY_SOURCE=2)
  endif()
  if(keel_sanitizers)
    target_compile_options(${target} PRIVATE -fsanitize=${KEEL_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=all -fno-sanitize=vptr)  # vptr needs RTTI, which the embedded subset has off
    target_link_options(${target} PRIVATE -fsanitize=${KEEL_SANITIZE})
  endif()
  if(KEEL_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(KEEL_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage)
    target_link_options(${target} PRIVATE --coverage)
  endif()
endfunction()
