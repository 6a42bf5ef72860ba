// build.h - facts of the build that both build info and doctor tell.
#ifndef DOGB_OPTIONS_BUILD_H
#define DOGB_OPTIONS_BUILD_H

const char *dogb_build_compiler(void);
const char *dogb_build_sanitizers(void); // "" when there is none

#endif
