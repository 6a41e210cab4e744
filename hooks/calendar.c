/* SPDX-License-Identifier: Apache-2.0 */
#include "calendar.h"

static char *put(char *at, uint64_t n, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + n % 10);
		n /= 10;
	}
	return at + digits;
}

void calendar_utc(uint64_t seconds, uint32_t ms, char *out)
{
	/* Counted from 0000-03-01, so that a leap day is the last one of its year, and in
	 * the 146097 days after which the Gregorian calendar repeats itself. */
	const uint64_t day = seconds / 86400 + 719468;
	const uint64_t era = day / 146097;
	const uint64_t of_era = day % 146097;
	const uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	const uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	/* Five months from March on have 153 days. */
	const uint64_t month = (5 * of_year + 2) / 153;
	const uint64_t of_day = seconds % 86400;

	out = put(out, era * 400 + year + (month >= 10), 4);
	out = put(out, month < 10 ? month + 3 : month - 9, 2);
	out = put(out, of_year - (153 * month + 2) / 5 + 1, 2);
	out = put(out, of_day / 3600, 2);
	out = put(out, of_day / 60 % 60, 2);
	out = put(out, of_day % 60, 2);
	*out++ = '.';
	out = put(out, ms, 3);
	*out = '\0';
}
