// ref.h - reference counts of handles, so that they can be destroyed in any order.
#ifndef DOGB_CORE_REF_H
#define DOGB_CORE_REF_H

#include <stdint.h>

typedef _Atomic int32_t dogb_ref; // starts at 1

static inline void dogb_ref_take(dogb_ref *ref) {
    *ref += 1;
}

// 1: that was the last one, destroy now.
static inline int dogb_ref_drop(dogb_ref *ref) {
    return (*ref -= 1) == 0;
}

#endif
