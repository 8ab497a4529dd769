# cpack reads this before it makes a package. Without these programs it would make a .deb
# that depends on no library.
if(CPACK_GENERATOR STREQUAL "DEB")
  find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
  find_program(FILE_EXECUTABLE file)
  if(NOT DPKG_SHLIBDEPS OR NOT FILE_EXECUTABLE)
    message(FATAL_ERROR "a .deb needs dpkg-shlibdeps and file, which find its "
                        "dependencies: apt-get install dpkg-dev file")
  endif()
endif()
