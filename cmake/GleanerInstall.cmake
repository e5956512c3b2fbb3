# What `cmake --install` puts where (GNUInstallDirs; DESTDIR and --prefix are honoured):
#   bin/gleaner, share/man/man1/gleaner.1, share/man/man5/gleaner.yml.5
#   lib/systemd/system/gleaner@.service, which starts the binary of this prefix, lib/sysusers.d/
#   share/doc/gleaner/: licence, papers, example configurations and manifests, laid out as in the
#   source, so that their links and kustomizations hold
# Nothing goes to /etc: a tenant's file is the operator's.
include(GNUInstallDirs)

install(TARGETS gleaner RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES docs/gleaner.1 DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES docs/gleaner.yml.5 DESTINATION ${CMAKE_INSTALL_MANDIR}/man5)
install(FILES deploy/systemd/gleaner.sysusers DESTINATION lib/sysusers.d RENAME gleaner.conf)
install(FILES README.md CHANGELOG.md CONTRIBUTING.md LICENSE
  DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs configs deploy DESTINATION ${CMAKE_INSTALL_DOCDIR}
  PATTERN gleaner.1 EXCLUDE PATTERN gleaner.yml.5 EXCLUDE PATTERN systemd EXCLUDE)
install(FILES wal/FORMAT.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/wal)

# --prefix may come with the installation: the unit's path is known only then.
set(GLEANER_UNIT_SOURCE "${PROJECT_SOURCE_DIR}/deploy/systemd/gleaner@.service")
set(GLEANER_UNIT_MADE "${PROJECT_BINARY_DIR}/gleaner@.service")
install(CODE "
  file(READ \"${GLEANER_UNIT_SOURCE}\" unit)
  string(REPLACE \"=/usr/bin/gleaner \"
    \"=\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/gleaner \" unit \"\${unit}\")
  file(WRITE \"${GLEANER_UNIT_MADE}\" \"\${unit}\")")
install(FILES ${GLEANER_UNIT_MADE} DESTINATION lib/systemd/system)
