// summary.h - what a profile knows as one document, dogbreed.profile.
#ifndef DOGB_PROFILE_SUMMARY_H
#define DOGB_PROFILE_SUMMARY_H

#include "profile/rule.h"

// The arena owns it.
int dogb_profile_summary(json_t **out, dogb_arena *arena, const dogb_profile_data *data,
                         const dogb_profile_judging *judging);

// advice.c: array of {"option","value","reason","safe"} from what was measured.
int dogb_profile_advice(json_t **out, dogb_arena *arena, const dogb_profile_data *data);

#endif
