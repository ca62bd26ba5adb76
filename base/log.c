/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

/* Where the log goes instead of a file, a datagram a line. */
struct service {
	const char *prefix, *socket;
	void (*add)(struct str *datagram, enum log_level level, const char *text);
};

static struct {
	int fd; /* 0 means standard error */
	bool json, stamped;
	const struct service *service; /* fd is connected to it; NULL: a file */
	char name[64];		       /* what the service knows us by */
	int64_t phase_began;	       /* clock_now_ns() */
	enum log_level level;
	void (*sink)(void *data, enum log_level level, const char *text);
	void *data;
} state = { .level = LOG_WARNING };

static const char *const level_names[] = { "error", "warning", "info", "debug" };

/* syslog(3): the numbers of the levels. */
static unsigned int priority(enum log_level level)
{
	static const unsigned int priorities[] = { 3, 4, 6, 7 };

	return priorities[level];
}

/* Both protocols end a field at a line break. */
static void add_one_line(struct str *s, const char *text)
{
	for (const char *p = text; *p; p++)
		str_add_bytes(s, (unsigned char)*p < 0x20 && *p != '\t' ? " " : p, 1);
}

/* systemd's "Native Journal Protocol". */
static void add_journal(struct str *s, enum log_level level, const char *text)
{
	str_add_format(s, "PRIORITY=%u\nSYSLOG_IDENTIFIER=%s\nMESSAGE=", priority(level),
		       state.name);
	add_one_line(s, text);
	str_add(s, "\n");
}

/* RFC 3164, without a time: the service has a clock of its own. */
static void add_syslog(struct str *s, enum log_level level, const char *text)
{
	const unsigned int daemon = 3 << 3;

	str_add_format(s, "<%u>%s[%d]: ", daemon | priority(level), state.name, (int)getpid());
	add_one_line(s, text);
}

static const struct service services[] = {
	{ "journald:", "/run/systemd/journal/socket", add_journal },
	{ "syslog:", "/dev/log", add_syslog },
};

static const struct service *find_service(const char *path)
{
	for (size_t i = 0; i < sizeof(services) / sizeof(*services); i++)
		if (str_starts_with(path, services[i].prefix))
			return &services[i];
	return NULL;
}

static int connect_service(const struct service *service, const char *name, struct error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	cleanup_fd int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (!*name || strlen(name) >= sizeof(state.name) ||
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			      "0123456789_.+-")])
		return error_set(err, 0, "--log %s%s: write %sNAME, of letters, digits and _.+-",
				 service->prefix, name, service->prefix);
	(void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", service->socket);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return error_set(err, errno, "--log %s: connect to %s", service->prefix,
				 service->socket);
	(void)snprintf(state.name, sizeof(state.name), "%s", name);
	state.service = service;
	return move_fd(&fd);
}

int log_open(const struct log_options *options, struct error *err)
{
	state.json = options->json;
	state.level = options->level;
	log_phase_begin();
	state.stamped = options->path || options->level == LOG_DEBUG;
	if (!options->path)
		return 0;
	const struct service *service = find_service(options->path);
	int fd = service ? connect_service(service, strchr(options->path, ':') + 1, err)
			 : open(options->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY,
				0644);
	if (fd < 0)
		return service ? -1 : error_set(err, errno, "open log file %s", options->path);
	/* Out of the way of 0 to 2, should the caller have closed one of them. */
	state.fd = fd_dup_above(fd, 3, err);
	(void)close(fd);
	return state.fd < 0 ? -1 : 0;
}

bool log_enabled(enum log_level level)
{
	return level <= state.level;
}

void log_redirect(void (*sink)(void *data, enum log_level level, const char *text), void *data)
{
	state.sink = sink;
	state.data = data;
}

/* Now, as RFC 3339 wants it, in UTC: local time would read files of the container or the host. */
static void add_time(struct str *line)
{
	struct timespec now;
	char text[CLOCK_DATE_SIZE];

	(void)clock_gettime(CLOCK_REALTIME, &now);
	clock_write_date(now.tv_sec, text);
	str_add(line, text);
	if (state.level == LOG_DEBUG)
		str_add_format(line, ".%06ld", now.tv_nsec / 1000);
	str_add(line, "Z");
}

static void add_quoted(struct str *line, const char *text)
{
	str_add(line, "\"");
	for (const char *p = text; *p; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\')
			str_add_format(line, "\\%c", c);
		else if (c == '\n')
			str_add(line, "\\n");
		else if (c == '\t')
			str_add(line, "\\t");
		else if (c < 0x20 || c == 0x7f)
			str_add_format(line, "\\u%04x", c);
		else
			str_add_bytes(line, p, 1);
	}
	str_add(line, "\"");
}

/* The members of a line of log_phase(), of this process or one that relays its lines to us. */
static void add_phase(struct str *line, const char *text)
{
	char name[32];
	long long us;
	int end = 0;

	/* NOLINTNEXTLINE(cert-err34-c): a number too large is a wrong figure in a log */
	if (sscanf(text, "phase %31[a-z-]: %lld us%n", name, &us, &end) == 2 && end && !text[end])
		str_add_format(line, ",\"phase\":\"%s\",\"us\":%lld", name, us);
}

static void add_line(struct str *line, enum log_level level, const char *text)
{
	if (state.service) {
		state.service->add(line, level, text);
	} else if (state.json) {
		str_add_format(line, "{\"level\":\"%s\",\"msg\":", level_names[level]);
		add_quoted(line, text);
		add_phase(line, text);
		str_add(line, ",\"time\":\"");
		add_time(line);
		str_add(line, "\"}\n");
	} else if (state.stamped) {
		str_add(line, "time=\"");
		add_time(line);
		str_add_format(line, "\" level=%s msg=", level_names[level]);
		add_quoted(line, text);
		str_add(line, "\n");
	} else {
		str_add_format(line, "%s: ", level_names[level]);
		for (const char *p = text; *p; p++)
			str_add_bytes(line, (unsigned char)*p < 0x20 && *p != '\t' ? " " : p, 1);
		str_add(line, "\n");
	}
}

void log_write(enum log_level level, const char *format, ...)
{
	int saved = errno;
	char text[ERROR_TEXT_SIZE + 256];
	cleanup_str struct str line = STR_EMPTY;
	struct error ignored;
	va_list ap;

	if (!log_enabled(level))
		return;
	va_start(ap, format);
	(void)vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (state.sink) {
		state.sink(state.data, level, text);
	} else {
		add_line(&line, level, text);
		if (!line.failed) /* a log that cannot be written has nowhere to say so */
			(void)fd_write_all(state.fd ? state.fd : STDERR_FILENO, "log", line.text,
					   line.size, &ignored);
	}
	errno = saved;
}

void log_phase_begin(void)
{
	state.phase_began = clock_now_ns();
}

void log_phase(const char *name)
{
	int64_t now;

	if (!log_enabled(LOG_DEBUG))
		return;
	now = clock_now_ns();
	log_debug("phase %s: %lld us", name, (long long)((now - state.phase_began) / 1000));
	state.phase_began = now;
}

bool log_level_from_name(const char *name, enum log_level *ret_level)
{
	static const struct {
		const char *name;
		enum log_level level;
	} names[] = {
		{ "panic", LOG_ERROR },	    { "fatal", LOG_ERROR },  { "error", LOG_ERROR },
		{ "warning", LOG_WARNING }, { "warn", LOG_WARNING }, { "info", LOG_INFO },
		{ "debug", LOG_DEBUG },	    { "trace", LOG_DEBUG },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(name, names[i].name) == 0) {
			*ret_level = names[i].level;
			return true;
		}
	return false;
}
