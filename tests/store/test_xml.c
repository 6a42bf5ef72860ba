// The XML of stores: what is read, what is refused.
#include "out_of_memory.h"

#include "store/xml.h"

typedef struct record {
    char text[8192];
    size_t used;
    int stop_at; // elements until 7 is returned
} record;

static int on_element(const char *path, const char *text, void *userdata) {
    record *r = userdata;
    int n = snprintf(r->text + r->used, sizeof r->text - r->used, "%s=%s;", path, text);
    r->used += (size_t)n;
    assert_true(r->used < sizeof r->text);
    return --r->stop_at == 0 ? 7 : 0;
}

// From a copy of exactly its size, so that address checks see reads beyond it.
static int read_sized(record *r, const char *text, size_t size) {
    char *copy = malloc(size == 0 ? 1 : size);
    memcpy(copy, text, size);
    int rc = dogb_xml_read(copy, size, on_element, r);
    free(copy);
    return rc;
}

static void reads(const char *text, const char *expected) {
    record r = {0};
    assert_ok(read_sized(&r, text, strlen(text)));
    assert_string_equal(r.text, expected);
}

static void refuses(const char *text, const char *part) {
    record r = {0};
    assert_fails(read_sized(&r, text, strlen(text)), DOGBREED_ERROR_FORMAT, part);
}

static const char listing[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\r\n<!-- of a store -->"
    "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Name>b</Name>"
    "<Prefix/><IsTruncated >false</IsTruncated ><Contents><Key>a &amp; b&#xFC;</Key>"
    "<Size>3</Size></Contents><Contents><Key><![CDATA[<&]]></Key></Contents></ListBucketResult>\n";

static void a_listing(void **state) {
    (void)state;
    reads(listing, "ListBucketResult/Name=b;ListBucketResult/Prefix=;"
                   "ListBucketResult/IsTruncated=false;ListBucketResult/Contents/Key=a & b\u00fc;"
                   "ListBucketResult/Contents/Size=3;ListBucketResult/Contents=;"
                   "ListBucketResult/Contents/Key=<&;ListBucketResult/Contents=;"
                   "ListBucketResult=;");
}

// A document that is cut anywhere is refused and calls no end of the root; so is one with a byte
// changed, or it is still a document.
static void every_cut_and_every_byte(void **state) {
    (void)state;
    size_t size = strlen(listing);
    for (size_t end = 0; end < size - 1; end++) { // without the newline it is whole
        record r = {0};
        assert_int_equal(read_sized(&r, listing, end), DOGBREED_ERROR_FORMAT);
        assert_null(strstr(r.text, "ListBucketResult=;"));
    }
    for (size_t at = 0; at < size; at++) {
        static const char bytes[] = {'<', '>', '&', '\0', 'x', '"', '\x80', '/', ']', '-'};
        for (size_t i = 0; i < sizeof bytes; i++) {
            char copy[sizeof listing];
            record r = {0};
            memcpy(copy, listing, sizeof copy);
            copy[at] = bytes[i];
            int rc = read_sized(&r, copy, size);
            assert_true(rc == 0 || rc == DOGBREED_ERROR_FORMAT);
        }
    }
}

static void texts_and_references(void **state) {
    (void)state;
    reads("<a>&lt;&gt;&amp;&quot;&apos;</a>", "a=<>&\"';");
    reads("<a>&#65;&#x41;&#x6a;&#x6A;&#xe4;&#x20AC;&#x1F600;&#x10FFFF;&#9;</a>",
          "a=AAjj\u00e4\u20ac\U0001f600\U0010ffff\t;");
    reads("<a>&#x1;&#31;</a>", "a=\x01\x1f;");
    reads("<a>&amp;lt;</a>", "a=&lt;;");
    reads("<a>1\r\n2\r3\n4</a>", "a=1\n2\n3\n4;");
    reads("<a>]] ]&gt;</a>", "a=]] ]>;");
    reads("<a><![CDATA[x]]]]><![CDATA[>y]]></a>", "a=x]]>y;");
    reads("<a>one<b>two</b>three<b/>four<!-- five -->six<?seven?></a>",
          "a/b=two;a/b=;a=onethreefoursix;");
    reads(" <s:a x='1' y = \"'>\" ><s:b/></s:a> <!-- end -->\n<?end?>", "a/b=;a=;");
    reads("\xef\xbb\xbf<a/>", "a=;");
}

static void what_is_no_xml(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "byte 0: it ends too early"},
        {"plain", "text outside of the root"},
        {"<a/>x", "text outside of the root"},
        {"<![CDATA[x]]><a/>", "text outside of the root"},
        {"<a/><b/>", "a second root"},
        {"</a>", "an end tag without its start"},
        {"<a></b>", "an end tag without its start"},
        {"<s:a></a>", "an end tag without its start"},
        {"<a></a b='1'>", "expected '>'"},
        {"<a", "expected '>'"},
        {"<a x>", "expected '=' behind an attribute"},
        {"<a x=1>", "in quotes"},
        {"<a x='1'y='2'>", "expected '>'"},
        {"<a x='<'/>", "does not end"},
        {"< a/>", "expected a name"},
        {"<1/>", "expected a name"},
        {"<s:/>", "name is empty"},
        {"<a>&nbsp;</a>", "an unknown entity"},
        {"<a>& </a>", "an unknown entity"},
        {"<a>&lt</a>", "an unknown entity"},
        {"<a>&#;</a>", "no character"},
        {"<a>&#x;</a>", "no character"},
        {"<a>&#X41;</a>", "no character"},
        {"<a>&#0;</a>", "no character"},
        {"<a>&#xD800;</a>", "no character"},
        {"<a>&#x110000;</a>", "no character"},
        {"<a>&#99999999999999999999;</a>", "no character"},
        {"<a>&#4294967361;</a>", "no character"},
        {"<a>&#65</a>", "no character"},
        {"<a>]]></a>", "\"]]>\" in a text"},
        {"<a><!-- -- --></a>", "\"--\" in a comment"},
        {"<a><!-- ", "ends too early"},
        {"<a><![CDATA[ ]]", "ends too early"},
        {"<?xml", "ends too early"},
        {"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "byte 2: a DTD, which is not read"},
        {"<!doctype a><a/>", "a DTD"},
        {"<a>\x01</a>", "not UTF-8 text"},
        {"<a>\xff</a>", "not UTF-8 text"},
        {"<a>\xc0\x80</a>", "not UTF-8 text"},
        {"<a>\xed\xa0\x80</a>", "not UTF-8 text"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        refuses(cases[i][0], cases[i][1]);
    }
    record r = {0};
    assert_fails(read_sized(&r, "<a>\0</a>", 8), DOGBREED_ERROR_FORMAT, "not UTF-8 text");
    assert_fails(dogb_xml_read("<a>", (size_t)DOGB_XML_SIZE_MAX + 1, on_element, &r),
                 DOGBREED_ERROR_FORMAT, "16777217 bytes");
}

static void depth_and_names_have_limits(void **state) {
    (void)state;
    char text[4096] = "", expected[2048] = "";
    for (int i = 0; i < DOGB_XML_DEPTH_MAX; i++) {
        strcat(text, "<a>");
    }
    for (int i = 0; i < DOGB_XML_DEPTH_MAX; i++) {
        strcat(text, "</a>");
    }
    record r = {0};
    assert_ok(read_sized(&r, text, strlen(text)));
    (void)snprintf(expected, sizeof expected, "<a>%s</a>", text);
    refuses(expected, "nested too deeply");
    (void)snprintf(text, sizeof text, "<%0*d/>", DOGB_XML_PATH_MAX - 1, 0);
    text[1] = 'a';
    assert_ok(read_sized(&r, text, strlen(text)));
    (void)snprintf(expected, sizeof expected, "<%0*d/>", DOGB_XML_PATH_MAX, 0);
    expected[1] = 'a';
    refuses(expected, "empty or too long");
}

static void the_reader_of_elements_may_stop(void **state) {
    (void)state;
    record r = {.stop_at = 2};
    assert_int_equal(read_sized(&r, listing, strlen(listing)), 7);
    assert_string_equal(r.text, "ListBucketResult/Name=b;ListBucketResult/Prefix=;");
}

static int read_again(void *userdata) {
    record r = {0};
    (void)userdata;
    return dogb_xml_read(listing, strlen(listing), on_element, &r);
}

static void out_of_memory(void **state) {
    (void)state;
    assert_int_equal(memory_fails_each(read_again, NULL, 1), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_listing),
        cmocka_unit_test(every_cut_and_every_byte),
        cmocka_unit_test(texts_and_references),
        cmocka_unit_test(what_is_no_xml),
        cmocka_unit_test(depth_and_names_have_limits),
        cmocka_unit_test(the_reader_of_elements_may_stop),
        cmocka_unit_test(out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
