"""The decoder port: each file is decoded by a process of its own that holds nothing but its descriptors."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import IO, Final, Self

import structlog

from consumer.children.channel import ChannelClosedError, Message
from consumer.children.process import AsyncChannel
from consumer.core.failures import ExitCode, FatalError, TransientError
from consumer.media.answers import Decoded, decoder_failed, read_answer, timed_out, unanswered
from consumer.media.descriptors import opened_for_reading, sample_memory, seal
from consumer.media.forks import ForkServer, ServerLostError
from consumer.media.limits import MIX, DecodeLimits
from consumer.ports import Recording, Samples
from contracts.errors import ErrorCode
from contracts.requests import Channels

_TRIES: Final = 2
_MOST_ANSWER_BYTES: Final = 4096
log = structlog.get_logger(__name__)


class ProcessDecoder:
    """Decodes in forked processes without rights; several at once. Open it from the main thread."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._server: ForkServer | None = None
        self._starting = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Starts the warm parent of the decoders, once more if it does not come up.

        Raises:
            FatalError: it does not come up.
        """
        try:
            await self._running_server()
        except ServerLostError as exc:
            log.warning("decoder_starts_again", reason=str(exc))
            await self._last_start()
        return self

    @property
    def protections(self) -> Mapping[str, bool]:
        """Which of the sandbox's protections hold for its processes here; known once entered."""
        return self._server.protections if self._server else {}

    async def _last_start(self) -> None:
        try:
            await self._running_server()
        except ServerLostError as exc:
            advice = "See whether memory ran out, and check the installation: pip install 'steno[worker]'."
            raise FatalError(ExitCode.INTERNAL, f"The decoder does not start, tried twice: {exc}. {advice}") from exc

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the warm parent and every decoder."""
        if self._server:
            await self._server.close()

    async def decode(self, media: IO[bytes], channels: Channels = Channels.MIX) -> Recording:
        """Decodes the first audio stream to one track, or to one for each channel; the caller closes the recording.

        A fork server that is lost or stands still is no fault of the file: it is replaced and the file decoded anew,
        once. Cancelling ends the decoder.

        Args:
            media: a real file; its position does not matter.
            channels: mixed down to one track, or a track each.

        Raises:
            PermanentError: as the port says.
            TransientError: `INTERNAL`, the fork server was lost again, or the machine failed.
        """
        layout, most_tracks = (MIX, 1) if channels is Channels.MIX else (None, self._limits.max_tracks)
        reasons = []
        for _ in range(_TRIES):
            with ExitStack() as unused:
                outputs = [unused.enter_context(sample_memory()) for _ in range(most_tracks)]
                try:
                    decoded = await self._decode_into(outputs, media, layout)
                except ServerLostError as exc:
                    reasons.append(str(exc))
                else:
                    unused.pop_all()
                    return _recording(outputs, decoded)
        text = f"The decoder was lost twice: {', then '.join(reasons)}. If this goes on, look at the worker."
        raise TransientError(ErrorCode.INTERNAL, text)

    async def _decode_into(self, outputs: Sequence[IO[bytes]], media: IO[bytes], layout: str | None) -> Decoded:
        server = await self._running_server()
        ours, theirs = socket.socketpair()
        channel = AsyncChannel(ours, most_bytes=_MOST_ANSWER_BYTES)
        try:
            with opened_for_reading(media) as readable, theirs:
                descriptors = (readable, theirs.fileno(), *(output.fileno() for output in outputs))
                async with server.decoding(self._limits, layout, descriptors) as decoder:
                    theirs.close()  # now the decoder alone holds this end, and its death is an end-of-file
                    answer = await self._answer(channel)
                    decoder.is_let_go = answer is not None and all(map(seal, outputs))
        finally:
            channel.close()
        if answer is None:
            raise unanswered(decoder.exited.result(), self._limits)
        written = [os.fstat(output.fileno()).st_size for output in outputs]
        return read_answer(answer, sample_bytes=written, limits=self._limits)

    async def _answer(self, channel: AsyncChannel) -> Message | None:
        try:
            async with asyncio.timeout(self._limits.timeout_s):
                return await _receive(channel)
        except TimeoutError:
            raise timed_out(self._limits) from None

    async def _running_server(self) -> ForkServer:
        async with self._starting:
            if self._server and not self._server.is_alive:
                await self._server.close()
                self._server = None
            if not self._server:
                self._server = await ForkServer.start()
            return self._server


def _recording(outputs: Sequence[IO[bytes]], decoded: Decoded) -> Recording:
    for output in outputs[decoded.tracks :]:
        output.close()
    return Recording(tuple(Samples(file, decoded.count, decoded.media) for file in outputs[: decoded.tracks]))


async def _receive(channel: AsyncChannel) -> Message | None:
    """The decoder's answer; None when it died before."""
    try:
        answer = await channel.receive()
    except ChannelClosedError:
        return None
    except (ValueError, RecursionError) as exc:
        raise decoder_failed("gave an answer that makes no sense") from exc
    if not isinstance(answer, dict):
        raise decoder_failed("gave an answer that makes no sense")
    return answer
