/*
 * Calendar arithmetic for the real-time clock. Years are counted from March,
 * so that the leap day is the last day of a year; 400 years have 146097 days.
 */
#include "rtc-time.h"

#define DAY_SECONDS   86400
#define ERA_YEARS     400
#define ERA_DAYS      146097
#define EPOCH_DAYS    719468  /* from 1 March of year 0 to 1 January 1970 */
#define EPOCH_WEEKDAY 4       /* a Thursday */

/* a / b and a - b * (a / b) rounded down, b > 0. */
static int64_t div_floor(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static int64_t mod_floor(int64_t a, int64_t b)
{
    return a - b * div_floor(a, b);
}

/* Days before the first of a month, counted from March = 0: months of 31 and
 * 30 days alternate in a pattern of five with 153 days. */
static int days_before_month(int month_from_march)
{
    return (153 * month_from_march + 2) / 5;
}

RtcDate rtc_date(int64_t sec)
{
    int64_t days = div_floor(sec, DAY_SECONDS);
    int in_day = mod_floor(sec, DAY_SECONDS);
    int64_t since = days + EPOCH_DAYS;
    int64_t era = div_floor(since, ERA_DAYS);
    int in_era = mod_floor(since, ERA_DAYS);
    /* Leap days up to here, taken out, leave years of 365 days. */
    int year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096)
               / 365;
    int in_year = in_era - (365 * year + year / 4 - year / 100);
    int month = (5 * in_year + 2) / 153;
    return (RtcDate){
        .year = era * ERA_YEARS + year + (month >= 10),
        .month = month < 10 ? month + 3 : month - 9,
        .day = in_year - days_before_month(month) + 1,
        .hour = in_day / 3600,
        .minute = in_day / 60 % 60,
        .second = in_day % 60,
        .weekday = mod_floor(days + EPOCH_WEEKDAY, 7),
    };
}

int64_t rtc_date_seconds(const RtcDate *d)
{
    int month = CLAMP(d->month, 1, 12);
    int64_t year = d->year - (month < 3);
    int from_march = month < 3 ? month + 9 : month - 3;
    int64_t era = div_floor(year, ERA_YEARS);
    int64_t in_era = mod_floor(year, ERA_YEARS);
    int64_t days = era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100
                   + days_before_month(from_march) + d->day - 1 - EPOCH_DAYS;
    return ((days * 24 + d->hour) * 60 + d->minute) * 60 + d->second;
}
