/* dogbreed/dogbreed.h - everything. */
#ifndef DOGBREED_DOGBREED_H
#define DOGBREED_DOGBREED_H

#include <dogbreed/common.h>
#include <dogbreed/dataset.h>
#include <dogbreed/debug.h>
#include <dogbreed/evaluate.h>
#include <dogbreed/event.h>
#include <dogbreed/model.h>
#include <dogbreed/options.h>
#include <dogbreed/predictor.h>
#include <dogbreed/profile.h>
#include <dogbreed/quantize.h>
#include <dogbreed/record.h>
#include <dogbreed/report.h>
#include <dogbreed/run.h>
#include <dogbreed/serve.h>
#include <dogbreed/trainer.h>
#include <dogbreed/tuner.h>
#include <dogbreed/weights.h>

#endif
