"""Log lines: a constant action and fields, as JSON or text on standard error."""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import Final

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.typing import Processor

_LIBRARY_LEVELS: Final = {"aiokafka": "CRITICAL", "botocore": "WARNING", "aiobotocore": "WARNING"}
"""aiokafka calls every passing trouble an error; what matters of it our own adapter says once."""


def configure_logging(*, as_json: bool, level: str, worker: str | None = None) -> None:
    """Sets up logging for this process; call it once, before the first line.

    Lines of libraries take the same form; below a warning they are not shown. A traceback never shows the values of
    variables: those hold requests and transcripts.

    Args:
        as_json: one JSON document a line, else text for people.
        level: least severe level, in lower case.
        worker: stands on every line.
    """
    first: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*first, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
    )
    _configure_libraries(level, [*first, structlog.stdlib.ExtraAdder(allow=())], _renderer(as_json=as_json))
    if worker is not None:
        structlog.contextvars.bind_contextvars(worker=worker)


def _renderer(*, as_json: bool) -> list[Processor]:
    if as_json:
        tracebacks = structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False))
        return [tracebacks, structlog.processors.JSONRenderer()]
    plain = structlog.dev.plain_traceback
    has_colours = sys.stderr is not None and sys.stderr.isatty()  # None where it is closed
    return [structlog.dev.ConsoleRenderer(colors=has_colours, exception_formatter=plain)]


def _configure_libraries(level: str, first: list[Processor], renderer: list[Processor]) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=first,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, library_level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(library_level)
