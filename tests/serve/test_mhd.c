// The types and numbers in mhd.h are those of microhttpd.h, and the library that is opened has the
// functions.
#include "../test.h"

#include <microhttpd.h>

#include "serve/mhd.h"

// Does not compile when a type differs.
#define SAME(RESULT, NAME, ARGUMENTS)                                                              \
    _Static_assert(_Generic(NAME, RESULT(*) ARGUMENTS : 1, default : 0), #NAME);
DOGB_MHD(SAME)

#define EQUAL(OURS, THEIRS) _Static_assert((int)(OURS) == (int)(THEIRS), #THEIRS);
EQUAL(DOGB_MHD_NO, MHD_NO)
EQUAL(DOGB_MHD_YES, MHD_YES)
EQUAL(DOGB_MHD_HEADER, MHD_HEADER_KIND)
EQUAL(DOGB_MHD_PERSISTENT, MHD_RESPMEM_PERSISTENT)
EQUAL(DOGB_MHD_STARTED, MHD_CONNECTION_NOTIFY_STARTED)
EQUAL(DOGB_MHD_ENDED, MHD_CONNECTION_NOTIFY_CLOSED)
EQUAL(DOGB_MHD_INFO_DESCRIPTOR, MHD_CONNECTION_INFO_CONNECTION_FD)
EQUAL(DOGB_MHD_INFO_SOCKET_CONTEXT, MHD_CONNECTION_INFO_SOCKET_CONTEXT)
EQUAL(DOGB_MHD_FEATURE_TLS, MHD_FEATURE_TLS)
EQUAL(DOGB_MHD_TLS, MHD_USE_TLS)
EQUAL(DOGB_MHD_INTERNAL_THREAD, MHD_USE_INTERNAL_POLLING_THREAD)
EQUAL(DOGB_MHD_NO_LISTENER, MHD_USE_NO_LISTEN_SOCKET)
EQUAL(DOGB_MHD_EPOLL, MHD_USE_EPOLL)
EQUAL(DOGB_MHD_SUSPEND_RESUME, MHD_ALLOW_SUSPEND_RESUME)
EQUAL(DOGB_MHD_OPTION_END, MHD_OPTION_END)
EQUAL(DOGB_MHD_OPTION_MEMORY_LIMIT, MHD_OPTION_CONNECTION_MEMORY_LIMIT)
EQUAL(DOGB_MHD_OPTION_CONNECTION_LIMIT, MHD_OPTION_CONNECTION_LIMIT)
EQUAL(DOGB_MHD_OPTION_TIMEOUT, MHD_OPTION_CONNECTION_TIMEOUT)
EQUAL(DOGB_MHD_OPTION_COMPLETED, MHD_OPTION_NOTIFY_COMPLETED)
EQUAL(DOGB_MHD_OPTION_PER_IP_LIMIT, MHD_OPTION_PER_IP_CONNECTION_LIMIT)
EQUAL(DOGB_MHD_OPTION_URI, MHD_OPTION_URI_LOG_CALLBACK)
EQUAL(DOGB_MHD_OPTION_KEY, MHD_OPTION_HTTPS_MEM_KEY)
EQUAL(DOGB_MHD_OPTION_CERTIFICATE, MHD_OPTION_HTTPS_MEM_CERT)
EQUAL(DOGB_MHD_OPTION_THREADS, MHD_OPTION_THREAD_POOL_SIZE)
EQUAL(DOGB_MHD_OPTION_ARRAY, MHD_OPTION_ARRAY)
EQUAL(DOGB_MHD_OPTION_NOTIFY, MHD_OPTION_NOTIFY_CONNECTION)
EQUAL(sizeof(dogb_mhd_option), sizeof(struct MHD_OptionItem))
EQUAL(offsetof(dogb_mhd_option, value), offsetof(struct MHD_OptionItem, value))
EQUAL(offsetof(dogb_mhd_option, pointer), offsetof(struct MHD_OptionItem, ptr_value))
EQUAL(offsetof(union MHD_ConnectionInfo, connect_fd), 0)
EQUAL(offsetof(union MHD_ConnectionInfo, socket_context), 0)

static void library_has_the_functions(void **state) {
    (void)state;
    const dogb_mhd *mhd = NULL;
    assert_ok(dogb_mhd_load(&mhd));
#define PRESENT(RESULT, NAME, ARGUMENTS) assert_true(mhd->NAME != NULL);
    DOGB_MHD(PRESENT)
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_has_the_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
