// profile.c - see profile.h.
#include "store/profile.h"
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "store/ini.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

// What one file says of one profile.
typedef struct search {
    const char *path;
    const char *name;
    int is_config; // sections are called "profile name"
    int found;
    dogb_arena *arena;
    dogb_credentials keys;
    char *region;
    const char *other; // a key that says that another program or a role has the keys
} search;

// Blanks behind a section's name and quotes around it do not count.
static int is_name(const char *text, size_t length, const char *name) {
    while (length > 0 && strchr(" \t", text[length - 1]) != NULL) {
        length--;
    }
    if (length >= 2 && strchr("\"'", text[0]) != NULL && text[length - 1] == text[0]) {
        text++;
        length -= 2;
    }
    return strlen(name) == length && memcmp(text, name, length) == 0;
}

static int is_section(const search *s, const char *section) {
    section += strspn(section, " \t");
    if (s->is_config && strncmp(section, "profile", 7) == 0) {
        size_t blanks = strspn(section + 7, " \t");
        section += 7 + blanks;
        return blanks > 0 && is_name(section, strlen(section), s->name);
    }
    return (!s->is_config || strcmp(s->name, "default") == 0) &&
           is_name(section, strlen(section), s->name);
}

static int keep(char **slot, const search *s, const char *key, const char *value) {
    if (*slot != NULL) {
        return dogb_fail(DOGBREED_ERROR_FORMAT, "%s: profile \"%s\" has %s twice", s->path, s->name,
                         key);
    }
    return *value == '\0' ? DOGBREED_OK : dogb_secret_copy(slot, s->arena, value);
}

static int on_entry(const char *section, const char *key, const char *value, void *userdata) {
    static const char *const others[] = {"role_arn",      "credential_process",
                                         "sso_session",   "sso_start_url",
                                         "login_session", "web_identity_token_file"};
    search *s = userdata;
    if (!is_section(s, section)) {
        return DOGBREED_OK;
    }
    s->found = 1;
    if (key == NULL) {
        return DOGBREED_OK;
    }
    const struct {
        const char *key;
        char **slot;
    } rows[] = {{"aws_access_key_id", &s->keys.id},
                {"aws_secret_access_key", &s->keys.secret},
                {"aws_session_token", &s->keys.token},
                {"region", &s->region}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].key, key) == 0) {
            return keep(rows[i].slot, s, key, value);
        }
    }
    for (size_t i = 0; s->other == NULL && i < sizeof others / sizeof others[0]; i++) {
        s->other = strcmp(others[i], key) == 0 ? others[i] : NULL;
    }
    return DOGBREED_OK;
}

// The named file, or ~/.aws/<name>. *out is NULL when there is no such place.
static int path_of(char **out, dogb_arena *arena, const char *variable, const char *name) {
    const char *home = dogb_environment("HOME");
    const char *given = dogb_environment(variable);
    *out = NULL;
    if (given != NULL && strncmp(given, "~/", 2) != 0) {
        *out = dogb_strdup(arena, given);
    } else if (home == NULL) {
        return DOGBREED_OK;
    } else {
        *out = given != NULL ? dogb_path_join(arena, home, given + 2)
                             : dogb_format(arena, "%s/.aws/%s", home, name);
    }
    return *out == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// A file that is not there has nothing; /dev/null is how to have none.
static int read_file(search *s) {
    dogb_arena scratch = {0};
    void *data = NULL;
    size_t size = 0;
    if (s->path == NULL || strcmp(s->path, "/dev/null") == 0) {
        return DOGBREED_OK;
    }
    int rc = dogb_file_read(&data, &size, &scratch, s->path, FILE_MAX);
    if (rc == DOGBREED_OK) {
        rc = dogb_ini_read(s->path, data, size, on_entry, s);
        OPENSSL_cleanse(data, size);
    } else if (rc == DOGBREED_ERROR_NOT_FOUND) {
        rc = DOGBREED_OK;
    }
    dogb_arena_free(&scratch);
    return rc;
}

// The first file that has keys has both: they are not mixed.
static int take(dogb_profile *out, dogb_arena *arena, const search *s) {
    out->found |= s->found;
    out->other = out->other == NULL ? s->other : out->other;
    out->region = out->region == NULL ? s->region : out->region;
    if (out->source == NULL && (s->keys.id != NULL || s->keys.secret != NULL)) {
        out->keys = s->keys;
        out->source = dogb_format(arena, "profile \"%s\" of %s", s->name, s->path);
        return out->source == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    }
    return DOGBREED_OK;
}

int dogb_profile_find(dogb_profile *out, dogb_arena *arena, const dogb_credentials_conf *conf) {
    static const struct {
        const char *variable, *name;
    } files[] = {{"AWS_SHARED_CREDENTIALS_FILE", "credentials"}, {"AWS_CONFIG_FILE", "config"}};
    int rc = DOGBREED_OK;
    const char *given = conf->profile != NULL ? conf->profile : dogb_environment("AWS_PROFILE");
    char *paths[2] = {NULL};
    *out = (dogb_profile){.name = given == NULL ? "default" : given};
    for (int i = 0; i < 2; i++) {
        if ((rc = path_of(&paths[i], arena, files[i].variable, files[i].name)) < 0) {
            return rc;
        }
        search s = {.path = paths[i], .name = out->name, .is_config = i, .arena = arena};
        if ((rc = read_file(&s)) < 0 || (rc = take(out, arena, &s)) < 0) {
            return rc;
        }
    }
    if (!out->found && strcmp(out->name, "default") != 0) {
        return dogb_fail(DOGBREED_ERROR_NOT_FOUND, "profile \"%s\": not in %s or %s", out->name,
                         paths[0] == NULL ? "~/.aws/credentials" : paths[0],
                         paths[1] == NULL ? "~/.aws/config" : paths[1]);
    }
    return DOGBREED_OK;
}

int dogb_profile_check(const dogb_profile *profile) {
    int has_id = profile->keys.id != NULL, has_secret = profile->keys.secret != NULL;
    if (has_id != has_secret) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT, "%s: aws_%s without aws_%s",
                         profile->source, has_id ? "access_key_id" : "secret_access_key",
                         has_id ? "secret_access_key" : "access_key_id");
    }
    // Tools that know roles take the role even when there are keys.
    if (profile->other != NULL && (!has_id || strcmp(profile->other, "role_arn") == 0)) {
        return dogb_fail(DOGBREED_ERROR_UNSUPPORTED,
                         "profile \"%s\" has %s, which is not supported; expected "
                         "aws_access_key_id and aws_secret_access_key",
                         profile->name, profile->other);
    }
    return DOGBREED_OK;
}
