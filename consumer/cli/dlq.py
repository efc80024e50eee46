"""`steno dlq`: the dead-letter desk."""

from __future__ import annotations

from typing import Final

from consumer.cli import Entry, LazyGroup

_ENTRIES: Final = {
    "ls": Entry("consumer.cli.dlq_ls", "List dead letters."),
    "show": Entry("consumer.cli.dlq_show", "Show everything of one dead letter."),
    "stats": Entry("consumer.cli.dlq_stats", "Count dead letters by code, tenant and age."),
    "replay": Entry("consumer.cli.dlq_replay", "Send dead letters again, onto the topic that they came from."),
    "park": Entry("consumer.cli.dlq_park", "Copy dead letters onto the parking topic."),
    "drop": Entry("consumer.cli.dlq_drop", "Be done with dead letters."),
}

command = LazyGroup(
    name="dlq",
    entries=_ENTRIES,
    no_args_is_help=False,
    help="""Lists, shows, replays, parks or drops dead letters.

    Reads what steno and Spring Kafka have set aside, from the topic of the settings (STENO_TOPICS__DLT) or --topic.
    Nothing leaves a dead-letter topic but by its retention: what was handled is remembered under STENO_S3__STATE and
    passed over from then on.
    """,
)
