/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/supervisor/oom_victim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* The last place where it stands: names of tasks and cgroups may have it, too, further in front. */
static const char *find_last(const char *text, const char *end, const char *word)
{
	const char *found = NULL;

	for (const char *at = text; (at = strstr(at, word)) && at < end; at++)
		found = at;
	return found;
}

/* The container's own cgroup, or one below it. */
static bool is_of(const char *path, size_t n, const char *id)
{
	size_t length = strlen(id);

	for (size_t i = 0; i + length < n; i++)
		if (path[i] == '/' && strncmp(path + i + 1, id, length) == 0 &&
		    (i + 1 + length == n || path[i + 1 + length] == '/'))
			return true;
	return false;
}

bool oom_victim_parse(const char *line, const char *id, struct oom_victim *ret)
{
	static const char cgroup_key[] = ",task_memcg=", task_key[] = ",task=", pid_key[] = ",pid=";
	const char *end = line + strlen(line);
	const char *pid = find_last(line, end, pid_key);
	const char *cgroup = pid ? find_last(line, pid, cgroup_key) : NULL;
	const char *task = cgroup ? strstr(cgroup + 1, task_key) : NULL;
	char digits[16] = "";
	uint64_t number;

	if (!str_starts_with(line, "oom-kill:") || !task || task > pid)
		return false;
	cgroup += sizeof(cgroup_key) - 1;
	if (!is_of(cgroup, (size_t)(task - cgroup), id))
		return false;
	(void)snprintf(digits, sizeof(digits), "%.*s",
		       (int)strspn(pid + sizeof(pid_key) - 1, "0123456789"),
		       pid + sizeof(pid_key) - 1);
	if (!str_to_uint(digits, 10, INT32_MAX, &number))
		return false;
	task += sizeof(task_key) - 1;
	(void)snprintf(ret->task, sizeof(ret->task), "%.*s", (int)(pid - task), task);
	for (char *p = ret->task; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	ret->pid = (int32_t)number;
	return true;
}

/* "PRIORITY,NUMBER,MICROSECONDS,FLAGS;TEXT": the text, and the time since boot. */
static const char *split_record(char *record, int64_t *ret_ns)
{
	unsigned long long us;
	char *text = strchr(record, ';');

	/* NOLINTNEXTLINE(cert-err34-c): the kernel's own numbers */
	if (!text || sscanf(record, "%*u,%*u,%llu", &us) != 1)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	*ret_ns = (int64_t)us * 1000;
	return text + 1;
}

bool oom_victim_find(const char *id, int64_t since_ns, struct oom_victim *ret)
{
	/* The log's clock is not quite ours; what the log holds at most is far less than that. */
	const int64_t slack_ns = 1000000000;
	enum { RECORDS = 1 << 16 };
	cleanup_fd int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	bool found = false;
	char record[8192];

	for (int i = 0; fd >= 0 && i < RECORDS; i++) {
		ssize_t n = read(fd, record, sizeof(record) - 1);
		int64_t ns;

		if (n < 0 && errno == EPIPE) /* overwritten meanwhile: goes on with what is there */
			continue;
		if (n <= 0)
			break;
		record[n] = '\0';
		const char *text = split_record(record, &ns);
		if (text && ns + slack_ns >= since_ns && oom_victim_parse(text, id, ret))
			found = true;
	}
	return found;
}
