/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one protocol between the runtime's processes: parent, intermediate,
 * init or exec process, and `start`. Packets on SOCK_SEQPACKET socket pairs
 * (intermediate and init have one each, so that no packet overtakes another)
 * and on the start socket in the state folder.
 *
 *	message            from -> to                    answer
 *	MAP_IDS            intermediate -> parent        IDS_MAPPED
 *	INIT_BORN + pidfd  intermediate -> parent        parent -> init: PROCEED
 *	RUN_HOOKS          init -> parent                HOOKS_DONE
 *	READY              init, exec process -> parent  SAVED
 *	START              `start` -> init               ERROR, or end of file: execve is done
 *	SECCOMP_LISTENER   init, exec process -> peer    LISTENER_SENT
 *	LOG                any -> parent, any time       none
 *	ERROR              any -> parent                 none: the sender ends
 *
 * Each wait names the one message that it accepts. ERROR and end of file are
 * failures everywhere, except that end of file after START (after SAVED for
 * exec) means that execve succeeded: the descriptor is close-on-exec. So the
 * payload never starts because a peer has died.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/log.h"

enum channel_message {
	CHANNEL_ERROR,
	CHANNEL_LOG,
	CHANNEL_MAP_IDS,
	CHANNEL_IDS_MAPPED,
	CHANNEL_INIT_BORN,
	CHANNEL_PROCEED,
	CHANNEL_RUN_HOOKS,
	CHANNEL_HOOKS_DONE,
	CHANNEL_READY,
	CHANNEL_SAVED,
	CHANNEL_START,
	CHANNEL_SECCOMP_LISTENER,
	CHANNEL_LISTENER_SENT,
};

struct channel_packet {
	uint32_t message; /* enum channel_message */
	int32_t value;	  /* a pid, a descriptor number, an errno value, a log level */
	char text[ERROR_TEXT_SIZE];
};

/* A pair of connected ends, close-on-exec. */
int channel_pair(int ends[2], struct error *err);

/* Sends a message; pass_fd is -1 or goes along. */
int channel_send(int channel, enum channel_message message, int32_t value, int pass_fd,
		 struct error *err);

/* Sends ERROR with the code and text of *error; failure is nobody's business any more. */
void channel_send_error(int channel, const struct error *error);

/* Sends LOG; a sink for log_redirect(), with data pointing to the descriptor. */
void channel_log_sink(void *data, enum log_level level, const char *text);

/*
 * Waits for one message. LOG lines that come before are written to our own
 * log. *ret_value and *ret_fd (close-on-exec) may be NULL. `who` is what
 * messages call the peer. Fails with the peer's words when it sends ERROR;
 * with EPIPE when it has ended, with EPROTO on any other message.
 */
int channel_expect(int channel, enum channel_message message, const char *who, int32_t *ret_value,
		   int *ret_fd, struct error *err);

/*
 * Waits for what may come after START or SAVED: 0 at end of file (execve is
 * done), 1 for SECCOMP_LISTENER (*ret_value: the descriptor's number in the
 * peer; *ret_fd: the descriptor itself where it was sent, else -1), -1 for
 * ERROR and all else. A peer that ended before it read what was sent to it has
 * executed nothing: EPIPE.
 */
int channel_expect_exec(int channel, const char *who, int32_t *ret_value, int *ret_fd,
			struct error *err);

/*
 * SECCOMP_LISTENER and its answer by nothing but write(2) and read(2), since
 * the filter that `fd` listens to is on already. 0, or -1 without a message.
 *
 * A peer without privileges may not take descriptors out of a process that
 * cannot be traced (pidfd_getfd(2)): with `attach` it goes along, by sendmsg(2).
 */
struct channel_listener_peer {
	int channel;
	bool attach;
};
/* data: struct channel_listener_peer. */
int channel_hand_over_listener(void *data, int fd);
/* Whether peers of this runtime need it attached. */
bool channel_must_attach_listener(void);
