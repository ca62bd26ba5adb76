/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/format/format.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/rustbox/format/template.h"

enum { GAP = 3 };

/* ---- cells in columns ---- */

struct cells {
	char **texts;
	size_t n, capacity;
	size_t columns;
};

static void cells_done(struct cells *cells)
{
	for (size_t i = 0; i < cells->n; i++)
		free(cells->texts[i]);
	free(cells->texts);
}
#define cleanup_cells __attribute__((cleanup(cells_done)))

static int add_cell(struct cells *cells, const char *text, size_t size, struct error *err)
{
	char *copy;

	if (mem_grow((void **)&cells->texts, cells->n, &cells->capacity, sizeof(*cells->texts),
		     err) < 0)
		return -1;
	copy = text ? strndup(text, size) : NULL;
	if (!copy)
		return error_memory(err);
	/* A name from an image must not move the cursor. */
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	cells->texts[cells->n++] = copy;
	return 0;
}

/* Characters, not bytes, of UTF-8. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static int print_cells(const struct cells *cells, struct str *out, struct error *err)
{
	cleanup_free size_t *widths = calloc(cells->columns + 1, sizeof(*widths));

	if (!widths)
		return error_memory(err);
	for (size_t i = 0; i < cells->n; i++) {
		size_t w = width(cells->texts[i]);
		if (w > widths[i % cells->columns])
			widths[i % cells->columns] = w;
	}
	for (size_t i = 0; i < cells->n; i++) {
		size_t column = i % cells->columns;
		str_add(out, cells->texts[i]);
		if (column + 1 == cells->columns)
			str_add(out, "\n");
		else
			str_add_format(out, "%*s",
				       (int)(widths[column] + GAP - width(cells->texts[i])), "");
	}
	return 0;
}

static int add_value(struct cells *cells, const struct value *value, struct error *err)
{
	cleanup_str struct str text = STR_EMPTY;

	if (!value || value->kind == VALUE_NULL)
		return add_cell(cells, "", 0, err);
	if (value->kind == VALUE_TEXT || value->kind == VALUE_NUMBER)
		return add_cell(cells, value->text, strlen(value->text), err);
	value_write(&text, value, false);
	if (text.failed)
		return error_memory(err);
	return add_cell(cells, text.text, text.size, err);
}

/* ---- the forms ---- */

static int table(const struct format_column *columns, const struct value *const *rows, size_t n,
		 bool no_header, struct str *out, struct error *err)
{
	cleanup_cells struct cells cells = { 0 };

	while (columns[cells.columns].title)
		cells.columns++;
	for (size_t i = 0; !no_header && columns[i].title; i++)
		if (add_cell(&cells, columns[i].title, strlen(columns[i].title), err) < 0)
			return -1;
	for (size_t row = 0; row < n; row++)
		for (size_t i = 0; i < cells.columns; i++)
			if (add_value(&cells, value_get(rows[row], columns[i].field), err) < 0)
				return -1;
	return print_cells(&cells, out, err);
}

static bool is_name(const char *name, size_t size, const char *text)
{
	return strlen(name) == size && strncasecmp(name, text, size) == 0;
}

static char *in_capitals(const char *text, size_t size, struct arena *arena, struct error *err)
{
	char *copy = arena_strndup(arena, text, size, err);

	for (char *p = copy; p && *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

/* One of the table's, or any field that rows have. Without rows nobody knows those. */
static int find_column(const struct format_column *columns, const struct value *row,
		       const char *name, size_t size, struct arena *arena,
		       struct format_column *ret, struct error *err)
{
	for (; columns->title; columns++) {
		if (!is_name(columns->field, size, name))
			continue;
		*ret = *columns;
		return 1;
	}
	for (size_t i = 0; row && i < row->n; i++) {
		if (!is_name(row->keys[i], size, name))
			continue;
		ret->field = row->keys[i];
		ret->title = in_capitals(name, size, arena, err);
		return ret->title ? 1 : -1;
	}
	ret->field = "";
	ret->title = in_capitals(name, size, arena, err);
	if (!ret->title)
		return -1;
	return !row && size > 0;
}

enum { COLUMNS_MAX = 32 };

/* "ID,Names" */
static int list_of_columns(const char *format, const struct format_column *columns,
			   const struct value *const *rows, size_t n, bool no_header,
			   struct str *out, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct format_column chosen[COLUMNS_MAX + 1] = { 0 };
	size_t used = 0;

	for (const char *p = format; *p;) {
		size_t size = strcspn(p, ",");
		int found = used == COLUMNS_MAX ? 0
						: find_column(columns, n ? rows[0] : NULL, p, size,
							      &arena, &chosen[used], err);
		if (found < 0)
			return -1;
		if (!found) {
			(void)error_set(err, EINVAL, "--format %s: there is no column \"%.*s\"",
					format, (int)size, p);
			return error_hint(err,
					  "table, json, a template such as {{.%s}}, or "
					  "columns such as %s,%s",
					  columns[0].field, columns[0].field,
					  columns[1].title ? columns[1].field : columns[0].field);
		}
		used++;
		p += size + (p[size] == ',');
	}
	return table(chosen, rows, n, no_header, out, err);
}

static int add_parts(struct cells *cells, const char *line, struct error *err)
{
	size_t columns = 0;

	for (;;) {
		size_t size = strcspn(line, "\t");
		if (add_cell(cells, line, size, err) < 0)
			return -1;
		columns++;
		if (!line[size])
			break;
		line += size + 1;
	}
	cells->columns = columns;
	return 0;
}

/* The row of titles: each field is what its column is called, else its own name in capitals. */
static struct value *titles(const struct format_column *columns, const struct value *row,
			    struct arena *arena, struct error *err)
{
	struct value *value = value_object(arena, err);

	for (size_t i = 0; row && i < row->n; i++) {
		char *name = in_capitals(row->keys[i], strlen(row->keys[i]), arena, err);
		if (!name ||
		    value_add(value, row->keys[i], value_text(arena, name, err), arena, err) < 0)
			return NULL;
	}
	for (; columns->title; columns++)
		if (value_add(value, columns->field, value_text(arena, columns->title, err), arena,
			      err) < 0)
			return NULL;
	return value;
}

static int add_row(struct cells *cells, const struct template *template, const struct value *row,
		   struct arena *arena, struct error *err)
{
	cleanup_str struct str line = STR_EMPTY;
	cleanup_free char *text = NULL;

	if (template_apply(template, row, arena, &line, err) < 0)
		return -1;
	text = str_take(&line, err);
	return text ? add_parts(cells, text, err) : -1;
}

static int table_of_template(const char *format, const struct format_column *columns,
			     const struct value *const *rows, size_t n, bool no_header,
			     struct str *out, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	cleanup_cells struct cells cells = { 0 };
	struct template *template = template_parse(format, &arena, err);

	if (!template)
		return -1;
	if (!no_header) {
		struct value *head = titles(columns, n ? rows[0] : NULL, &arena, err);
		if (!head || add_row(&cells, template, head, &arena, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < n; i++)
		if (add_row(&cells, template, rows[i], &arena, err) < 0)
			return -1;
	return cells.n ? print_cells(&cells, out, err) : 0;
}

int format_template(const char *format, const struct value *const *values, size_t n,
		    struct str *out, struct error *err)
{
	cleanup_arena struct arena arena = ARENA_EMPTY;
	struct template *template = template_parse(format, &arena, err);

	if (!template)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (template_apply(template, values[i], &arena, out, err) < 0)
			return -1;
		str_add(out, "\n");
	}
	return 0;
}

static int json_lines(const struct value *const *values, size_t n, struct str *out)
{
	for (size_t i = 0; i < n; i++) {
		value_write(out, values[i], false);
		str_add(out, "\n");
	}
	return 0;
}

int format_rows(const char *format, const struct format_column *columns,
		const struct value *const *rows, size_t n, bool no_header, struct str *out,
		struct error *err)
{
	if (!format || !*format || strcmp(format, "table") == 0)
		return table(columns, rows, n, no_header, out, err);
	if (strcmp(format, "json") == 0)
		return json_lines(rows, n, out);
	bool has_template = strstr(format, "{{"), is_table = str_starts_with(format, "table ");
	const char *rest = is_table ? format + strlen("table ") : format;
	if (!has_template)
		return list_of_columns(rest + strspn(rest, " "), columns, rows, n, no_header, out,
				       err);
	if (is_table)
		return table_of_template(rest, columns, rows, n, no_header, out, err);
	return format_template(format, rows, n, out, err);
}

int format_documents(const char *format, const struct value *const *documents, size_t n,
		     struct str *out, struct error *err)
{
	struct value list = { .kind = VALUE_LIST, .n = n };

	if (format && strcmp(format, "json") == 0)
		return json_lines(documents, n, out);
	if (format && *format)
		return format_template(format, documents, n, out, err);
	/* Only read; the list's members are not. */
	memcpy(&list.items, &documents, sizeof(list.items));
	value_write(out, &list, true);
	return 0;
}
