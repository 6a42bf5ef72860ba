// answer.c - what answers of S3 say: error documents, single elements, times, ETags.
#include "core/error.h"
#include "store/client.h"
#include "store/time.h"
#include "store/xml.h"

#include <stdio.h>
#include <string.h>

typedef struct finder {
    dogb_arena *arena;
    const char *path;
    char **slots[3];
    char *found;
    int failed;
} finder;

static int on_error_element(const char *path, const char *text, void *userdata) {
    static const char *const paths[] = {"Error/Code", "Error/Message", "Error/Region"};
    finder *f = userdata;
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (strcmp(path, paths[i]) == 0) {
            *f->slots[i] = dogb_strdup(f->arena, text);
        }
    }
    return 0;
}

void dogb_store_error_read(dogb_store_error *out, dogb_arena *arena, const char *text,
                           size_t size) {
    dogb_error_state state;
    finder f = {.arena = arena, .slots = {&out->code, &out->message, &out->region}};
    *out = (dogb_store_error){0};
    dogb_error_save(&state, DOGBREED_OK);
    (void)dogb_xml_read(text, size, on_error_element, &f); // no document: no code
    (void)dogb_error_restore(&state);
}

static int on_element(const char *path, const char *text, void *userdata) {
    finder *f = userdata;
    if (f->found == NULL && strcmp(path, f->path) == 0) {
        f->found = dogb_strdup(f->arena, text);
        f->failed = f->found == NULL;
    }
    return f->failed;
}

int dogb_store_text_of(char **out, dogb_arena *arena, const dogb_http_answer *answer,
                       const char *path) {
    finder f = {.arena = arena, .path = path};
    int rc = dogb_xml_read(answer->body, answer->size, on_element, &f);
    *out = rc == DOGBREED_OK ? f.found : NULL;
    return f.failed ? DOGBREED_ERROR_NO_MEMORY : rc;
}

// "Sun, 06 Nov 1994 08:49:37 GMT" as RFC 3339 has it.
static int of_header(char *out, size_t size, const char *text) {
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    int day = 0;
    int year = 0;
    char name[4] = "";
    char clock[9] = "";
    if (sscanf(text, "%*3s, %2d %3s %4d %8s", &day, name, &year, clock) != 4 || strlen(name) != 3 ||
        strstr(months, name) == NULL) {
        return 0;
    }
    int month = (int)(strstr(months, name) - months) / 3 + 1;
    return snprintf(out, size, "%04d-%02d-%02dT%sZ", year, month, day, clock) > 0;
}

double dogb_store_time(const char *text) {
    char own[40];
    double seconds = 0.0;
    dogb_error_state state;
    dogb_error_save(&state, DOGBREED_OK);
    if (dogb_time_parse(&seconds, of_header(own, sizeof own, text) ? own : text) < 0) {
        seconds = 0.0;
        (void)dogb_error_restore(&state);
    }
    return seconds;
}

char *dogb_store_etag(dogb_arena *arena, const char *text) {
    size_t length = strlen(text);
    int quoted = length >= 2 && text[0] == '"' && text[length - 1] == '"';
    return dogb_strndup(arena, text + quoted, length - 2 * (size_t)quoted);
}

int dogb_store_is_md5(const char *etag) {
    return strlen(etag) == 32 && strspn(etag, "0123456789abcdef") == 32;
}

int dogb_store_is_plain(const dogb_http_answer *answer) {
    const char *kind = dogb_http_header_of(answer, "x-amz-server-side-encryption");
    return (kind == NULL || strcmp(kind, "AES256") == 0) &&
           dogb_http_header_of(answer, "x-amz-server-side-encryption-customer-algorithm") == NULL;
}
