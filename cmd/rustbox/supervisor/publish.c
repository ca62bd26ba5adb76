/* SPDX-License-Identifier: Apache-2.0 */
/* Other published ports for a container that runs: its connections and its address stay. */
#include "cmd/rustbox/bundle/port_spec.h"
#include "cmd/rustbox/network/network.h"
#include "cmd/rustbox/supervisor/client.h"

static void drop(struct publish_work *work)
{
	network_ports_release(&work->ports);
	arena_free(&work->arena);
	*work = (struct publish_work){ .arena = ARENA_EMPTY };
}

static void adopt(struct supervisor *s)
{
	struct publish_work *work = &s->publish;

	network_ports_release(&s->ports);
	s->ports = work->ports;
	work->ports = (struct network_ports){ NULL, 0 };
	s->record->network = work->network;
	arena_free(&s->parts.network);
	s->parts.network = work->arena;
	work->arena = (struct arena)ARENA_EMPTY;
	change_save(s, true);
	change_tell(s, "update", NULL, NULL);
}

static void on_published(void *data, const char *failure)
{
	struct supervisor *s = data;
	struct client *c = s->publish.client;

	if (!failure)
		adopt(s);
	drop(&s->publish);
	client_answer(c, failure);
	client_release(c);
	/* The end of the run has waited for this. */
	if (s->end.is_known)
		loop_set_timer(&s->loop, &s->step, 0);
}

static int check(const struct supervisor *s, struct error *err)
{
	if (!network_is_needed(s->record))
		return error_set(err, EINVAL, "its ports cannot be published: --network %s",
				 s->record->network->mode);
	if (!s->network_is_up || !life_is_running(s))
		return error_set(err, EBUSY,
				 "it is being started or restarted: when it runs, or is stopped, "
				 "its ports can be changed");
	return s->publish.is_under_way
		       ? error_set(err, EBUSY, "its ports are being changed by somebody else")
		       : 0;
}

static struct record_network *with_ports(const struct supervisor *s,
					 const struct stream_change *change, struct arena *arena,
					 struct error *err)
{
	struct record_network *network = arena_alloc(arena, sizeof(*network), err);

	if (!network)
		return NULL;
	*network = *s->record->network;
	network->ports = NULL;
	network->n_ports = 0;
	for (size_t i = 0; i < change->n_ports; i++)
		if (port_spec_parse_published(change->ports[i], arena, &network->ports,
					      &network->n_ports, err) < 0)
			return NULL;
	return network;
}

int publish_begin(struct client *c, const struct stream_change *change, struct arena *take_arena,
		  bool *ret_later, struct error *err)
{
	struct supervisor *s = c->s;
	struct publish_work *work = &s->publish;

	if (check(s, err) < 0)
		return -1;
	work->network = with_ports(s, change, take_arena, err);
	if (!work->network || network_ports_change(s->record->network, &s->ports, work->network,
						   &work->ports, err) < 0)
		return -1;
	if (aside_run(s, ASIDE_PUBLISH, on_published, err) < 0) {
		drop(work);
		return -1;
	}
	work->is_under_way = true;
	work->client = c;
	work->arena = *take_arena;
	*take_arena = (struct arena)ARENA_EMPTY;
	c->calls++;
	c->waits = CLIENT_WAITS_CALL;
	*ret_later = true;
	return 0;
}
