// Where keys come from: options, environment, files, the services of containers and machines; what
// is refused; that nothing secret stays in memory that is given back.
#include "out_of_memory.h"
#include "scratch.h"

#include "core/clock.h"
#include "store/credentials.h"

#include <malloc.h>
#include <openssl/crypto.h>

#define SECRET "se/cret+KEY=1"

// What is freed while a test looks must not hold this one, which no other test leaves behind.
#define WATCHED "sesame/open+sesame"
void __real_free(void *pointer);
void __wrap_free(void *pointer);
static volatile int watching, leaks; // compilers know what free() does not look at

void __wrap_free(void *pointer) {
    if (watching && pointer != NULL) {
        const char *bytes = pointer;
        size_t size = malloc_usable_size(pointer);
        for (size_t at = 0; at + sizeof WATCHED - 1 <= size; at++) {
            leaks += memcmp(bytes + at, WATCHED, sizeof WATCHED - 1) == 0;
        }
    }
    __real_free(pointer);
}

static int clean(void **state) {
    static const char *const names[] = {"AWS_ACCESS_KEY_ID",
                                        "AWS_SECRET_ACCESS_KEY",
                                        "AWS_SESSION_TOKEN",
                                        "AWS_CREDENTIAL_EXPIRATION",
                                        "AWS_PROFILE",
                                        "AWS_REGION",
                                        "AWS_DEFAULT_REGION",
                                        "AWS_SHARED_CREDENTIALS_FILE",
                                        "AWS_CONFIG_FILE",
                                        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                                        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
                                        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                                        "AWS_EC2_METADATA_DISABLED",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)unsetenv(names[i]);
    }
    (void)setenv("HOME", scratch_folder, 1);
    (void)dogb_directory_remove(scratch(".aws"));
    return 0;
}

static void put(const char *name, const char *text) {
    assert_ok(dogb_directory_make(scratch(".aws")));
    assert_ok(dogb_file_put(scratch(name), text, strlen(text)));
}

static void set(const char *name, const char *value) {
    assert_int_equal(setenv(name, value, 1), 0);
}

static void finds(const dogb_credentials_conf *conf, const char *id, const char *secret,
                  const char *token) {
    dogb_arena arena = {0};
    dogb_credentials found;
    assert_ok(dogb_credentials_find(&found, &arena, conf));
    assert_string_equal(found.id, id);
    assert_string_equal(found.secret, secret);
    if (token == NULL) {
        assert_null(found.token);
    } else {
        assert_string_equal(found.token, token);
    }
    assert_int_equal(found.anonymous, 0);
    dogb_arena_free(&arena);
}

static void fails(const dogb_credentials_conf *conf, int code, const char *part) {
    dogb_arena arena = {0};
    dogb_credentials found;
    assert_fails(dogb_credentials_find(&found, &arena, conf), code, part);
    assert_true(found.id == NULL && found.secret == NULL && found.token == NULL);
    assert_null(strstr(dogbreed_error_message(), SECRET));
    dogb_arena_free(&arena);
}

static void has_region(const dogb_credentials_conf *conf, const char *expected) {
    dogb_arena arena = {0};
    char *region;
    assert_ok(dogb_region_find(&region, &arena, conf));
    assert_string_equal(region, expected);
    dogb_arena_free(&arena);
}

static const dogb_credentials_conf none = {0};

static void the_order(void **state) {
    (void)state;
    dogb_credentials_conf conf = {0};
    fails(&none, DOGBREED_ERROR_NOT_FOUND, "set AWS_ACCESS_KEY_ID");
    put(".aws/config", "[default]\naws_access_key_id=c\naws_secret_access_key=1\n"
                       "[profile p]\naws_access_key_id=pc\naws_secret_access_key=2\n");
    finds(&none, "c", "1", NULL);
    put(".aws/credentials", "[default]\naws_access_key_id=f\naws_secret_access_key=3\n"
                            "[p]\naws_access_key_id=pf\naws_secret_access_key=4\n"
                            "aws_session_token=t4\n");
    finds(&none, "f", "3", NULL);
    set("AWS_PROFILE", "p");
    finds(&none, "pf", "4", "t4");
    set("AWS_ACCESS_KEY_ID", "test:tester");
    set("AWS_SECRET_ACCESS_KEY", SECRET);
    set("AWS_SESSION_TOKEN", "");
    finds(&none, "test:tester", SECRET, NULL);
    set("AWS_SESSION_TOKEN", "t+/=");
    finds(&none, "test:tester", SECRET, "t+/=");
    conf.profile = "p"; // said by the caller: more than the environment
    finds(&conf, "pf", "4", "t4");
    conf.id = "o";
    conf.secret = "5";
    finds(&conf, "o", "5", NULL);
    conf.token = "t5";
    finds(&conf, "o", "5", "t5");
    conf.no_sign = 1;
    dogb_arena arena = {0};
    dogb_credentials found;
    assert_ok(dogb_credentials_find(&found, &arena, &conf));
    assert_int_equal(found.anonymous, 1);
    assert_null(found.id);
    dogb_arena_free(&arena);
}

static void files_with_odd_spacing(void **state) {
    (void)state;
    dogb_credentials_conf conf = {.profile = "my dog"};
    put(".aws/credentials", "\xef\xbb\xbf# mine\r\n\r\n [ default ] \r\n"
                            "\t AWS_Access_Key_ID   =   a:b \t\r\n"
                            "\t aws_secret_access_key= x y=z \r\n\r\n"
                            "[my dog]\naws_access_key_id:d\naws_secret_access_key\t:\te\n");
    finds(&none, "a:b", "x y=z", NULL);
    finds(&conf, "d", "e", NULL);
    put(".aws/credentials", "");
    put(".aws/config", "[profile   \"my dog\"]\ns3 =\n  aws_access_key_id = nested\n"
                       "aws_access_key_id = q\naws_secret_access_key = r\nregion = there\n"
                       "[profiles]\n[profile]\n[preview]\n[sso-session x]\n");
    finds(&conf, "q", "r", NULL);
    has_region(&conf, "there");
    conf.profile = "profiles"; // a section of the file, but not of a profile
    fails(&conf, DOGBREED_ERROR_NOT_FOUND, "profile \"profiles\": not in ");
    conf.profile = "";
    fails(&conf, DOGBREED_ERROR_NOT_FOUND, "profile \"\"");
}

static void files_elsewhere(void **state) {
    (void)state;
    put("keys", "[default]\naws_access_key_id=a\naws_secret_access_key=b\n");
    put("conf", "[default]\nregion=far\n[profile default]\noutput=json\n");
    set("AWS_SHARED_CREDENTIALS_FILE", "~/keys");
    set("AWS_CONFIG_FILE", scratch("conf"));
    finds(&none, "a", "b", NULL);
    has_region(&none, "far");
    (void)unsetenv("HOME");
    set("AWS_SHARED_CREDENTIALS_FILE", scratch("keys"));
    finds(&none, "a", "b", NULL);
    set("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    set("AWS_CONFIG_FILE", "/dev/null/none");
    fails(&none, DOGBREED_ERROR_NOT_FOUND, "no access key for S3");
    (void)unsetenv("AWS_SHARED_CREDENTIALS_FILE");
    (void)unsetenv("AWS_CONFIG_FILE");
    fails(&none, DOGBREED_ERROR_NOT_FOUND, "no access key for S3");
    has_region(&none, "us-east-1");
}

static void what_is_refused(void **state) {
    (void)state;
    dogb_credentials_conf conf = {.id = "o"};
    fails(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "options: no secret access key");
    conf = (dogb_credentials_conf){.secret = SECRET};
    fails(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "options: no access key id");
    conf = (dogb_credentials_conf){.id = "a,b", .secret = SECRET};
    fails(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "options: the access key id has a character");
    conf = (dogb_credentials_conf){.id = "a", .secret = SECRET "\n"};
    fails(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "the secret access key has a line break");
    conf = (dogb_credentials_conf){.id = "a", .secret = SECRET, .token = "a\r\nHost: b"};
    fails(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "the session token has a character");
    set("AWS_ACCESS_KEY_ID", "a");
    fails(&none, DOGBREED_ERROR_INVALID_ARGUMENT, "AWS_SECRET_ACCESS_KEY: no secret access key");
    (void)unsetenv("AWS_ACCESS_KEY_ID");
    set("AWS_SECRET_ACCESS_KEY", SECRET);
    fails(&none, DOGBREED_ERROR_INVALID_ARGUMENT, "AWS_SECRET_ACCESS_KEY: no access key id");
    (void)unsetenv("AWS_SECRET_ACCESS_KEY");

    put(".aws/credentials", "[default]\naws_access_key_id=a\n");
    fails(&none, DOGBREED_ERROR_INVALID_ARGUMENT,
          "credentials: aws_access_key_id without aws_secret_access_key");
    put(".aws/config", "[default]\naws_secret_access_key=" SECRET "\n"); // not mixed
    fails(&none, DOGBREED_ERROR_INVALID_ARGUMENT, "aws_access_key_id without");
    put(".aws/credentials", "[default]\n");
    fails(&none, DOGBREED_ERROR_INVALID_ARGUMENT, "aws_secret_access_key without");
    put(".aws/credentials", "[default]\naws_secret_access_key=" SECRET "\naws_secret_access_key=x");
    fails(&none, DOGBREED_ERROR_FORMAT, "profile \"default\" has aws_secret_access_key twice");
    put(".aws/credentials", "[default]\naws_access_key_id=a\naws_secret_access_key=b\n c\n");
    fails(&none, DOGBREED_ERROR_INVALID_ARGUMENT, "the secret access key has a line break");
    put(".aws/credentials", "[default]\njunk\n");
    fails(&none, DOGBREED_ERROR_FORMAT,
          ".aws/credentials, line 2: expected [section] or \"key = value\"");
}

static void profiles_that_need_more(void **state) {
    (void)state;
    dogb_credentials_conf conf = {.profile = "p"};
    put(".aws/config", "[profile p]\nrole_arn = r\nsource_profile = default\n");
    fails(&conf, DOGBREED_ERROR_UNSUPPORTED, "profile \"p\" has role_arn, which is not supported");
    put(".aws/config", "[profile p]\ncredential_process = x\n");
    fails(&conf, DOGBREED_ERROR_UNSUPPORTED, "profile \"p\" has credential_process");
    has_region(&conf, "us-east-1");
    put(".aws/credentials", "[p]\naws_access_key_id=a\naws_secret_access_key=b\n");
    finds(&conf, "a", "b", NULL);
    put(".aws/config", "[profile p]\nrole_arn = r\nregion = here\n");
    fails(&conf, DOGBREED_ERROR_UNSUPPORTED, "role_arn");
    has_region(&conf, "here");
    conf.profile = "q";
    fails(&conf, DOGBREED_ERROR_NOT_FOUND, "profile \"q\": not in ");
}

static void regions(void **state) {
    (void)state;
    dogb_credentials_conf conf = {0};
    has_region(&conf, "us-east-1");
    put(".aws/config", "[default]\nregion = a\n");
    has_region(&conf, "a");
    set("AWS_DEFAULT_REGION", "b");
    has_region(&conf, "b");
    set("AWS_REGION", "c");
    has_region(&conf, "c");
    conf.region = "d";
    has_region(&conf, "d");
}

// The services of containers and machines, by a table of what is asked and answered.
typedef struct exchange {
    const char *request; // "METHOD url|header"
    const char *answer;  // NULL: an error
} exchange;

static int fetch(char **body, dogb_arena *arena, const char *method, const char *url,
                 const char *header, void *userdata) {
    const exchange **next = userdata;
    char request[512];
    (void)snprintf(request, sizeof request, "%s %s|%s", method, url, header == NULL ? "" : header);
    assert_string_equal(request, (*next)->request);
    *body = (*next)->answer == NULL ? NULL : dogb_strdup(arena, (*next)->answer);
    return (*next)++->answer == NULL ? DOGBREED_ERROR_NETWORK
           : *body == NULL           ? DOGBREED_ERROR_NO_MEMORY
                                     : 0;
}

#define KEYS "\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"" SECRET "\",\"Token\":\"t\""

static void the_service_of_a_container(void **state) {
    (void)state;
    const exchange talk[] = {
        {"GET http://169.254.170.2/v2/x?y|", "{" KEYS ",\"Other\":1}"},
        {"GET http://169.254.170.2/v2/x?y|Authorization: Basic z", "{" KEYS "}"},
        {"GET http://localhost:99/k|Authorization: from file", "{" KEYS "}"}};
    const exchange *next = talk;
    dogb_credentials_conf conf = {.fetch = fetch, .userdata = &next};
    fails(&conf, DOGBREED_ERROR_NOT_FOUND, "no access key");
    set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/x?y");
    fails(&none, DOGBREED_ERROR_NOT_FOUND, "no access key"); // nobody who could ask
    finds(&conf, "a", SECRET, "t");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN", "Basic z");
    finds(&conf, "a", SECRET, "t");
    (void)unsetenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://localhost:99/k");
    put("token", "from file");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", scratch("token"));
    finds(&conf, "a", SECRET, "t");
    put("token", "from\nfile");
    fails(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "/token: a line break in the token");
    set("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", scratch("absent"));
    fails(&conf, DOGBREED_ERROR_NOT_FOUND, "/absent");
    assert_ptr_equal(next, talk + 3);
}

static void addresses_that_are_not_asked(void **state) {
    (void)state;
    static const char *const bad[] = {"http://example.com/k",
                                      "http://169.254.170.21/k",
                                      "http://localhost.example.com/",
                                      "http://127.0.0.1:8@a.b/",
                                      "http://127.0.0.1@a.b/",
                                      "https://user@a.b/",
                                      "ftp://localhost/",
                                      "/k",
                                      "http://"};
    const exchange *next = NULL;
    dogb_credentials_conf conf = {.fetch = fetch, .userdata = &next};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        set("AWS_CONTAINER_CREDENTIALS_FULL_URI", bad[i]);
        fails(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "expected https or this machine");
    }
    set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "@example.com/k");
    fails(&conf, DOGBREED_ERROR_INVALID_ARGUMENT, "expected a path that begins with '/'");
}

static void answers_that_are_none(void **state) {
    (void)state;
    static const struct {
        const char *answer;
        int code;
        const char *part;
    } cases[] = {
        {NULL, DOGBREED_ERROR_NETWORK, ""},
        {"", DOGBREED_ERROR_FORMAT, "https://k"},
        {"{" KEYS, DOGBREED_ERROR_FORMAT, "https://k: an answer that is not valid JSON"},
        {"{\"SecretAccessKey\":\"" SECRET, DOGBREED_ERROR_FORMAT, "not valid JSON"},
        {"[]", DOGBREED_ERROR_FORMAT, "without AccessKeyId"},
        {"{}", DOGBREED_ERROR_FORMAT, "without AccessKeyId and SecretAccessKey"},
        {"{\"AccessKeyId\":\"a\"}", DOGBREED_ERROR_FORMAT, "without AccessKeyId"},
        {"{\"AccessKeyId\":1,\"SecretAccessKey\":2}", DOGBREED_ERROR_FORMAT, "without"},
        {"{" KEYS ",\"Code\":\"Failed\"}", DOGBREED_ERROR_FORMAT, "it says \"Failed\""},
        {"{" KEYS ",\"Expiration\":\"soon\"}", DOGBREED_ERROR_FORMAT, "time \"soon\""},
        {"{" KEYS ",\"Expiration\":\"2020-01-01T00:00:00Z\"}", DOGBREED_ERROR_STATE,
         "the container's service: these temporary keys have ended"},
    };
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://k");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const exchange talk = {"GET https://k|", cases[i].answer}, *next = &talk;
        dogb_credentials_conf conf = {.fetch = fetch, .userdata = &next};
        fails(&conf, cases[i].code, cases[i].part);
    }
}

#define MACHINE "http://169.254.169.254/latest/"
static const exchange machine[] = {
    {"PUT " MACHINE "api/token|X-aws-ec2-metadata-token-ttl-seconds: 21600", "tok"},
    {"GET " MACHINE "meta-data/iam/security-credentials/|X-aws-ec2-metadata-token: tok",
     "dog-role\nother"},
    {"GET " MACHINE "meta-data/iam/security-credentials/dog-role|X-aws-ec2-metadata-token: tok",
     "{\"Code\":\"Success\"," KEYS ",\"Expiration\":\"2999-01-01T00:00:00Z\"}"}};

static void the_service_of_a_machine(void **state) {
    (void)state;
    const exchange *next = machine;
    dogb_credentials_conf conf = {.fetch = fetch, .userdata = &next};
    fails(&conf, DOGBREED_ERROR_NOT_FOUND, "no access key"); // not asked unless wanted
    conf.imds = 1;
    finds(&conf, "a", SECRET, "t");
    assert_ptr_equal(next, machine + 3);
    set("AWS_EC2_METADATA_DISABLED", "true");
    fails(&conf, DOGBREED_ERROR_NOT_FOUND, "no access key");
    (void)unsetenv("AWS_EC2_METADATA_DISABLED");
    const exchange down = {"PUT http://h:1/latest/api/token|X-aws-ec2-metadata-token-ttl-seconds: "
                           "21600",
                           NULL};
    next = &down;
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://h:1//");
    fails(&conf, DOGBREED_ERROR_NETWORK, "");
}

static void keys_that_end(void **state) {
    (void)state;
    dogb_credentials keys = {.expires = 0};
    assert_false(dogb_credentials_due(&keys, 1e12));
    keys.expires = 10000;
    assert_false(dogb_credentials_due(&keys, 9699));
    assert_true(dogb_credentials_due(&keys, 9700));
    set("AWS_ACCESS_KEY_ID", "a");
    set("AWS_SECRET_ACCESS_KEY", SECRET);
    set("AWS_CREDENTIAL_EXPIRATION", "2020-01-01T00:00:00Z");
    fails(&none, DOGBREED_ERROR_STATE, "these temporary keys have ended");
    set("AWS_CREDENTIAL_EXPIRATION", "2999-01-01T00:00:00Z");
    dogb_arena arena = {0};
    assert_ok(dogb_credentials_find(&keys, &arena, &none));
    assert_false(dogb_credentials_due(&keys, dogb_clock_wall()));
    assert_true(dogb_credentials_due(&keys, 1e12));
    dogb_arena_free(&arena);
}

// The JSON library gives its copies back as they are: cleared here, they do not count.
static void clear_and_free(void *pointer) {
    if (pointer != NULL) {
        OPENSSL_cleanse(pointer, malloc_usable_size(pointer)); // memset would be left out
        free(pointer);
    }
}

#define WATCHED_FILE                                                                               \
    "[default]\naws_access_key_id=a\naws_secret_access_key=" WATCHED                               \
    "\naws_session_token=" WATCHED "\n[other]\nx=" WATCHED "\n"

static int find_all(void *userdata) {
    const exchange talk = {"GET https://k|", "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"" WATCHED
                                             "\",\"Token\":\"" WATCHED "\"}"};
    const exchange *next = &talk;
    dogb_credentials_conf conf = {.fetch = fetch, .userdata = &next, .profile = "asks"};
    dogb_arena arena = {0};
    dogb_credentials found;
    char *region;
    (void)userdata;
    json_set_alloc_funcs(malloc,
                         clear_and_free); // not every failure in it is told as one of memory
    int rc = dogb_credentials_find(&found, &arena, &conf);
    conf.profile = NULL;
    rc = rc == 0 ? dogb_credentials_find(&found, &arena, &conf) : rc;
    conf = (dogb_credentials_conf){.id = "a", .secret = WATCHED, .token = WATCHED};
    rc = rc == 0 ? dogb_credentials_find(&found, &arena, &conf) : rc;
    rc = rc == 0 ? dogb_region_find(&region, &arena, &conf) : rc;
    dogb_arena_free(&arena);
    json_set_alloc_funcs(malloc, free);
    return rc;
}

static void nothing_secret_stays(void **state) {
    (void)state;
    put(".aws/credentials", WATCHED_FILE);
    put(".aws/config", "[profile asks]\nregion=here\n");
    set("AWS_CONTAINER_CREDENTIALS_FULL_URI", "https://k");
    watching = 1;
    assert_ok(find_all(NULL));
    assert_in_range(memory_fails_each(find_all, NULL, 1), 20, 200);
    put(".aws/config", WATCHED_FILE "junk\n");
    fails(&none, DOGBREED_ERROR_FORMAT, "line 7");
    watching = 0;
    assert_int_equal(leaks, 0);
    char *one = strdup("x" WATCHED);
    assert_string_equal(one, "x" WATCHED);
    watching = 1;
    free(one); // the watch sees it
    watching = 0;
    assert_int_equal(leaks, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_order, clean),
        cmocka_unit_test_setup(files_with_odd_spacing, clean),
        cmocka_unit_test_setup(files_elsewhere, clean),
        cmocka_unit_test_setup(what_is_refused, clean),
        cmocka_unit_test_setup(profiles_that_need_more, clean),
        cmocka_unit_test_setup(regions, clean),
        cmocka_unit_test_setup(the_service_of_a_container, clean),
        cmocka_unit_test_setup(addresses_that_are_not_asked, clean),
        cmocka_unit_test_setup(answers_that_are_none, clean),
        cmocka_unit_test_setup(the_service_of_a_machine, clean),
        cmocka_unit_test_setup(keys_that_end, clean),
        cmocka_unit_test_setup(nothing_secret_stays, clean),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
