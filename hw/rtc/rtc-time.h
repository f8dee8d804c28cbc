/*
 * Dates and seconds in the proleptic Gregorian calendar, without the host's
 * time functions. Implemented by rtc-time.c; used by mc146818.c.
 */
#ifndef RTC_TIME_H
#define RTC_TIME_H

#include "base/types.h"

typedef struct RtcDate {
    int year, month, day;  /* month 1..12, day 1..31 */
    int hour, minute, second;
    int weekday;           /* 0 is Sunday; not read by rtc_date_seconds() */
} RtcDate;

/* The date of a number of seconds since 1970. */
RtcDate rtc_date(int64_t sec);
/* Seconds since 1970. Fields beyond their range count on into the next unit,
 * a month outside 1..12 is taken as the nearest. */
int64_t rtc_date_seconds(const RtcDate *d);

#endif
