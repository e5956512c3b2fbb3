/*
 * Named classes. The ASCII ones are written out as ranges, because PCRE2's own differ in places
 * (\s, folding); Unicode ones become \p{…}, always by the script itself, never by its extensions.
 */
#include "base/re2_parser.h"

#include "base/buf.h"
#include "base/err.h"

#include <ctype.h>
#include <string.h>

enum { LONG_S = 0x17f, KELVIN = 0x212a };

/* A set of ASCII characters, as pairs of first and last. */
struct ascii_class {
        const char *name;
        const char *pairs;
};

static const struct ascii_class perl_classes[] = {
    {"d", "09"},
    {"s", "\t\n\f\r  "},
    {"w", "09AZ__az"},
};

static const struct ascii_class posix_classes[] = {
    {"alnum", "09AZaz"},
    {"alpha", "AZaz"},
    {"ascii", "\1\177"},
    {"blank", "\t\t  "},
    {"cntrl", "\1\37\177\177"},
    {"digit", "09"},
    {"graph", "!~"},
    {"lower", "az"},
    {"print", " ~"},
    {"punct", "!/:@[`{~"},
    {"space", "\t\r  "},
    {"upper", "AZ"},
    {"word", "09AZ__az"},
    {"xdigit", "09AFaf"},
};

int
re2_class_range(struct buf *items, uint32_t lo, uint32_t hi, struct err *e)
{
        return buf_printf(items, e, "\\x{%x}-\\x{%x}", lo, hi);
}

static bool
is_in(const bool *set, unsigned c, bool fold)
{
        return set[c] || (fold && (set[tolower((int)c)] || set[toupper((int)c)]));
}

/* Runs of equal membership in 0..127, then what lies above ASCII. */
static int
put_set(struct buf *items, const bool *set, bool negated, bool fold, struct err *e)
{
        uint32_t from = 128;
        int rc = 0;

        for (unsigned c = 0; c < 128 && rc == 0; c++) {
                unsigned first = c;

                if (is_in(set, c, fold) == negated)
                        continue;
                while (c + 1 < 128 && is_in(set, c + 1, fold) != negated)
                        c++;
                rc = re2_class_range(items, first, c, e);
        }
        if (!negated || rc < 0)
                return rc;
        /* s and k have a partner each above ASCII; a folded class has it too. */
        if (fold && is_in(set, 's', true)) {
                rc = re2_class_range(items, from, LONG_S - 1, e);
                from = LONG_S + 1;
        }
        if (rc == 0 && fold && is_in(set, 'k', true)) {
                rc = re2_class_range(items, from, KELVIN - 1, e);
                from = KELVIN + 1;
        }
        return rc < 0 ? rc : re2_class_range(items, from, RE2_CODE_POINT_MAX, e);
}

static int
put_pairs(
    struct buf *items, const struct ascii_class *class, bool negated, bool fold, struct err *e)
{
        bool set[128] = {false};

        for (const char *p = class->pairs; *p != '\0'; p += 2) {
                for (unsigned char c = (unsigned char)p[0]; c <= (unsigned char)p[1]; c++)
                        set[c] = true;
        }
        /* NUL cannot stand in a pair. */
        set[0] = strcmp(class->name, "ascii") == 0 || strcmp(class->name, "cntrl") == 0;
        return put_set(items, set, negated, fold, e);
}

int
re2_class_perl(struct buf *items, char letter, bool fold, struct err *e)
{
        for (size_t i = 0; i < sizeof(perl_classes) / sizeof(perl_classes[0]); i++) {
                const struct ascii_class *class = &perl_classes[i];

                if (class->name[0] == letter)
                        return put_pairs(items, class, false, fold, e);
                if (toupper(class->name[0]) == letter)
                        return put_pairs(items, class, true, fold, e);
        }
        return ERR_NOTFOUND;
}

int
re2_class_posix(struct buf *items, struct view name, bool fold, struct err *e)
{
        bool negated = name.n > 4 && name.p[2] == '^';
        size_t skip = negated ? 3 : 2;
        struct view bare = {name.p + skip, name.n - skip - 2};

        for (size_t i = 0; i < sizeof(posix_classes) / sizeof(posix_classes[0]); i++) {
                if (view_is(bare, posix_classes[i].name))
                        return put_pairs(items, &posix_classes[i], negated, fold, e);
        }
        return ERR_NOTFOUND;
}

/* Unicode's general categories by their short and long names. */
static const char *const categories[][2] = {
    {"C", "Other"},
    {"Cc", "Control"},
    {"Cc", "cntrl"},
    {"Cf", "Format"},
    {"Cn", "Unassigned"},
    {"Co", "Private_Use"},
    {"Cs", "Surrogate"},
    {"L", "Letter"},
    {"L&", "LC"},
    {"L&", "Cased_Letter"},
    {"Ll", "Lowercase_Letter"},
    {"Lm", "Modifier_Letter"},
    {"Lo", "Other_Letter"},
    {"Lt", "Titlecase_Letter"},
    {"Lu", "Uppercase_Letter"},
    {"M", "Mark"},
    {"M", "Combining_Mark"},
    {"Mc", "Spacing_Mark"},
    {"Me", "Enclosing_Mark"},
    {"Mn", "Nonspacing_Mark"},
    {"N", "Number"},
    {"Nd", "Decimal_Number"},
    {"Nd", "digit"},
    {"Nl", "Letter_Number"},
    {"No", "Other_Number"},
    {"P", "Punctuation"},
    {"P", "punct"},
    {"Pc", "Connector_Punctuation"},
    {"Pd", "Dash_Punctuation"},
    {"Pe", "Close_Punctuation"},
    {"Pf", "Final_Punctuation"},
    {"Pi", "Initial_Punctuation"},
    {"Po", "Other_Punctuation"},
    {"Ps", "Open_Punctuation"},
    {"S", "Symbol"},
    {"Sc", "Currency_Symbol"},
    {"Sk", "Modifier_Symbol"},
    {"Sm", "Math_Symbol"},
    {"So", "Other_Symbol"},
    {"Z", "Separator"},
    {"Zl", "Line_Separator"},
    {"Zp", "Paragraph_Separator"},
    {"Zs", "Space_Separator"},
};

/* clang-format off */
static const char *const scripts[] = {
    "Adlam", "Ahom", "Anatolian_Hieroglyphs", "Arabic", "Armenian", "Avestan", "Balinese",
    "Bamum", "Bassa_Vah", "Batak", "Bengali", "Bhaiksuki", "Bopomofo", "Brahmi", "Braille",
    "Buginese", "Buhid", "Canadian_Aboriginal", "Carian", "Caucasian_Albanian", "Chakma", "Cham",
    "Cherokee", "Chorasmian", "Common", "Coptic", "Cuneiform", "Cypriot", "Cypro_Minoan",
    "Cyrillic", "Deseret", "Devanagari", "Dives_Akuru", "Dogra", "Duployan",
    "Egyptian_Hieroglyphs", "Elbasan", "Elymaic", "Ethiopic", "Georgian", "Glagolitic", "Gothic",
    "Grantha", "Greek", "Gujarati", "Gunjala_Gondi", "Gurmukhi", "Han", "Hangul",
    "Hanifi_Rohingya", "Hanunoo", "Hatran", "Hebrew", "Hiragana", "Imperial_Aramaic", "Inherited",
    "Inscriptional_Pahlavi", "Inscriptional_Parthian", "Javanese", "Kaithi", "Kannada",
    "Katakana", "Kawi", "Kayah_Li", "Kharoshthi", "Khitan_Small_Script", "Khmer", "Khojki",
    "Khudawadi", "Lao", "Latin", "Lepcha", "Limbu", "Linear_A", "Linear_B", "Lisu", "Lycian",
    "Lydian", "Mahajani", "Makasar", "Malayalam", "Mandaic", "Manichaean", "Marchen",
    "Masaram_Gondi", "Medefaidrin", "Meetei_Mayek", "Mende_Kikakui", "Meroitic_Cursive",
    "Meroitic_Hieroglyphs", "Miao", "Modi", "Mongolian", "Mro", "Multani", "Myanmar", "Nabataean",
    "Nag_Mundari", "Nandinagari", "New_Tai_Lue", "Newa", "Nko", "Nushu", "Nyiakeng_Puachue_Hmong",
    "Ogham", "Ol_Chiki", "Old_Hungarian", "Old_Italic", "Old_North_Arabian", "Old_Permic",
    "Old_Persian", "Old_Sogdian", "Old_South_Arabian", "Old_Turkic", "Old_Uyghur", "Oriya",
    "Osage", "Osmanya", "Pahawh_Hmong", "Palmyrene", "Pau_Cin_Hau", "Phags_Pa", "Phoenician",
    "Psalter_Pahlavi", "Rejang", "Runic", "Samaritan", "Saurashtra", "Sharada", "Shavian",
    "Siddham", "SignWriting", "Sinhala", "Sogdian", "Sora_Sompeng", "Soyombo", "Sundanese",
    "Syloti_Nagri", "Syriac", "Tagalog", "Tagbanwa", "Tai_Le", "Tai_Tham", "Tai_Viet", "Takri",
    "Tamil", "Tangsa", "Tangut", "Telugu", "Thaana", "Thai", "Tibetan", "Tifinagh", "Tirhuta",
    "Toto", "Ugaritic", "Vai", "Vithkuqi", "Wancho", "Warang_Citi", "Yezidi", "Yi",
    "Zanabazar_Square",
};
/* clang-format on */

static bool
is_filler(char c)
{
        return c == '_' || c == '-' || c == ' ';
}

/* Names are compared as Unicode asks: without regard to case, underscores, hyphens and blanks. */
static bool
same_name(struct view a, const char *b)
{
        size_t i = 0;

        for (;;) {
                while (i < a.n && is_filler(a.p[i]))
                        i++;
                while (is_filler(*b))
                        b++;
                if (i == a.n || *b == '\0')
                        return i == a.n && *b == '\0';
                if (tolower((unsigned char)a.p[i]) != tolower((unsigned char)*b))
                        return false;
                i++;
                b++;
        }
}

static int
put_property(struct buf *items, const char *prefix, const char *name, bool negated, struct err *e)
{
        return buf_printf(items, e, "\\%c{%s%s}", negated ? 'P' : 'p', prefix, name);
}

int
re2_class_unicode(struct buf *items, struct view name, bool negated, bool fold, struct err *e)
{
        if (same_name(name, "Any"))
                return negated ? 0 : re2_class_range(items, 0, RE2_CODE_POINT_MAX, e);
        if (same_name(name, "Assigned"))
                return put_property(items, "", "Cn", !negated, e);
        if (same_name(name, "ASCII"))
                return put_pairs(items, &posix_classes[2], negated, fold, e);
        for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++) {
                const char *pcre = categories[i][0];

                if (!same_name(name, pcre) && !same_name(name, categories[i][1]))
                        continue;
                /* Folding makes the three cased categories one: as good as equal to RE2, which
                 * leaves out the few letters that have no partner. */
                if (fold && pcre[0] == 'L' && strchr("ltu", pcre[1]) != NULL && pcre[1] != '\0')
                        pcre = "L&";
                return put_property(items, "", pcre, negated, e);
        }
        for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
                if (same_name(name, scripts[i]))
                        return put_property(items, "sc:", scripts[i], negated, e);
        }
        return ERR_NOTFOUND;
}
