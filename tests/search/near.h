// near.h - doubles that are equal within a tolerance.
#ifndef DOGB_TEST_NEAR_H
#define DOGB_TEST_NEAR_H

#include "test.h"

#include <math.h>

#define assert_near(found, wanted, tolerance)                                                      \
    do {                                                                                           \
        double near_found = (found), near_wanted = (wanted);                                       \
        if (!(fabs(near_found - near_wanted) <= (tolerance))) {                                    \
            fail_msg("%s is %.17g, expected %.17g", #found, near_found, near_wanted);              \
        }                                                                                          \
    } while (0)

#endif
