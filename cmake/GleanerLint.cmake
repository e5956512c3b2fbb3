# Targets: format (rewrites), lint (clang-format --dry-run, clang-tidy, cppcheck; all must be clean).
file(GLOB_RECURSE GLEANER_ALL_SOURCES CONFIGURE_DEPENDS
  ${PROJECT_SOURCE_DIR}/agent/*.[ch] ${PROJECT_SOURCE_DIR}/base/*.[ch]
  ${PROJECT_SOURCE_DIR}/scrape/*.[ch] ${PROJECT_SOURCE_DIR}/wal/*.[ch]
  ${PROJECT_SOURCE_DIR}/remotewrite/*.[ch] ${PROJECT_SOURCE_DIR}/bench/*.[ch]
  ${PROJECT_SOURCE_DIR}/tests/*.[ch])

find_program(CLANG_FORMAT NAMES clang-format-14)
if(CLANG_FORMAT)
  add_custom_target(format COMMAND ${CLANG_FORMAT} -i ${GLEANER_ALL_SOURCES} VERBATIM)
endif()
add_custom_target(lint
  COMMAND ${PROJECT_SOURCE_DIR}/scripts/lint.sh ${PROJECT_BINARY_DIR}
  WORKING_DIRECTORY ${PROJECT_SOURCE_DIR} VERBATIM USES_TERMINAL)
