"""Log lines: a constant action and fields, as JSON or text on standard error."""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import Final

import structlog
from structlog.typing import Processor

_LIBRARY_LEVELS: Final = {
    "aiokafka": "WARNING",
    "botocore": "WARNING",
    "aiobotocore": "WARNING",
    "aiohttp.access": "WARNING",
}


def configure_logging(*, as_json: bool, level: str, worker: str | None = None) -> None:
    """Sets up logging for this process; call it once, before the first line.

    Lines of libraries take the same form; below a warning they are not shown.

    Args:
        as_json: one JSON document a line, else text for people.
        level: least severe level, in lower case.
        worker: stands on every line.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: list[Processor] = (
        [structlog.processors.dict_tracebacks, structlog.processors.JSONRenderer()]
        if as_json
        else [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(allow=())],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name, library_level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(library_level)
    if worker is not None:
        structlog.contextvars.bind_contextvars(worker=worker)
