// curl.h - the functions of libcurl that are used here, as a table that is filled by dlopen: the
// library links none, and a machine without it only lacks s3://. Its interface (libcurl.so.4) has
// not changed since 2006; a test compares these types and numbers with curl/curl.h.
#ifndef DOGB_STORE_CURL_H
#define DOGB_STORE_CURL_H

#include <stddef.h>

typedef void dogb_curl_handle;
struct curl_slist;

// Options (CURLOPT_...): the number is the kind's base (0 numbers, 10000 pointers, 20000 functions,
// 30000 large numbers) plus the option's own.
#define DOGB_CURL_OPTIONS(OPTION)                                                                  \
    OPTION(WRITEDATA, 10001)                                                                       \
    OPTION(URL, 10002)                                                                             \
    OPTION(PROXY, 10004)                                                                           \
    OPTION(READDATA, 10009)                                                                        \
    OPTION(ERRORBUFFER, 10010)                                                                     \
    OPTION(WRITEFUNCTION, 20011)                                                                   \
    OPTION(READFUNCTION, 20012)                                                                    \
    OPTION(LOW_SPEED_LIMIT, 19)                                                                    \
    OPTION(LOW_SPEED_TIME, 20)                                                                     \
    OPTION(HTTPHEADER, 10023)                                                                      \
    OPTION(HEADERDATA, 10029)                                                                      \
    OPTION(CUSTOMREQUEST, 10036)                                                                   \
    OPTION(CAINFO, 10065)                                                                          \
    OPTION(NOPROGRESS, 43)                                                                         \
    OPTION(NOBODY, 44)                                                                             \
    OPTION(UPLOAD, 46)                                                                             \
    OPTION(FOLLOWLOCATION, 52)                                                                     \
    OPTION(XFERINFODATA, 10057)                                                                    \
    OPTION(HEADERFUNCTION, 20079)                                                                  \
    OPTION(HTTPGET, 80)                                                                            \
    OPTION(NOSIGNAL, 99)                                                                           \
    OPTION(INFILESIZE_LARGE, 30115)                                                                \
    OPTION(CONNECTTIMEOUT_MS, 156)                                                                 \
    OPTION(SEEKFUNCTION, 20167)                                                                    \
    OPTION(SEEKDATA, 10168)                                                                        \
    OPTION(XFERINFOFUNCTION, 20219)                                                                \
    OPTION(PATH_AS_IS, 234)                                                                        \
    OPTION(PROTOCOLS_STR, 10318)

enum {
#define OPTION(NAME, NUMBER) DOGB_CURLOPT_##NAME = NUMBER,
    DOGB_CURL_OPTIONS(OPTION)
#undef OPTION
};

// Other numbers (the test compares them too).
enum {
    DOGB_CURLE_OK = 0,
    DOGB_CURLE_OUT_OF_MEMORY = 27,
    DOGB_CURLE_ABORTED_BY_CALLBACK = 42,
    DOGB_CURLE_PEER_FAILED_VERIFICATION = 60,
    DOGB_CURLE_SSL_CACERT_BADFILE = 77,
    DOGB_CURL_GLOBAL_DEFAULT = 3
};

// FUNCTION(result, name, arguments). Enumerations come as the unsigned numbers they are.
#define DOGB_CURL(FUNCTION)                                                                        \
    FUNCTION(unsigned, curl_global_init, (long))                                                   \
    FUNCTION(char *, curl_version, (void))                                                         \
    FUNCTION(dogb_curl_handle *, curl_easy_init, (void))                                           \
    FUNCTION(unsigned, curl_easy_setopt, (dogb_curl_handle *, unsigned, ...))                      \
    FUNCTION(unsigned, curl_easy_perform, (dogb_curl_handle *))                                    \
    FUNCTION(void, curl_easy_reset, (dogb_curl_handle *))                                          \
    FUNCTION(void, curl_easy_cleanup, (dogb_curl_handle *))                                        \
    FUNCTION(const char *, curl_easy_strerror, (unsigned))                                         \
    FUNCTION(struct curl_slist *, curl_slist_append, (struct curl_slist *, const char *))          \
    FUNCTION(void, curl_slist_free_all, (struct curl_slist *))

#define DOGB_CURL_MEMBER(RESULT, NAME, ARGUMENTS) RESULT(*NAME) ARGUMENTS;
typedef struct dogb_curl {
    DOGB_CURL(DOGB_CURL_MEMBER)
} dogb_curl;

// Loaded once per process. UNSUPPORTED: it is not installed.
int dogb_curl_load(const dogb_curl **out);

#endif
