// ref.h - reference counts of handles, so that they can be destroyed in any order.
#ifndef DOGB_CORE_REF_H
#define DOGB_CORE_REF_H

#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic int32_t dogb_ref; // starts at 1

static inline void dogb_ref_take(dogb_ref *ref) {
    (void)atomic_fetch_add(ref, 1);
}

// 1: that was the last one, destroy now.
static inline int dogb_ref_drop(dogb_ref *ref) {
    return atomic_fetch_sub(ref, 1) == 1;
}

#endif
