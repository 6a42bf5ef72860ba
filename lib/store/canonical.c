// canonical.c - the canonical request of AWS Signature Version 4, as Amazon S3 wants it: the path
// is encoded once and never normalised.
#include "core/buffer.h"
#include "core/error.h"
#include "store/sigv4.h"
#include "store/uri.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

// Every byte is a letter, a digit or one of `others`; not empty.
static int is_word(const char *text, const char *others) {
    for (const char *at = text; *at != '\0'; at++) {
        if (!is_letter(*at) && !is_digit(*at) && strchr(others, *at) == NULL) {
            return 0;
        }
    }
    return *text != '\0';
}

static int is_time(const char *text) {
    static const char pattern[] = "00000000T000000Z";
    for (size_t i = 0; i < sizeof pattern; i++) {
        if (pattern[i] == '0' ? !is_digit(text[i]) : text[i] != pattern[i]) {
            return 0;
        }
    }
    return 1;
}

const char *dogb_sign_header(const dogb_sign_request *request, const char *name) {
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

static int check_header(const dogb_sign_field *field) {
    DOGB_CHECK(is_word(field->name, "!#$%&'*+-.^_`|~"), "header \"%s\": not a header's name",
               field->name);
    for (const char *at = field->value; *at != '\0'; at++) {
        DOGB_CHECK(((unsigned char)*at >= ' ' && *at != 0x7f) || *at == '\t',
                   "header %s: a control character in its value", field->name);
    }
    return DOGBREED_OK;
}

static int check(const dogb_sign_request *request) {
    int rc = DOGBREED_OK;
    DOGB_CHECK(is_word(request->method, ""), "method \"%s\": expected letters", request->method);
    DOGB_CHECK(request->path[0] == '/', "path \"%s\": expected '/' in front", request->path);
    DOGB_CHECK(is_time(request->time), "time \"%s\": expected YYYYMMDDTHHMMSSZ", request->time);
    DOGB_CHECK(is_word(request->region, "-_."), "region \"%s\": expected letters, digits and '-'",
               request->region);
    DOGB_CHECK(is_word(request->service, "-"), "service \"%s\": expected letters",
               request->service);
    for (size_t i = 0; i < request->header_count; i++) {
        if ((rc = check_header(&request->headers[i])) < 0) {
            return rc;
        }
    }
    DOGB_CHECK(dogb_sign_header(request, "host") != NULL,
               "header host: missing in a request to be signed");
    return DOGBREED_OK;
}

// One pair of a list to be sorted; both parts are what the canonical text has.
typedef struct pair {
    const char *name;
    const char *value;
    size_t index;
} pair;

static int compare_pairs(const void *a, const void *b) {
    const pair *one = a, *two = b;
    int order = strcmp(one->name, two->name);
    return order != 0 ? order : strcmp(one->value, two->value);
}

// Headers of one name stay in the order that they are sent in.
static int compare_headers(const void *a, const void *b) {
    const pair *one = a, *two = b;
    int order = strcmp(one->name, two->name);
    return order != 0 ? order : (one->index > two->index) - (one->index < two->index);
}

static int canonical_query(dogb_canonical *out, dogb_arena *arena,
                           const dogb_sign_request *request) {
    dogb_buffer query = {.arena = arena};
    pair *pairs = dogb_alloc(arena, request->query_count + 1, sizeof *pairs);
    if (pairs == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < request->query_count; i++) {
        const dogb_sign_field *field = &request->query[i];
        pairs[i].name = dogb_uri_encode(arena, field->name, 0);
        pairs[i].value = dogb_uri_encode(arena, field->value == NULL ? "" : field->value, 0);
        if (pairs[i].name == NULL || pairs[i].value == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    qsort(pairs, request->query_count, sizeof *pairs, compare_pairs);
    dogb_buffer_add(&query, "");
    for (size_t i = 0; i < request->query_count; i++) {
        dogb_buffer_add(&query, i == 0 ? "" : "&");
        dogb_buffer_add(&query, pairs[i].name);
        dogb_buffer_add(&query, "=");
        dogb_buffer_add(&query, pairs[i].value);
    }
    out->query = query.data;
    return query.rc;
}

static char *lower_case(dogb_arena *arena, const char *text) {
    char *copy = dogb_strdup(arena, text);
    for (char *at = copy; at != NULL && *at != '\0'; at++) {
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at - 'A' + 'a') : *at;
    }
    return copy;
}

// Without blanks at the ends, runs of them inside as one.
static char *single_spaced(dogb_arena *arena, const char *text) {
    char *copy = dogb_alloc(arena, strlen(text) + 1, 1);
    char *out = copy;
    while (copy != NULL && *(text += strspn(text, " \t")) != '\0') {
        size_t length = strcspn(text, " \t");
        if (out > copy) {
            *out++ = ' ';
        }
        memcpy(out, text, length);
        out += length;
        text += length;
    }
    return copy;
}

// "name:value" lines, values of one name behind commas; and the list of names.
static int canonical_headers(dogb_buffer *lines, dogb_canonical *out, dogb_arena *arena,
                             const dogb_sign_request *request) {
    dogb_buffer names = {.arena = arena};
    pair *pairs = dogb_alloc(arena, request->header_count, sizeof *pairs);
    if (pairs == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    for (size_t i = 0; i < request->header_count; i++) {
        pairs[i].index = i;
        pairs[i].name = lower_case(arena, request->headers[i].name);
        pairs[i].value = single_spaced(arena, request->headers[i].value);
        if (pairs[i].name == NULL || pairs[i].value == NULL) {
            return DOGBREED_ERROR_NO_MEMORY;
        }
    }
    qsort(pairs, request->header_count, sizeof *pairs, compare_headers);
    for (size_t i = 0; i < request->header_count; i++) {
        int again = i > 0 && strcmp(pairs[i].name, pairs[i - 1].name) == 0;
        if (!again) {
            dogb_buffer_add(&names, i == 0 ? "" : ";");
            dogb_buffer_add(&names, pairs[i].name);
            dogb_buffer_add(lines, i == 0 ? "" : "\n");
            dogb_buffer_add(lines, pairs[i].name);
        }
        dogb_buffer_add(lines, again ? "," : ":");
        dogb_buffer_add(lines, pairs[i].value);
    }
    out->names = names.data;
    return names.rc;
}

int dogb_sign_canonical(dogb_canonical *out, dogb_arena *arena, const dogb_sign_request *request) {
    int rc = DOGBREED_OK;
    dogb_buffer text = {.arena = arena};
    *out = (dogb_canonical){0};
    if ((rc = check(request)) < 0 || (rc = canonical_query(out, arena, request)) < 0) {
        return rc;
    }
    out->path = dogb_uri_encode(arena, request->path, '/');
    if (out->path == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    dogb_buffer_add(&text, request->method);
    dogb_buffer_add(&text, "\n");
    dogb_buffer_add(&text, out->path);
    dogb_buffer_add(&text, "\n");
    dogb_buffer_add(&text, out->query);
    dogb_buffer_add(&text, "\n");
    if ((rc = canonical_headers(&text, out, arena, request)) < 0) {
        return rc;
    }
    dogb_buffer_add(&text, "\n\n");
    dogb_buffer_add(&text, out->names);
    dogb_buffer_add(&text, "\n");
    dogb_buffer_add(&text, request->payload_hash);
    out->text = text.data;
    return text.rc;
}
