#include "base/timestamp.h"

/* n digits at p; -1: something else stands there. */
static int
number(const char *p, size_t n)
{
        int v = 0;

        for (size_t i = 0; i < n; i++) {
                if (p[i] < '0' || p[i] > '9')
                        return -1;
                v = v * 10 + (p[i] - '0');
        }
        return v;
}

static bool
is_leap(int year)
{
        return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Days from 1970-01-01; years begin in March, so that a leap day is the last one. */
static int64_t
days_from(int year, int month, int day)
{
        int64_t y = month <= 2 ? year - 1 : year;
        int64_t m = month <= 2 ? month + 9 : month - 3;

        return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

static bool
day_exists(int year, int month, int day)
{
        static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

        return month >= 1 && month <= 12 && day >= 1 &&
            day <= days[month - 1] + (month == 2 && is_leap(year));
}

/* "Z", "+01:00": what to take off, in seconds. */
static bool
read_zone(struct view v, int64_t *out)
{
        int hours;
        int minutes;

        *out = 0;
        if (v.n == 1 && (v.p[0] == 'Z' || v.p[0] == 'z'))
                return true;
        if (v.n != 6 || (v.p[0] != '+' && v.p[0] != '-') || v.p[3] != ':')
                return false;
        hours = number(v.p + 1, 2);
        minutes = number(v.p + 4, 2);
        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
                return false;
        *out = (v.p[0] == '-' ? -60 : 60) * (hours * INT64_C(60) + minutes);
        return true;
}

/* ".5": parts of a second behind the first three digits are left out. */
static size_t
read_fraction(struct view v, int64_t *out_ms)
{
        int64_t scale = 100;
        size_t i = 1;

        *out_ms = 0;
        if (v.n < 2 || v.p[0] != '.')
                return 0;
        for (; i < v.n && v.p[i] >= '0' && v.p[i] <= '9'; i++, scale /= 10)
                *out_ms += (v.p[i] - '0') * scale;
        return i > 1 ? i : 0;
}

bool
timestamp_parse(struct view t, int64_t *out_ms)
{
        enum { HEAD = 19 };
        int64_t ms = 0;
        int64_t zone = 0;
        int64_t seconds;
        int part[6];
        size_t at;

        if (t.n <= HEAD || t.p[4] != '-' || t.p[7] != '-' ||
            (t.p[10] != 'T' && t.p[10] != 't' && t.p[10] != ' ') || t.p[13] != ':' ||
            t.p[16] != ':')
                return false;
        part[0] = number(t.p, 4);
        for (size_t i = 1; i < 6; i++)
                part[i] = number(t.p + 2 + 3 * i, 2);
        if (part[0] < 1970 || !day_exists(part[0], part[1], part[2]) || part[3] < 0 ||
            part[3] > 23 || part[4] < 0 || part[4] > 59 || part[5] < 0 || part[5] > 60)
                return false;
        at = HEAD + read_fraction((struct view){t.p + HEAD, t.n - HEAD}, &ms);
        if (!read_zone((struct view){t.p + at, t.n - at}, &zone))
                return false;
        seconds = days_from(part[0], part[1], part[2]) * 86400 + part[3] * INT64_C(3600) +
            part[4] * INT64_C(60) + part[5] - zone;
        *out_ms = seconds * 1000 + ms;
        return *out_ms >= 0;
}
