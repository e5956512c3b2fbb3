#define PCRE2_CODE_UNIT_WIDTH 8

#include "base/regex.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/labels.h"
#include "base/re2.h"
#include "base/regex_simple.h"

#include <pcre2.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
        ARENA_BYTES = 64 << 20,
        TRANSLATED_BYTES = 32 << 20,
        NEST_LIMIT = 4000, /* our own bound on height is lower; translation may double it */
        MATCH_LIMIT = 1000000, /* steps: some ten milliseconds */
        DEPTH_LIMIT = 100000,
        HEAP_LIMIT_KIB = 8192,
        /* Bounds of the algorithm without backtracking: its time is text times states². */
        DFA_WORKSPACE = 1200,
        DFA_MAX_SUBJECT = 4096,
};

struct regex {
        bool is_simple;
        struct simple simple;
        pcre2_code *code;
        pcre2_match_data *data;
        pcre2_match_context *context;
        bool slow; /* backtracking has passed its limit before: ask the other algorithm first */
        struct view *names; /* owned with name_bytes; [group - 1] */
        char *name_bytes;
        size_t n_groups;
        uint32_t *groups; /* owned; PCRE2's number of each of ours, groups[0] = 0 */
        const struct simple_choice *choice; /* of the last match */
        struct view subject; /* of the last match */
};

static int
pcre_error(int number, const char *what, enum err_code code, struct err *e)
{
        PCRE2_UCHAR text[200];

        if (number == PCRE2_ERROR_NOMEMORY)
                return err_nomem(e, "a regular expression");
        (void)pcre2_get_error_message(number, text, sizeof(text));
        return err_set(e, code, "%s: %s", what, (const char *)text);
}

static int
copy_groups(struct regex *r, const struct re2 *re, struct err *e)
{
        size_t bytes = 1;
        size_t at = 0;

        for (size_t i = 0; i < re->n_groups; i++)
                bytes += re->names[i].n;
        r->names = calloc(re->n_groups + 1, sizeof(*r->names));
        r->name_bytes = malloc(bytes);
        r->groups = calloc(re->n_groups + 1, sizeof(*r->groups));
        if (r->names == NULL || r->name_bytes == NULL || r->groups == NULL)
                return err_nomem(e, "a regular expression");
        for (size_t i = 0; i < re->n_groups; i++) {
                struct view name = re->names[i];

                if (name.n > 0)
                        memcpy(r->name_bytes + at, name.p, name.n);
                r->names[i] = (struct view){r->name_bytes + at, name.n};
                at += name.n;
        }
        r->n_groups = re->n_groups;
        return 0;
}

static int
compile_text(struct regex *r, struct view text, struct err *e)
{
        pcre2_compile_context *context = pcre2_compile_context_create(NULL);
        PCRE2_SIZE offset = 0;
        int number = 0;

        if (context == NULL)
                return err_nomem(e, "a regular expression");
        (void)pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALLOW_SURROGATE_ESCAPES);
        (void)pcre2_set_parens_nest_limit(context, NEST_LIMIT);
        r->code = pcre2_compile(
            (PCRE2_SPTR)text.p, text.n, PCRE2_UTF | PCRE2_DOTALL, &number, &offset, context);
        pcre2_compile_context_free(context);
        if (r->code == NULL)
                return pcre_error(
                    number, "error parsing regexp: beyond what PCRE2 can do", ERR_CONFIG, e);
        return 0;
}

static int
compile_pcre(struct regex *r, const struct re2 *re, struct err *e)
{
        struct buf text = BUF_INIT(TRANSLATED_BYTES);
        uint32_t options = 0;
        int rc = re2_translate(re, &text, r->groups, e);

        if (rc == 0)
                rc = compile_text(r, buf_view(&text), e);
        buf_release(&text);
        if (rc < 0)
                return rc;
        r->data = pcre2_match_data_create_from_pattern(r->code, NULL);
        r->context = pcre2_match_context_create(NULL);
        if (r->data == NULL || r->context == NULL)
                return err_nomem(e, "a regular expression");
        (void)pcre2_set_match_limit(r->context, MATCH_LIMIT);
        (void)pcre2_set_depth_limit(r->context, DEPTH_LIMIT);
        (void)pcre2_set_heap_limit(r->context, HEAP_LIMIT_KIB);
        /*
         * A sandbox may forbid executable memory: then the interpreter does it. So it does where
         * the expression escapes its anchors, as `a)|(b` does: 10.42's compiled code misses some
         * beginnings of a match there.
         */
        (void)pcre2_pattern_info(r->code, PCRE2_INFO_ALLOPTIONS, &options);
        if ((options & PCRE2_ANCHORED) != 0)
                (void)pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
        return 0;
}

int
regex_new(struct view text, struct regex **out, struct err *e)
{
        struct arena arena = ARENA_INIT(ARENA_BYTES);
        struct re2 re = {0};
        struct regex *r = calloc(1, sizeof(*r));
        int rc;

        if (r == NULL)
                return err_nomem(e, "a regular expression");
        rc = re2_parse(text, &arena, &re, e);
        if (rc == 0)
                rc = copy_groups(r, &re, e);
        if (rc == 0) {
                rc = simple_new(&re, &r->simple, e);
                r->is_simple = rc == 0;
                if (rc == ERR_NOTFOUND)
                        rc = compile_pcre(r, &re, e);
        }
        arena_release(&arena);
        if (rc < 0) {
                regex_free(r);
                return rc;
        }
        *out = r;
        return 0;
}

int
regex_new_anchored(struct view text, struct regex **out, struct err *e)
{
        static const char before[] = "^(?s:";
        static const char after[] = ")$";
        struct buf whole = BUF_INIT(sizeof(before) + text.n + sizeof(after));
        int rc = buf_puts(&whole, before, e);

        if (rc == 0)
                rc = buf_append(&whole, text.p, text.n, e);
        if (rc == 0)
                rc = buf_puts(&whole, after, e);
        if (rc == 0)
                rc = regex_new(buf_view(&whole), out, e);
        buf_release(&whole);
        return rc;
}

void
regex_free(struct regex *r)
{
        if (r == NULL)
                return;
        simple_release(&r->simple);
        pcre2_code_free(r->code);
        pcre2_match_data_free(r->data);
        pcre2_match_context_free(r->context);
        free(r->names);
        free(r->name_bytes);
        free(r->groups);
        free(r);
}

static int
match_backtracking(struct regex *r, struct view subject)
{
        PCRE2_SPTR p = (PCRE2_SPTR)(subject.n > 0 ? subject.p : "");
        int n = pcre2_match(r->code, p, subject.n, 0, PCRE2_NO_UTF_CHECK, r->data, r->context);

        /* The compiled code's stack is small; the interpreter's heap is not. */
        if (n == PCRE2_ERROR_JIT_STACKLIMIT)
                n = pcre2_match(r->code, p, subject.n, 0, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT,
                    r->data, r->context);
        return n;
}

/* Whether it matches, without groups; an error when this algorithm cannot tell either. */
static int
match_without_backtracking(struct regex *r, struct view subject)
{
        int workspace[DFA_WORKSPACE];

        if (subject.n > DFA_MAX_SUBJECT)
                return PCRE2_ERROR_MATCHLIMIT;
        return pcre2_dfa_match(r->code, (PCRE2_SPTR)(subject.n > 0 ? subject.p : ""), subject.n, 0,
            PCRE2_NO_UTF_CHECK | PCRE2_DFA_SHORTEST, r->data, r->context, workspace, DFA_WORKSPACE);
}

static int
match_pcre(struct regex *r, struct view subject, bool groups, bool *out_matched, struct err *e)
{
        int n = PCRE2_ERROR_MATCHLIMIT;
        bool told = false;

        if (!utf8_valid(subject))
                return err_set(e, ERR_REFUSED, "text to be matched is not UTF-8");
        if (r->slow)
                n = match_without_backtracking(r, subject);
        told = n == PCRE2_ERROR_NOMATCH || (n >= 0 && !groups);
        if (!told)
                n = match_backtracking(r, subject);
        if (n < 0 && n != PCRE2_ERROR_NOMATCH && !r->slow) {
                int limit = n;

                r->slow = true;
                n = match_without_backtracking(r, subject);
                n = n >= 0 && groups ? limit : n;
        }
        if (n < 0 && n != PCRE2_ERROR_NOMATCH)
                return pcre_error(n, "regular expression takes too long", ERR_LIMIT, e);
        *out_matched = n >= 0;
        return 0;
}

int
regex_match(struct regex *r, struct view subject, bool groups, bool *out_matched, struct err *e)
{
        r->subject = subject;
        if (!r->is_simple)
                return match_pcre(r, subject, groups, out_matched, e);
        r->choice = simple_match(&r->simple, subject);
        *out_matched = r->choice != NULL;
        return 0;
}

static struct view
simple_group(const struct regex *r, size_t group)
{
        const struct simple_choice *c = r->choice;
        struct view middle = simple_middle(&r->simple, r->subject);

        if (group == 0)
                return r->subject;
        if (group == r->simple.group || group == c->group)
                return middle;
        if (group == c->tail_group)
                return (struct view){middle.p + c->text.n, middle.n - c->text.n};
        return (struct view){"", 0};
}

struct view
regex_group(const struct regex *r, size_t group)
{
        const PCRE2_SIZE *offsets;

        if (group > r->n_groups)
                return (struct view){"", 0};
        if (r->is_simple)
                return simple_group(r, group);
        group = r->groups[group];
        offsets = pcre2_get_ovector_pointer(r->data);
        if (offsets[2 * group] == PCRE2_UNSET)
                return (struct view){"", 0};
        return (struct view){
            r->subject.p + offsets[2 * group], offsets[2 * group + 1] - offsets[2 * group]};
}

bool
regex_group_set(const struct regex *r, size_t group)
{
        if (group > r->n_groups)
                return false;
        if (r->is_simple)
                return group == 0 || group == r->simple.group || group == r->choice->group ||
                    group == r->choice->tail_group;
        return pcre2_get_ovector_pointer(r->data)[2 * (size_t)r->groups[group]] != PCRE2_UNSET;
}

size_t
regex_groups(const struct regex *r)
{
        return r->n_groups;
}

size_t
regex_group_named(const struct regex *r, struct view name, size_t after)
{
        for (size_t i = after; i < r->n_groups; i++) {
                if (name.n > 0 && view_eq(r->names[i], name))
                        return i + 1;
        }
        return 0;
}

enum regex_way
regex_way_of(const struct regex *r)
{
        return r->is_simple ? REGEX_SIMPLE : REGEX_PCRE2;
}
