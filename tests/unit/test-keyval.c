/*
 * Option arguments: key=value lists (cli/keyval.c).
 */
#include <glib.h>

#include "cli/keyval.h"

#define DRIVE "file* if snapshot wait nodelay size"

static KeyVal *parse(const char *text, const char *known)
{
    Error *err = NULL;
    KeyVal *kv = keyval_parse(text, known, &err);
    if (err) {
        g_test_message("%s", error_message(err));
    }
    g_assert_nonnull(kv);
    return kv;
}

static void check_error(const char *text, const char *known, const char *want)
{
    Error *err = NULL;
    g_assert_null(keyval_parse(text, known, &err));
    g_assert_cmpstr(error_message(err), ==, want);
    error_free(err);
}

static void test_implied(void)
{
    g_autoptr(KeyVal) kv = parse("disk.img,if=none", DRIVE);
    g_assert_cmpstr(keyval_get(kv, "file"), ==, "disk.img");
    g_assert_cmpstr(keyval_get(kv, "if"), ==, "none");
    g_assert_null(keyval_get(kv, "size"));
    g_assert_cmpuint(kv->keys->len, ==, 2);
}

static void test_commas(void)
{
    g_autoptr(KeyVal) kv = parse("file=a,,b,if=x,,", DRIVE);
    g_assert_cmpstr(keyval_get(kv, "file"), ==, "a,b");
    g_assert_cmpstr(keyval_get(kv, "if"), ==, "x,");
    g_autoptr(KeyVal) implied = parse("a,,b,,,if=none", DRIVE);
    g_assert_cmpstr(keyval_get(implied, "file"), ==, "a,b,");
    g_assert_cmpstr(keyval_get(implied, "if"), ==, "none");
}

static void test_flags(void)
{
    g_autoptr(KeyVal) kv = parse("file=a,snapshot,nowait,nodelay", DRIVE);
    g_assert_cmpstr(keyval_get(kv, "snapshot"), ==, "on");
    g_assert_cmpstr(keyval_get(kv, "wait"), ==, "off");
    g_assert_cmpstr(keyval_get(kv, "nodelay"), ==, "on");
}

static void test_last_wins(void)
{
    g_autoptr(KeyVal) kv = parse("if=a,if=b", DRIVE);
    g_assert_cmpstr(keyval_get(kv, "if"), ==, "b");
}

static void test_unknown(void)
{
    check_error("file=a,fool=1", DRIVE, "Invalid parameter 'fool'");
    check_error("file=a,nofool", DRIVE, "Invalid parameter 'nofool'");
    check_error("=1", DRIVE, "Invalid parameter ''");
    check_error("bare", "if", "Invalid parameter 'bare'");
    g_autoptr(KeyVal) any = parse("isa-serial,x=1", "driver* id ...");
    g_assert_cmpstr(keyval_get(any, "x"), ==, "1");
}

static void test_help(void)
{
    g_autoptr(KeyVal) kv = parse("help", DRIVE);
    g_assert_true(kv->help);
    g_autoptr(KeyVal) dev = parse("isa-serial,help", "driver* id ...");
    g_assert_true(dev->help);
    g_assert_cmpstr(keyval_get(dev, "driver"), ==, "isa-serial");
    g_autoptr(KeyVal) none = parse("", DRIVE);
    g_assert_cmpuint(none->keys->len, ==, 0);
}

static void test_bool(void)
{
    g_autoptr(KeyVal) kv = parse("snapshot=maybe,wait=off", DRIVE);
    Error *err = NULL;
    bool v = true;
    g_assert_true(keyval_bool(kv, "wait", &v, NULL));
    g_assert_false(v);
    v = true;
    g_assert_true(keyval_bool(kv, "nodelay", &v, NULL));
    g_assert_true(v);
    g_assert_false(keyval_bool(kv, "snapshot", &v, &err));
    g_assert_cmpstr(error_message(err), ==,
                    "Parameter 'snapshot' expects 'on' or 'off', not 'maybe'");
    error_free(err);
}

static void check_size(const char *text, bool ok, uint64_t want)
{
    uint64_t v = 0;
    g_assert_cmpint(keyval_parse_size(text, MIB, &v), ==, ok);
    g_assert_cmpuint(v, ==, want);
}

static void test_size(void)
{
    check_size("128", true, 128 * MIB);
    check_size("2G", true, 2 * GIB);
    check_size("16k", true, 16 * KIB);
    check_size("512B", true, 512);
    check_size("0x10M", true, 16 * MIB);
    check_size("1T", true, 1024 * GIB);
    check_size("", false, 0);
    check_size("-1", false, 0);
    check_size("1X", false, 0);
    check_size("1MM", false, 0);
    check_size("99999999999999999999", false, 0);
    check_size("99999999999T", false, 0);
}

static void test_number(void)
{
    g_autoptr(KeyVal) kv = parse("size=12,if=x,file=0x20", DRIVE);
    uint64_t v = 7;
    g_assert_true(keyval_number(kv, "size", 0, 20, &v, NULL));
    g_assert_cmpuint(v, ==, 12);
    g_assert_true(keyval_number(kv, "file", 0, 64, &v, NULL));
    g_assert_cmpuint(v, ==, 32);
    g_assert_false(keyval_number(kv, "size", 0, 11, &v, NULL));
    g_assert_false(keyval_number(kv, "size", 13, 20, &v, NULL));
    g_assert_false(keyval_number(kv, "if", 0, 20, &v, NULL));
    g_assert_cmpuint(v, ==, 32);
}

static void test_word(void)
{
    static const char *const words[] = { "ide", "none", NULL };
    g_autoptr(KeyVal) kv = parse("if=none,size=big", DRIVE);
    unsigned v = 9;
    Error *err = NULL;
    g_assert_true(keyval_word(kv, "if", words, &v, NULL));
    g_assert_cmpuint(v, ==, 1);
    g_assert_false(keyval_word(kv, "size", words, &v, &err));
    g_assert_cmpstr(error_message(err), ==, "Parameter 'size' does not accept "
                    "'big'; it may be one of: ide, none");
    error_free(err);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/keyval/implied", test_implied);
    g_test_add_func("/keyval/commas", test_commas);
    g_test_add_func("/keyval/flags", test_flags);
    g_test_add_func("/keyval/last-wins", test_last_wins);
    g_test_add_func("/keyval/unknown", test_unknown);
    g_test_add_func("/keyval/help", test_help);
    g_test_add_func("/keyval/bool", test_bool);
    g_test_add_func("/keyval/size", test_size);
    g_test_add_func("/keyval/number", test_number);
    g_test_add_func("/keyval/word", test_word);
    return g_test_run();
}
