// service.c - see service.h.
#include "store/service.h"
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "core/json.h"
#include "store/profile.h"
#include "store/time.h"

#include <openssl/crypto.h>
#include <string.h>

enum { TOKEN_FILE_MAX = 64 << 10 };
#define CONTAINER "http://169.254.170.2"
#define MACHINE "http://169.254.169.254"
#define ROLES "/latest/meta-data/iam/security-credentials/"

// A member of the answer as a copy; what jansson has of it is wiped.
static int take_member(char **out, dogb_arena *arena, json_t *answer, const char *name) {
    json_t *member = json_object_get(answer, name);
    int rc = dogb_secret_copy(out, arena, json_string_value(member));
    if (json_is_string(member)) {
        OPENSSL_cleanse((void *)(uintptr_t)json_string_value(member), json_string_length(member));
    }
    return rc;
}

static int read_answer(dogb_credentials *out, dogb_arena *arena, char *body, const char *what) {
    int rc = DOGBREED_OK;
    dogb_arena scratch = {0};
    json_t *answer = NULL;
    dogb_credentials keys = {0};
    rc = dogb_json_parse(&answer, &scratch, body, strlen(body), what);
    if (rc == DOGBREED_ERROR_FORMAT) { // jansson's message would quote the text, maybe the key
        rc = dogb_fail(rc, "%s: an answer that is not valid JSON", what);
    }
    if (rc < 0) {
        goto out;
    }
    const char *code = json_string_value(json_object_get(answer, "Code"));
    const char *ends = json_string_value(json_object_get(answer, "Expiration"));
    if (code != NULL && strcmp(code, "Success") != 0) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: it says \"%.100s\"", what, code);
        goto out;
    }
    if ((rc = take_member(&keys.id, arena, answer, "AccessKeyId")) < 0 ||
        (rc = take_member(&keys.secret, arena, answer, "SecretAccessKey")) < 0 ||
        (rc = take_member(&keys.token, arena, answer, "Token")) < 0 ||
        (ends != NULL && (rc = dogb_time_parse(&keys.expires, ends)) < 0)) {
        goto out;
    }
    if (keys.id == NULL || keys.secret == NULL) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT,
                       "%s: an answer without AccessKeyId and SecretAccessKey", what);
        goto out;
    }
    *out = keys;
out:
    dogb_wipe(body);
    dogb_arena_free(&scratch);
    return rc;
}

// Keys go over the wire in the clear only where no other machine hears them.
static int is_trusted(const char *url) {
    static const char *const starts[] = {"https://",
                                         CONTAINER,
                                         "http://169.254.170.23", // EKS
                                         "http://[fd00:ec2::23]",
                                         "http://127.0.0.1",
                                         "http://localhost",
                                         "http://[::1]"};
    if (strchr(url, '@') != NULL) { // the host would be what is behind it
        return 0;
    }
    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        size_t length = strlen(starts[i]);
        if (strncmp(url, starts[i], length) == 0 &&
            (i == 0 || url[length] == '\0' || strchr(":/", url[length]) != NULL)) {
            return 1;
        }
    }
    return 0;
}

// "Authorization: ...", NULL when the environment has no token.
static int authorization_of(char **out, dogb_arena *arena) {
    const char *token = dogb_environment("AWS_CONTAINER_AUTHORIZATION_TOKEN");
    const char *path = dogb_environment("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    void *data = NULL;
    size_t size = 0;
    int rc = DOGBREED_OK;
    *out = NULL;
    if (path != NULL) {
        if ((rc = dogb_file_read(&data, &size, arena, path, TOKEN_FILE_MAX)) < 0) {
            return rc;
        }
        token = data;
    }
    if (token == NULL) {
        return DOGBREED_OK;
    }
    DOGB_CHECK(strcspn(token, "\r\n") == strlen(token), "%s: a line break in the token",
               path != NULL ? path : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    *out = dogb_format(arena, "Authorization: %s", token);
    dogb_wipe(data);
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

int dogb_service_container(dogb_credentials *out, dogb_arena *arena,
                           const dogb_credentials_conf *conf) {
    int rc = DOGBREED_OK;
    dogb_arena scratch = {0};
    const char *relative = dogb_environment("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *full = dogb_environment("AWS_CONTAINER_CREDENTIALS_FULL_URI");
    char *header = NULL, *body = NULL;
    if (conf->fetch == NULL || (relative == NULL && full == NULL)) {
        return DOGBREED_OK;
    }
    const char *url = relative == NULL ? full : dogb_format(&scratch, CONTAINER "%s", relative);
    if (url == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    if (!is_trusted(url)) {
        rc = dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                       "AWS_CONTAINER_CREDENTIALS_%s_URI: \"%s\", expected %s",
                       relative == NULL ? "FULL" : "RELATIVE", relative == NULL ? full : relative,
                       relative == NULL ? "https or this machine" : "a path that begins with '/'");
        goto out;
    }
    if ((rc = authorization_of(&header, &scratch)) < 0 ||
        (rc = conf->fetch(&body, &scratch, "GET", url, header, conf->userdata)) < 0) {
        goto out;
    }
    rc = read_answer(out, arena, body, url);
out:
    dogb_wipe(header);
    dogb_arena_free(&scratch);
    return rc;
}

// GET with the token of the session.
static int ask(char **body, dogb_arena *scratch, const char *url, const char *header,
               const dogb_credentials_conf *conf) {
    return url == NULL || header == NULL
               ? DOGBREED_ERROR_NO_MEMORY
               : conf->fetch(body, scratch, "GET", url, header, conf->userdata);
}

int dogb_service_machine(dogb_credentials *out, dogb_arena *arena,
                         const dogb_credentials_conf *conf) {
    int rc = DOGBREED_OK;
    dogb_arena scratch = {0};
    const char *given = dogb_environment("AWS_EC2_METADATA_SERVICE_ENDPOINT");
    const char *disabled = dogb_environment("AWS_EC2_METADATA_DISABLED");
    char *base = NULL, *token = NULL, *header = NULL, *role = NULL, *body = NULL;
    if (conf->fetch == NULL || (disabled != NULL && strcmp(disabled, "true") == 0)) {
        return DOGBREED_OK;
    }
    base = dogb_strdup(&scratch, given == NULL ? MACHINE : given);
    if (base == NULL) {
        rc = DOGBREED_ERROR_NO_MEMORY;
        goto out;
    }
    for (size_t end = strlen(base); end > 0 && base[end - 1] == '/'; end--) {
        base[end - 1] = '\0';
    }
    char *url = dogb_format(&scratch, "%s/latest/api/token", base);
    rc = url == NULL ? DOGBREED_ERROR_NO_MEMORY
                     : conf->fetch(&token, &scratch, "PUT", url,
                                   "X-aws-ec2-metadata-token-ttl-seconds: 21600", conf->userdata);
    if (rc < 0) {
        goto out;
    }
    header = dogb_format(&scratch, "X-aws-ec2-metadata-token: %s", token);
    if ((rc = ask(&role, &scratch, dogb_format(&scratch, "%s" ROLES, base), header, conf)) < 0) {
        goto out;
    }
    role[strcspn(role, "\r\n")] = '\0'; // the first of the list
    url = dogb_format(&scratch, "%s" ROLES "%s", base, role);
    if ((rc = ask(&body, &scratch, url, header, conf)) < 0) {
        goto out;
    }
    rc = read_answer(out, arena, body, url);
out:
    dogb_wipe(token);
    dogb_wipe(header);
    dogb_arena_free(&scratch);
    return rc;
}
