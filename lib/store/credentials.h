// credentials.h - who signs: the keys that options, the environment, the files of the AWS tools, a
// container's or a machine's own service give. The network is behind a callback.
#ifndef DOGB_STORE_CREDENTIALS_H
#define DOGB_STORE_CREDENTIALS_H

#include "core/arena.h"

#include <stddef.h>
#include <stdint.h>

// Those that dogb_credentials_find has made lie in its arena, which overwrites secret and token
// with zeros before it frees them.
typedef struct dogb_credentials {
    char *id; // may contain ':'
    char *secret;
    char *token;    // NULL: none
    double expires; // seconds since 1970; 0: never
    int32_t anonymous;
} dogb_credentials;

// One request to the service of a container or a machine. header: "name: value", NULL none. *body
// is text in the arena, which the caller wipes. To be sent at once, within seconds, without a
// proxy, following nothing; any status but 200 is an error.
typedef int (*dogb_credentials_fetch)(char **body, dogb_arena *arena, const char *method,
                                      const char *url, const char *header, void *userdata);

// All zero is fine: environment and files are searched.
typedef struct dogb_credentials_conf {
    const char *id; // options; with id comes secret
    const char *secret;
    const char *token;
    const char *profile; // NULL: AWS_PROFILE, else "default"
    const char *region;
    int32_t no_sign;              // anonymous
    int32_t imds;                 // ask the machine's service when nothing else is found
    dogb_credentials_fetch fetch; // NULL: neither container nor machine is asked
    void *userdata;
} dogb_credentials_conf;

// The first source that has something: no_sign; options; a profile that is named in the options;
// AWS_ACCESS_KEY_ID and the like; the profile AWS_PROFILE or "default"; the container; the
// machine. NOT_FOUND: nobody has any, or there is no such profile; INVALID_ARGUMENT: half a pair,
// or one that cannot be; STATE: temporary ones that have ended; FORMAT: a file or an answer that
// cannot be read; UNSUPPORTED: a profile that needs a role or another program; what fetch returns.
int dogb_credentials_find(dogb_credentials *out, dogb_arena *arena,
                          const dogb_credentials_conf *conf);

// 1: they end within five minutes of `now` (seconds since 1970): find others.
int dogb_credentials_due(const dogb_credentials *credentials, double now);

// Whether they can be sent: INVALID_ARGUMENT. `source` says in the message where they are from.
int dogb_credentials_check(const dogb_credentials *credentials, const char *source);

// A copy that is wiped before the arena frees it. text NULL: *out is NULL.
int dogb_secret_copy(char **out, dogb_arena *arena, const char *text);

// The option, AWS_REGION, AWS_DEFAULT_REGION, the profile's, "us-east-1".
int dogb_region_find(char **out, dogb_arena *arena, const dogb_credentials_conf *conf);

// Zeros over a text that was secret. NULL is fine.
void dogb_wipe(char *text);

#endif
