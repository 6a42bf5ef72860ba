// store_sign.c - fuzz target: requests to be signed, and s3:// URIs. A path and a query that are
// signed can be sent, and decoded they are what was given; what is signed once is signed again.
#include "fuzz.h"

#include "store/sigv4.h"
#include "store/uri.h"

#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 16 };

static void require(int condition) {
    if (!condition) {
        abort();
    }
}

// The next line of the text, which is cut there; "" at the end.
static char *next_line(char **text) {
    char *line = *text;
    size_t length = strcspn(line, "\n");
    *text += length + (line[length] != '\0');
    line[length] = '\0';
    return line;
}

// Lines "name value" until an empty one.
static size_t next_fields(dogb_sign_field *out, char **text) {
    size_t count = 0;
    for (char *line = next_line(text); *line != '\0' && count < FIELDS_MAX;
         line = next_line(text)) {
        size_t length = strcspn(line, " ");
        out[count].value = line[length] == '\0' ? NULL : line + length + 1;
        line[length] = '\0';
        out[count++].name = line;
    }
    return count;
}

static void check_sent(dogb_arena *arena, const char *path, const char *query,
                       const dogb_sign_request *request) {
    char *copy = dogb_strdup(arena, path);
    require(strspn(path, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/%") ==
            strlen(path));
    require(strpbrk(query, " +\n#?/") == NULL && (query[0] != '\0') == (request->query_count > 0));
    require(dogb_uri_decode(copy) == 0 && strcmp(copy, request->path) == 0);
}

static void check_request(dogb_arena *arena, char *text) {
    dogb_credentials keys = {.id = next_line(&text), .secret = next_line(&text)};
    dogb_sign_field query[FIELDS_MAX], headers[FIELDS_MAX + 3];
    dogb_sign_request request = {.method = next_line(&text), .path = next_line(&text)};
    char *authorization = NULL, *again = NULL, *path = NULL, *encoded = NULL, *target = NULL;
    request.region = next_line(&text);
    request.time = "20130524T000000Z";
    request.service = "s3";
    request.payload_hash = DOGB_SIGN_EMPTY;
    request.query_count = next_fields(query, &text);
    request.query = query;
    request.header_count = next_fields(headers, &text);
    for (size_t i = 0; i < request.header_count; i++) {
        headers[i].value = headers[i].value == NULL ? "" : headers[i].value;
    }
    headers[request.header_count++] = (dogb_sign_field){"Host", "h"};
    headers[request.header_count++] = (dogb_sign_field){"x-amz-date", request.time};
    headers[request.header_count++] =
        (dogb_sign_field){"x-amz-content-sha256", request.payload_hash};
    request.headers = headers;
    if (dogb_sign(&authorization, &path, &encoded, arena, &request, &keys) == 0) {
        check_sent(arena, path, encoded, &request);
        require(strpbrk(authorization, "\r\n") == NULL);
        require(dogb_sign(&again, &path, &encoded, arena, &request, &keys) == 0);
        require(strcmp(authorization, again) == 0);
        require(dogb_sign_url(&target, arena, &request, &keys, 60) == 0 && target[0] == '/');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    dogb_arena arena = {0};
    dogb_uri uri;
    char *text = dogb_strndup(&arena, (const char *)data, size);
    char *copy = text == NULL ? NULL : dogb_strdup(&arena, text);
    if (copy != NULL) {
        if (dogb_uri_parse(&uri, &arena, text) == 0) {
            const char *whole = dogb_format(&arena, "s3://%s/%s", uri.bucket, uri.key);
            require(strncmp(whole, text, strlen(text)) == 0);
        }
        if (dogb_uri_decode(copy) == 0) {
            char *encoded = dogb_uri_encode(&arena, copy, 0);
            require(dogb_uri_decode(encoded) == 0 && strcmp(encoded, copy) == 0);
        }
        check_request(&arena, text);
    }
    dogb_arena_free(&arena);
    return 0;
}
