# SPDX-License-Identifier: Apache-2.0
cmake_minimum_required(VERSION 3.25)
# Installs the libraries into a fresh prefix, moves it, and builds and runs the example from there as a stranger would.
#   cmake -DBUILD=.. -DSOURCE=.. -DWORK=.. -DCOMPILER=.. -DGENERATOR=.. -P package_test.cmake
foreach(name BUILD SOURCE WORK COMPILER GENERATOR)
  if(NOT ${name})
    message(FATAL_ERROR "package_test: -D${name}= is missing")
  endif()
endforeach()

# run(<what> <command>...): ends the test when the command fails; its output in `output`.
macro(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "package_test: ${what} failed (${result}):\n${output}")
  endif()
endmacro()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}/consumer")
run("installing" "${CMAKE_COMMAND}" --install "${BUILD}" --prefix "${WORK}/first" --component keel-dev)
# A package is moved: nothing in it may know where it was made.
file(RENAME "${WORK}/first" "${WORK}/prefix")

file(GLOB_RECURSE installed RELATIVE "${WORK}/prefix" "${WORK}/prefix/*")
foreach(name IN ITEMS include/keel/didcomm/pack.h include/keel/did/resolver.h include/keel/crypto/key_store.h)
  if(NOT name IN_LIST installed)
    message(FATAL_ERROR "package_test: ${name} was not installed; there are:\n${installed}")
  endif()
endforeach()
foreach(name IN LISTS installed)
  if(name MATCHES "/internal/|/tests/|\\.cc$")
    message(FATAL_ERROR "package_test: ${name} is nobody's business outside")
  endif()
  if(name MATCHES "\\.cmake$")
    file(READ "${WORK}/prefix/${name}" text)
    foreach(path "${SOURCE}" "${BUILD}" "${WORK}/first")
      string(FIND "${text}" "${path}/" at)
      if(NOT at EQUAL -1)
        message(FATAL_ERROR "package_test: ${name} names ${path}")
      endif()
    endforeach()
  endif()
endforeach()

file(COPY "${SOURCE}/tests/system/package/consumer/CMakeLists.txt" "${SOURCE}/examples/pack_unpack.cc"
  DESTINATION "${WORK}/consumer")
set(configure "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${WORK}/consumer" "-DCMAKE_CXX_COMPILER=${COMPILER}"
  "-DCMAKE_PREFIX_PATH=${WORK}/prefix" -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF)
run("configuring the consumer" ${configure} -B "${WORK}/build")
run("building the consumer" "${CMAKE_COMMAND}" --build "${WORK}/build")
run("the example" "${WORK}/build/pack_unpack")
if(NOT output MATCHES "^https://example.com/greet/1.0/hello, from did:peer:2\\.E")
  message(FATAL_ERROR "package_test: the example printed:\n${output}")
endif()

# A component that isn't there is refused by name, also beside one that is; an optional one is not.
foreach(components "nonsense" "didcomm;nonsense")
  execute_process(COMMAND ${configure} -B "${WORK}/refused" "-DKEEL_COMPONENTS=${components}"
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(result EQUAL 0 OR NOT output MATCHES "nonsense")
    message(FATAL_ERROR "package_test: components ${components} gave ${result}:\n${output}")
  endif()
  file(REMOVE_RECURSE "${WORK}/refused")
endforeach()
run("an optional component" ${configure} -B "${WORK}/optional" -DKEEL_OPTIONAL=nonsense)
# Another version is refused before 1.0.
execute_process(COMMAND ${configure} -B "${WORK}/version" -DKEEL_VERSION=99.0 RESULT_VARIABLE result
  OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(result EQUAL 0)
  message(FATAL_ERROR "package_test: version 99.0 was found")
endif()
message(STATUS "package_test: installed, found, built, run")
