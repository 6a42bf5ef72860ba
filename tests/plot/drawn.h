// drawn.h - whether the module that draws is here, and that it is where it has to be.
#ifndef DOGB_TEST_PLOT_DRAWN_H
#define DOGB_TEST_PLOT_DRAWN_H

#include "test.h"

// rc: of a call that needs it.
static inline int test_has_module(int rc) {
    const char *expected = getenv("DOGBREED_TEST_PLOT"); // "present" or "absent"
    if (rc == DOGBREED_ERROR_UNSUPPORTED) {
        assert_non_null(strstr(dogbreed_error_message(), "dogbreed-plot.so"));
        assert_non_null(strstr(dogbreed_error_message(), "libpango1.0-dev"));
        assert_null(strchr(dogbreed_error_message(), '\n'));
    } else {
        assert_int_equal(rc, 0);
    }
    assert_true(expected == NULL || (strcmp(expected, "present") == 0) == (rc == 0));
    return rc == 0;
}

#endif
