// store.c - the handle: endpoint, credentials, kept connections.
#include "core/environment.h"
#include "core/error.h"
#include "core/file.h"
#include "store/copies.h"

#include <stdlib.h>
#include <string.h>

static const char *first_of(const char *option) {
    static const char *const names[] = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",
                                        "S3_ENDPOINT_URL"};
    const char *value = option;
    for (size_t i = 0; *value == '\0' && i < sizeof names / sizeof names[0]; i++) {
        const char *set = dogb_environment(names[i]);
        value = set == NULL ? "" : set;
    }
    return value;
}

// "http://host:port" or "https://host", with one '/' behind it at most.
static int set_endpoint(dogbreed_store *s) {
    const char *text = first_of(s->options.endpoint);
    s->scheme = "https";
    if (*text == '\0') {
        return DOGBREED_OK;
    }
    int secure = strncmp(text, "https://", 8) == 0;
    if (!secure && strncmp(text, "http://", 7) != 0) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "endpoint %s: expected http://host:port or https://host", text);
    }
    const char *host = text + (secure ? 8 : 7);
    size_t length = strcspn(host, "/?#@ \t\r\n");
    if (length == 0 || (host[length] != '\0' && strcmp(host + length, "/") != 0)) {
        return dogb_fail(DOGBREED_ERROR_INVALID_ARGUMENT,
                         "endpoint %s: expected nothing but scheme, host and port", text);
    }
    // The port of the scheme is not sent and not signed.
    const char *port = secure ? ":443" : ":80";
    size_t digits = strlen(port);
    if (length > digits && strncmp(host + length - digits, port, digits) == 0) {
        length -= digits;
    }
    s->scheme = secure ? "https" : "http";
    s->endpoint = dogb_strndup(&s->arena, host, length);
    return s->endpoint == NULL ? DOGBREED_ERROR_NO_MEMORY : DOGBREED_OK;
}

// "10.0.0.1:9000", "[::1]": no name that a bucket could stand in front of.
static int is_number(const char *host) {
    size_t length = strcspn(host, ":");
    return *host == '[' || strspn(host, "0123456789.") == length;
}

static int check_options(const dogbreed_store *s) {
    const dogbreed_store_options *o = &s->options;
    int kms = strcmp(o->encryption, "aws:kms") == 0;
    DOGB_CHECK(!o->virtual_host || !o->path_style,
               "virtual_host and path_style contradict: the bucket stands in one place");
    DOGB_CHECK(!o->virtual_host || s->endpoint == NULL || !is_number(s->endpoint),
               "virtual_host: endpoint %s is an address, no name that a bucket can stand before",
               s->endpoint);
    DOGB_CHECK(*o->encryption == '\0' || kms || strcmp(o->encryption, "AES256") == 0,
               "encryption %s: expected AES256 or aws:kms", o->encryption);
    DOGB_CHECK(*o->encryption_key == '\0' || kms,
               "encryption_key: means something with encryption aws:kms only");
    for (const char *c = o->encryption_key; *c != '\0'; c++) {
        DOGB_CHECK(*c > ' ' && *c < 0x7f, "encryption_key: expected printable characters");
    }
    return DOGBREED_OK;
}

static int set_ca_bundle(dogbreed_store *s) {
    const char *option = s->options.ca_bundle;
    const char *path = *option != '\0' ? option : dogb_environment("AWS_CA_BUNDLE");
    if (path == NULL) {
        return DOGBREED_OK;
    }
    s->ca_bundle = dogb_strdup(&s->arena, path);
    if (s->ca_bundle == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    // Said now: curl would say it of each attempt, as a failure of the network.
    return dogb_file_exists(path)
               ? DOGBREED_OK
               : dogb_fail(DOGBREED_ERROR_NOT_FOUND, "%s %s: there is no such file",
                           *option != '\0' ? "ca_bundle" : "AWS_CA_BUNDLE", path);
}

static int set_all(dogbreed_store *s, const dogbreed_store_options *options) {
    int rc = dogb_table_import(&s->options, &dogb_store_table, options, &s->arena);
    if (rc < 0 || (rc = set_endpoint(s)) < 0 || (rc = check_options(s)) < 0 ||
        (rc = set_ca_bundle(s)) < 0) {
        return rc;
    }
    s->credentials_conf = (dogb_credentials_conf){
        .profile = *s->options.aws_profile == '\0' ? NULL : s->options.aws_profile,
        .region = *s->options.region == '\0' ? NULL : s->options.region,
        .no_sign = !s->options.sign_request,
        .imds = s->options.imds,
        .fetch = dogb_store_plain,
        .userdata = s,
    };
    char *region = NULL;
    if ((rc = dogb_region_find(&region, &s->arena, &s->credentials_conf)) < 0) {
        return rc;
    }
    s->region = region;
    if (*s->options.store_dir == '\0') {
        return dogb_cache_directory(&s->cache, &s->arena, "store");
    }
    s->cache = dogb_strdup(&s->arena, s->options.store_dir);
    return s->cache == NULL ? DOGBREED_ERROR_NO_MEMORY : dogb_directory_make(s->cache);
}

int dogbreed_store_create(dogbreed_store **out, const dogbreed_store_options *options) {
    DOGB_CHECK(out != NULL, "store: out is NULL, expected where to put the handle");
    *out = NULL;
    dogbreed_store *s = dogb_malloc(1, sizeof *s);
    if (s == NULL) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    if (pthread_mutex_init(&s->lock, NULL) != 0) {
        dogb_free(s);
        return dogb_fail(DOGBREED_ERROR_NO_MEMORY, "a lock cannot be made");
    }
    int rc = set_all(s, options);
    if (rc < 0) {
        dogbreed_store_destroy(s);
        return rc;
    }
    *out = s;
    return DOGBREED_OK;
}

static void wipe(const char *text) {
    dogb_wipe((char *)(uintptr_t)text);
}

void dogbreed_store_destroy(dogbreed_store *store) {
    if (store == NULL) {
        return;
    }
    for (int32_t i = 0; i < store->idle_count; i++) {
        dogb_http_close(store->idle[i]);
    }
    dogb_copies_release(store);
    wipe(store->credentials_conf.secret);
    wipe(store->credentials_conf.token);
    (void)pthread_mutex_destroy(&store->lock);
    dogb_arena_free(&store->arena);
    dogb_free(store);
}

int dogbreed_store_credentials(dogbreed_store *store, const char *id, const char *secret,
                               const char *token) {
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    DOGB_CHECK(id != NULL && *id != '\0' && secret != NULL && *secret != '\0',
               "credentials: id and secret must not be empty");
    dogb_credentials_conf *conf = &store->credentials_conf;
    char *copies[] = {dogb_strdup(&store->arena, id), dogb_strdup(&store->arena, secret),
                      token == NULL ? NULL : dogb_strdup(&store->arena, token)};
    if (copies[0] == NULL || copies[1] == NULL || (token != NULL && copies[2] == NULL)) {
        return DOGBREED_ERROR_NO_MEMORY;
    }
    wipe(conf->secret);
    wipe(conf->token);
    conf->id = copies[0];
    conf->secret = copies[1];
    conf->token = copies[2];
    store->has_credentials = 0;
    return DOGBREED_OK;
}

int dogbreed_store_subscribe(dogbreed_store *store, dogbreed_store_progress_fn fn, void *userdata) {
    DOGB_CHECK(store != NULL, "store: NULL, expected a handle");
    store->progress = fn;
    store->userdata = userdata;
    return DOGBREED_OK;
}

int dogb_store_connection(dogb_http **out, dogbreed_store *store) {
    *out = NULL;
    (void)pthread_mutex_lock(&store->lock);
    if (store->idle_count > 0) {
        *out = store->idle[--store->idle_count];
    }
    (void)pthread_mutex_unlock(&store->lock);
    return *out != NULL ? DOGBREED_OK : dogb_http_open(out);
}

void dogb_store_give_back(dogbreed_store *store, dogb_http *http) {
    (void)pthread_mutex_lock(&store->lock);
    int kept = store->idle_count < DOGB_TRANSFERS_MAX;
    if (kept) {
        store->idle[store->idle_count++] = http;
    }
    (void)pthread_mutex_unlock(&store->lock);
    if (!kept) {
        dogb_http_close(http);
    }
}

int dogb_store_plain(char **body, dogb_arena *arena, const char *method, const char *url,
                     const char *header, void *userdata) {
    enum { SMALL = 1 << 16 };
    dogbreed_store *store = userdata;
    dogb_http *http = NULL;
    dogb_http_answer answer;
    const dogb_http_request request = {
        .method = method,
        .url = url,
        .headers = &header,
        .header_count = header != NULL,
        .from = -1,
        .into = -1,
        .memory_max = SMALL,
        .connect_timeout = 2.0,
        .timeout = 5.0,
        .direct = 1,
        .ca_bundle = store->ca_bundle,
        .cancel = &store->cancel,
    };
    *body = NULL;
    int rc = dogb_http_open(&http);
    if (rc < 0) {
        return rc;
    }
    rc = dogb_http_send(&answer, http, arena, &request);
    dogb_http_close(http);
    if (rc == DOGBREED_OK && answer.status != 200) {
        rc = dogb_fail(DOGBREED_ERROR_NETWORK, "%s: answered %d", url, (int)answer.status);
    }
    *body = rc == DOGBREED_OK ? answer.body : NULL;
    return rc;
}
