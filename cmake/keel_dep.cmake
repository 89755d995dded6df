# SPDX-License-Identifier: Apache-2.0
# Third-party libraries as imported targets keel_dep::<name>, found by one header and their library files
# (docs/decisions/0002). Used by this tree and, installed, by those who use its libraries: nothing here may depend on the
# tree. What is missing is appended to KEEL_MISSING of the caller.
find_package(PkgConfig QUIET)

# keel_dep(<name> HEADER h [LIBRARIES l..] [LINK t..] [DEFINES d..] [SUFFIXES s..] [PKGCONFIG p] [OPTIONAL]).
# PKGCONFIG: a module whose folders are looked at first; nothing else is taken from it.
function(keel_dep name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "OPTIONAL" "HEADER;PKGCONFIG" "LIBRARIES;DEFINES;LINK;SUFFIXES")
  set(KEEL_PC_INCLUDE_DIRS "")
  set(KEEL_PC_LIBRARY_DIRS "")
  if(arg_PKGCONFIG AND PkgConfig_FOUND)
    pkg_check_modules(KEEL_PC QUIET ${arg_PKGCONFIG})
  endif()
  set(missing "")
  find_path(KEEL_${name}_INCLUDE ${arg_HEADER} HINTS ${KEEL_PC_INCLUDE_DIRS} PATH_SUFFIXES ${arg_SUFFIXES})
  if(NOT KEEL_${name}_INCLUDE)
    list(APPEND missing ${arg_HEADER})
  endif()
  set(libraries "")
  foreach(library ${arg_LIBRARIES})
    find_library(KEEL_${name}_${library}_LIBRARY ${library} HINTS ${KEEL_PC_LIBRARY_DIRS})
    if(KEEL_${name}_${library}_LIBRARY)
      list(APPEND libraries "${KEEL_${name}_${library}_LIBRARY}")
    else()
      list(APPEND missing lib${library})
    endif()
  endforeach()
  if(missing)
    if(NOT arg_OPTIONAL)
      list(APPEND KEEL_MISSING "${name} (${missing})")
      set(KEEL_MISSING "${KEEL_MISSING}" PARENT_SCOPE)
    endif()
    return()
  endif()
  add_library(keel_dep::${name} INTERFACE IMPORTED GLOBAL)
  target_include_directories(keel_dep::${name} SYSTEM INTERFACE "${KEEL_${name}_INCLUDE}")
  target_link_libraries(keel_dep::${name} INTERFACE ${libraries} ${arg_LINK})
  target_compile_definitions(keel_dep::${name} INTERFACE ${arg_DEFINES})
  # For keel_install.cmake: how those outside find it again.
  set_property(GLOBAL PROPERTY KEEL_DEP_${name} ${ARGN})
endfunction()
