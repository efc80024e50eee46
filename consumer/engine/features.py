"""Log-Mel features as faster-whisper computes them, without holding a file's spectrum. Engine process only.

faster-whisper takes the Fourier transform of a whole file at once, 3 GB for an hour beside the features of 115 MB.
Here it is taken in blocks, and the features are equal to the last bit. Three ways, by length:

- up to one window (every chunk of batched mode): computed by faster-whisper's own code whenever it is read;
- up to ten minutes: the power spectrum in blocks, then one matrix product;
- longer: block by block whenever it is read, after one pass for the loudest value that scales all others. Where no
  way is found to multiply in blocks without another rounding, as above, at 400 MB an hour.
"""

from __future__ import annotations

import functools
from bisect import bisect
from typing import Any, Final, cast

import numpy as np
from faster_whisper.feature_extractor import FeatureExtractor

from consumer.engine.blockwise import Layout, blocks, find_layout, multiply
from consumer.engine.lazy import Floats, LazyArray

WINDOW_S: Final = 30
AT_ONCE_S: Final = 10 * 60
_BLOCK_FRAMES: Final = 7680
_KEPT_BLOCKS: Final = 2
"""A window of 3,000 frames touches two."""


class BoundedExtractor(FeatureExtractor):  # type: ignore[misc]  # faster-whisper is not typed
    """Computes features of lazy audio; of anything else as its base class does."""

    def __call__(self, waveform: Any, padding: int = 160, chunk_length: int | None = None) -> Any:
        """float32, shape (mels, frames), lazy unless it had to be computed as a whole."""
        if not isinstance(waveform, LazyArray):
            return super().__call__(waveform, padding, chunk_length)
        if padding != self.hop_length or chunk_length is not None:
            raise TypeError("features of lazy audio are those of faster-whisper's defaults")
        samples = waveform.shape[-1]
        spectrum = Spectrum(self, waveform)
        lead = (self.mel_filters.shape[0],)
        if samples <= WINDOW_S * self.sampling_rate:
            return LazyArray.of(Whole(self, waveform), spectrum.frames, lead)
        layout = find_layout(*self.mel_filters.shape) if samples > AT_ONCE_S * self.sampling_rate else None
        if layout is None:
            return at_once(spectrum, self.mel_filters)
        return LazyArray.of(Blocks(spectrum, self.mel_filters, layout), spectrum.frames, lead)

    def whole(self, waveform: Floats) -> Floats:
        """What faster-whisper computes."""
        return cast("Floats", super().__call__(waveform))


class Whole:
    """Features of audio so short that computing them again is cheaper than keeping them."""

    def __init__(self, extractor: BoundedExtractor, audio: LazyArray) -> None:
        """Borrows both."""
        self._extractor = extractor
        self._audio = audio

    def read(self, first: int, last: int) -> Floats:
        """The features [first, last), computed anew."""
        return self._extractor.whole(np.asarray(self._audio))[..., first:last]


class Spectrum:
    """The power spectrum of audio, in stretches."""

    def __init__(self, extractor: FeatureExtractor, audio: LazyArray) -> None:
        """Borrows the audio: longer than a transform, padded by a hop of silence as faster-whisper does."""
        self._extractor = extractor
        self._audio = cast("LazyArray", np.pad(cast("Any", audio), (0, extractor.hop_length)))
        self._window = np.hanning(extractor.n_fft + 1)[:-1].astype("float32")
        self._margin = extractor.n_fft // 2
        self.frames = audio.shape[-1] // extractor.hop_length + 1
        self.bins = self._margin + 1

    def read(self, first: int, last: int) -> Floats:
        """Frames [first, last), float32, shape (bins, frames), each frame's bins side by side in memory."""
        hop = self._extractor.hop_length
        start, end = first * hop - self._margin, (last - 1) * hop + self._margin
        transformed = self._extractor.stft(
            self._mirrored(start, end), self._extractor.n_fft, hop, window=self._window, center=False,
            return_complex=True,
        ).astype("complex64")  # fmt: skip
        return cast("Floats", np.abs(transformed) ** 2)

    def _mirrored(self, start: int, end: int) -> Floats:
        """Samples [start, end) of the audio, mirrored at its ends."""
        length = self._audio.shape[-1]
        samples = self._audio.read(max(start, 0), min(end, length))
        if start < 0:
            samples = np.concatenate((self._audio.read(1, 1 - start)[::-1], samples))
        if end > length:
            samples = np.concatenate((samples, self._audio.read(2 * length - end - 1, length - 1)[::-1]))
        return samples


def at_once(spectrum: Spectrum, filters: Floats) -> Floats:
    """All features: one matrix product sees the whole file, as faster-whisper's."""
    power = np.empty((spectrum.frames, spectrum.bins), np.float32)
    for first in range(0, spectrum.frames, _BLOCK_FRAMES):
        last = min(first + _BLOCK_FRAMES, spectrum.frames)
        power[first:last] = spectrum.read(first, last).T
    logs = filters @ power.T
    del power
    np.clip(logs, 1e-10, None, out=logs)
    np.log10(logs, out=logs)
    return _scaled(logs, logs.max())


class Blocks:
    """Features of long audio, computed where they are read."""

    def __init__(self, spectrum: Spectrum, filters: Floats, layout: Layout) -> None:
        """Reads all of the audio once."""
        self._spectrum = spectrum
        self._filters = filters
        self._layout = layout
        self._blocks = list(blocks(layout, spectrum.frames))
        self._ends = [block.last for block in self._blocks]
        self._logs = functools.lru_cache(maxsize=_KEPT_BLOCKS)(self._compute)
        self._peak = max(self._compute(number).max() for number in range(len(self._blocks)))

    def read(self, first: int, last: int) -> Floats:
        """The features [first, last)."""
        numbers = range(bisect(self._ends, first), bisect(self._ends, last - 1) + 1)
        logs = np.concatenate([self._logs(number) for number in numbers], axis=1)
        offset = self._blocks[numbers.start].first
        return _scaled(logs[:, first - offset : last - offset].copy(), self._peak)

    def _compute(self, number: int) -> Floats:
        block = self._blocks[number]
        power = np.ascontiguousarray(self._spectrum.read(block.first - block.lead, block.last).T)
        mels = multiply(self._layout, self._filters, power, block)
        return cast("Floats", np.log10(np.clip(mels, 1e-10, None)))


def _scaled(logs: Floats, peak: np.float32) -> Floats:
    """In place, as faster-whisper scales: eight decades below the loudest value, then to about [-1, 1]."""
    np.maximum(logs, peak - 8.0, out=logs)
    logs += 4.0
    logs /= 4.0
    return logs
