/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/command/foreground.h"

#include <stdio.h>

#include "cmd/rustbox/format/format.h"

int foreground_check(const char *detach_keys, struct error *err)
{
	char keys[16];

	return session_read_detach_keys(detach_keys, keys, err) < 0 ? -1 : 0;
}

int foreground_run(const struct session *session, const char *name, int *ret_exit_code,
		   struct error *err)
{
	enum session_end end;

	if (session_run(session, &end, ret_exit_code, err) < 0)
		return -1;
	if (end == SESSION_EXITED)
		return 0;
	*ret_exit_code = EXIT_SUCCESS;
	/* The cursor is wherever the container has left it. */
	if (name)
		(void)fprintf(stderr, "\nrustbox: detached from %s, which goes on\n", name);
	else
		(void)fputs("\nrustbox: detached; the process goes on\n", stderr);
	return 0;
}

struct stream_attach foreground_attach(enum stream_from from, bool wants_input, bool ends_input)
{
	struct stream_attach attach = {
		.from = (uint8_t)from,
		.wants_output = 1,
		.wants_input = wants_input,
		.ends_input = ends_input,
	};

	session_terminal_size(&attach.size);
	return attach;
}

int stop_options_read(const struct stop_options *options, struct stream_stop *ret,
		      struct error *err)
{
	*ret = (struct stream_stop){ .timeout_ms = STREAM_TIMEOUT_OF_RECORD };
	if (options->timeout.set)
		ret->timeout_ms =
			options->timeout.value < 0 ? -1 : (int32_t)options->timeout.value * 1000;
	if (!options->signal)
		return 0;
	return format_read_signal(options->signal, &ret->signal, err) < 0
		       ? error_wrap(err, "--signal")
		       : 0;
}
