// profile.h - one profile of the files of the AWS tools: ~/.aws/credentials and ~/.aws/config.
#ifndef DOGB_STORE_PROFILE_H
#define DOGB_STORE_PROFILE_H

#include "store/credentials.h"

typedef struct dogb_profile {
    const char *name;
    int32_t found;
    char *source;          // of the keys: "profile \"name\" of FILE"; NULL: it has none
    dogb_credentials keys; // both, or half of them
    const char *other;     // the setting that says who has the keys instead; NULL: none
    char *region;          // NULL: none
} dogb_profile;

// conf->profile, AWS_PROFILE or "default"; AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE name
// other files. Files that are not there have nothing, and "default" need not be there. NOT_FOUND:
// no such profile; FORMAT, IO: a file that cannot be read.
int dogb_profile_find(dogb_profile *out, dogb_arena *arena, const dogb_credentials_conf *conf);

// INVALID_ARGUMENT: half a pair of keys; UNSUPPORTED: they come from a role or another program.
int dogb_profile_check(const dogb_profile *profile);

#endif
