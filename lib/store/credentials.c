// credentials.c - the chain of places that may have keys.
#include "store/credentials.h"
#include "core/clock.h"
#include "core/environment.h"
#include "core/error.h"
#include "store/profile.h"
#include "store/service.h"
#include "store/time.h"

#include <openssl/crypto.h>
#include <string.h>

enum { RENEW_BEFORE = 5 * 60 }; // seconds

void dogb_wipe(char *text) {
    if (text != NULL) {
        OPENSSL_cleanse(text, strlen(text));
    }
}

static void wipe(void *text) {
    dogb_wipe(text);
}

int dogb_secret_copy(char **out, dogb_arena *arena, const char *text) {
    *out = NULL;
    if (text == NULL) {
        return DOGBREED_OK;
    }
    char *copy = dogb_strdup(arena, text);
    int rc = copy == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_defer(arena, wipe, copy);
    *out = rc < 0 ? NULL : copy;
    return rc;
}

int dogb_credentials_due(const dogb_credentials *credentials, double now) {
    return credentials->expires > 0 && now >= credentials->expires - RENEW_BEFORE;
}

// Every byte is printable ASCII and not `but`.
static int is_plain(const char *text, char but) {
    for (; *text != '\0'; text++) {
        if (*text <= ' ' || *text >= 0x7f || *text == but) {
            return 0;
        }
    }
    return 1;
}

int dogb_credentials_check(const dogb_credentials *credentials, const char *source) {
    const char *id = credentials->id, *secret = credentials->secret, *token = credentials->token;
    DOGB_CHECK(id != NULL && id[0] != '\0', "%s: no access key id", source);
    DOGB_CHECK(secret != NULL && secret[0] != '\0', "%s: no secret access key", source);
    // A comma ends it in the header.
    DOGB_CHECK(is_plain(id, ','), "%s: the access key id has a character that it cannot have",
               source);
    DOGB_CHECK(strcspn(secret, "\r\n") == strlen(secret),
               "%s: the secret access key has a line break", source);
    DOGB_CHECK(token == NULL || is_plain(token, '\0'),
               "%s: the session token has a character that it cannot have", source);
    return DOGBREED_OK;
}

// Copies of the three texts; "" counts as none.
static int copy(dogb_credentials *out, dogb_arena *arena, const char *const texts[3]) {
    char **slots[] = {&out->id, &out->secret, &out->token};
    for (int i = 0; i < 3; i++) {
        const char *text = texts[i] == NULL || *texts[i] == '\0' ? NULL : texts[i];
        int rc = dogb_secret_copy(slots[i], arena, text);
        if (rc < 0) {
            return rc;
        }
    }
    return DOGBREED_OK;
}

// A place that may have keys: leaves *out alone when it has none. *source names it.
typedef int (*place)(dogb_credentials *out, const char **source, dogb_arena *arena,
                     const dogb_credentials_conf *conf);

static int from_options(dogb_credentials *out, const char **source, dogb_arena *arena,
                        const dogb_credentials_conf *conf) {
    const char *const texts[] = {conf->id, conf->secret, conf->token};
    *source = "options";
    return copy(out, arena, texts);
}

static int from_environment(dogb_credentials *out, const char **source, dogb_arena *arena,
                            const dogb_credentials_conf *conf) {
    const char *const texts[] = {dogb_environment("AWS_ACCESS_KEY_ID"),
                                 dogb_environment("AWS_SECRET_ACCESS_KEY"),
                                 dogb_environment("AWS_SESSION_TOKEN")};
    const char *ends = dogb_environment("AWS_CREDENTIAL_EXPIRATION");
    int rc = DOGBREED_OK;
    *source = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    if (conf->profile != NULL || (texts[0] == NULL && texts[1] == NULL)) {
        return DOGBREED_OK;
    }
    if (ends != NULL && (rc = dogb_time_parse(&out->expires, ends)) < 0) {
        return rc;
    }
    return copy(out, arena, texts);
}

static int from_files(dogb_credentials *out, const char **source, dogb_arena *arena,
                      const dogb_credentials_conf *conf) {
    dogb_profile profile;
    int rc = dogb_profile_find(&profile, arena, conf);
    if (rc < 0 || (rc = dogb_profile_check(&profile)) < 0) {
        return rc;
    }
    *source = profile.source;
    *out = profile.keys;
    return DOGBREED_OK;
}

static int from_container(dogb_credentials *out, const char **source, dogb_arena *arena,
                          const dogb_credentials_conf *conf) {
    *source = "the container's service";
    return dogb_service_container(out, arena, conf);
}

static int from_machine(dogb_credentials *out, const char **source, dogb_arena *arena,
                        const dogb_credentials_conf *conf) {
    *source = "the machine's service";
    return conf->imds ? dogb_service_machine(out, arena, conf) : DOGBREED_OK;
}

int dogb_credentials_find(dogb_credentials *out, dogb_arena *arena,
                          const dogb_credentials_conf *conf) {
    static const place places[] = {from_options, from_environment, from_files, from_container,
                                   from_machine};
    int rc = DOGBREED_OK;
    dogb_credentials found = {.anonymous = conf->no_sign != 0};
    const char *source = NULL;
    *out = (dogb_credentials){0};
    for (size_t i = 0; !found.anonymous && i < sizeof places / sizeof places[0]; i++) {
        if ((rc = places[i](&found, &source, arena, conf)) < 0) {
            return rc;
        }
        if (found.id == NULL && found.secret == NULL) {
            continue;
        }
        if ((rc = dogb_credentials_check(&found, source)) < 0) {
            return rc;
        }
        if (found.expires > 0 && found.expires <= dogb_clock_wall()) {
            return dogb_fail(DOGBREED_ERROR_STATE, "%s: these temporary keys have ended", source);
        }
        *out = found;
        return DOGBREED_OK;
    }
    if (!found.anonymous) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND,
                         "no access key for S3: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, "
                         "have a profile in ~/.aws/credentials, or ask not to sign");
    }
    *out = found;
    return DOGBREED_OK;
}

int dogb_region_find(char **out, dogb_arena *arena, const dogb_credentials_conf *conf) {
    const char *region = conf->region;
    dogb_profile profile = {0};
    int rc = DOGBREED_OK;
    *out = NULL;
    if (region == NULL) {
        region = dogb_environment("AWS_REGION");
    }
    if (region == NULL) {
        region = dogb_environment("AWS_DEFAULT_REGION");
    }
    if (region == NULL) {
        if ((rc = dogb_profile_find(&profile, arena, conf)) < 0) {
            return rc;
        }
        region = profile.region;
    }
    *out = dogb_strdup(arena, region == NULL ? "us-east-1" : region);
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}
