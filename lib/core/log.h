// log.h - whole lines at a level to the one process-wide sink.
#ifndef DOGB_CORE_LOG_H
#define DOGB_CORE_LOG_H

#include <dogbreed/common.h>

// Formats only when somebody listens at this level. Any thread.
void dogb_log(int32_t level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
