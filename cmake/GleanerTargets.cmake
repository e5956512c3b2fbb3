# gleaner_library(NAME [USES lib...] [LINKS lib...] [HOT file...] [WARM file...])
#   makes gleaner_NAME of every .c file of the current folder (and its subfolders): what lies in a
#   folder is part of it. USES names other folders (the only includes allowed), LINKS libraries,
#   HOT the files that run once per sample, WARM once per series and window or where -O3 gives as
#   good as nothing: a release optimizes these for speed (-O3, -O2), all else for size.
# gleaner_unit_tests(FOLDER)
#   every tests/unit/FOLDER/x_test.c is a program and a ctest case "unit/FOLDER/x".

include(CheckLinkerFlag)

add_library(gleaner_flags INTERFACE)
target_include_directories(gleaner_flags INTERFACE ${PROJECT_SOURCE_DIR} ${PROJECT_BINARY_DIR}/gen)
target_compile_definitions(gleaner_flags INTERFACE
  _GNU_SOURCE GLEANER_VERSION="${PROJECT_VERSION}")
target_compile_options(gleaner_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wvla -Wformat=2 -fno-common
  -UNDEBUG # assertions stay on in every build: a broken invariant must not go on writing
  $<$<BOOL:${GLEANER_WERROR}>:-Werror>)

if(GLEANER_SANITIZE)
  target_compile_options(gleaner_flags INTERFACE
    -fsanitize=${GLEANER_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(gleaner_flags INTERFACE -fsanitize=${GLEANER_SANITIZE})
endif()
if(GLEANER_FUZZ)
  target_compile_options(gleaner_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(GLEANER_COVERAGE)
  target_compile_options(gleaner_flags INTERFACE --coverage)
  target_link_options(gleaner_flags INTERFACE --coverage)
endif()
# Hardening; a sanitizer brings its own and does not get along with _FORTIFY_SOURCE.
target_link_options(gleaner_flags INTERFACE -Wl,-z,relro,-z,now -Wl,--as-needed)
target_compile_options(gleaner_flags INTERFACE -fstack-protector-strong)
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT GLEANER_SANITIZE)
  target_compile_options(gleaner_flags INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    -fstack-clash-protection -ffunction-sections -fdata-sections)
  target_link_options(gleaner_flags INTERFACE -Wl,--gc-sections)
  # Half of the loader's work list is offsets; this writes them as bits (glibc 2.36, binutils 2.38).
  check_linker_flag(C -Wl,-z,pack-relative-relocs GLEANER_RELR)
  if(GLEANER_RELR)
    target_link_options(gleaner_flags INTERFACE -Wl,-z,pack-relative-relocs)
  endif()
  # Programs with the property GLEANER_WHOLE are optimized as a whole; the tests link faster without.
  if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    set(GLEANER_WHOLE_OPTIONS -flto -ffat-lto-objects)
    target_link_options(gleaner_flags INTERFACE
      $<IF:$<BOOL:$<TARGET_PROPERTY:GLEANER_WHOLE>>,-flto=auto,-fno-lto>)
  endif()
endif()

# What ends up in the agent: in a release for size (files named HOT for speed), without the tables
# by which exceptions unwind: a profile needs -g.
function(gleaner_small target)
  if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT GLEANER_SANITIZE)
    target_compile_options(${target} PRIVATE -Os -fno-asynchronous-unwind-tables
      ${GLEANER_WHOLE_OPTIONS})
  endif()
endfunction()

# CMake refuses a library without sources: a folder that has only headers so far gets an empty one.
function(gleaner_at_least_one list)
  if(NOT ${list})
    file(WRITE ${CMAKE_CURRENT_BINARY_DIR}/empty.c "extern int gleaner_nothing_here_yet;\n")
    set(${list} ${CMAKE_CURRENT_BINARY_DIR}/empty.c PARENT_SCOPE)
  endif()
endfunction()

function(gleaner_library name)
  cmake_parse_arguments(ARG "" "" "USES;LINKS;SOURCES;HOT;WARM" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*.c)
  gleaner_at_least_one(sources)
  add_library(gleaner_${name} STATIC ${sources} ${ARG_SOURCES})
  set_source_files_properties(${ARG_HOT} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O3>")
  set_source_files_properties(${ARG_WARM} PROPERTIES COMPILE_OPTIONS "$<$<CONFIG:Release>:-O2>")
  gleaner_small(gleaner_${name})
  target_link_libraries(gleaner_${name} PUBLIC gleaner_flags ${ARG_LINKS})
  foreach(lib IN LISTS ARG_USES)
    target_link_libraries(gleaner_${name} PUBLIC gleaner_${lib})
  endforeach()
endfunction()

function(gleaner_unit_tests folder)
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/tests/unit/${folder}/*_test.c)
  foreach(source IN LISTS sources)
    file(RELATIVE_PATH relative ${PROJECT_SOURCE_DIR}/tests/unit ${source})
    string(REGEX REPLACE "_test\\.c$" "" case ${relative})
    string(REPLACE "/" "_" target ${case})
    add_executable(test_${target} ${source})
    target_link_libraries(test_${target} PRIVATE gleaner_${folder} gleaner_testing PkgConfig::CMOCKA)
    set_target_properties(test_${target} PROPERTIES
      RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME unit/${case} COMMAND test_${target})
    set_tests_properties(unit/${case} PROPERTIES TIMEOUT 300 LABELS unit
      ENVIRONMENT "GLEANER_TEST_DATA=${PROJECT_SOURCE_DIR}/tests/data")
  endforeach()
endfunction()
