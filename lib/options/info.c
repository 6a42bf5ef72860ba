// info.c - what this library was built from. Opens no engine.
#include "core/error.h"
#include "core/json.h"
#include "engine/engine.h"
#include "image/image.h"
#include "options/build.h"

#include <openssl/crypto.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

const char *dogb_build_compiler(void) {
#if defined(__clang__)
    return "clang " __clang_version__;
#elif defined(__GNUC__)
    return "gcc " __VERSION__;
#else
    return "unknown";
#endif
}

const char *dogb_build_sanitizers(void) {
#if defined(__SANITIZE_ADDRESS__)
    return "address";
#elif defined(__SANITIZE_THREAD__)
    return "thread";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    return "address";
#elif __has_feature(thread_sanitizer)
    return "thread";
#elif __has_feature(memory_sanitizer)
    return "memory";
#else
    return "";
#endif
#else
    return "";
#endif
}

static const char *optimised(void) {
#if defined(__OPTIMIZE__)
    return "optimised";
#else
    return "not optimised";
#endif
}

// "libpng 1.6.39" -> member "libpng": "1.6.39".
static int set_codec(json_t *object, dogb_arena *arena, const char *text) {
    const char *space = strchr(text, ' ');
    if (space == NULL) {
        return dogb_json_set_text(object, text, "");
    }
    char *name = dogb_strndup(arena, text, (size_t)(space - text));
    return name == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_json_set_text(object, name, space + 1);
}

static int set_libraries(json_t *object, dogb_arena *arena) {
    json_t *libraries = dogb_json_object(arena);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (libraries == NULL || (rc = set_codec(libraries, arena, dogb_image_jpeg_version())) < 0 ||
        (rc = set_codec(libraries, arena, dogb_image_png_version())) < 0 ||
        (rc = dogb_json_set_text(libraries, "jansson", jansson_version_str())) < 0 ||
        (rc = dogb_json_set_text(libraries, "openssl", OpenSSL_version(OPENSSL_VERSION_STRING))) <
            0 ||
        (rc = dogb_json_set_text(libraries, "sqlite", sqlite3_libversion())) < 0 ||
        (rc = dogb_json_set_text(libraries, "zlib", zlibVersion())) < 0) {
        return rc;
    }
    return dogb_json_set(object, "libraries", json_incref(libraries));
}

static int set_platform(json_t *object) {
    struct utsname name;
    if (uname(&name) != 0) {
        return DOGBREED_OK; // a system without a name is no reason to fail
    }
    int rc = dogb_json_set_text(object, "system", name.sysname);
    return rc < 0 ? rc : dogb_json_set_text(object, "machine", name.machine);
}

static int fill(json_t *object, dogb_arena *arena) {
    json_t *engines = dogb_json_array(arena);
    int rc = DOGBREED_ERROR_NO_MEMORY;
    if (engines == NULL || (rc = dogb_engine_list(engines, 0)) < 0 ||
        (rc = dogb_json_set_text(object, "version", dogbreed_version())) < 0 ||
        (rc = dogb_json_set_int(object, "abi", dogbreed_abi())) < 0 ||
        (rc = dogb_json_set_text(object, "compiler", dogb_build_compiler())) < 0 ||
        (rc = dogb_json_set_text(object, "build", optimised())) < 0 ||
        (rc = dogb_json_set_text(object, "sanitizers", dogb_build_sanitizers())) < 0 ||
        (rc = set_platform(object)) < 0 ||
        (rc = dogb_json_set(object, "engines", json_incref(engines))) < 0 ||
        (rc = dogb_json_set_text(object, "resize", dogb_image_isa())) < 0) {
        return rc;
    }
    return set_libraries(object, arena);
}

int dogbreed_build_info(char **json) {
    DOGB_CHECK(json != NULL, "json: NULL, expected where to put the text");
    *json = NULL;
    dogb_arena arena = {0};
    json_t *object = dogb_json_object(&arena);
    int rc = object == NULL ? DOGBREED_ERROR_NO_MEMORY : fill(object, &arena);
    if (rc == DOGBREED_OK) {
        rc = dogb_json_text_out(json, object, 0);
    }
    dogb_arena_free(&arena);
    return rc;
}
