// journal.c - see journal.h.
#include "store/journal.h"
#include "core/error.h"
#include "core/json.h"

#include <string.h>

enum { VERSION = 1 };

// A member of a journal: a text, or a number where `text` is NULL.
typedef struct member {
    const char *name;
    const char **text;
    int64_t *number;
} member;

static char *make(dogb_arena *arena, const char *kind, const member *members, size_t count) {
    json_t *document = dogb_json_document(arena, kind, VERSION);
    int rc = document == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        rc = members[i].text != NULL
                 ? dogb_json_set_text(document, members[i].name, *members[i].text)
                 : dogb_json_set_int(document, members[i].name, *members[i].number);
    }
    return rc < 0 ? NULL : dogb_json_text_in(arena, document, 0);
}

static int take(dogb_arena *arena, const char *kind, const member *members, size_t count,
                const char *text, size_t size, const char *what) {
    json_t *document = NULL;
    char format[64] = "dogbreed.";
    strncat(format, kind, sizeof format - sizeof "dogbreed.");
    int rc = dogb_json_parse(&document, arena, text, size, what);
    const char *name = rc < 0 ? NULL : json_string_value(json_object_get(document, "format"));
    if (rc == DOGBREED_OK &&
        (name == NULL || strcmp(name, format) != 0 ||
         json_integer_value(json_object_get(document, "version")) != VERSION)) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: expected %s, version %d", what, format, VERSION);
    }
    for (size_t i = 0; rc == DOGBREED_OK && i < count; i++) {
        const json_t *value = json_object_get(document, members[i].name);
        if (members[i].text != NULL ? !json_is_string(value) : !json_is_integer(value)) {
            rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: %s is missing", what, members[i].name);
        } else if (members[i].text != NULL) {
            *members[i].text = json_string_value(value);
        } else {
            *members[i].number = json_integer_value(value);
        }
    }
    return rc;
}

#define UPLOAD(J)                                                                                  \
    {                                                                                              \
        {"endpoint", &(J)->endpoint, NULL}, {"bucket", &(J)->bucket, NULL},                        \
            {"key", &(J)->key, NULL}, {                                                            \
            "upload", &(J)->id, NULL                                                               \
        }                                                                                          \
    }
#define DOWNLOAD(J)                                                                                \
    {                                                                                              \
        {"uri", &(J)->uri, NULL}, {"etag", &(J)->etag, NULL}, {"done", &(J)->done, NULL},          \
            {"size", NULL, &(J)->size}, {                                                          \
            "part_size", NULL, &(J)->part_size                                                     \
        }                                                                                          \
    }
enum { UPLOAD_MEMBERS = 4, DOWNLOAD_MEMBERS = 5 };

char *dogb_upload_journal_text(dogb_arena *arena, const dogb_upload_journal *journal) {
    dogb_upload_journal j = *journal;
    const member members[UPLOAD_MEMBERS] = UPLOAD(&j);
    return make(arena, "upload", members, UPLOAD_MEMBERS);
}

char *dogb_download_journal_text(dogb_arena *arena, const dogb_download_journal *journal) {
    dogb_download_journal j = *journal;
    const member members[DOWNLOAD_MEMBERS] = DOWNLOAD(&j);
    return make(arena, "download", members, DOWNLOAD_MEMBERS);
}

int dogb_upload_journal_read(dogb_upload_journal *out, dogb_arena *arena, const char *text,
                             size_t size, const char *what) {
    const member members[UPLOAD_MEMBERS] = UPLOAD(out);
    *out = (dogb_upload_journal){0};
    int rc = take(arena, "upload", members, UPLOAD_MEMBERS, text, size, what);
    if (rc == DOGBREED_OK && (*out->bucket == '\0' || *out->id == '\0')) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: it names no upload", what);
    }
    return rc;
}

int dogb_download_journal_read(dogb_download_journal *out, dogb_arena *arena, const char *text,
                               size_t size, const char *what) {
    const member members[DOWNLOAD_MEMBERS] = DOWNLOAD(out);
    *out = (dogb_download_journal){0};
    int rc = take(arena, "download", members, DOWNLOAD_MEMBERS, text, size, what);
    if (rc == DOGBREED_OK && strspn(out->done, "01") != strlen(out->done)) {
        rc = dogb_fail(DOGBREED_ERROR_FORMAT, "%s: done is no row of 0 and 1", what);
    }
    return rc;
}
