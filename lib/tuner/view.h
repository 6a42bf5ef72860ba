// view.h - a study to be looked at: its trials and parameters as they are stored, without what it
// takes to go on with it.
#ifndef DOGB_TUNER_VIEW_H
#define DOGB_TUNER_VIEW_H

#include "tuner/state.h"

// The study of the name in a file or at a server. The caller destroys it. NOT_FOUND.
int dogb_tuner_view(dogbreed_tuner **out, const char *storage, const char *study);

#endif
