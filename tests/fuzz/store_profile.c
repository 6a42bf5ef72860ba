// store_profile.c - fuzz target: profiles of ~/.aws/credentials and ~/.aws/config. The first line
// is the profile, a NUL byte ends the first file. Keys that are accepted are whole, and can be
// signed with.
#include "fuzz.h"
#include "folder.h"

#include "core/error.h"
#include "store/credentials.h"
#include "store/profile.h"

#include <stdlib.h>
#include <string.h>

static void put(const char *variable, const char *name, const void *data, size_t size) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", fuzz_folder, name);
    if (dogb_file_put(path, data, size) < 0 || setenv(variable, path, 1) != 0) {
        abort();
    }
}

static void check_keys(const dogb_profile *profile) {
    const char *id = profile->keys.id;
    const char *secret = profile->keys.secret;
    if (dogb_profile_check(profile) == DOGBREED_OK &&
        ((id == NULL) != (secret == NULL) || (id != NULL && profile->source == NULL))) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    const char *text = (const char *)data;
    const char *end = size == 0 ? NULL : memchr(text, '\n', size);
    char *name = dogb_strndup(&arena, text, end == NULL ? 0 : (size_t)(end - text));
    const char *rest = end == NULL ? text : end + 1;
    size_t left = size - (size_t)(rest - text);
    const char *zero = left == 0 ? NULL : memchr(rest, '\0', left);
    size_t first = zero == NULL ? left : (size_t)(zero - rest);
    dogb_profile profile;
    dogb_credentials keys;
    char *region = NULL;
    (void)fuzz_folder_make();
    put("AWS_SHARED_CREDENTIALS_FILE", "credentials", rest, first);
    put("AWS_CONFIG_FILE", "config", zero == NULL ? "" : zero + 1,
        zero == NULL ? 0 : left - first - 1);
    (void)unsetenv("AWS_PROFILE");
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");
    (void)unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    (void)unsetenv("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    (void)unsetenv("AWS_REGION");
    (void)unsetenv("AWS_DEFAULT_REGION");
    const dogb_credentials_conf conf = {.profile = name == NULL || *name == '\0' ? NULL : name};
    if (dogb_profile_find(&profile, &arena, &conf) == DOGBREED_OK) {
        check_keys(&profile);
    }
    if (dogb_credentials_find(&keys, &arena, &conf) == DOGBREED_OK &&
        (keys.id == NULL || *keys.id == '\0' || keys.secret == NULL || *keys.secret == '\0' ||
         strpbrk(keys.id, "\r\n") != NULL)) {
        abort();
    }
    (void)dogb_region_find(&region, &arena, &conf);
    dogb_arena_free(&arena);
    return 0;
}
