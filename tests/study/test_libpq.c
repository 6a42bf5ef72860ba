// The types in libpq.h are those of libpq-fe.h, and the library that is opened has the functions.
#include "../test.h"

#include "study/libpq.h"

#include <libpq-fe.h>

// Does not compile when a type differs.
#define SAME(RESULT, NAME, ARGUMENTS)                                                              \
    _Static_assert(_Generic(NAME, RESULT(*) ARGUMENTS : 1, default : 0), #NAME);
DOGB_LIBPQ(SAME)
_Static_assert((int)CONNECTION_OK == (int)DOGB_PQ_CONNECTION_OK, "status");
_Static_assert((int)PGRES_COMMAND_OK == (int)DOGB_PQ_COMMAND_OK, "status");
_Static_assert((int)PGRES_TUPLES_OK == (int)DOGB_PQ_TUPLES_OK, "status");
_Static_assert(PG_DIAG_SQLSTATE == (int)DOGB_PQ_DIAG_SQLSTATE, "field");
_Static_assert(PG_DIAG_MESSAGE_PRIMARY == (int)DOGB_PQ_DIAG_MESSAGE, "field");

static void library_has_the_functions(void **state) {
    (void)state;
    const dogb_libpq *pq = NULL;
    assert_ok(dogb_libpq_load(&pq));
#define PRESENT(RESULT, NAME, ARGUMENTS) assert_true(pq->NAME != NULL);
    DOGB_LIBPQ(PRESENT)
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_has_the_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
