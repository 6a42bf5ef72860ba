// version.c - which library this is.
#include <dogbreed/common.h>

#define TEXT2(x) #x
#define TEXT(x) TEXT2(x)

const char *dogbreed_version(void) {
    return TEXT(DOGBREED_VERSION_MAJOR) "." TEXT(DOGBREED_VERSION_MINOR) "." TEXT(
        DOGBREED_VERSION_PATCH);
}

int32_t dogbreed_abi(void) {
    return DOGBREED_ABI;
}
