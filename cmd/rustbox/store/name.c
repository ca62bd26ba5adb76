/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/rustbox/store/name.h"

#include <stdint.h>
#include <string.h>
#include <sys/random.h>

#include "base/str.h"
#include "cmd/rustbox/store/store.h"

static const char *const adjectives[] = {
	"able",	   "amber",  "brave",  "brief", "bright", "brisk",  "calm",   "candid", "chilly",
	"clear",   "clever", "cosy",   "crisp", "curly",  "daring", "deep",   "dusty",	"eager",
	"early",   "even",   "fair",   "fancy", "fast",	  "fine",   "fluffy", "fond",	"frank",
	"free",	   "fresh",  "gentle", "glad",	"golden", "grand",  "green",  "happy",	"hardy",
	"hasty",   "honest", "humble", "jolly", "keen",	  "kind",   "light",  "lively", "loyal",
	"lucky",   "mellow", "merry",  "mild",	"misty",  "modest", "neat",   "nimble", "noble",
	"patient", "plain",  "polite", "prime", "proud",  "quick",  "quiet",  "rapid",	"ready",
	"rosy",	   "round",  "rustic", "sharp", "shiny",  "silent", "silver", "simple", "sleepy",
	"smart",   "smooth", "snowy",  "solid", "spry",	  "steady", "still",  "stout",	"sunny",
	"swift",   "tender", "tidy",   "tiny",	"tough",  "true",   "vast",   "vivid",	"warm",
	"wild",	   "wise",   "witty",  "young", "zesty",  "zippy",
};
static const char *const nouns[] = {
	"acorn",  "alder",   "anchor",	"aspen",   "badger", "barge",  "basket",  "beacon",
	"beaver", "birch",   "bison",	"brook",   "bucket", "canyon", "cedar",	  "chest",
	"cliff",  "clover",  "comet",	"coral",   "crane",  "cradle", "creek",	  "dingo",
	"dune",	  "eagle",   "ember",	"falcon",  "fern",   "ferry",  "finch",	  "fjord",
	"gecko",  "geyser",  "glade",	"grove",   "gull",   "hamper", "harbor",  "hare",
	"hazel",  "heron",   "hollow",	"ibis",	   "island", "jackal", "juniper", "kayak",
	"kettle", "lagoon",  "lantern", "larch",   "lemur",  "locker", "lotus",	  "lynx",
	"maple",  "marmot",  "marten",	"meadow",  "mesa",   "mole",   "moose",	  "newt",
	"oasis",  "otter",   "owl",	"panda",   "parcel", "pebble", "pier",	  "pine",
	"plover", "pond",    "quail",	"raft",	   "raven",  "reef",   "ridge",	  "river",
	"robin",  "seal",    "shore",	"sparrow", "spruce", "stork",  "summit",  "swan",
	"tapir",  "thistle", "trunk",	"tulip",   "valley", "walrus", "willow",  "wren",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

char *name_make_up(unsigned int tries, struct arena *arena, struct error *err)
{
	uint32_t random[3];
	const char *adjective, *noun;

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
		(void)error_set(err, errno, "getrandom");
		return NULL;
	}
	adjective = adjectives[random[0] % COUNT(adjectives)];
	noun = nouns[random[1] % COUNT(nouns)];
	if (tries < 4)
		return arena_format(arena, err, "%s_%s", adjective, noun);
	return arena_format(arena, err, "%s_%s%u", adjective, noun,
			    random[2] % (tries < 8 ? 100U : 1000000U));
}

bool store_is_id(const char *text)
{
	return strlen(text) == STORE_ID_LENGTH &&
	       strspn(text, "0123456789abcdef") == STORE_ID_LENGTH;
}

bool name_is_valid(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_.-";
	size_t n = strlen(name);

	return n > 0 && n <= NAME_MAX_BYTES && strspn(name, letters) == n && !strchr("_.-", *name);
}

int store_check_name(const char *name, struct error *err)
{
	if (!name_is_valid(name)) {
		(void)error_plain(err, EINVAL, "name \"%.300s\"", name);
		return error_hint(err,
				  "1 to %d of a-z A-Z 0-9 _ . - are allowed, the first a letter "
				  "or a digit",
				  NAME_MAX_BYTES);
	}
	if (store_is_id(name)) {
		(void)error_plain(err, EINVAL, "name \"%s\"", name);
		return error_hint(err, "%d hex digits would be an id", STORE_ID_LENGTH);
	}
	return 0;
}
