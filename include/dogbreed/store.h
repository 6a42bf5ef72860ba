/* dogbreed/store.h - objects of Amazon S3 and of servers that speak its language: list, get, put,
 * delete, folders in step, and local copies of what other calls want as a path.
 *
 * A URI is s3://BUCKET/KEY; nothing in it is encoded. libcurl is opened on first use; without it
 * every call that needs the network returns UNSUPPORTED. No call follows a redirect to another
 * host. Calls return NOT_FOUND (no such bucket, object or local file), MISMATCH (the object changed
 * meanwhile, or what arrived is not what was sent), NETWORK (no answer, or refused), IO (local
 * files), FORMAT (an answer that cannot be read, or keys that cannot all be files below a folder),
 * INVALID_ARGUMENT, CANCELLED (the progress function asked to stop), UNSUPPORTED, NO_MEMORY.
 */
#ifndef DOGBREED_STORE_H
#define DOGBREED_STORE_H

#include <dogbreed/options.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Endpoint, credentials and connections. One thread at a time. */
typedef struct dogbreed_store dogbreed_store;

typedef struct dogbreed_store_options {
    uint32_t struct_size;
    uint32_t kind;
    const char *endpoint;    /* "http://host:port"; "": AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL,
                                S3_ENDPOINT_URL, else Amazon's own */
    const char *region;      /* "": AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1 */
    const char *aws_profile; /* of ~/.aws; "": AWS_PROFILE, else default */
    const char *store_dir;   /* folder of local copies and journals; "": the user's cache folder */
    int64_t part_size;       /* bytes; larger objects travel in parts of this size, 5 MiB or more */
    double network_timeout;  /* seconds without a byte after which an attempt has failed */
    double retry_delay;      /* seconds at most before the second attempt; doubles with each one */
    int32_t transfers;       /* at the same time, 1 to 64 */
    int32_t network_attempts; /* of each request, 1 or more */
    int32_t path_style;       /* 1: the bucket always stands in the path; 0: in the host's name at
                                 Amazon, if it has no dot */
    int32_t sign_request;     /* 0: anonymous */
    int32_t imds;             /* 1: credentials also from the machine's metadata service */
    int32_t virtual_host;     /* 1: the bucket stands in the host's name at an endpoint of one's own
                                 too, if it has no dot */
    const char *ca_bundle;    /* PEM file of the authorities that https servers are checked by; "":
                                 AWS_CA_BUNDLE, else the system's */
    const char *encryption; /* asked for on upload: "AES256", "aws:kms"; "": what the bucket does */
    const char *encryption_key; /* of the key service, with aws:kms; "": its default */
    int64_t store_cache_bytes;  /* of all local copies; 0: no bound */
} dogbreed_store_options;

DOGBREED_API int dogbreed_store_options_init(dogbreed_store_options *options, size_t struct_size);

/* Sends nothing. Returns INVALID_ARGUMENT (an endpoint that is none), NO_MEMORY. */
DOGBREED_API int dogbreed_store_create(dogbreed_store **out, const dogbreed_store_options *options);

DOGBREED_API void dogbreed_store_destroy(dogbreed_store *store);

/* Keys to sign with, in place of those of the environment and the files of ~/.aws; they are copied
 * and never written anywhere. token may be NULL. */
DOGBREED_API int dogbreed_store_credentials(dogbreed_store *store, const char *id,
                                            const char *secret, const char *token);

typedef struct dogbreed_store_progress {
    uint32_t struct_size;
    uint32_t reserved;
    int64_t files; /* done */
    int64_t files_total;
    int64_t bytes; /* done */
    int64_t bytes_total;
} dogbreed_store_progress;

/* Called about ten times a second while something is transferred, on the thread that made the call.
 * DOGBREED_STOP ends the transfer (CANCELLED). */
typedef int (*dogbreed_store_progress_fn)(const dogbreed_store_progress *progress, void *userdata);

/* One function; NULL: nobody is told. */
DOGBREED_API int dogbreed_store_subscribe(dogbreed_store *store, dogbreed_store_progress_fn fn,
                                          void *userdata);

typedef struct dogbreed_store_object {
    uint32_t struct_size;
    int32_t folder;   /* 1: stands for all keys that begin with it; it has no size, etag, time */
    const char *key;  /* valid during the call */
    const char *etag; /* without quotes */
    int64_t size;
    double modified; /* seconds since 1970, UTC */
} dogbreed_store_object;

/* DOGBREED_STOP ends the list, a negative value the call. */
typedef int (*dogbreed_store_list_fn)(const dogbreed_store_object *object, void *userdata);

/* Objects whose key begins with the URI's, in the order of their keys (bytes). recursive 0: one
 * level, with its folders. NOT_FOUND: there is no such bucket; nothing in it is no error. */
DOGBREED_API int dogbreed_store_list(dogbreed_store *store, const char *uri, int32_t recursive,
                                     dogbreed_store_list_fn fn, void *userdata);

/* One object into a file, which is there whole or not at all. A large one that was cut off goes on
 * where it stood when the call is made again, unless the object changed. */
DOGBREED_API int dogbreed_store_get(dogbreed_store *store, const char *uri, const char *path);

/* One file into an object, which is there whole or not at all. What a process that died left behind
 * half uploaded is removed from the server by the next one that puts something. */
DOGBREED_API int dogbreed_store_put(dogbreed_store *store, const char *path, const char *uri);

/* One object; one that is not there is no error. */
DOGBREED_API int dogbreed_store_delete(dogbreed_store *store, const char *uri);

enum {
    DOGBREED_SYNC_DELETE = 1, /* files that the source has not are removed from the target */
    DOGBREED_SYNC_DRY_RUN = 2 /* nothing is changed; the report says what would be */
};

/* Makes the folder `to` equal to the folder `from`; one of them is an s3:// URI, the other a path.
 * Files of the same size and content (by ETag; by time where it says nothing) stay as they are.
 * Other files of the target stay unless DELETE is set. Report (may be NULL), owned by the caller:
 * {"from","to","dry_run","copied":[name],"deleted":[name],"kept":count,"bytes":count}. */
DOGBREED_API int dogbreed_store_sync(char **json, dogbreed_store *store, const char *from,
                                     const char *to, uint32_t flags);

/* A local copy of the object, or of all objects below KEY/, for calls that want a path; the path is
 * owned by the caller (dogbreed_free). Copies stay in store_dir: next time only what changed
 * is read, by its ETag, and what is gone is removed. With store_cache_bytes those that were used
 * longest ago make room for a new one; never one of a handle that lives. IO: there is no room. */
DOGBREED_API int dogbreed_store_fetch(char **path, dogbreed_store *store, const char *uri);

/* A new empty folder in store_dir for what is going to be brought to the URI; the caller removes
 * it. The path is owned by the caller (dogbreed_free). */
DOGBREED_API int dogbreed_store_work(char **path, dogbreed_store *store, const char *uri);

/* The local copies in store_dir. keep 0 or more: those that nobody uses are removed, the one that
 * was used longest ago first, until all of them have at most so many bytes; negative: none is.
 * Report (may be NULL), owned by the caller: {"folder","bytes","bytes_max","copies":[{"uri",
 * "endpoint","name","bytes","used" (seconds since 1970),"in_use"}],"removed":[uri]}. */
DOGBREED_API int dogbreed_store_cache(char **json, dogbreed_store *store, int64_t keep);

#ifdef __cplusplus
}
#endif
#endif
