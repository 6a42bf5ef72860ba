// The types and numbers in curl.h are those of curl/curl.h, and the library that is opened has the
// functions.
#include "../test.h"

#include "store/curl.h"

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#undef curl_easy_setopt
// Does not compile when a type differs.
#define SAME(RESULT, NAME, ARGUMENTS)                                                              \
    _Static_assert(_Generic(NAME, RESULT(*) ARGUMENTS : 1, default : 0), #NAME);
DOGB_CURL(SAME)
#define SAME_OPTION(NAME, NUMBER) _Static_assert((int)CURLOPT_##NAME == NUMBER, #NAME);
DOGB_CURL_OPTIONS(SAME_OPTION)
#define SAME_NUMBER(NAME) _Static_assert((long)(NAME) == (long)DOGB_##NAME, #NAME);
SAME_NUMBER(CURLE_OK)
SAME_NUMBER(CURLE_OUT_OF_MEMORY)
SAME_NUMBER(CURLE_ABORTED_BY_CALLBACK)
SAME_NUMBER(CURLE_PEER_FAILED_VERIFICATION)
SAME_NUMBER(CURLE_SSL_CACERT_BADFILE)
SAME_NUMBER(CURL_GLOBAL_DEFAULT)

static void library_has_the_functions(void **state) {
    (void)state;
    const dogb_curl *curl = NULL;
    assert_ok(dogb_curl_load(&curl));
#define PRESENT(RESULT, NAME, ARGUMENTS) assert_true(curl->NAME != NULL);
    DOGB_CURL(PRESENT)
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(library_has_the_functions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
