// client.h - requests to S3: signed, tried again where that can help, sent to the bucket's own
// region at the server's own time; and the handle that all files here share.
#ifndef DOGB_STORE_CLIENT_H
#define DOGB_STORE_CLIENT_H

#include "core/table.h"
#include "core/thread.h"
#include "store/credentials.h"
#include "store/http.h"
#include "store/sigv4.h"
#include "store/uri.h"

#include <dogbreed/store.h>

#include <pthread.h>

extern const dogb_table dogb_store_table;

enum { DOGB_TRANSFERS_MAX = 64, DOGB_ANSWER_MAX = 16 << 20 };

// Region of a bucket, as the server corrected it.
typedef struct dogb_place {
    const char *bucket;
    const char *region;
    struct dogb_place *next;
} dogb_place;

struct dogbreed_store {
    dogb_arena arena; // under the lock, once the handle is made
    dogbreed_store_options options;
    const char *endpoint; // host[:port]; NULL: Amazon's own
    const char *scheme;   // "https"
    const char *region;
    char *cache;             // folder of mirrors and journals
    const char *ca_bundle;   // NULL: the system's
    struct dogb_hold *holds; // copies that are in use as long as the handle lives
    dogb_credentials_conf credentials_conf;
    dogbreed_store_progress_fn progress; // NULL: nobody
    void *userdata;
    atomic_int cancel;
    _Atomic int64_t files;
    _Atomic int64_t bytes;
    int64_t files_total;
    int64_t bytes_total;
    int32_t swept; // uploads of dead processes were looked for

    pthread_mutex_t lock; // guards what follows
    dogb_credentials credentials;
    int32_t has_credentials;
    double clock_offset; // of the server, seconds
    dogb_place *places;
    dogb_http *idle[DOGB_TRANSFERS_MAX];
    int32_t idle_count;
};

// An object as a list or a HEAD shows it.
typedef struct dogb_object {
    char *key;
    char *etag; // without quotes
    int64_t size;
    double modified; // seconds since 1970
} dogb_object;

typedef struct dogb_call {
    const char *method;
    dogb_uri uri;
    const dogb_sign_field *query;
    size_t query_count;
    const dogb_sign_field *headers; // x-amz-... and content-...; signed
    size_t header_count;
    const void *body; // NULL: `size` bytes of `from`
    int from;
    int64_t from_offset;
    int64_t size;
    const char *body_hash; // SHA-256 in hexadecimal; NULL: to be found
    const int *into;       // a descriptor; NULL: the answer stays in memory
    int64_t begin;         // bytes [begin, end) of the object go there, to the same place
    int64_t end;
    int32_t whole;    // they are all that there are
    const char *etag; // that the object must have; NULL: any
    int32_t checked;  // an answer of 200 may hold an error
    int32_t last;     // sent also when the transfer was stopped
} dogb_call;

// OK: a status of 2xx. Messages name the object. NOT_FOUND, MISMATCH (it is another object now),
// NETWORK (refused, or no answer after all attempts), CANCELLED, IO, UNSUPPORTED, NO_MEMORY.
int dogb_store_call(dogb_http_answer *out, dogb_arena *arena, dogbreed_store *store,
                    const dogb_call *call);

// store.c: kept connections.
int dogb_store_connection(dogb_http **out, dogbreed_store *store);
void dogb_store_give_back(dogbreed_store *store, dogb_http *http);
// A dogb_credentials_fetch; userdata is the store.
int dogb_store_plain(char **body, dogb_arena *arena, const char *method, const char *url,
                     const char *header, void *userdata);

// answer.c: what answers say.
typedef struct dogb_store_error { // of an XML document <Error>
    char *code;
    char *message;
    char *region;
} dogb_store_error;
void dogb_store_error_read(dogb_store_error *out, dogb_arena *arena, const char *text, size_t size);
// Text of one element of the document; NULL when there is none. FORMAT.
int dogb_store_text_of(char **out, dogb_arena *arena, const dogb_http_answer *answer,
                       const char *path);
// Seconds since 1970 of "Sun, 06 Nov 1994 08:49:37 GMT" or "1994-11-06T08:49:37.000Z"; 0: neither.
double dogb_store_time(const char *text);
char *dogb_store_etag(dogb_arena *arena, const char *text); // without its quotes
int dogb_store_is_md5(const char *etag);
// 1: the ETag of what was sent or got is its MD5 (or that of its parts): no key management.
int dogb_store_is_plain(const dogb_http_answer *answer);

// each.c: fn for each index, on as many threads as there may be transfers, while this thread tells
// of the progress. The first failure stops the rest.
int dogb_store_each(dogbreed_store *store, int64_t count, dogb_loop_fn fn, void *userdata);
void dogb_store_begin(dogbreed_store *store, int64_t files, int64_t bytes);

// list.c: every object whose key begins with the URI's; with `level` only those of one level, and
// folders, whose key ends in '/' and whose etag is NULL.
typedef int (*dogb_list_fn)(const dogb_object *object, void *userdata);
int dogb_store_walk(dogbreed_store *store, const dogb_uri *uri, int32_t level, dogb_list_fn fn,
                    void *userdata);
typedef struct dogb_objects {
    dogb_object *items;
    size_t count;
    size_t capacity;
    dogb_arena *arena;
} dogb_objects;
int dogb_objects_add(const dogb_object *object, void *userdata); // a dogb_list_fn
void dogb_objects_sort(dogb_objects *list);                      // by the bytes of their keys

#endif
