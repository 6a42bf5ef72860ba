// Signatures of requests to S3: the examples of Amazon's documentation, and what is refused.
#include "out_of_memory.h"

#include "core/hash.h"
#include "store/sigv4.h"

#define DATE "20130524T000000Z"
#define HOST                                                                                       \
    { "Host", "examplebucket.s3.amazonaws.com" }

static const dogb_credentials example = {.id = (char[]){"AKIAIOSFODNN7EXAMPLE"},
                                         .secret =
                                             (char[]){"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}};

static dogb_sign_request request_of(const char *method, const char *path) {
    return (dogb_sign_request){.method = method,
                               .path = path,
                               .payload_hash = DOGB_SIGN_EMPTY,
                               .time = DATE,
                               .region = "us-east-1",
                               .service = "s3"};
}

static void hex_of(char out[65], const void *data, size_t size) {
    dogb_sha256 hash;
    assert_ok(dogb_sha256_of(&hash, data, size));
    dogb_sha256_text(&hash, out);
}

// Fields and their number.
#define FIELDS(...)                                                                                \
    (const dogb_sign_field[]){__VA_ARGS__},                                                        \
        sizeof((const dogb_sign_field[]){__VA_ARGS__}) / sizeof(dogb_sign_field)

typedef struct example_case {
    const char *method, *path;
    const dogb_sign_field *headers; // beside the two that every request has
    size_t header_count;
    const dogb_sign_field *query;
    size_t query_count;
    const char *payload_hash; // NULL: empty body
    const char *sent_path, *sent_query, *names, *canonical, *signature;
} example_case;

static const example_case cases[] = {
    {"GET", "/test.txt", FIELDS(HOST, {"Range", "bytes=0-9"}), NULL, 0, NULL, "/test.txt", "",
     "host;range;x-amz-content-sha256;x-amz-date",
     "7344ae5b7ee6c3e7e6b0fe0640412a37625d1fbfff95c48bbb2dc43964946972",
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT", "/test$file.text",
     FIELDS(HOST, {"Date", "Fri, 24 May 2013 00:00:00 GMT"},
            {"x-amz-storage-class", "REDUCED_REDUNDANCY"}),
     NULL, 0, "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
     "/test%24file.text", "", "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
     "9e0e90d9c76de8fa5b200d8c849cd5b8dc7a3be3951ddb7f6a76b4158342019d",
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET", "/", FIELDS(HOST), FIELDS({"lifecycle", NULL}), NULL, "/",
     "lifecycle=", "host;x-amz-content-sha256;x-amz-date",
     "9766c798316ff2757b517bc739a67f6213b4ab36dd5da2f94eaebf79c77395ca",
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"GET", "/", FIELDS(HOST), FIELDS({"prefix", "J"}, {"max-keys", "2"}), NULL, "/",
     "max-keys=2&prefix=J", "host;x-amz-content-sha256;x-amz-date",
     "df57d21db20da04d7fa30298dd4488ba3a2b47ca3a489c74750e0f1e7df1b9b7",
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

// The example as a request; headers: room for two more than it has.
static dogb_sign_request example_request(const example_case *c, dogb_sign_field *headers) {
    dogb_sign_request request = request_of(c->method, c->path);
    memcpy(headers, c->headers, c->header_count * sizeof *headers);
    request.payload_hash = c->payload_hash == NULL ? DOGB_SIGN_EMPTY : c->payload_hash;
    headers[c->header_count] = (dogb_sign_field){"x-amz-content-sha256", request.payload_hash};
    headers[c->header_count + 1] = (dogb_sign_field){"x-amz-date", DATE};
    request.headers = headers;
    request.header_count = c->header_count + 2;
    request.query = c->query;
    request.query_count = c->query_count;
    return request;
}

static void examples_of_the_documentation(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        dogb_arena arena = {0};
        dogb_sign_field headers[8];
        dogb_sign_request request = example_request(&cases[i], headers);
        dogb_canonical canonical;
        char hash[65], expected[512], *authorization, *path, *query;
        assert_ok(dogb_sign_canonical(&canonical, &arena, &request));
        hex_of(hash, canonical.text, strlen(canonical.text));
        assert_string_equal(hash, cases[i].canonical);
        assert_ok(dogb_sign(&authorization, &path, &query, &arena, &request, &example));
        (void)snprintf(expected, sizeof expected,
                       "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/"
                       "aws4_request,SignedHeaders=%s,Signature=%s",
                       cases[i].names, cases[i].signature);
        assert_string_equal(authorization, expected);
        assert_string_equal(path, cases[i].sent_path);
        assert_string_equal(query, cases[i].sent_query);
        dogb_arena_free(&arena);
    }
}

#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define TOKEN "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"
#define FORM "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e"

// Signatures of the test suite for signers in awslabs/aws-c-auth (Apache-2.0), of cases that do not
// normalise the path. Its service is not S3, so the hash of the body is no header.
static const struct suite_case {
    const char *path, *signature;
    const dogb_sign_field *query;
    size_t query_count;
    const dogb_sign_field *headers;
    size_t header_count;
    const char *token;
} suite[] = {
    {"/", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
     FIELDS({"Param2", "value2"}, {"Param1", "value1"}), NULL, 0, NULL},
    {"/", "a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb",
     FIELDS({"Param1", "value1"}), NULL, 0, NULL},
    {"/", "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
     FIELDS({"\u1234", "bar"}), NULL, 0, NULL},
    {"/", "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac",
     FIELDS({"Param-3", "Value3"}, {"Param", "Value2"}, {"\u1234", "Value1"}), NULL, 0, NULL},
    {"/", "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197",
     FIELDS({UNRESERVED, UNRESERVED}), NULL, 0, NULL},
    {"/", "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736", NULL, 0,
     FIELDS({"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}), NULL},
    {"/", "08c7e5a9acfcfeb3ab6b2185e75ce8b1deb5e634ec47601a50643f830c755c01", NULL, 0,
     FIELDS({"My-Header1", "value4"}, {"My-Header1", "value1"}, {"My-Header1", "value3"},
            {"My-Header1", "value2"}),
     NULL},
    {"/", "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea", NULL, 0,
     FIELDS({"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}), NULL},
    {"/", "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8", NULL, 0,
     FIELDS({"X-Amz-Security-Token", TOKEN}), TOKEN},
    {"/\u1234", "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85", NULL, 0, NULL,
     0, NULL},
    {"//example//", "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5", NULL, 0,
     NULL, 0, NULL},
    {"/example1/example2/../..", "dc33e0856fd4baca4d7aa2146c38958283844764f38c74252a333df5e613003b",
     NULL, 0, NULL, 0, NULL},
    {"/example space/", "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741", NULL, 0,
     NULL, 0, NULL},
    {"/" UNRESERVED, "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f", NULL, 0,
     NULL, 0, NULL},
};

// A request of the suite; headers: room for two more than `given`.
static dogb_sign_request suite_request(const char *method, const char *path,
                                       dogb_sign_field *headers, const dogb_sign_field *given,
                                       size_t count) {
    dogb_sign_request request = request_of(method, path);
    headers[0] = (dogb_sign_field){"Host", "example.amazonaws.com"};
    headers[1] = (dogb_sign_field){"X-Amz-Date", "20150830T123600Z"};
    for (size_t i = 0; i < count; i++) {
        headers[2 + i] = given[i];
    }
    request.headers = headers;
    request.header_count = 2 + count;
    request.time = "20150830T123600Z";
    request.service = "service";
    return request;
}

static void signatures_of_another_suite(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_credentials keys = {.id = (char[]){"AKIDEXAMPLE"},
                             .secret = (char[]){"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}};
    dogb_sign_field headers[8];
    dogb_sign_request request;
    char *authorization, *path, *query;
    for (size_t i = 0; i < sizeof suite / sizeof suite[0]; i++) {
        const struct suite_case *c = &suite[i];
        request = suite_request("GET", c->path, headers, c->headers, c->header_count);
        request.query = c->query;
        request.query_count = c->query_count;
        keys.token = (char *)(uintptr_t)c->token;
        assert_ok(dogb_sign(&authorization, &path, &query, &arena, &request, &keys));
        assert_string_equal(strstr(authorization, "Signature=") + 10, c->signature);
    }
    keys.token = NULL;
    const dogb_sign_field form[] = {{"Content-Type", "application/x-www-form-urlencoded"},
                                    {"Content-Length", "13"},
                                    {"x-amz-content-sha256", FORM}};
    request = suite_request("POST", "/", headers, form, 3);
    request.payload_hash = FORM;
    assert_ok(dogb_sign(&authorization, &path, &query, &arena, &request, &keys));
    assert_string_equal(strstr(authorization, "Signature=") + 10,
                        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
    // Presigned: the date is in the query.
    request = suite_request("GET", "/", headers, NULL, 0);
    request.header_count = 1;
    request.query = suite[0].query;
    request.query_count = 2;
    assert_ok(dogb_sign_url(&query, &arena, &request, &keys, 3600));
    assert_string_equal(strstr(query, "Signature=") + 10,
                        "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5");
    request.query_count = 0;
    keys.token = (char[]){TOKEN};
    assert_ok(dogb_sign_url(&query, &arena, &request, &keys, 3600));
    assert_string_equal(strstr(query, "Signature=") + 10,
                        "7ff2b50b376cb4d151970630573d6291dc128cc5c2a12ffb237f73cc53f67b6c");
    dogb_arena_free(&arena);
}

static void a_day_has_a_key(void **state) {
    (void)state;
    dogb_sign_request request = request_of("GET", "/");
    uint8_t key[32];
    char text[65];
    assert_ok(dogb_sign_key(key, example.secret, &request));
    dogb_sha256_text((const dogb_sha256 *)key, text);
    assert_string_equal(text, "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378");
}

static void a_presigned_request(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_sign_request request = request_of("GET", "/test.txt");
    request.payload_hash = NULL;
    request.headers = (const dogb_sign_field[]){HOST};
    request.header_count = 1;
    char *target;
    assert_ok(dogb_sign_url(&target, &arena, &request, &example, 86400));
    assert_string_equal(
        target, "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
                "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
                "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature="
                "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    dogb_credentials with_token = example;
    with_token.token = (char[]){"a/b+c="};
    assert_ok(dogb_sign_url(&target, &arena, &request, &with_token, 1));
    assert_non_null(strstr(target, "&X-Amz-Security-Token=a%2Fb%2Bc%3D&X-Amz-SignedHeaders="));
    assert_fails(dogb_sign_url(&target, &arena, &request, &example, 0),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "expires: 0 seconds, expected 1 to 604800");
    assert_null(target);
    assert_fails(dogb_sign_url(&target, &arena, &request, &example, 604801),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "expires");
    request.header_count = 0;
    assert_fails(dogb_sign_url(&target, &arena, &request, &example, 9),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "header host");
    dogb_arena_free(&arena);
}

// What stays as it is and what becomes %XX, for every byte a key can have.
static void keys_of_every_byte(void **state) {
    (void)state;
    dogb_arena arena = {0};
    char path[257] = "/", expected[1024] = "/";
    for (int byte = 1; byte < 256; byte++) {
        const char *plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~/";
        size_t end = strlen(expected);
        path[byte] = (char)byte;
        (void)snprintf(expected + end, sizeof expected - end,
                       strchr(plain, byte) != NULL ? "%c" : "%%%02X", (unsigned)byte);
    }
    dogb_sign_request request = request_of("GET", path);
    dogb_canonical canonical;
    request.headers = (const dogb_sign_field[]){HOST};
    request.header_count = 1;
    assert_ok(dogb_sign_canonical(&canonical, &arena, &request));
    assert_string_equal(canonical.path, expected);
    request.path = "/a/../b//./%2e?x=1#y";
    assert_ok(dogb_sign_canonical(&canonical, &arena, &request));
    assert_string_equal(canonical.path, "/a/../b//./%252e%3Fx%3D1%23y");
    dogb_arena_free(&arena);
}

static void canonical_text(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_sign_request request = request_of("PUT", "/");
    dogb_canonical canonical;
    request.headers = (const dogb_sign_field[]){{"X-b", " \t one \t  two\t"},
                                                {"HOST", "h:1"},
                                                {"x-B", "again"},
                                                {"x-a", ""},
                                                {"X-B", "a  last"}};
    request.header_count = 5;
    // '-' is less than '.', and '=' less than both before but not after encoding.
    request.query = (const dogb_sign_field[]){{"b", "2"},    {"b", "10"}, {"b", ""}, {"a.", NULL},
                                              {"a-", "+ /"}, {"a=", "%"}, {"", ""}};
    request.query_count = 7;
    assert_ok(dogb_sign_canonical(&canonical, &arena, &request));
    assert_string_equal(
        canonical.text,
        "PUT\n/\n=&a%3D=%25&a-=%2B%20%2F&a.=&b=&b=10&b=2\n"
        "host:h:1\nx-a:\nx-b:one two,again,a last\n\nhost;x-a;x-b\n" DOGB_SIGN_EMPTY);
    dogb_arena_free(&arena);
}

static void signs_with_a_token(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_credentials with_token = example;
    with_token.token = (char[]){"tok"};
    dogb_sign_request request = request_of("GET", "/");
    char *authorization, *path, *query;
    dogb_sign_field headers[] = {HOST,
                                 {"X-Amz-Date", DATE},
                                 {"X-Amz-Content-Sha256", DOGB_SIGN_EMPTY},
                                 {"X-Amz-Security-Token", "tok"}};
    request.headers = headers;
    request.header_count = 4;
    assert_ok(dogb_sign(&authorization, &path, &query, &arena, &request, &with_token));
    assert_non_null(
        strstr(authorization, "=host;x-amz-content-sha256;x-amz-date;x-amz-security-token,"));
    request.header_count = 3;
    assert_fails(dogb_sign(&authorization, &path, &query, &arena, &request, &with_token),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "header x-amz-security-token: missing");
    assert_null(authorization);
    request.header_count = 2;
    assert_fails(dogb_sign(&authorization, &path, &query, &arena, &request, &example),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "header x-amz-content-sha256: missing");
    request.header_count = 3;
    headers[1].value = "20130524T000001Z";
    assert_fails(dogb_sign(&authorization, &path, &query, &arena, &request, &example),
                 DOGBREED_ERROR_INVALID_ARGUMENT, "header x-amz-date: missing or not");
    dogb_arena_free(&arena);
}

static void nobody_signs_nothing(void **state) {
    (void)state;
    dogb_arena arena = {0};
    dogb_credentials nobody = {.anonymous = 1};
    dogb_sign_request request = request_of("GET", "/a b");
    char *authorization, *path, *query;
    request.headers = (const dogb_sign_field[]){HOST};
    request.header_count = 1;
    assert_ok(dogb_sign(&authorization, &path, &query, &arena, &request, &nobody));
    assert_null(authorization);
    assert_string_equal(path, "/a%20b");
    assert_string_equal(query, "");
    dogb_arena_free(&arena);
}

static void refuse(dogb_sign_request request, dogb_credentials credentials, const char *part) {
    dogb_arena arena = {0};
    char *authorization, *path, *query;
    assert_fails(dogb_sign(&authorization, &path, &query, &arena, &request, &credentials),
                 DOGBREED_ERROR_INVALID_ARGUMENT, part);
    assert_null(authorization);
    assert_null(path);
    assert_null(query);
    dogb_arena_free(&arena);
}

static void requests_that_cannot_be_sent(void **state) {
    (void)state;
    static const char *const times[] = {"",
                                        "20130524",
                                        "20130524T000000",
                                        "20130524 000000Z",
                                        "2013052AT000000Z",
                                        "20130524T000000Z0"};
    dogb_sign_field headers[] = {
        HOST, {"x-amz-date", DATE}, {"x-amz-content-sha256", DOGB_SIGN_EMPTY}, {"x", "y"}};
    dogb_sign_request good = request_of("GET", "/"), bad = good;
    good.headers = headers;
    good.header_count = 4;
#define REFUSE(field, value, part)                                                                 \
    do {                                                                                           \
        bad = good;                                                                                \
        bad.field = value;                                                                         \
        refuse(bad, example, part);                                                                \
    } while (0)
    REFUSE(method, "", "method");
    REFUSE(method, "GET /\nX", "method");
    REFUSE(path, "", "path");
    REFUSE(path, "key", "path \"key\": expected '/'");
    REFUSE(region, "", "region");
    REFUSE(region, "us east", "region \"us east\"");
    REFUSE(region, "a/b", "region");
    REFUSE(service, "", "service");
    REFUSE(header_count, 0, "header host");
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        REFUSE(time, times[i], "expected YYYYMMDDTHHMMSSZ");
    }
    for (int byte = 1; byte < 256; byte++) {
        char text[] = {'a', (char)byte, 'b', '\0'};
        headers[3] = (dogb_sign_field){"x", text};
        if ((byte < ' ' && byte != '\t') || byte == 0x7f) {
            refuse(good, example, "header x: a control character");
        }
        headers[3] = (dogb_sign_field){text, ""};
        if (byte <= ' ' || byte >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", byte) != NULL) {
            refuse(good, example, "not a header's name");
        }
        dogb_credentials other = example;
        headers[3] = (dogb_sign_field){"x", "y"};
        other.id = text;
        if (byte <= ' ' || byte >= 0x7f || byte == ',') {
            refuse(good, other, "the access key id");
        }
    }
    dogb_credentials other = example;
    other.id = (char[]){""};
    refuse(good, other, "no access key id");
    other.id = NULL;
    refuse(good, other, "the signature: no access key id");
    static char secret[1026];
    memset(secret, 's', 1025);
    other = example;
    other.secret = secret;
    refuse(good, other, "the secret key has 1025 bytes");
}

static int sign_all(void *userdata) {
    dogb_arena arena = {0};
    dogb_sign_field headers[8];
    dogb_sign_request request = example_request(&cases[3], headers);
    char *authorization, *path, *query;
    (void)userdata;
    int rc = dogb_sign(&authorization, &path, &query, &arena, &request, &example);
    if (rc == 0) {
        rc = dogb_sign_url(&path, &arena, &request, &example, 9);
    }
    dogb_arena_free(&arena);
    return rc;
}

static void out_of_memory(void **state) {
    (void)state;
    assert_in_range(memory_fails_each(sign_all, NULL, 1), 30, 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_documentation),
        cmocka_unit_test(signatures_of_another_suite),
        cmocka_unit_test(a_day_has_a_key),
        cmocka_unit_test(a_presigned_request),
        cmocka_unit_test(keys_of_every_byte),
        cmocka_unit_test(canonical_text),
        cmocka_unit_test(signs_with_a_token),
        cmocka_unit_test(nobody_signs_nothing),
        cmocka_unit_test(requests_that_cannot_be_sent),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
