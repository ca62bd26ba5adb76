/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/utf8.h"

/* RFC 3629, section 4: which second byte may follow which first byte. */
static const struct {
	uint8_t first, last, second_first, second_last, length;
} rows[] = {
	{ 0x00, 0x7f, 0x00, 0x00, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 }, { 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 }, { 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 }, { 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t utf8_sequence(const uint8_t *p, size_t n)
{
	size_t row = 0, length;

	while (row < sizeof(rows) / sizeof(*rows) &&
	       (p[0] < rows[row].first || p[0] > rows[row].last))
		row++;
	if (row == sizeof(rows) / sizeof(*rows) || n < rows[row].length)
		return 0;
	length = rows[row].length;
	if (length > 1 && (p[1] < rows[row].second_first || p[1] > rows[row].second_last))
		return 0;
	for (size_t i = 2; i < length; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return length;
}
